//! Columns of text that fit a width.
//!
//! Must not know: what is in them.

use super::style::{Colour, Paint, painted, width};

/// Between columns.
const GAP: &str = "  ";
/// A text column is not cut below that.
const LEAST: usize = 12;

/// A column.
#[derive(Clone, Copy)]
pub(super) struct Column {
    pub(super) head: &'static str,
    pub(super) side: Side,
    /// Those with the lowest are left out first where there is no room; `u8::MAX` stays.
    pub(super) worth: u8,
}

/// Where the text of a column lies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// A cell: safe text, and how it is painted.
#[derive(Clone)]
pub(super) struct Cell(pub(super) String, pub(super) Paint);

impl Cell {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self(text.into(), Paint::Plain)
    }
}

/// The head and the rows as lines, each at most `room` wide.
pub(super) fn grid(columns: &[Column], rows: &[Vec<Cell>], room: usize, colour: Colour) -> String {
    let mut widths: Vec<(usize, usize)> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| width(&cell.0));
            (at, cells.max().unwrap_or(0).max(width(column.head)))
        })
        .collect();
    while total(&widths) > room {
        let kept = widths.iter().enumerate();
        let least = kept.min_by_key(|(_, (at, _))| columns.get(*at).map_or(0, |c| c.worth));
        let Some((place, (at, _))) = least else { break };
        if columns.get(*at).is_none_or(|column| column.worth == u8::MAX) {
            break;
        }
        widths.remove(place);
    }
    narrow(&mut widths, room);
    let heads: Vec<Cell> =
        columns.iter().map(|column| Cell(column.head.to_owned(), Paint::Quiet)).collect();
    let mut text = String::new();
    for row in std::iter::once(&heads).chain(rows) {
        let cells = widths.iter().map(|(at, wide)| {
            let side = columns.get(*at).map_or(Side::Left, |column| column.side);
            row.get(*at).map_or_else(|| " ".repeat(*wide), |cell| set(cell, *wide, side, colour))
        });
        text.push_str(cells.collect::<Vec<_>>().join(GAP).trim_end());
        text.push('\n');
    }
    text
}

/// Takes what is missing from the widest column.
fn narrow(widths: &mut [(usize, usize)], room: usize) {
    let missing = total(widths).saturating_sub(room);
    if let Some((_, widest)) = widths.iter_mut().max_by_key(|(_, wide)| *wide) {
        *widest = widest.saturating_sub(missing).max(LEAST.min(*widest));
    }
}

fn total(widths: &[(usize, usize)]) -> usize {
    let gaps = widths.len().saturating_sub(1) * GAP.len();
    widths.iter().map(|(_, wide)| wide).sum::<usize>() + gaps
}

fn set(cell: &Cell, wide: usize, side: Side, colour: Colour) -> String {
    let text = cut(&cell.0, wide);
    let room = " ".repeat(wide.saturating_sub(width(&text)));
    let text = painted(&text, cell.1, colour);
    match side {
        Side::Left => format!("{text}{room}"),
        Side::Right => format!("{room}{text}"),
    }
}

/// At most `wide`, with an ellipsis where something is missing.
pub(super) fn cut(text: &str, wide: usize) -> String {
    if width(text) <= wide {
        return text.to_owned();
    }
    let mut kept = String::new();
    for letter in text.chars() {
        let more = width(letter.encode_utf8(&mut [0; 4]));
        if width(&kept) + more + 1 > wide {
            break;
        }
        kept.push(letter);
    }
    kept.push('…');
    kept
}
