//! How many requests took how long, over time. Each cell is a link to its requests.
//!
//! Must not know: which requests those are, or where a link leads.

use super::{Svg, at, escape};

const WIDTH: f64 = 720.0;
const LEFT: f64 = 58.0;
const ROW: f64 = 18.0;
const TOP: f64 = 4.0;
const BOTTOM: f64 = 24.0;
/// Shades from the fewest to the most; the style sheet has a class for each.
const SHADES: f64 = 7.0;

/// One picture.
#[derive(Clone, Debug)]
pub(in crate::admin) struct Heatmap {
    /// From the longest to the shortest.
    pub(in crate::admin) rows: Vec<Row>,
    /// What stands below, from left to right, with the column that it belongs to.
    pub(in crate::admin) marks: Vec<(usize, String)>,
    /// How many columns there are.
    pub(in crate::admin) columns: usize,
    /// A line: above which row it lies, and what it says.
    pub(in crate::admin) limit: Option<(f64, String)>,
}

/// Requests that took about as long.
#[derive(Clone, Debug)]
pub(in crate::admin) struct Row {
    /// How long; empty where there is no room for it.
    pub(in crate::admin) mark: String,
    /// In full, for the cells' titles.
    pub(in crate::admin) range: String,
    /// How many, column by column.
    pub(in crate::admin) counts: Vec<u64>,
}

/// The picture; `link` leads from a row and a column to the requests.
pub(in crate::admin) fn heatmap(
    map: &Heatmap,
    label: &str,
    link: impl Fn(usize, usize) -> String,
) -> String {
    let height = TOP + map.rows.len() as f64 * ROW + BOTTOM;
    let mut svg = Svg::with_links("heatmap", (WIDTH, height), label);
    let most = map.rows.iter().flat_map(|row| &row.counts).copied().max().unwrap_or(0);
    let column = (WIDTH - LEFT) / map.columns.max(1) as f64;
    for (row, index) in map.rows.iter().zip(0_usize..) {
        let y = TOP + index as f64 * ROW;
        if !row.mark.is_empty() {
            let mark = escape(&row.mark);
            svg.add(format_args!(
                "<text class=\"mark\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{mark}</text>",
                LEFT - 8.0,
                y + 13.0
            ));
        }
        for (count, at_column) in row.counts.iter().zip(0_usize..).filter(|(count, _)| **count > 0)
        {
            let x = at(LEFT + at_column as f64 * column);
            let (shade, href) = (shade(*count, most), escape(&link(index, at_column)));
            let title = escape(&format!("{count} requests, {}", row.range));
            svg.add(format_args!(
                "<a href=\"{href}\"><rect class=\"cell s{shade}\" x=\"{x}\" y=\"{y}\" width=\"{}\" \
                 height=\"{}\" rx=\"1.5\"><title>{title}</title></rect></a>",
                at((column - 1.0).max(1.0)),
                ROW - 1.0
            ));
        }
    }
    for (at_column, text) in &map.marks {
        let (x, text) = (at(LEFT + *at_column as f64 * column), escape(text));
        svg.add(format_args!(
            "<text class=\"mark\" x=\"{x}\" y=\"{}\">{text}</text>",
            height - 6.0
        ));
    }
    if let Some((row, text)) = &map.limit {
        let (y, text) = (at(TOP + row * ROW), escape(text));
        svg.add(format_args!(
            "<path class=\"limit\" d=\"M{LEFT} {y}H{WIDTH}\"/>\
             <text class=\"limit\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{text}</text>",
            WIDTH - 4.0,
            y - 4.0
        ));
    }
    svg.end()
}

/// By the logarithm: one slow request among thousands is still seen.
fn shade(count: u64, most: u64) -> u32 {
    let share = (count as f64).ln_1p() / (most as f64).ln_1p().max(f64::MIN_POSITIVE);
    (share * SHADES).ceil().clamp(1.0, SHADES) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_among_thousands_is_seen_and_leads_to_itself() {
        let row = |counts: &[u64]| Row {
            mark: "1 s".into(),
            range: "1 s to 2 s".into(),
            counts: counts.to_vec(),
        };
        let map = Heatmap {
            rows: vec![row(&[0, 1]), row(&[5_000, 0])],
            marks: vec![(0, "13:00".into())],
            columns: 2,
            limit: Some((1.0, "1.5 s".into())),
        };
        let svg = heatmap(&map, "latency", |row, column| format!("/r?row={row}&column={column}"));
        assert_eq!(svg.matches("<rect").count(), 2);
        assert!(svg.contains("class=\"cell s1\"") && svg.contains("class=\"cell s7\""), "{svg}");
        assert!(svg.contains("/r?row=0&amp;column=1"), "{svg}");
    }
}
