//! A few figures over time, with axes.
//!
//! The picture is whole by itself; with it come its numbers, for a script that makes it one to
//! look closer at. Must not know: what the figures are, or where they come from.

use super::{Svg, at, escape, ruler};
use serde::Serialize;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 8.0;
const BASE: f64 = 176.0;
/// Marks on the upright axis at most.
const MARKS: usize = 4;
/// Periods longer than that have days below them instead of hours.
const LONG: Duration = Duration::from_secs(36 * 3_600);

/// Figures over time. The style sheet has a class for each of the first three.
#[derive(Clone, Debug, Serialize)]
pub(in crate::admin) struct Lines {
    /// What all of them are.
    pub(in crate::admin) unit: Unit,
    /// When each step begins, in seconds since 1970.
    pub(in crate::admin) at: Vec<u64>,
    /// One or more, each with a value a step.
    pub(in crate::admin) lines: Vec<Line>,
}

/// What a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::admin) enum Unit {
    Seconds,
    PerSecond,
}

/// A figure over time; null where nothing is known.
#[derive(Clone, Debug, Serialize)]
pub(in crate::admin) struct Line {
    pub(in crate::admin) name: &'static str,
    pub(in crate::admin) values: Vec<Option<f64>>,
}

impl Lines {
    /// Whether there is anything to be seen.
    pub(in crate::admin) fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| line.values.iter().all(Option::is_none))
    }

    /// The numbers, as JSON.
    pub(in crate::admin) fn data(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The picture.
    pub(in crate::admin) fn picture(&self, label: &str) -> String {
        let known = self.lines.iter().flat_map(|line| line.values.iter().flatten());
        let high = known.copied().filter(|value| value.is_finite()).fold(0.0, f64::max);
        let high = if high > 0.0 { high * 1.05 } else { 1.0 };
        let mut svg = Svg::new("lines", (WIDTH, HEIGHT), label);
        self.axes(&mut svg, high);
        for (line, number) in self.lines.iter().zip(1..) {
            let path = self.path(&line.values, high);
            svg.add(format_args!("<path class=\"l{number}\" d=\"{path}\"/>"));
        }
        svg.end()
    }

    fn axes(&self, svg: &mut Svg, high: f64) {
        for mark in ruler::marks(high, MARKS) {
            let y = height(mark, high);
            let text = escape(&self.unit.said(mark));
            svg.add(format_args!(
                "<path class=\"grid\" d=\"M{LEFT} {y}H{}\"/>\
                 <text class=\"mark\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{text}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                y + 4.0
            ));
        }
        let last = self.at.len().saturating_sub(1);
        for (step, anchor) in [(0, "start"), (last / 2, "middle"), (last, "end")] {
            let (x, text) = (self.place(step), escape(&self.clock(step)));
            svg.add(format_args!(
                "<text class=\"mark\" x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{text}</text>",
                HEIGHT - 6.0
            ));
        }
    }

    /// Through what is known, with gaps where nothing is.
    fn path(&self, values: &[Option<f64>], high: f64) -> String {
        let mut path = String::new();
        let mut goes_on = false;
        for (value, step) in values.iter().zip(0_usize..) {
            let Some(value) = value.filter(|value| value.is_finite()) else {
                goes_on = false;
                continue;
            };
            let (x, y) = (self.place(step), height(value, high));
            path.push_str(&format!("{}{x} {y}", if goes_on { 'L' } else { 'M' }));
            let is_alone = !goes_on && values.get(step + 1).is_none_or(Option::is_none);
            if is_alone {
                // A dot as wide as the line.
                path.push_str("h0.1");
            }
            goes_on = true;
        }
        path
    }

    fn place(&self, step: usize) -> f64 {
        let steps = self.at.len().saturating_sub(1).max(1) as f64;
        at(LEFT + step as f64 / steps * (WIDTH - LEFT - RIGHT))
    }

    fn clock(&self, step: usize) -> String {
        let Some(seconds) = self.at.get(step) else { return String::new() };
        let long =
            self.at.last().zip(self.at.first()).is_some_and(|(last, first)| {
                Duration::from_secs(last.saturating_sub(*first)) > LONG
            });
        clock(UNIX_EPOCH + Duration::from_secs(*seconds), long)
    }
}

impl Unit {
    fn said(self, value: f64) -> String {
        crate::human::brief(&match self {
            Self::Seconds => crate::human::seconds(value),
            Self::PerSecond => crate::human::number(value),
        })
    }
}

fn height(value: f64, high: f64) -> f64 {
    at(BASE - (value / high).clamp(0.0, 1.0) * (BASE - TOP))
}

/// `10:05`, or `11-21` where there are days of it; UTC.
pub(in crate::admin) fn clock(time: SystemTime, long: bool) -> String {
    let text = humantime::format_rfc3339_seconds(time).to_string();
    let part = if long { text.get(5..10) } else { text.get(11..16) };
    part.unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(values: Vec<Option<f64>>) -> Lines {
        let at = (0..values.len() as u64).map(|minute| minute * 60).collect();
        Lines { unit: Unit::Seconds, at, lines: vec![Line { name: "p50", values }] }
    }

    #[test]
    fn what_is_not_known_is_a_gap_and_what_stands_alone_is_a_dot() {
        let chart = lines(vec![Some(1.0), Some(2.0), None, Some(1.5)]);
        let svg = chart.picture("latency");
        let path = svg.split("class=\"l1\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(path.matches('M').count(), 2, "{path}");
        assert!(path.ends_with("h0.1"), "{path}");
        assert!(svg.contains(">2 s<") && svg.contains(">00:03<"), "{svg}");
    }

    #[test]
    fn nothing_known_is_empty() {
        assert!(lines(vec![None, None]).is_empty());
        assert!(!lines(vec![None, Some(0.0)]).is_empty());
        assert!(lines(vec![]).picture("nothing").ends_with("</svg>"));
    }
}
