//! The judgements and the budgets, on requests that never were.
//!
//! Must not know: HTTP.

mod book;
mod burning;
mod judging;

use crate::observe::slo::{Indicator, SloScope, SloSeries, SloSettings};
use crate::observe::verdict::{client_left, failed};
use crate::observe::{CacheFacts, CallFacts, Identity, Origin, RequestRecord, Verdict};
use crate::types::{
    CacheStatus, Dialect, ErrorType, ModelSlot, Operation, Outcome, RequestId, SpanId, TraceId,
    Usage, UsageSource,
};
use prometheus::{Gauge, IntCounter};
use std::time::{Duration, Instant};

/// A request that is described by what differs from a chat of model 1 that is answered, not
/// streamed, within a second.
pub(super) struct Request(pub(super) RequestRecord);

impl Request {
    pub(super) fn new(verdict: Verdict) -> Self {
        let received = Instant::now();
        let ids = (RequestId::mint(|| 1), TraceId::mint(|| 1), SpanId::mint(|| 1));
        let mut call = CallFacts::new(Dialect::OpenAi, Operation::Chat, http::Method::POST);
        call.model = ModelSlot::at(1);
        let mut record = RequestRecord::begin(Identity::new(ids.0, ids.1, ids.2), call, received);
        record.timeline.finished = Some(received + Duration::from_secs(1));
        record.verdict = verdict;
        Self(record)
    }

    pub(super) fn served() -> Self {
        Self::new(Verdict { outcome: Outcome::Success, status: 200, error: None })
    }

    pub(super) fn failed(error: ErrorType) -> Self {
        Self::new(failed(502, error))
    }

    pub(super) fn left() -> Self {
        Self::new(client_left())
    }

    pub(super) fn of_model(mut self, slot: u32) -> Self {
        self.0.call.model = ModelSlot::at(slot);
        self
    }

    pub(super) fn said_by_cache(mut self, status: CacheStatus) -> Self {
        self.0.cache = Some(CacheFacts::new(status));
        self
    }

    pub(super) fn refreshing(mut self) -> Self {
        self.0.origin = Origin::Refresh;
        self
    }

    pub(super) fn doing(mut self, operation: Operation) -> Self {
        self.0.call.operation = operation;
        self
    }

    pub(super) fn streamed(mut self) -> Self {
        self.0.call.streamed = true;
        self
    }

    pub(super) fn first_token_at(mut self, milliseconds: u64) -> Self {
        let received = self.0.timeline.received;
        self.0.meter.on_generated(received + Duration::from_millis(milliseconds));
        self.streamed()
    }

    pub(super) fn ended_at(mut self, milliseconds: u64) -> Self {
        let timeline = &mut self.0.timeline;
        timeline.finished = Some(timeline.received + Duration::from_millis(milliseconds));
        self
    }

    pub(super) fn tokens(mut self, output: u64, source: UsageSource) -> Self {
        self.0.usage = Some(Usage { input: 1, output, source });
        self
    }
}

pub(super) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(super) fn objective(name: &str, indicator: Indicator) -> SloSettings {
    SloSettings { name: name.to_owned(), indicator, ..SloSettings::standard() }
}

pub(super) fn for_models(pattern: &str, slo: SloSettings) -> SloSettings {
    SloSettings { scope: SloScope::Models(pattern.to_owned()), ..slo }
}

/// Series that nobody collects.
pub(super) fn series(windows: usize) -> SloSeries {
    let gauge = || Gauge::new("gauge", "a gauge").unwrap();
    SloSeries {
        events: IntCounter::new("events", "events").unwrap(),
        bad: IntCounter::new("bad", "bad events").unwrap(),
        objective: gauge(),
        budget_remaining: gauge(),
        burn: (0..windows).map(|_| gauge()).collect(),
    }
}
