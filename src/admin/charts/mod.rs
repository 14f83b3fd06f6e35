//! Pictures as SVG, made here so that a page shows them without a script.
//!
//! | file | shows |
//! |---|---|
//! | `sparkline` | how a figure went |
//! | `heatmap` | how many requests took how long, over time |
//! | `lines` | how a few figures went, with axes |
//! | `minutes` | how the attempts of an hour ended |
//! | `budget` | what was left of an error budget, and when it is gone |
//! | `waterfall` | what happened when within one request |
//! | `stream` | when each chunk of a stream came |
//! | `ruler` | where round numbers lie on an axis of time |
//!
//! Colours are classes of the style sheet: no picture has a style of its own (Content Security
//! Policy). All text goes through [`escape`]. Must not know: where figures come from.

mod budget;
mod heatmap;
mod lines;
mod minutes;
mod ruler;
mod sparkline;
mod stream;
mod waterfall;

pub(super) use budget::{BudgetPoint, burn_down};
pub(super) use heatmap::{Heatmap, Row, heatmap};
pub(super) use lines::{Line, Lines, Unit, clock};
pub(super) use minutes::minutes;
pub(super) use sparkline::sparkline;
pub(super) use stream::{Chunk, Strip, strip};
pub(super) use waterfall::{Bar, Kind, waterfall};

use std::fmt::Write;

/// A picture that is written piece by piece.
struct Svg {
    text: String,
}

impl Svg {
    /// Of this size in its own units; as wide as its place, with its proportions. `label` is
    /// what it shows, for those who do not see it.
    fn new(class: &str, size: (f64, f64), label: &str) -> Self {
        Self::of(class, size, ("img", label))
    }

    /// The same with links in it, which are found one by one.
    fn with_links(class: &str, size: (f64, f64), label: &str) -> Self {
        Self::of(class, size, ("group", label))
    }

    fn of(class: &str, (width, height): (f64, f64), (role, label): (&str, &str)) -> Self {
        let mut text = String::with_capacity(2_048);
        let label = escape(label);
        write!(
            text,
            "<svg class=\"{class}\" viewBox=\"0 0 {width} {height}\" role=\"{role}\" \
             aria-label=\"{label}\">"
        )
        .ok();
        Self { text }
    }

    fn add(&mut self, piece: std::fmt::Arguments<'_>) {
        self.text.write_fmt(piece).ok();
    }

    fn end(mut self) -> String {
        self.text.push_str("</svg>");
        self.text
    }
}

/// Text that is markup for nobody.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&#34;"),
            '\'' => safe.push_str("&#39;"),
            // What turns the direction of all that follows.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            letter if letter.is_control() => {}
            letter => safe.push(letter),
        }
    }
    safe
}

/// A coordinate with no more digits than can be seen.
fn at(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
