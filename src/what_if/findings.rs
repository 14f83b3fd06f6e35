//! What came of a trial, and its form as JSON: null is what is not known, and how much is missing
//! is said.
//!
//! Must not know: how any of it was found.

use crate::cache::{CacheScope, Sampling, Scenario, Sum, Tally};
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

/// What came of a trial.
#[derive(Debug, Default)]
pub struct Findings {
    /// What there was to be tried.
    pub counts: Counts,
    /// Each cache of the grid.
    pub cells: Vec<(Scenario, Tally)>,
}

/// What there was to be tried.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Exchanges, of whatever kind.
    pub requests: u64,
    /// When the first arrived, since 1970.
    pub first: Option<Duration>,
    /// When the last did.
    pub last: Option<Duration>,
    /// Those that no cache is asked about.
    pub no_inference: u64,
    /// Of inference, without all of their bodies: nobody can say what they asked for.
    pub no_body: u64,
    /// The proxy would have refused them, cache or not.
    pub refused: u64,
}

impl Counts {
    /// A request that arrived then.
    pub(super) fn see(&mut self, received: Duration) {
        self.requests += 1;
        self.first = Some(self.first.map_or(received, |first| first.min(received)));
        self.last = self.last.max(Some(received));
    }

    /// Those that the caches were asked about.
    pub const fn simulated(&self) -> u64 {
        self.requests - self.no_inference - self.no_body - self.refused
    }

    /// When the first and the last arrived, in RFC 3339.
    pub fn span(&self) -> Option<(String, String)> {
        self.first.zip(self.last).map(|(first, last)| (date(first), date(last)))
    }
}

impl Findings {
    /// All of it.
    pub fn json(&self) -> Value {
        let Counts { requests, first, last, no_inference, no_body, refused } = self.counts;
        json!({
            "requests": requests,
            "first": first.map(date),
            "last": last.map(date),
            "no_inference": no_inference,
            "no_body": no_body,
            "refused": refused,
            "cells": self.cells.iter().map(cell).collect::<Vec<_>>(),
        })
    }
}

fn cell((scenario, tally): &(Scenario, Tally)) -> Value {
    let known = |sum: Sum, unit: f64| sum.is_known().then(|| sum.known as f64 / unit);
    json!({
        "scope": word_of(scenario.scope),
        "sampled": word_for(scenario.sampled),
        "ttl_seconds": scenario.ttl.as_secs_f64(),
        "size_bytes": scenario.size,
        "requests": tally.requests,
        "hit_ratio": tally.hit_ratio(),
        "hits": tally.hits,
        "stale": tally.stale,
        "collapsed": tally.collapsed,
        "misses": tally.misses,
        "refused": tally.refused,
        "refreshes": tally.refreshes,
        "bypassed": tally.bypassed,
        "stored": tally.stored,
        "not_stored": tally.not_stored,
        "evicted": tally.evicted,
        "peak_entries": tally.peak_entries,
        "peak_bytes": (tally.unsized_answers == 0).then_some(tally.peak_bytes),
        "saved": {
            "seconds": known(tally.saved_time, 1e9),
            "tokens": tally.saved_tokens.is_known().then_some(tally.saved_tokens.known),
            "usd": known(tally.saved_cost, 1e9),
        },
        "unknown": {
            "sizes": tally.unsized_answers,
            "seconds": tally.saved_time.unknown,
            "tokens": tally.saved_tokens.unknown,
            "usd": tally.saved_cost.unknown,
        },
    })
}

fn date(since_1970: Duration) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + since_1970).to_string()
}

/// As it is said in the configuration.
pub const fn word_of(scope: CacheScope) -> &'static str {
    match scope {
        CacheScope::Key => "key",
        CacheScope::Tenant => "tenant",
        CacheScope::Global => "global",
    }
}

/// As it is said on the command line.
pub const fn word_for(sampled: Sampling) -> &'static str {
    match sampled {
        Sampling::Refuse => "refuse",
        Sampling::Allow => "allow",
    }
}
