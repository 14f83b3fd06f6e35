//! Whether the figures of a run mean anything.
//!
//! A generator that cannot keep to its plan measures itself. Must not know: what the figures
//! are compared with.

use super::tally::Tally;
use crate::replay::{Failure, PlanHead, Schedule, Validity};

/// A generator may be this late, in seconds.
const LAG: f64 = 0.010;
/// Or by this share of the median latency, if that is more.
const LAG_SHARE: f64 = 0.01;
/// A generator may be behind by this share of the run at its end.
const RATE: f64 = 0.01;
/// This share of the requests may be left out.
const NOT_SENT: f64 = 0.01;

/// Judges a run by what was to be done and what was measured.
pub fn judge(plan: &PlanHead, tally: &Tally) -> Validity {
    let reasons =
        [nothing(tally), lag(tally), rate(plan, tally), not_sent(tally), exhausted(tally)];
    let reasons: Vec<_> = reasons.into_iter().flatten().collect();
    if reasons.is_empty() { Validity::Valid } else { Validity::Invalid(reasons) }
}

/// How late the generator may have been with 1 % of the requests, in seconds.
pub fn lag_limit(tally: &Tally) -> f64 {
    let median = tally.latency_from_send.quantile(0.5).unwrap_or(0.0);
    LAG.max(LAG_SHARE * median)
}

fn nothing(tally: &Tally) -> Option<String> {
    if tally.measured == 0 {
        let warm_up = tally.warm_up;
        return Some(format!("Nothing was measured: {warm_up} requests of the warm-up were all."));
    }
    if tally.answered > 0 || tally.failed(Failure::Timeout) > 0 {
        return None;
    }
    let ways = tally.failures.iter().map(|(failure, count)| format!("{count} {}", words(*failure)));
    let ways: Vec<_> = ways.collect();
    Some(format!("Nothing was measured: no request was answered ({}).", ways.join(", ")))
}

fn lag(tally: &Tally) -> Option<String> {
    let late = tally.lag.quantile(0.99)?;
    let limit = lag_limit(tally);
    if late <= limit {
        return None;
    }
    let why = match tally.held_back {
        0 => "the generator's machine is too slow or too busy".to_owned(),
        held => format!("{held} requests waited because too many were in flight"),
    };
    let (late, limit) = (millis(late), millis(limit));
    Some(format!(
        "The generator lagged: 1 % of the requests were sent more than {late} late, where {limit} \
         are allowed; {why}."
    ))
}

/// Where the plan says when, by the instants at which requests were let go: how long a target
/// takes to accept a connection is not in them.
fn rate(plan: &PlanHead, tally: &Tally) -> Option<String> {
    if matches!(plan.options.schedule, Schedule::Closed { .. }) {
        return None;
    }
    let (intended, achieved) = (tally.intended.rate()?, tally.sent.rate()?);
    let behind = behind(tally)?;
    if behind <= LAG.max(RATE * tally.intended.span()) {
        return None;
    }
    Some(format!(
        "The rate was off by {:.1} %: {achieved:.2} requests a second were sent where {intended:.2} \
         were intended.",
        100.0 * (1.0 - achieved / intended)
    ))
}

/// How far a generator had fallen behind at the end, in seconds. One that cannot keep the rate
/// does so more and more, and half of its requests are half as late as the last one. A pause at
/// the beginning or the end, as when many connections come up at once, is none of that: it is
/// judged by how many it made late.
fn behind(tally: &Tally) -> Option<f64> {
    let last = tally.sent.span() - tally.intended.span();
    Some(last.min(2.0 * tally.lag.quantile(0.5)?))
}

fn not_sent(tally: &Tally) -> Option<String> {
    let (left_out, all) = (tally.failed(Failure::NotSent), tally.measured);
    if left_out as f64 <= NOT_SENT * all as f64 {
        return None;
    }
    Some(format!(
        "{left_out} of {all} requests were not sent: the run was stopped, a limit of spending was \
         reached, or they cannot be sent again."
    ))
}

fn exhausted(tally: &Tally) -> Option<String> {
    let exhausted = tally.failed(Failure::Exhausted);
    (exhausted > 0).then(|| {
        format!(
            "The generator's machine had no files or ports left for {exhausted} connections; \
             raise the limit of open files or use more machines."
        )
    })
}

fn millis(seconds: f64) -> String {
    format!("{:.1} ms", 1e3 * seconds)
}

fn words(failure: Failure) -> &'static str {
    match failure {
        Failure::Connect => "without a connection",
        Failure::Exhausted => "without files or ports",
        Failure::Broken => "with a broken connection",
        Failure::Timeout => "timed out",
        Failure::RateLimited => "rate limited",
        Failure::ClientError => "refused",
        Failure::ServerError => "with a server error",
        Failure::Truncated => "truncated",
        Failure::StreamError => "with an error in the stream",
        Failure::NotSent => "not sent",
        Failure::Cancelled => "cancelled",
    }
}
