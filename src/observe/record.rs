//! The record: everything known about one request, written by the steps of the pipeline
//! as plain facts and read by every consumer (metrics, log, headers).
//!
//! Must not know: who reads it, or how a step came to its facts.

use crate::observe::{CacheFacts, Judgements, KeepReason, Saved, StreamMeter, Timeline, verdict};
use crate::types::{
    Dialect, ErrorType, ModelSlot, NanoUsd, Operation, Outcome, ReplayMark, RequestId, SpanId,
    TraceFlags, TraceId, Usage, UsageSource,
};
use std::sync::Arc;
use std::time::Instant;

/// All facts of one request. Durations derive from one monotonic clock.
#[derive(Debug)]
pub struct RequestRecord {
    /// On whose behalf it was made; not to be changed once it has begun.
    pub origin: Origin,
    /// Who it is and to which trace it belongs.
    pub identity: Identity,
    /// What was asked.
    pub call: CallFacts,
    /// When what happened.
    pub timeline: Timeline,
    /// Every try at an upstream, in order.
    pub attempts: Vec<Attempt>,
    /// What was seen of the answer's body.
    pub meter: StreamMeter,
    /// What the cache had to say; `None` where the route has none.
    pub cache: Option<CacheFacts>,
    /// Tokens, once known.
    pub usage: Option<Usage>,
    /// What its tokens cost, where a price is known.
    pub cost: Option<NanoUsd>,
    /// How it ended.
    pub verdict: Verdict,
    /// What that means for each objective; filled on delivery.
    pub slo: Judgements,
    /// Why its trace is kept, if it is; decided on delivery.
    pub kept: Option<KeepReason>,
    /// Whether it was collected for the capture, which may still leave it out: by its sample,
    /// or for want of room.
    pub captured: bool,
}

/// On whose behalf a request is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// A caller's: counted as a request, measured and judged.
    #[default]
    Client,
    /// A load test's: counted and measured as a caller's. No objective is about it, unless its
    /// mark asks for that.
    Replay(ReplayMark),
    /// The cache's own, which renews an answer in the background. No caller waits for it:
    /// what it takes from upstreams is counted, but it is no request, and no objective is
    /// about it.
    Refresh,
}

/// On whose behalf a request was made, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginKind {
    /// A caller's.
    Client,
    /// A load test's.
    Replay,
    /// The cache's own.
    Refresh,
}

impl OriginKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Client, Self::Replay, Self::Refresh];

    /// As it is written into spans and access lines.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Replay => "replay",
            Self::Refresh => "refresh",
        }
    }
}

impl Origin {
    /// In a word.
    pub const fn kind(&self) -> OriginKind {
        match self {
            Self::Client => OriginKind::Client,
            Self::Replay(_) => OriginKind::Replay,
            Self::Refresh => OriginKind::Refresh,
        }
    }

    /// As it is written into spans and access lines.
    pub const fn label(&self) -> &'static str {
        self.kind().label()
    }

    /// Whether somebody outside has asked: it counts as a request.
    pub const fn is_a_request(&self) -> bool {
        matches!(self, Self::Client | Self::Replay(_))
    }

    /// Whether objectives are about it.
    pub const fn is_judged(&self) -> bool {
        match self {
            Self::Client => true,
            Self::Replay(mark) => mark.wishes.slos,
            Self::Refresh => false,
        }
    }

    /// Whether the response cache has a part in it.
    pub const fn is_cached(&self) -> bool {
        match self {
            Self::Client | Self::Refresh => true,
            Self::Replay(mark) => mark.wishes.cache,
        }
    }

    /// Whether it may be captured.
    pub const fn is_captured(&self) -> bool {
        match self {
            Self::Client => true,
            Self::Replay(mark) => mark.wishes.capture,
            Self::Refresh => false,
        }
    }

    /// Its mark, where it is sent again.
    pub const fn replay(&self) -> Option<&ReplayMark> {
        match self {
            Self::Replay(mark) => Some(mark),
            Self::Client | Self::Refresh => None,
        }
    }
}

/// Who a request is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Accepted from the caller or minted.
    pub request_id: RequestId,
    /// Accepted from the caller or minted.
    pub trace_id: TraceId,
    /// Our own server span.
    pub span_id: SpanId,
    /// The caller's span, when it sent one.
    pub parent_id: Option<SpanId>,
    /// The trace and span of a caller that is not trusted to have us continue its trace.
    pub link: Option<(TraceId, SpanId)>,
    /// The `tracestate` that came with the caller's span.
    pub trace_state: Option<Box<str>>,
    /// What the caller said about the trace; sampled for a trace that begins here.
    pub flags: TraceFlags,
    /// The alias of the API key, never the key.
    pub key_alias: Option<Arc<str>>,
    /// Whom that key belongs to.
    pub tenant: Option<Arc<str>>,
}

/// What was asked, as far as it was understood.
#[derive(Clone, Debug)]
pub struct CallFacts {
    /// The caller's language.
    pub dialect: Dialect,
    /// What is to be done.
    pub operation: Operation,
    /// The HTTP method.
    pub method: http::Method,
    /// The model as the caller said it: a stranger's text, cut and cleaned.
    pub model_asked: Option<String>,
    /// The configured model it was taken for.
    pub model: ModelSlot,
    /// The model as the upstream named it: a stranger's text, cut and cleaned.
    pub model_answered: Option<String>,
    /// Whether the caller asked for a stream.
    pub streamed: bool,
    /// Request body bytes read from the caller.
    pub bytes_in: u64,
    /// Response body bytes written to the caller.
    pub bytes_out: u64,
}

