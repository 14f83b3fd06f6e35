//! Which metrics decide, and what it costs to look at several.
//!
//! Every further metric is a further chance of a false alarm, and Holm's correction (1979)
//! takes it back: the smallest of `m` p-values counts `m` times, the next `m - 1` times. But
//! five and five runs have no p below 2/252 = 0.0079, so with seven metrics nothing could ever
//! be significant at 0.05, and with four only what separates the runs without any overlap. So
//! only few metrics decide, the primary ones, which have to be named before the runs are
//! seen. All others are informative: corrected among themselves, shown, and decide nothing.
//!
//! The primary ones, where nobody names others: p95 TTFT and p95 latency, how long users wait
//! for the beginning and for the end, and the share of failures, without which a server gets
//! fast by refusing. The same metric from the send, at other quantiles, or per token moves with
//! these, and says where to look once they have moved.
//!
//! A metric that is the same in all runs, as failures mostly are, is left out of the count:
//! relabelling cannot make it significant, and that is known without knowing the labels
//! (Tarone 1990).
//!
//! Must not know: how a p comes about.

use super::swaps::smallest_p;
use crate::replay::{Metric, Quantity, Statistic};

/// The metrics that decide where nobody names others.
pub const PRIMARY: [Metric; 3] = [
    Metric { quantity: Quantity::Ttft, statistic: Statistic::P95 },
    Metric { quantity: Quantity::Latency, statistic: Statistic::P95 },
    Metric { quantity: Quantity::Failures, statistic: Statistic::Total },
];

/// Holm's correction, in the order of `p`.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|x, y| p[*x].total_cmp(&p[*y]));
    let mut adjusted = vec![1.0; p.len()];
    let mut least = 0.0_f64;
    for (smaller, at) in order.into_iter().enumerate() {
        least = least.max(p[at] * (p.len() - smaller) as f64).min(1.0);
        adjusted[at] = least;
    }
    adjusted
}

/// Whether the clearest difference there can be would be significant among `metrics`.
pub fn can_decide(runs: (usize, usize), metrics: usize, alpha: f64) -> bool {
    smallest_p(runs.0, runs.1) * metrics as f64 <= alpha
}

/// The runs of each arm that it takes for that.
pub fn runs_to_decide(metrics: usize, alpha: f64) -> Option<usize> {
    (2..=64).find(|runs| can_decide((*runs, *runs), metrics, alpha))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_is_that_of_the_paper() {
        let close = |found: &[f64], expected: &[f64]| {
            assert_eq!(found.len(), expected.len());
            found
                .iter()
                .zip(expected)
                .for_each(|(x, y)| assert!((x - y).abs() < 1e-12, "{found:?}"));
        };
        close(&holm(&[0.01, 0.04, 0.03]), &[0.03, 0.06, 0.06]);
        close(&holm(&[0.6, 0.5]), &[1.0, 1.0]);
        close(&holm(&[]), &[]);
    }

    #[test]
    fn five_runs_cannot_tell_seven_metrics_apart() {
        assert!(can_decide((5, 5), 6, 0.05));
        assert!(!can_decide((5, 5), 7, 0.05));
        assert_eq!(runs_to_decide(7, 0.05), Some(6));
        assert_eq!(runs_to_decide(1, 0.05), Some(4));
        assert_eq!(runs_to_decide(1, 1e-30), None);
    }
}
