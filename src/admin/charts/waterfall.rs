//! What happened when within one request: a bar for each thing, on one axis of time.
//!
//! Must not know: what the things are.

use super::{Svg, at, escape, ruler};
use crate::human;

/// Units of the picture, about a pixel each.
const WIDTH: f64 = 1_160.0;
const LEFT: f64 = 164.0;
const RIGHT: f64 = 92.0;
const TOP: f64 = 30.0;
const ROW: f64 = 26.0;
const BAR: f64 = 13.0;
/// About as wide as a letter is.
const LETTER: f64 = 6.4;
/// A bar that is shorter is drawn this wide: it happened.
const LEAST: f64 = 2.0;

/// What a bar is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Kind {
    /// The proxy itself.
    Own,
    /// An attempt that went well.
    Good,
    /// A part of it.
    Part,
    /// An attempt that failed.
    Bad,
}

/// One thing that took some time.
#[derive(Clone, Debug)]
pub(in crate::admin) struct Bar {
    /// What it is.
    pub(in crate::admin) name: String,
    /// When it began and ended, in seconds since the request was received.
    pub(in crate::admin) span: (f64, f64),
    /// What is said behind it.
    pub(in crate::admin) note: String,
    /// What it is about.
    pub(in crate::admin) kind: Kind,
}

impl Kind {
    const fn class(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Good => "good",
            Self::Part => "part",
            Self::Bad => "bad",
        }
    }
}

/// The bars below one another, over `total` seconds.
pub(in crate::admin) fn waterfall(bars: &[Bar], total: f64) -> String {
    let height = TOP + bars.len() as f64 * ROW + 6.0;
    let said: Vec<String> = bars.iter().map(|bar| format!("{}: {}", bar.name, bar.note)).collect();
    let mut svg = Svg::new("waterfall", (WIDTH, height), &said.join("; "));
    let total = total.max(1e-6);
    let x = |seconds: f64| LEFT + (seconds / total).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT);
    for mark in ruler::marks(total, 7) {
        let (x, text) = (at(x(mark)), human::brief(&human::seconds(mark)));
        svg.add(format_args!(
            "<path class=\"grid\" d=\"M{x} {TOP}V{height}\"/>\
             <text class=\"mark\" x=\"{x}\" y=\"18\" text-anchor=\"middle\">{text}</text>"
        ));
    }
    for (bar, row) in bars.iter().zip(0_u32..) {
        let y = TOP + f64::from(row) * ROW;
        let (from, to) = (x(bar.span.0), x(bar.span.1));
        let width = (to - from).max(LEAST);
        let (name, note, class) = (escape(&bar.name), escape(&bar.note), bar.kind.class());
        let inset = if bar.kind == Kind::Part { 10.0 } else { 0.0 };
        // Behind the bar, or before it where there is no room.
        let behind = from + width + 6.0;
        let fits = behind + bar.note.chars().count() as f64 * LETTER <= WIDTH;
        let (beside, anchor) = if fits { (behind, "start") } else { (from - 6.0, "end") };
        svg.add(format_args!(
            "<text class=\"name\" x=\"{inset}\" y=\"{}\">{name}</text>\
             <rect class=\"bar {class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{BAR}\" rx=\"2\"/>\
             <text class=\"note\" x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{note}</text>",
            y + 15.0,
            at(from),
            y + 5.0,
            at(width),
            at(beside),
            y + 15.0,
        ));
    }
    svg.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_lie_where_their_time_was_and_names_are_no_markup() {
        let bar = |name: &str, from, to| Bar {
            name: name.into(),
            span: (from, to),
            note: "n".into(),
            kind: Kind::Good,
        };
        let svg = waterfall(&[bar("<b>", 0.0, 5.0), bar("b", 5.0, 5.0)], 10.0);
        assert!(svg.contains("&lt;b&gt;") && !svg.contains("<b>"), "{svg}");
        assert!(svg.contains("x=\"164\" y=\"35\" width=\"452\""), "{svg}");
        assert!(svg.contains("x=\"616\" y=\"61\" width=\"2\""), "what took no time is seen: {svg}");
    }
}
