//! All of an exchange but its bodies and chunks, as JSON.
//!
//! Members that are missing are not known; members that are not known here are passed over.
//! Times are whole microseconds. Must not know: where the bodies are, beyond their lengths.

use super::parts::{
    AnswerHead, AttemptHead, CallHead, CallerHead, MessageHead, SessionHead, Text, TimesHead,
    UsageHead, owned, text,
};
use super::words;
use crate::capture::{ChunkNote, Exchange, IndexEntry};
use crate::types::{NanoUsd, TraceId};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Serialize, Deserialize)]
pub(super) struct Head<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<SessionHead<'a>>,
    #[serde(default)]
    caller: CallerHead<'a>,
    #[serde(default)]
    call: CallHead<'a>,
    #[serde(default)]
    request: MessageHead<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<AnswerHead<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attempts: Vec<AttemptHead<'a>>,
    times: TimesHead,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageHead<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_nano_usd: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "is_empty")]
    redactions: Cow<'a, BTreeMap<String, u32>>,
}

impl<'a> Head<'a> {
    /// The head of `exchange`, whose packed chunks are so many bytes.
    pub(super) fn of(exchange: &'a Exchange, chunk_bytes: u64) -> Self {
        let label = Text::Borrowed;
        Self {
            request_id: text(&exchange.request_id),
            trace_id: exchange.trace_id.map(|id| id.to_string().into()),
            session: exchange.session.as_ref().map(SessionHead::of),
            caller: CallerHead::of(&exchange.caller),
            call: CallHead::of(&exchange.call),
            request: MessageHead::of(&exchange.request),
            answer: exchange.answer.as_ref().map(|answer| AnswerHead::of(answer, chunk_bytes)),
            attempts: exchange.attempts.iter().map(AttemptHead::of).collect(),
            times: TimesHead::of(&exchange.times),
            usage: exchange.usage.map(UsageHead::of),
            cost_nano_usd: exchange.cost.map(|cost| cost.0),
            outcome: exchange.outcome.map(|outcome| label(outcome.label())),
            error: text(&exchange.error),
            cache: text(&exchange.cache),
            redactions: Cow::Borrowed(&exchange.redactions),
        }
    }

    /// Bytes of the packed chunks.
    pub(super) fn chunk_bytes(&self) -> u64 {
        self.answer.as_ref().map_or(0, |answer| answer.chunks)
    }

    /// Bytes of the request body in the record.
    pub(super) fn request_bytes(&self) -> u64 {
        self.request.body.kept.unwrap_or(0)
    }

    /// Bytes of the answer's body in the record.
    pub(super) fn answer_bytes(&self) -> u64 {
        self.answer.as_ref().and_then(|answer| answer.message.body.kept).unwrap_or(0)
    }

    /// What a list says; `None` where a value is not what it should be.
    pub(super) fn entry(self) -> Option<IndexEntry> {
        let answer = self.answer.as_ref();
        let answered = answer.and_then(|it| it.bytes.or_else(|| it.message.body.length()));
        Some(IndexEntry {
            received: self.times.received.into(),
            trace_id: trace_id(self.trace_id.as_deref())?,
            status: answer.map(|answer| answer.status),
            duration: self.times.last.map(Duration::from),
            bytes: self.request.body.length().unwrap_or(0).saturating_add(answered.unwrap_or(0)),
            request_id: owned(self.request_id),
            session: self.session.map(SessionHead::into_session),
            key: owned(self.caller.key),
            model: owned(self.call.model),
            outcome: self.outcome.as_deref().and_then(words::outcome),
        })
    }

    /// The exchange with its chunks and bodies; `None` where a value is not what it should be.
    pub(super) fn into_exchange(
        self,
        chunks: Vec<ChunkNote>,
        request: Bytes,
        answer: Bytes,
    ) -> Option<Exchange> {
        let answer = match self.answer {
            Some(head) => Some(head.into_answer(chunks, answer)?),
            None => None,
        };
        Some(Exchange {
            request_id: owned(self.request_id),
            trace_id: trace_id(self.trace_id.as_deref())?,
            session: self.session.map(SessionHead::into_session),
            caller: self.caller.into_caller(),
            call: self.call.into_call()?,
            request: self.request.into_message(request)?,
            answer,
            attempts: self.attempts.into_iter().map(AttemptHead::into_attempt).collect(),
            times: self.times.into_times(),
            usage: self.usage.and_then(UsageHead::into_usage),
            cost: self.cost_nano_usd.map(NanoUsd),
            outcome: self.outcome.as_deref().and_then(words::outcome),
            error: owned(self.error),
            cache: owned(self.cache),
            redactions: self.redactions.into_owned(),
        })
    }
}

/// `None` for one that is no id; `Some(None)` where there is none.
fn trace_id(hex: Option<&str>) -> Option<Option<TraceId>> {
    hex.map_or(Some(None), |hex| TraceId::parse(hex).map(Some))
}

fn is_empty(redactions: &BTreeMap<String, u32>) -> bool {
    redactions.is_empty()
}
