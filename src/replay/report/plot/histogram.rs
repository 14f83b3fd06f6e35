//! How late requests were sent, and from where on a run does not count.
//!
//! Must not know: why a sender was late.

use super::chart::{Axis, Chart, seconds, share};
use super::{Ink, Scale};
use crate::human;

/// Requests of one side that were late by between `from` and `to` seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistogramBar {
    /// The shortest.
    pub from: f64,
    /// The longest.
    pub to: f64,
    /// How many, as a share of that side's.
    pub share: f64,
    /// Whose they are.
    pub ink: Ink,
}

/// What is shown.
pub struct Histogram {
    /// The bars of all sides.
    pub bars: Vec<HistogramBar>,
    /// The 99th percentile of each run, in seconds.
    pub p99: Vec<(String, Ink, f64)>,
    /// From where on a run does not count, in seconds: the strictest of all runs.
    pub limit: Option<f64>,
}

/// The picture. Bars of A are outlines, those of B are filled; the two overlap.
pub fn lag_histogram(shown: &Histogram) -> String {
    let ends = shown.bars.iter().flat_map(|bar| [bar.from, bar.to]);
    let scale = Scale::log(ends.chain(shown.p99.iter().map(|p99| p99.2)).chain(shown.limit));
    let x = Axis { scale, label: seconds, marks: 8, name: "send lag, logarithmic" };
    let shares = Scale::from_zero(shown.bars.iter().map(|bar| bar.share));
    let y = Axis { scale: shares, label: share, marks: 5, name: "share of requests" };
    let mut chart = Chart::new(x, y, 160);
    // Outlines lie above what is filled.
    for ink in [Ink::Main, Ink::Base] {
        for bar in shown.bars.iter().filter(|bar| bar.ink == ink && bar.share > 0.0) {
            let (from, to) = (human::seconds(bar.from), human::seconds(bar.to));
            let title = format!("{from} to {to}: {}", human::share(bar.share));
            chart.bar(ink.class(), &title, (bar.from, bar.to), bar.share);
        }
    }
    for (name, ink, p99) in &shown.p99 {
        let title = format!("{name}: 99 % within {}", human::seconds(*p99));
        chart.pointer(ink.class(), &title, *p99);
    }
    if let Some(limit) = shown.limit {
        chart.upright("limit", &format!("invalid from {}", seconds(limit)), limit);
    }
    chart.into_svg(&description(shown))
}

fn description(shown: &Histogram) -> String {
    let worst = shown.p99.iter().map(|p99| p99.2).filter(|p99| p99.is_finite());
    let Some(worst) = worst.reduce(f64::max) else {
        return "No request was sent.".to_owned();
    };
    let worst = human::seconds(worst);
    let limit = shown.limit.map_or_else(String::new, |limit| {
        format!("; a run does not count from {} on", seconds(limit))
    });
    format!("How late requests were sent: 99 % of the worst run within {worst}{limit}.")
}
