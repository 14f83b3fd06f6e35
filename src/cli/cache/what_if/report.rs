//! Findings as a table.
//!
//! Owns how what is not known is shown: a sum that lacks parts has `≥` before it, one of
//! which nothing is known is a dash. Must not know: how any of it was found.

use crate::cache::{Reasons, Scenario, Sum, Tally, UNKNOWN_ANSWER};
use crate::cli::table::{UNKNOWN, table};
use crate::what_if::{Counts, Findings, word_for, word_of};
use std::time::Duration;

/// Findings that are shown.
pub(super) struct Report<'a>(pub(super) &'a Findings);

impl Report<'_> {
    pub(super) fn text(&self) -> String {
        let mut parts = vec![self.head(), self.grid()];
        parts.extend(self.bypasses());
        parts.extend(self.notes());
        parts.join("\n\n")
    }

    fn head(&self) -> String {
        let counts = self.0.counts;
        let Counts { requests, no_inference, no_body, refused, .. } = counts;
        let span = counts.span().map(|(first, last)| format!(" from {first} to {last}"));
        let (span, simulated) = (span.unwrap_or_default(), counts.simulated());
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
        rows.extend(self.0.cells.iter().map(|(scenario, tally)| row(scenario, tally)));
        table(&rows)
    }

    /// The reasons do not depend on time or size.
    fn bypasses(&self) -> Option<String> {
        let mut groups: Vec<(&Reasons, Vec<String>)> = Vec::new();
        for (scenario, tally) in &self.0.cells {
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
            |count: fn(&Tally) -> u64| self.0.cells.iter().map(|(_, tally)| count(tally)).max();
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

fn sum(sum: Sum, write: impl Fn(u64) -> String) -> String {
    match sum.unknown {
        0 => write(sum.known),
        _ if sum.is_known() => format!("≥ {}", write(sum.known)),
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
