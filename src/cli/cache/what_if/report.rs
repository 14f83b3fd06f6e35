//! The grid, as a table and as JSON.
//!
//! Owns how what is not known is shown: a sum that lacks parts has `≥` before it, one of
//! which nothing is known is a dash, and JSON has null and says how much is missing. Must
//! not know: how any of it was found.

use crate::cache::{CacheScope, Reasons, Sampling, Scenario, Sum, Tally, UNKNOWN_ANSWER};
use crate::cli::table::{UNKNOWN, table};
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

/// What came of a capture.
pub(super) struct Report {
    pub(super) counts: Counts,
    pub(super) cells: Vec<(Scenario, Tally)>,
}

/// What was in a capture.
#[derive(Default)]
pub(super) struct Counts {
    requests: u64,
    first: Option<Duration>,
    last: Option<Duration>,
    pub(super) no_inference: u64,
    /// Of inference, without all of their bodies: nobody can say what they asked for.
    pub(super) no_body: u64,
    /// The proxy would have refused them, cache or not.
    pub(super) refused: u64,
}

impl Counts {
    /// A request that arrived then.
    pub(super) fn see(&mut self, received: Duration) {
        self.requests += 1;
        self.first = Some(self.first.map_or(received, |first| first.min(received)));
        self.last = self.last.max(Some(received));
    }

    fn simulated(&self) -> u64 {
        self.requests - self.no_inference - self.no_body - self.refused
    }
}

impl Report {
    pub(super) fn text(&self) -> String {
        let mut parts = vec![self.head(), self.grid()];
        parts.extend(self.bypasses());
        parts.extend(self.notes());
        parts.join("\n\n")
    }

    pub(super) fn json(&self) -> Value {
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

    fn head(&self) -> String {
        let Counts { requests, first, last, no_inference, no_body, refused } = self.counts;
        let span =
            first.zip(last).map(|(first, last)| format!(" from {} to {}", date(first), date(last)));
        let span = span.unwrap_or_default();
        let simulated = self.counts.simulated();
        let no_body = match no_body {
            0 => String::new(),
            some => format!("{some} captured without their body, "),
        };
        format!(
            "{requests} requests{span}: {simulated} simulated, {no_inference} no inference, \
             {no_body}{refused} refused by the proxy"
        )
    }

    fn grid(&self) -> String {
        let head = [
            "scope",
            "sampled",
            "ttl",
            "size",
            "hit rate",
            "hits",
            "collapsed",
            "bytes kept",
            "time saved",
            "tokens saved",
            "USD saved",
        ];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(self.cells.iter().map(|(scenario, tally)| row(scenario, tally)));
        table(&rows)
    }

    /// The reasons do not depend on time or size.
    fn bypasses(&self) -> Option<String> {
        let mut groups: Vec<(&Reasons, Vec<String>)> = Vec::new();
        for (scenario, tally) in &self.cells {
            let name = format!("{}/{}", word_of(scenario.scope), word_for(scenario.sampled));
            match groups.iter_mut().find(|(reasons, _)| *reasons == &tally.bypassed) {
                Some((_, names)) if names.contains(&name) => {}
                Some((_, names)) => names.push(name),
                None => groups.push((&tally.bypassed, vec![name])),
            }
        }
        groups.retain(|(reasons, _)| !reasons.is_empty());
        let line = |(reasons, names): &(&Reasons, Vec<String>)| {
            let told: Vec<_> =
                reasons.iter().map(|(why, times)| format!("{why} {times}")).collect();
            vec![names.join(", "), told.join(", ")]
        };
        let lines: Vec<_> = groups.iter().map(line).collect();
        (!lines.is_empty()).then(|| format!("went past the cache:\n{}", table(&lines)))
    }

    fn notes(&self) -> Option<String> {
        let most =
            |count: fn(&Tally) -> u64| self.cells.iter().map(|(_, tally)| count(tally)).max();
        let unknown = most(|tally| tally.not_stored.get(UNKNOWN_ANSWER).copied().unwrap_or(0));
        let mut notes = Vec::new();
        if let Some(times @ 1..) = unknown {
            notes.push(format!(
                "{times} answers were not kept, because the capture does not say whether they \
                 were whole and good (`status`, `complete`)"
            ));
        }
        if let Some(times @ 1..) = most(|tally| tally.unsized_answers) {
            notes.push(format!(
                "{times} answers took next to no room, because the capture does not say how large they \
                 were (`response_bytes`)"
            ));
        }
        (!notes.is_empty()).then(|| notes.join("\n"))
    }
}

fn row(scenario: &Scenario, tally: &Tally) -> Vec<String> {
    let percent = |ratio: f64| format!("{:.1} %", ratio * 100.0);
    let kept = match tally.unsized_answers {
        0 => bytes(tally.peak_bytes),
        all if all == tally.stored => UNKNOWN.to_owned(),
        _ => format!("≥ {}", bytes(tally.peak_bytes)),
    };
    vec![
        word_of(scenario.scope).to_owned(),
        word_for(scenario.sampled).to_owned(),
        humantime::format_duration(scenario.ttl).to_string(),
        bytes(scenario.size),
        tally.hit_ratio().map_or_else(|| UNKNOWN.to_owned(), percent),
        (tally.hits + tally.stale).to_string(),
        tally.collapsed.to_string(),
        kept,
        sum(tally.saved_time, |nanoseconds| {
            let whole = Duration::from_secs(Duration::from_nanos(nanoseconds).as_secs());
            humantime::format_duration(whole).to_string()
        }),
        sum(tally.saved_tokens, |tokens| tokens.to_string()),
        sum(tally.saved_cost, |cost| format!("{:.4}", cost as f64 / 1e9)),
    ]
}

fn cell((scenario, tally): &(Scenario, Tally)) -> Value {
    let known = |sum: Sum, unit: f64| is_known(sum).then(|| sum.known as f64 / unit);
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
            "tokens": is_known(tally.saved_tokens).then_some(tally.saved_tokens.known),
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

/// Whether anything of it is, or there is nothing to know.
const fn is_known(sum: Sum) -> bool {
    sum.parts > 0 || sum.unknown == 0
}

fn sum(sum: Sum, write: impl Fn(u64) -> String) -> String {
    match sum.unknown {
        0 => write(sum.known),
        _ if is_known(sum) => format!("≥ {}", write(sum.known)),
        _ => UNKNOWN.to_owned(),
    }
}

fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (count as f64, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value.fract() > 0.0);
    format!("{value:.digits$} {}", UNITS[unit])
}

fn date(since_1970: Duration) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + since_1970).to_string()
}

const fn word_of(scope: CacheScope) -> &'static str {
    match scope {
        CacheScope::Key => "key",
        CacheScope::Tenant => "tenant",
        CacheScope::Global => "global",
    }
}

const fn word_for(sampled: Sampling) -> &'static str {
    match sampled {
        Sampling::Refuse => "refuse",
        Sampling::Allow => "allow",
    }
}
