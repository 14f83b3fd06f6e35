//! Recorded traffic as an arm: what production did stands beside what a replay does.
//!
//! A recording is one long run. To see its noise it is cut into blocks of equal time, each of
//! which counts as a run. Must not know: how figures are made of samples, or where a
//! recording is kept.

use crate::capture::{ChunkKind, Exchange};
use crate::replay::{CountedBy, Failure, Phase, Sample, Validity};
use crate::types::{ErrorType, Micros, Outcome, UsageSource};
use std::num::NonZeroU32;
use std::time::Duration;

/// A block of fewer requests than this does not count: its p95 would rest on a handful.
pub const FEWEST_IN_BLOCK: u64 = 100;

/// Equal parts of the time from a first request to a last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// When the first request was received, since 1970.
    pub first: Duration,
    /// When the last one was.
    pub last: Duration,
    /// How many blocks.
    pub count: NonZeroU32,
}

impl Blocks {
    /// The block, from 0, of a request that was received at that time; `None` outside.
    pub fn of(&self, received: Duration) -> Option<u32> {
        if received < self.first || received > self.last {
            return None;
        }
        let (since, all) = (received - self.first, self.last - self.first);
        let share = since.as_nanos() * u128::from(self.count.get()) / all.as_nanos().max(1);
        // The last instant belongs to the last block.
        Some(u32::try_from(share).unwrap_or(u32::MAX).min(self.count.get() - 1))
    }
}

/// Whether a block with so many requests counts.
pub fn block_validity(requests: u64) -> Validity {
    if requests >= FEWEST_IN_BLOCK {
        return Validity::Valid;
    }
    let why = format!("{requests} requests in a block of time, {FEWEST_IN_BLOCK} at least count");
    Validity::Invalid(vec![why])
}

/// A recorded request as if a run had sent it: a run that began at `began`, since 1970.
/// Its intended instant is when it was received. What it said is left out.
pub fn recorded(number: u64, began: Duration, exchange: &Exchange) -> Sample {
    let times = &exchange.times;
    let intended = Micros::from(times.received.saturating_sub(began));
    let at =
        |since: Option<Duration>| since.map(|since| Micros(intended.0 + Micros::from(since).0));
    let usage = exchange.usage.as_ref();
    let answer = exchange.answer.as_ref();
    Sample {
        number,
        phase: Phase::Measured,
        streamed: exchange.call.streamed.unwrap_or_else(|| times.first_token.is_some()),
        intended,
        sent: Some(intended),
        // Whoever received it knows of neither.
        lag: Micros(0),
        connecting: Micros(0),
        headers: at(times.headers),
        first_byte: at(times.first_byte),
        first_token: at(times.first_token),
        last: at(times.last),
        gaps: gaps(exchange),
        status: answer.map(|answer| answer.status),
        failure: failure(exchange),
        tokens_in: usage.map(|usage| usage.input),
        tokens_out: usage.map(|usage| usage.output),
        tokens_by: usage.map(|usage| counted_by(usage.source)),
        bytes: answer.and_then(|answer| answer.bytes).unwrap_or_default(),
        answer: None,
    }
}

/// Between chunks of generated output; others lie in between and do not end a gap.
fn gaps(exchange: &Exchange) -> Vec<Micros> {
    let mut since_generated: Option<Duration> = None;
    let mut gaps = Vec::new();
    for chunk in exchange.answer.iter().flat_map(|answer| &answer.chunks) {
        let gap = since_generated.map(|since| since + chunk.after);
        since_generated = match chunk.kind {
            ChunkKind::Generated => {
                gaps.extend(gap.map(Micros::from));
                Some(Duration::ZERO)
            }
            ChunkKind::Other => gap,
        };
    }
    gaps
}

const fn counted_by(source: UsageSource) -> CountedBy {
    match source {
        UsageSource::Upstream | UsageSource::Cache => CountedBy::Target,
        UsageSource::Estimated => CountedBy::Guess,
    }
}

/// By the outcome; where only a status is known, by that.
fn failure(exchange: &Exchange) -> Option<Failure> {
    let Some(outcome) = exchange.outcome else {
        return match exchange.answer.as_ref()?.status {
            429 => Some(Failure::RateLimited),
            400..=499 => Some(Failure::ClientError),
            500.. => Some(Failure::ServerError),
            _ => None,
        };
    };
    Some(match outcome {
        Outcome::Success => return None,
        Outcome::ClientError => Failure::ClientError,
        Outcome::ClientCancelled => Failure::Cancelled,
        Outcome::RateLimited => Failure::RateLimited,
        Outcome::UpstreamError => upstream_failure(exchange),
        Outcome::Timeout => Failure::Timeout,
        Outcome::StreamTruncated => Failure::Truncated,
        Outcome::StreamErrorEvent => Failure::StreamError,
        Outcome::InternalError => Failure::ServerError,
    })
}

/// Why no whole answer came of an upstream.
fn upstream_failure(exchange: &Exchange) -> Failure {
    let status = exchange.answer.as_ref().map(|answer| answer.status);
    let unreached = [ErrorType::ConnectRefused, ErrorType::Dns, ErrorType::Tls];
    let is_unreached = |label: &str| unreached.iter().any(|error| error.label() == label);
    if exchange.error.as_deref().is_some_and(is_unreached) {
        Failure::Connect
    } else if matches!(status, Some(500..)) {
        Failure::ServerError
    } else {
        Failure::Broken
    }
}
