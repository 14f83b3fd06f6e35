//! What one finished request means for one objective.
//!
//! Must not know: budgets, or how events are counted.

use crate::observe::slo::{Goodput, Indicator, SloScope, SloSettings, Upstream429};
use crate::observe::{RequestRecord, Verdict};
use crate::types::{ErrorType, ModelSlot, Outcome, Usage, UsageSource};
use std::time::Duration;

/// What a request is for an objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The promise was kept.
    Good,
    /// It was not.
    Bad,
    /// The request says nothing about it.
    Excluded,
}

/// Judges a finished request. `patience` is how long a caller may be kept waiting for a first
/// token where the objective itself does not say: the smallest such limit of its model.
///
/// An objective for models judges calls that run one; whether the model's name matches is
/// settled before, when the model joins. What the cache answered says how available a model
/// is and nothing about how quick it is. A refresh of the cache says neither: no caller waits;
/// nor does a replayed request, unless it asks to be judged.
pub fn judge(record: &RequestRecord, slo: &SloSettings, patience: Option<Duration>) -> Judgement {
    let about_times = slo.indicator != Indicator::Availability;
    if !covers(&slo.scope, record) || (about_times && record.answered_by_cache()) {
        return Judgement::Excluded;
    }
    match Fate::of(record.verdict, slo.upstream_429) {
        Fate::Nobodys => Judgement::Excluded,
        Fate::Served => served(record, slo.indicator),
        Fate::Failed => failed(record, slo.indicator),
        Fate::Left => left(record, slo.indicator, patience),
    }
}

/// The time that the indicator is about, where this request has one: until the first token,
/// per output token, else of the whole answer. Times of the cache's are not the model's.
pub(super) fn measured(record: &RequestRecord, indicator: Indicator) -> Option<Duration> {
    if record.answered_by_cache() {
        return None;
    }
    match indicator {
        Indicator::FirstToken(_) => first_token(record),
        Indicator::PerToken(_) => per_token(record),
        Indicator::Availability | Indicator::Latency(_) | Indicator::Goodput(_) => {
            let served = record.verdict.outcome == Outcome::Success;
            served.then(|| record.timeline.duration())
        }
    }
}

/// Who is to thank or to blame.
enum Fate {
    Served,
    Failed,
    /// The caller left before the end.
    Left,
    /// The caller's own fault, or a limit it agreed to.
    Nobodys,
}

impl Fate {
    const fn of(verdict: Verdict, upstream_429: Upstream429) -> Self {
        match verdict.outcome {
            Outcome::Success => Self::Served,
            Outcome::ClientCancelled => Self::Left,
            Outcome::ClientError => Self::Nobodys,
            Outcome::RateLimited => match (verdict.error, upstream_429) {
                (Some(ErrorType::Status(429)), Upstream429::Bad) => Self::Failed,
                _ => Self::Nobodys,
            },
            Outcome::UpstreamError
            | Outcome::Timeout
            | Outcome::StreamTruncated
            | Outcome::StreamErrorEvent
            | Outcome::InternalError => Self::Failed,
        }
    }
}

fn covers(scope: &SloScope, record: &RequestRecord) -> bool {
    let call = &record.call;
    if !record.origin.is_judged() {
        return false;
    }
    match scope {
        SloScope::Models(_) => call.operation.is_inference() && call.model != ModelSlot::OTHER,
        SloScope::Route(operation) => call.operation == *operation,
    }
}

fn served(record: &RequestRecord, indicator: Indicator) -> Judgement {
    match indicator {
        Indicator::Availability => Judgement::Good,
        Indicator::FirstToken(limit) => within(first_token(record), limit),
        Indicator::PerToken(limit) => within(per_token(record), limit),
        Indicator::Latency(limit) => within(Some(record.timeline.duration()), limit),
        Indicator::Goodput(Goodput { first_token: first, per_token: per, latency }) => {
            let broken = |measured: Option<Duration>, limit: Option<Duration>| matches!((measured, limit), (Some(took), Some(limit)) if took > limit);
            good_unless(
                broken(first_token(record), first)
                    || broken(per_token(record), per)
                    || broken(Some(record.timeline.duration()), latency),
            )
        }
    }
}

/// An outage must not improve a latency: a failure is bad for every indicator that would have
/// counted the request. A first token that was seen all the same was measured.
fn failed(record: &RequestRecord, indicator: Indicator) -> Judgement {
    match indicator {
        Indicator::Availability | Indicator::Latency(_) | Indicator::Goodput(_) => Judgement::Bad,
        Indicator::FirstToken(_) | Indicator::PerToken(_) if !record.call.streamed => {
            Judgement::Excluded
        }
        Indicator::FirstToken(limit) => match first_token(record) {
            Some(took) => good_unless(took > limit),
            None => Judgement::Bad,
        },
        Indicator::PerToken(_) => Judgement::Bad,
    }
}

/// Callers may leave as they like, unless they were kept waiting for longer than promised.
fn left(record: &RequestRecord, indicator: Indicator, patience: Option<Duration>) -> Judgement {
    let first = first_token(record);
    let streams = |limit: Option<Duration>| limit.filter(|_| record.call.streamed);
    let limit = match (indicator, first) {
        (Indicator::FirstToken(limit), Some(took)) => return good_unless(took > limit),
        (Indicator::Goodput(Goodput { first_token: Some(limit), .. }), Some(took)) => {
            return bad_if(took > limit);
        }
        (_, Some(_)) => return Judgement::Excluded,
        (Indicator::Availability | Indicator::PerToken(_), None) => streams(patience),
        (Indicator::FirstToken(limit), None) => streams(Some(limit)),
        (Indicator::Latency(limit), None) => Some(limit),
        (Indicator::Goodput(goodput), None) => {
            let limits = [streams(goodput.first_token), goodput.latency];
            limits.into_iter().flatten().min().or(streams(patience))
        }
    };
    bad_if(limit.is_some_and(|limit| record.timeline.duration() > limit))
}

/// Of streams alone: the first token of a whole answer is its last.
fn first_token(record: &RequestRecord) -> Option<Duration> {
    record.time_to_first_token().filter(|_| record.call.streamed)
}

/// Per output token after the first, where the upstream itself counted them.
fn per_token(record: &RequestRecord) -> Option<Duration> {
    let Some(Usage { output, source: UsageSource::Upstream, .. }) = record.usage else {
        return None;
    };
    let rest = u32::try_from(output.checked_sub(1)?).ok().filter(|rest| *rest > 0)?;
    let streaming = record.timeline.duration().saturating_sub(first_token(record)?);
    Some(streaming / rest)
}

fn within(measured: Option<Duration>, limit: Duration) -> Judgement {
    measured.map_or(Judgement::Excluded, |took| good_unless(took > limit))
}

const fn good_unless(broken: bool) -> Judgement {
    if broken { Judgement::Bad } else { Judgement::Good }
}

const fn bad_if(broken: bool) -> Judgement {
    if broken { Judgement::Bad } else { Judgement::Excluded }
}
