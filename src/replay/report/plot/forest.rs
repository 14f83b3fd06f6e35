//! Ratios with their intervals on one scale around 1, a strip for each row of a table.
//!
//! The strips are hidden from screen readers: the row says the same in numbers. Must not know:
//! what a ratio is of, or what follows from it.

use super::chart::{escape, factor, percent, write};
use super::scale::Rank;
use super::{Scale, quantile};
use crate::human;

/// The scale never ends before that factor, nor does it go beyond [`WIDEST`].
const NARROWEST: f64 = 1.06;
const WIDEST: f64 = 4.0;
/// It is made for three of four ratios, with so much room; one that nobody knows anything about
/// must not push all others together. What does not fit ends in an arrow.
const FITTED: f64 = 0.75;
const ROOM: f64 = 1.3;
/// The height of a strip, in pixels, and where things are in it.
const HEIGHT: u32 = 48;
const A_RUNS: u32 = 12;
const MIDDLE: u32 = 24;
const B_RUNS: u32 = 36;

/// A ratio with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForestMark {
    /// The estimate.
    pub value: f64,
    /// Where its interval begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
}

/// A run beside the mean of A.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Which.
    pub name: String,
    /// Its value over the mean of the runs of A.
    pub ratio: f64,
}

/// The scale that all strips share.
pub struct Forest {
    scale: Scale,
    margin: f64,
}

impl Forest {
    /// A scale for these ratios; `margin` is how far from 1 counts as equal.
    pub fn new(marks: &[ForestMark], margin: f64) -> Self {
        let margin = if margin.is_finite() { margin.clamp(0.0, 0.9) } else { 0.0 };
        let mut reaches: Vec<f64> = marks.iter().filter_map(reach).collect();
        reaches.sort_by(f64::total_cmp);
        let fitted = (quantile(&reaches, FITTED).unwrap_or(0.0) * ROOM).exp();
        let least = (1.0 + margin * 1.6).max(NARROWEST);
        Self { scale: Scale::around_one(fitted.clamp(least, WIDEST.max(least))), margin }
    }

    /// The marks of the scale, for the head of the column.
    pub fn axis(&self) -> String {
        let mut inside = String::new();
        for tick in self.scale.ticks(6) {
            let Some(x) = self.scale.place(tick.value) else { continue };
            let rank =
                if tick.rank == Rank::Major || tick.value == 1.0 { "major" } else { "minor" };
            let (x, label) = (percent(x), escape(&factor(tick.value)));
            write(
                &mut inside,
                format_args!(
                    r#"<text class="tick {rank}" x="{x}" y="12" text-anchor="middle">{label}</text>"#
                ),
            );
        }
        format!(
            r#"<svg class="strip axis" aria-hidden="true" width="100%" height="16" overflow="visible">{inside}</svg>"#
        )
    }

    /// One row: the margin, the interval with its estimate, the runs of A above and those of B
    /// below. `class` is that of what follows from it.
    pub fn strip(&self, class: &str, mark: ForestMark, (a, b): (&[Run], &[Run])) -> String {
        let mut inside = self.ground();
        self.draw_runs(&mut inside, "base", (a, A_RUNS));
        self.draw_runs(&mut inside, "main", (b, B_RUNS));
        let places = [mark.low, mark.value, mark.high].map(|value| self.scale.place(value));
        if let [Some(low), Some(value), Some(high)] = places {
            let title = format!(
                "{} ({} to {})",
                human::change(mark.value),
                human::change(mark.low),
                human::change(mark.high)
            );
            let (low, value, high, title) =
                (percent(low), percent(value), percent(high), escape(&title));
            // An estimate that lies beyond is told by the arrow alone.
            let dot = if self.scale.holds(mark.value) {
                format!(r#"<circle cx="{value}" cy="{MIDDLE}" r="4.5"/>"#)
            } else {
                String::new()
            };
            write(
                &mut inside,
                format_args!(
                    r#"<g class="interval {class}"><title>{title}</title><line x1="{low}" x2="{high}" y1="{MIDDLE}" y2="{MIDDLE}"/>{dot}</g>"#
                ),
            );
            self.draw_ends(&mut inside, class, mark);
        }
        svg(&inside)
    }

    /// A row without a ratio.
    pub fn empty_strip(&self) -> String {
        svg(&self.ground())
    }

    fn ground(&self) -> String {
        let place = |ratio| self.scale.place(ratio).unwrap_or(0.5);
        let (low, high) = (place(1.0 - self.margin), place(1.0 + self.margin));
        let (x, width, one) = (percent(low), percent(high - low), percent(place(1.0)));
        format!(
            r#"<rect class="shade margin" x="{x}" width="{width}" height="100%"/><line class="rule one" x1="{one}" x2="{one}" y1="0" y2="100%"/>"#
        )
    }

    fn draw_runs(&self, into: &mut String, class: &str, (runs, y): (&[Run], u32)) {
        for run in runs.iter().filter(|run| self.scale.holds(run.ratio)) {
            let Some(x) = self.scale.place(run.ratio).map(percent) else { continue };
            let title = escape(&format!("{}: {}", run.name, human::change(run.ratio)));
            write(
                into,
                format_args!(
                    r#"<circle class="run {class}" cx="{x}" cy="{y}" r="2.2"><title>{title}</title></circle>"#
                ),
            );
        }
    }

    /// Arrow heads where the interval goes on beyond the scale.
    fn draw_ends(&self, into: &mut String, class: &str, mark: ForestMark) {
        let (first, last) = self.scale.ends();
        let baseline = MIDDLE + 5;
        if mark.low < first {
            write(
                into,
                format_args!(
                    r#"<text class="beyond {class}" x="0" dx="-3" y="{baseline}" text-anchor="middle">‹</text>"#
                ),
            );
        }
        if mark.high > last {
            write(
                into,
                format_args!(
                    r#"<text class="beyond {class}" x="100%" dx="3" y="{baseline}" text-anchor="middle">›</text>"#
                ),
            );
        }
    }
}

/// How far the interval goes from 1, as a logarithm; `None` where it has no end.
fn reach(mark: &ForestMark) -> Option<f64> {
    let reach = [mark.value, mark.low, mark.high].map(|value| value.ln().abs());
    let reach = reach.iter().all(|reach| reach.is_finite()).then_some(reach)?;
    reach.into_iter().reduce(f64::max)
}

fn svg(inside: &str) -> String {
    format!(
        r#"<svg class="strip" aria-hidden="true" width="100%" height="{HEIGHT}" overflow="visible">{inside}</svg>"#
    )
}
