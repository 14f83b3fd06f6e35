//! A recent request as it is shown: everything that is still known of it.
//!
//! Must not know: how it was kept, or how it is shown.

use crate::observe::{Judgements, KeepReason, OriginKind, Stored};
use crate::types::{
    CacheStatus, ChunkStrip, Dialect, ErrorType, NanoUsd, Operation, Outcome, StreamFacts, TraceId,
    Usage,
};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The number of a request: later ones have greater numbers, and none is used twice while the
/// process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// A request that has ended. All durations in it count from when its head was read unless they
/// say otherwise, in whole microseconds; what was not measured is `None`.
#[derive(Clone, Debug)]
pub struct RecentRequest {
    /// Its place among the recent requests.
    pub seq: Seq,
    /// Its id: the caller's or minted.
    pub request_id: String,
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// On whose behalf it was made.
    pub origin: OriginKind,
    /// When its head was read.
    pub received: SystemTime,
    /// When it ended.
    pub ended: SystemTime,
    /// The HTTP method: a stranger's text.
    pub method: String,
    /// What was to be done; names the route, too.
    pub operation: Operation,
    /// The caller's language.
    pub dialect: Dialect,
    /// Whether the caller asked for a stream.
    pub streamed: bool,
    /// The alias of the key that was shown.
    pub key: Option<Arc<str>>,
    /// The label of the configured model; `_other` where there is none.
    pub model: Arc<str>,
    /// The model as the caller said it: a stranger's text.
    pub model_asked: Option<String>,
    /// The model as the last upstream was asked for it.
    pub model_sent: Option<Arc<str>>,
    /// The model as the upstream named it: a stranger's text.
    pub model_answered: Option<String>,
    /// Every try at an upstream, in order.
    pub attempts: Vec<RecentAttempt>,
    /// How it ended.
    pub outcome: Outcome,
    /// The status the caller saw, or 499 when it left before one.
    pub status: u16,
    /// Why it failed, if it did; [`ErrorType::Other`] for every label `_OTHER`.
    pub error: Option<ErrorType>,
    /// From the head of the request to its end.
    pub duration: Duration,
    /// Until the first generated output of a stream.
    pub first_token: Option<Duration>,
    /// Per output token after the first, by the upstream's own count; of streams.
    pub per_token: Option<Duration>,
    /// Until the last bytes of the answer came.
    pub last_chunk: Option<Duration>,
    /// What Transom itself took.
    pub overhead: Option<Duration>,
    /// Tokens, and who counted them.
    pub usage: Option<Usage>,
    /// What its tokens cost.
    pub cost: Option<NanoUsd>,
    /// Request body bytes read from the caller.
    pub bytes_in: u64,
    /// Response body bytes written to the caller.
    pub bytes_out: u64,
    /// What the cache had to say, where the route has one.
    pub cache: Option<RecentCache>,
    /// Objectives kept and missed, as bits by their position in the configuration.
    pub slo: Judgements,
    /// The names of the objectives that were kept.
    pub slo_met: Vec<Arc<str>>,
    /// The names of those that were missed.
    pub slo_missed: Vec<Arc<str>>,
    /// Why its trace was kept, if it was.
    pub kept: Option<KeepReason>,
    /// Whether it was collected for the capture, which may have left it out all the same.
    pub captured: bool,
    /// Counts and the largest gap of its answer.
    pub stream: StreamFacts,
    /// When each chunk of a stream came, in bounded room.
    pub chunks: Option<ChunkStrip>,
}

/// One try at an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentAttempt {
    /// The name of the upstream.
    pub upstream: Arc<str>,
    /// `host:port` of the endpoint.
    pub endpoint: Arc<str>,
    /// When it began.
    pub began: Duration,
    /// When a connection was at hand.
    pub connected: Option<Duration>,
    /// When the whole request had been written.
    pub sent: Option<Duration>,
    /// When the response head arrived.
    pub first_byte: Option<Duration>,
    /// When the first body chunk arrived.
    pub first_chunk: Option<Duration>,
    /// When it ended.
    pub ended: Option<Duration>,
    /// The status of the response head.
    pub status: Option<u16>,
    /// Why it failed, if it did.
    pub error: Option<ErrorType>,
}

/// What the cache had to say to a request.
#[derive(Clone, Debug, PartialEq)]
pub struct RecentCache {
    /// What it said, in the end; names the tier, or why it was not asked.
    pub status: CacheStatus,
    /// When the look-up began and how long it took, if one took place.
    pub lookup: Option<(Duration, Duration)>,
    /// The time of the exchange that was spared.
    pub saved_time: Option<Duration>,
    /// What was spared of money.
    pub saved_cost: Option<NanoUsd>,
    /// Whether the upstream's answer was stored, if there was one to store.
    pub stored: Option<Stored>,
}