/// One try at one endpoint.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The upstream's position in the configuration.
    pub upstream: usize,
    /// `host:port` of the endpoint.
    pub endpoint: Arc<str>,
    /// The model that it was asked for, where it was asked for one.
    pub model: Option<Arc<str>>,
    /// The span id sent to the endpoint as the parent of its own spans.
    pub span_id: SpanId,
    /// When the attempt began.
    pub started: Instant,
    /// When a connection was at hand.
    pub connected: Option<Instant>,
    /// When the whole request had been written.
    pub sent: Option<Instant>,
    /// When the response head arrived.
    pub first_byte: Option<Instant>,
    /// When the first body chunk arrived.
    pub first_chunk: Option<Instant>,
    /// When the attempt ended.
    pub ended: Option<Instant>,
    /// The status of the response head.
    pub status: Option<u16>,
    /// Why it failed, if it did.
    pub error: Option<ErrorType>,
}

impl Attempt {
    /// An attempt that begins now.
    pub fn begin(upstream: usize, endpoint: Arc<str>, span_id: SpanId, now: Instant) -> Self {
        Self {
            upstream,
            endpoint,
            model: None,
            span_id,
            started: now,
            connected: None,
            sent: None,
            first_byte: None,
            first_chunk: None,
            ended: None,
            status: None,
            error: None,
        }
    }
}

/// How a request ended. Filled once, by [`super::verdict::decide`].
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// The one word.
    pub outcome: Outcome,
    /// The status the caller saw, or 499 when it left before one.
    pub status: u16,
    /// Why it failed, if it did.
    pub error: Option<ErrorType>,
}

impl Identity {
    /// A request that begins a trace of its own.
    pub const fn new(request_id: RequestId, trace_id: TraceId, span_id: SpanId) -> Self {
        Self {
            request_id,
            trace_id,
            span_id,
            parent_id: None,
            link: None,
            trace_state: None,
            flags: TraceFlags::SAMPLED,
            key_alias: None,
            tenant: None,
        }
    }
}

impl CallFacts {
    /// What the head of a request says; its body is not read yet.
    pub const fn new(dialect: Dialect, operation: Operation, method: http::Method) -> Self {
        Self {
            dialect,
            operation,
            method,
            model_asked: None,
            model: ModelSlot::OTHER,
            model_answered: None,
            streamed: false,
            bytes_in: 0,
            bytes_out: 0,
        }
    }
}

impl RequestRecord {
    /// A request whose head was read at `received`. Until it ends otherwise, it is one that
    /// Transom itself failed.
    pub fn begin(identity: Identity, call: CallFacts, received: Instant) -> Self {
        Self {
            origin: Origin::Client,
            identity,
            call,
            timeline: Timeline::start(received),
            attempts: Vec::with_capacity(1),
            meter: StreamMeter::default(),
            cache: None,
            usage: None,
            cost: None,
            verdict: verdict::failed(500, ErrorType::Other),
            slo: Judgements::default(),
            kept: None,
            captured: false,
        }
    }

    /// A refresh of what the cache holds; otherwise as [`RequestRecord::begin`].
    pub fn refresh(identity: Identity, call: CallFacts, began: Instant) -> Self {
        Self { origin: Origin::Refresh, ..Self::begin(identity, call, began) }
    }

    /// Notes what the answer spared that the cache had: its tokens are the cache's, and cost
    /// nothing. Does nothing where the route has no cache.
    pub fn spare(&mut self, saved: Saved) {
        let Some(cache) = &mut self.cache else { return };
        cache.saved = Some(saved);
        self.usage = saved.tokens.map(|tokens| Usage { source: UsageSource::Cache, ..tokens });
        self.cost = None;
    }

    /// Whether the answer came out of the cache, or from another caller's exchange with the
    /// upstream: its times say nothing about how quick the upstream is.
    pub fn answered_by_cache(&self) -> bool {
        self.cache.as_ref().is_some_and(|cache| cache.status.spared_the_upstream())
    }

    /// The attempt in progress or the last one made.
    pub fn last_attempt_mut(&mut self) -> Option<&mut Attempt> {
        self.attempts.last_mut()
    }

    /// From the request head to the first generated output of a stream, as the caller saw it.
    pub fn time_to_first_token(&self) -> Option<std::time::Duration> {
        let first = self.meter.first_token()?;
        Some(first.saturating_duration_since(self.timeline.received))
    }

    /// Per output token after the first, by the upstream's own count; of streams.
    pub fn time_per_output_token(&self) -> Option<std::time::Duration> {
        let usage = self.usage.filter(|usage| usage.source == UsageSource::Upstream)?;
        let first_token = self.time_to_first_token()?;
        let rest = u32::try_from(usage.output.saturating_sub(1)).ok().filter(|rest| *rest > 0)?;
        Some(self.timeline.duration().saturating_sub(first_token) / rest)
    }
}
