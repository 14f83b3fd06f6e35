//! How many times as long each quantile of B is as that of A.
//!
//! The line compares the geometric means over runs; the band spans every pair of a run of A
//! with a run of B, so it shows what the runs themselves disagree about. Must not know: what
//! follows from it; that is judged by runs, not by requests.

use super::chart::{Axis, Chart, factor, share};
use super::{Scale, quantile};
use crate::human;

/// A quantile is shown while a run has that many requests beyond it.
const BEYOND: f64 = 10.0;
/// Between 5 % and the last one that is shown.
const STEPS: usize = 96;

/// One quantile of A and of B.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantileRatio {
    /// Which: 0.95 is the 95th percentile.
    pub share: f64,
    /// The geometric mean over runs of A, in seconds.
    pub a: f64,
    /// The same of B.
    pub b: f64,
    /// The smallest ratio of a run of B to a run of A.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

impl QuantileRatio {
    /// B over A.
    pub fn ratio(&self) -> f64 {
        self.b / self.a
    }
}

/// Runs of A and of B: what each answered request took, in seconds, rising.
pub struct QuantileRatios {
    /// Of A.
    pub a: Vec<Vec<f64>>,
    /// Of B.
    pub b: Vec<Vec<f64>>,
    /// The margin within which ratios count as equal.
    pub margin: f64,
}

impl QuantileRatios {
    /// The ratio at a quantile; `None` where a side has no run or takes no time.
    pub fn at(&self, share: f64) -> Option<QuantileRatio> {
        let a: Vec<f64> = self.a.iter().filter_map(|run| quantile(run, share)).collect();
        let b: Vec<f64> = self.b.iter().filter_map(|run| quantile(run, share)).collect();
        let usable = |side: &[f64]| side.iter().all(|value| value.is_finite() && *value > 0.0);
        if a.is_empty() || b.is_empty() || !usable(&a) || !usable(&b) {
            return None;
        }
        let least = |side: &[f64]| side.iter().copied().fold(f64::INFINITY, f64::min);
        let most = |side: &[f64]| side.iter().copied().fold(0.0, f64::max);
        Some(QuantileRatio {
            share,
            a: geometric_mean(&a),
            b: geometric_mean(&b),
            low: least(&b) / most(&a),
            high: most(&b) / least(&a),
        })
    }

    /// The highest quantile that enough requests of every run lie beyond.
    pub fn last(&self) -> f64 {
        let runs = self.a.iter().chain(&self.b).filter(|run| !run.is_empty());
        let fewest = runs.map(Vec::len).min().unwrap_or(0);
        (1.0 - BEYOND / fewest.max(1) as f64).clamp(0.9, 0.9999)
    }
}

/// The picture; `of` names what is shown, as in `time to first token`.
pub fn quantile_ratios(of: &str, runs: &QuantileRatios) -> String {
    let shares = Scale::logit(0.05, runs.last());
    let (first, last) = shares.ends();
    let odds = |share: f64| (share / (1.0 - share)).ln();
    let step = |at: usize| {
        let odds = odds(first) + (odds(last) - odds(first)) * at as f64 / STEPS as f64;
        1.0 / (1.0 + (-odds).exp())
    };
    let found: Vec<QuantileRatio> = (0..=STEPS).filter_map(|at| runs.at(step(at))).collect();
    let x = Axis { scale: shares, label: share, marks: 7, name: "quantile of requests" };
    let margin = (1.0 - runs.margin, 1.0 + runs.margin);
    let y = Axis { scale: ratio_scale(&found, margin), label: factor, marks: 5, name: "B / A" };
    let mut chart = Chart::new(x, y, 240);
    chart.shade_across("margin", margin);
    chart.level("one", 1.0);
    let band: Vec<_> = found.iter().map(|at| (at.share, at.low, at.high)).collect();
    chart.band("main", "every pair of a run of B with a run of A", &band);
    chart.line("main", "B / A, means over runs", found.iter().map(|at| (at.share, at.ratio())));
    chart.into_svg(&description(of, runs))
}

/// As far as the band goes, up to what twice the line needs: one stalled run must not flatten
/// all else.
fn ratio_scale(found: &[QuantileRatio], margin: (f64, f64)) -> Scale {
    let line = || found.iter().map(QuantileRatio::ratio);
    let reach = line().chain([margin.0, margin.1]).map(|ratio| ratio.ln().abs());
    let reach = reach.filter(|reach| reach.is_finite()).fold(0.0, f64::max);
    let bound = (reach * 2.0).exp();
    let band = found.iter().flat_map(|at| [at.low, at.high]);
    Scale::log(band.chain(line()).chain([margin.0, margin.1]).map(|r| r.clamp(1.0 / bound, bound)))
}

fn description(of: &str, runs: &QuantileRatios) -> String {
    let said = |share, name| {
        runs.at(share)
            .map(|at| format!(" {name} {}", human::change(at.ratio())))
            .unwrap_or_default()
    };
    let (median, tail) = (said(0.5, "median"), said(0.95, "p95"));
    if median.is_empty() {
        return format!("No {of} was measured on both sides.");
    }
    format!("Ratio of each quantile of {of}, B over A:{median},{tail}.")
}

fn geometric_mean(values: &[f64]) -> f64 {
    (values.iter().map(|value| value.ln()).sum::<f64>() / values.len() as f64).exp()
}
