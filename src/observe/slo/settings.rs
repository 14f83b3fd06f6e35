//! What an operator says about objectives, validated.
//!
//! Must not know: TOML, or how events are counted.

use crate::types::Operation;
use std::time::Duration;

/// The most objectives there can be: a record keeps its verdicts as bits.
pub const MOST_OBJECTIVES: usize = 64;

/// One objective. The names follow OpenSLO v1.
#[derive(Clone, Debug, PartialEq)]
pub struct SloSettings {
    /// Unique; a metric label.
    pub name: String,
    /// Whose requests count.
    pub scope: SloScope,
    /// What makes a request good.
    pub indicator: Indicator,
    /// The share of good events that is promised, above 0 and below 1.
    pub objective: f64,
    /// The time over which it is promised: 1 to 90 days.
    pub window: Duration,
    /// Whether an upstream's 429 that reaches the caller counts as bad.
    pub upstream_429: Upstream429,
}

/// Whose requests count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SloScope {
    /// Each configured or discovered model whose name matches has a budget of its own; `*`
    /// stands for any text, `?` for one character.
    Models(String),
    /// One budget for all requests of a route.
    Route(Operation),
}

/// What makes a request good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indicator {
    /// It was answered to its end.
    Availability,
    /// A stream's first token came in time.
    FirstToken(Duration),
    /// The time per output token after the first was kept.
    PerToken(Duration),
    /// The whole answer came in time.
    Latency(Duration),
    /// It was answered, and every limit that is given was kept.
    Goodput(Goodput),
}

/// The limits of a good answer; at least one is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Goodput {
    /// Until the first token; for streams.
    pub first_token: Option<Duration>,
    /// Per output token after the first; for streams.
    pub per_token: Option<Duration>,
    /// The whole answer.
    pub latency: Option<Duration>,
}

/// What an upstream's own 429 means when the caller gets to see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Upstream429 {
    /// A promise that was not kept.
    #[default]
    Bad,
    /// Nobody's fault.
    Excluded,
}

impl SloSettings {
    /// The objective that holds where an operator gave none: 99 % of every model's requests
    /// are answered, over 30 days.
    pub fn standard() -> Self {
        Self {
            name: "availability".to_owned(),
            scope: SloScope::Models("*".to_owned()),
            indicator: Indicator::Availability,
            objective: 0.99,
            window: Duration::from_secs(30 * 24 * 3600),
            upstream_429: Upstream429::Bad,
        }
    }
}

impl Indicator {
    /// The word in `kind`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::FirstToken(_) => "ttft",
            Self::PerToken(_) => "tpot",
            Self::Latency(_) => "latency",
            Self::Goodput(_) => "goodput",
        }
    }
}
