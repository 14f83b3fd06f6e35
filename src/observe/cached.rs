//! What a record says about the cache: what it had to say, and what that spared.
//!
//! Must not know: how an answer is kept or found, or who counts.

use crate::types::{CacheStatus, CacheTier, NanoUsd, Usage};
use std::time::{Duration, Instant};

/// A request and the cache, where its route has one.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheFacts {
    /// What it had to say, in the end.
    pub status: CacheStatus,
    /// The look-up, if one took place.
    pub lookup: Option<Lookup>,
    /// What an answer that was there spared; see [`super::RequestRecord::spare`].
    pub saved: Option<Saved>,
    /// Whether the upstream's answer was stored, if there was one to store.
    pub stored: Option<Stored>,
}

/// When answers were looked for in all tiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// When the first tier was asked.
    pub began: Instant,
    /// Until the answer was at hand, or none was to be had.
    pub took: Duration,
}

/// What the exchange with an upstream took that an answer comes from, and that was not
/// needed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Its time.
    pub time: Duration,
    /// Its tokens, whoever counted them.
    pub tokens: Option<Usage>,
    /// What those cost, where a price is known.
    pub cost: Option<NanoUsd>,
}

/// Whether an answer was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It was given to the tiers.
    Yes,
    /// It was not, for one of the reasons in [`NOT_STORED`]; any other word is counted as
    /// `_OTHER`.
    No(&'static str),
}

/// Why answers are not stored: the `reason` of `transom_cache_not_stored_total`.
pub const NOT_STORED: [&str; 11] = [
    "no_store",
    "status",
    "encoded",
    "opaque",
    "stand_in",
    "truncated",
    "length_mismatch",
    "error",
    "unfinished",
    "too_large",
    "_OTHER",
];

impl CacheFacts {
    /// What is known once the status is.
    pub const fn new(status: CacheStatus) -> Self {
        Self { status, lookup: None, saved: None, stored: None }
    }

    /// Where the answer was found, if it was.
    pub const fn tier(&self) -> Option<CacheTier> {
        match self.status {
            CacheStatus::Hit(tier) | CacheStatus::Stale(tier) => Some(tier),
            CacheStatus::Miss | CacheStatus::Collapsed | CacheStatus::Bypass(_) => None,
        }
    }
}
