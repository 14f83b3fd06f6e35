//! What the models are doing now: figures over the last minute, for pages.
//!
//! Samples the counters once a second, so that neither a request nor a page pays for it.
//! Must not know: how pages look.

use crate::observe::{Metrics, ModelSeries};
use crate::types::Outcome;
use parking_lot::RwLock;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// Samples kept; with one a second, the figures cover a minute.
const WINDOW: usize = 60;

/// Holds the last minute of samples and the figures made of them.
pub struct Sampler {
    metrics: Arc<Metrics>,
    samples: RwLock<VecDeque<Sample>>,
}

struct Sample {
    taken: Instant,
    models: Vec<Counts>,
}

#[derive(Clone, Default)]
struct Counts {
    outcomes: [u64; Outcome::ALL.len()],
    output_tokens: u64,
    first_token: Vec<u64>,
    duration: Vec<u64>,
}

/// The figures of all models.
#[derive(Clone, Debug)]
pub struct LiveFigures {
    /// Seconds that the figures cover, at most a minute.
    pub covers_seconds: f64,
    /// Models in the order they joined, `_other` last and only if it was used.
    pub models: Vec<ModelFigures>,
}

/// One model's figures. Rates and quantiles are of the last minute; `None` where nothing
/// was measured.
#[derive(Clone, Debug)]
pub struct ModelFigures {
    /// The label.
    pub name: String,
    /// Requests finished since the start of the process.
    pub requests_total: u64,
    /// Requests finished a second.
    pub requests_per_second: f64,
    /// Share of successes among the requests that succeeded or failed by no fault or wish of
    /// the caller, 0 to 1.
    pub success_ratio: Option<f64>,
    /// Median and 95th percentile of first-token times, in seconds.
    pub first_token: Option<Quantiles>,
    /// Median and 95th percentile of whole requests, in seconds.
    pub duration: Option<Quantiles>,
    /// Output tokens a second, as counted by the upstream.
    pub tokens_per_second: f64,
    /// Requests being worked on now.
    pub in_flight: i64,
}

/// Two points of a distribution, in seconds, interpolated within a histogram bucket.
#[derive(Clone, Copy, Debug)]
pub struct Quantiles {
    /// The median.
    pub p50: f64,
    /// The 95th percentile.
    pub p95: f64,
}

impl Sampler {
    /// A sampler of `metrics` that has seen nothing yet.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, samples: RwLock::default() }
    }

    /// Takes a sample; to be called once a second.
    pub fn sample(&self, now: Instant) {
        let models = self.metrics.models().iter().map(|model| Counts::of(model)).collect();
        let mut samples = self.samples.write();
        if samples.len() > WINDOW {
            samples.pop_front();
        }
        samples.push_back(Sample { taken: now, models });
    }

    /// The figures from the oldest sample kept until `now`.
    pub fn figures(&self, now: Instant) -> LiveFigures {
        let samples = self.samples.read();
        let oldest = samples.front();
        let covers = oldest.map_or(0.0, |s| now.saturating_duration_since(s.taken).as_secs_f64());
        let models = self.metrics.models();
        let figures = |(slot, model): (usize, &Arc<ModelSeries>)| {
            let before = oldest.and_then(|s| s.models.get(slot)).cloned().unwrap_or_default();
            ModelFigures::between(model, &before, covers)
        };
        let mut figures: Vec<_> = models.iter().enumerate().map(figures).collect();
        let other = figures.remove(0);
        figures.extend((other.requests_total > 0).then_some(other));
        LiveFigures { covers_seconds: covers, models: figures }
    }
}

impl Counts {
    fn of(model: &ModelSeries) -> Self {
        let mut first_token = Vec::new();
        for histogram in model.first_token_times() {
            add_all(&mut first_token, &histogram.counts());
        }
        Self {
            outcomes: Outcome::ALL.map(|outcome| model.requests(outcome)),
            output_tokens: model.output_tokens(),
            first_token,
            duration: model.durations().counts(),
        }
    }
}

impl ModelFigures {
    fn between(model: &ModelSeries, before: &Counts, seconds: f64) -> Self {
        let now = Counts::of(model);
        let ended = |outcome: Outcome| {
            let index = outcome.index();
            now.outcomes[index].saturating_sub(before.outcomes[index])
        };
        let finished: u64 = Outcome::ALL.into_iter().map(ended).sum();
        let nobodys = ended(Outcome::ClientError) + ended(Outcome::ClientCancelled);
        let judged = finished - nobodys;
        let per_second = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let bounds = model.first_token_times().next().map_or(&[][..], |h| h.bounds());
        Self {
            name: model.name().to_owned(),
            requests_total: now.outcomes.iter().sum(),
            requests_per_second: per_second(finished),
            success_ratio: (judged > 0).then(|| ended(Outcome::Success) as f64 / judged as f64),
            first_token: quantiles(bounds, &now.first_token, &before.first_token),
            duration: quantiles(model.durations().bounds(), &now.duration, &before.duration),
            tokens_per_second: per_second(now.output_tokens.saturating_sub(before.output_tokens)),
            in_flight: model.in_flight().get(),
        }
    }
}

fn add_all(sum: &mut Vec<u64>, counts: &[u64]) {
    sum.resize(counts.len(), 0);
    for (total, count) in sum.iter_mut().zip(counts) {
        *total += count;
    }
}

fn quantiles(bounds: &[f64], now: &[u64], before: &[u64]) -> Option<Quantiles> {
    let earlier = before.iter().copied().chain(std::iter::repeat(0));
    let counts: Vec<u64> =
        now.iter().zip(earlier).map(|(now, before)| now.saturating_sub(before)).collect();
    let total: u64 = counts.iter().sum();
    (total > 0).then(|| Quantiles {
        p50: quantile(bounds, &counts, 0.50 * total as f64),
        p95: quantile(bounds, &counts, 0.95 * total as f64),
    })
}

/// Linear within the bucket, as Prometheus' `histogram_quantile` does; beyond the last
/// bound, that bound.
fn quantile(bounds: &[f64], counts: &[u64], rank: f64) -> f64 {
    let (mut below, mut lower) = (0.0, 0.0);
    for (bound, count) in bounds.iter().zip(counts) {
        let within = *count as f64;
        if below + within >= rank && within > 0.0 {
            return lower + (bound - lower) * ((rank - below) / within);
        }
        below += within;
        lower = *bound;
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate_within_a_bucket() {
        let found = quantiles(&[1.0, 2.0], &[10, 10, 0], &[0, 0, 0]).unwrap();
        assert_eq!((found.p50, found.p95), (1.0, 1.9));
        let beyond = quantiles(&[1.0, 2.0], &[0, 0, 4], &[]).unwrap();
        assert_eq!(beyond.p50, 2.0);
        assert!(quantiles(&[1.0], &[3, 0], &[3, 0]).is_none());
    }
}
