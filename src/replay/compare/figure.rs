//! What is known of a metric beside its values: its name, its unit, which way is better, and
//! on which scale it is compared.
//!
//! Must not know: how it is compared.

use crate::replay::{Better, Metric, Quantity, Statistic};
use std::fmt;

/// The scale on which a metric is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// By ratios: logarithms, whose noise does not grow with the value.
    Ratio,
    /// By differences, because a value may be 0.
    Difference,
}

impl Metric {
    /// Which direction is better.
    pub const fn better(self) -> Better {
        match self.quantity {
            Quantity::OutputTokens | Quantity::Goodput | Quantity::SendRate => Better::Higher,
            Quantity::Ttft
            | Quantity::TtftFromSend
            | Quantity::Latency
            | Quantity::LatencyFromSend
            | Quantity::InterChunk
            | Quantity::Tpot
            | Quantity::Failures => Better::Lower,
        }
    }

    /// Whether it is a share, from 0 to 1. A share is compared by differences even where it
    /// is never 0: from one failure in a thousand to two is little, not twice as much.
    pub const fn is_share(self) -> bool {
        matches!(self.quantity, Quantity::Failures)
    }

    /// The scale for these values of it.
    pub fn scale(self, values: &[f64]) -> Scale {
        let has_logarithms = values.iter().all(|value| *value > 0.0);
        if has_logarithms && !self.is_share() { Scale::Ratio } else { Scale::Difference }
    }

    /// What a difference is counted in; shares in percentage points.
    pub const fn unit(self) -> &'static str {
        match self.quantity {
            Quantity::OutputTokens => "tokens/s",
            Quantity::Goodput | Quantity::SendRate => "requests/s",
            Quantity::Failures => "percentage points",
            Quantity::Ttft
            | Quantity::TtftFromSend
            | Quantity::Latency
            | Quantity::LatencyFromSend
            | Quantity::InterChunk
            | Quantity::Tpot => "s",
        }
    }
}

impl Scale {
    /// `value` on this scale.
    pub fn of(self, value: f64) -> f64 {
        match self {
            Self::Ratio => value.ln(),
            Self::Difference => value,
        }
    }
}

/// As it is said in a sentence: `p95 TTFT`.
impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.statistic {
            Statistic::Mean => "mean ",
            Statistic::P50 => "p50 ",
            Statistic::P90 => "p90 ",
            Statistic::P95 => "p95 ",
            Statistic::P99 => "p99 ",
            Statistic::Total => "",
        })?;
        f.write_str(match self.quantity {
            Quantity::Ttft => "TTFT",
            Quantity::TtftFromSend => "TTFT from the send",
            Quantity::Latency => "latency",
            Quantity::LatencyFromSend => "latency from the send",
            Quantity::InterChunk => "inter-chunk latency",
            Quantity::Tpot => "time per output token",
            Quantity::OutputTokens => "output rate",
            Quantity::Goodput => "goodput",
            Quantity::Failures => "share of failures",
            Quantity::SendRate => "send rate",
        })
    }
}
