//! All of an exchange but its bodies and chunks, as fields.
//!
//! Must not know: where the bodies are, beyond their lengths.

use super::parts::{MessageHead, UsageHead};
use super::wire::{self, Read, Value, Write, Writer};
use super::words;
use crate::capture::{AnswerNote, ChunkNote, Exchange, IndexEntry};
use crate::types::{NanoUsd, TraceId};
use bytes::Bytes;

/// More attempts than anybody makes: they grow in memory when they are read.
const MAX_ATTEMPTS: usize = 1024;

/// An exchange as it is written.
pub(super) struct Written<'a> {
    pub(super) exchange: &'a Exchange,
    /// Bytes of its packed chunks.
    pub(super) chunks: usize,
}

/// An exchange as it is read, without its bodies and chunks.
#[derive(Default)]
pub(super) struct Head {
    exchange: Exchange,
    request: MessageHead,
    answer: Option<AnswerHead>,
    usage: Option<UsageHead>,
}

/// An answer as it is read.
#[derive(Default)]
struct AnswerHead {
    note: AnswerNote,
    message: MessageHead,
    /// Bytes of its packed chunks.
    chunks: u64,
}

/// A rule, and how often it has taken something out.
#[derive(Default)]
struct Redaction<T>(T, u32);

impl Head {
    /// `None` where a value is not what it should be.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        wire::read(bytes)
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

    /// What a list says.
    pub(super) fn into_entry(self) -> IndexEntry {
        let Self { exchange, request, answer, .. } = self;
        let answered =
            answer.as_ref().and_then(|it| it.note.bytes.or_else(|| it.message.body.length()));
        IndexEntry {
            received: exchange.times.received,
            request_id: exchange.request_id,
            trace_id: exchange.trace_id,
            session: exchange.session,
            key: exchange.caller.key,
            model: exchange.call.model,
            outcome: exchange.outcome,
            status: answer.map(|answer| answer.note.status),
            duration: exchange.times.last,
            bytes: request.body.length().unwrap_or(0).saturating_add(answered.unwrap_or(0)),
        }
    }

    /// The exchange with its chunks and bodies.
    pub(super) fn into_exchange(
        self,
        chunks: Vec<ChunkNote>,
        request: Bytes,
        answer: Bytes,
    ) -> Exchange {
        Exchange {
            request: self.request.into_message(request),
            answer: self.answer.map(|head| AnswerNote {
                message: head.message.into_message(answer),
                chunks,
                ..head.note
            }),
            usage: self.usage.and_then(UsageHead::into_usage),
            ..self.exchange
        }
    }
}

impl Write for Written<'_> {
    fn write(&self, fields: &mut Writer<'_>) {
        let Exchange {
            request_id,
            trace_id,
            session,
            caller,
            call,
            request,
            answer,
            attempts,
            times,
            usage,
            cost,
            outcome,
            error,
            cache,
            redactions,
        } = self.exchange;
        fields.part(1, Some(times));
        fields.text(2, request_id.as_deref());
        fields.bytes(3, trace_id.map(TraceId::bytes).as_ref().map(<[u8; 16]>::as_slice));
        fields.part(4, session.as_ref());
        fields.part(5, Some(caller));
        fields.part(6, Some(call));
        fields.part(7, Some(request));
        fields.part(8, answer.as_ref().map(|answer| WrittenAnswer(answer, self.chunks)).as_ref());
        attempts.iter().for_each(|attempt| fields.part(9, Some(attempt)));
        fields.part(10, usage.as_ref());
        fields.number(11, cost.map(|cost| cost.0));
        fields.text(12, outcome.map(|outcome| outcome.label()));
        fields.text(13, error.as_deref());
        fields.text(14, cache.as_deref());
        for (rule, times) in redactions {
            fields.part(15, Some(&Redaction(rule, *times)));
        }
    }
}

impl Read for Head {
    fn take(&mut self, field: u64, value: Value<'_>) -> Option<()> {
        let exchange = &mut self.exchange;
        match field {
            1 => exchange.times = value.part()?,
            2 => exchange.request_id = Some(value.owned()?),
            3 => exchange.trace_id = Some(TraceId::from_bytes(value.bytes()?.try_into().ok()?)?),
            4 => exchange.session = Some(value.part()?),
            5 => exchange.caller = value.part()?,
            6 => exchange.call = value.part()?,
            7 => self.request = value.part()?,
            8 => self.answer = Some(value.part()?),
            9 if exchange.attempts.len() < MAX_ATTEMPTS => exchange.attempts.push(value.part()?),
            10 => self.usage = Some(value.part()?),
            11 => exchange.cost = Some(NanoUsd(value.number()?)),
            12 => exchange.outcome = words::outcome(value.text()?),
            13 => exchange.error = Some(value.owned()?),
            14 => exchange.cache = Some(value.owned()?),
            15 => {
                let Redaction(rule, times) = value.part()?;
                exchange.redactions.insert(rule, times);
            }
            9 => return None,
            _ => {}
        }
        Some(())
    }
}

/// An answer, and bytes of its packed chunks.
struct WrittenAnswer<'a>(&'a AnswerNote, usize);

impl Write for WrittenAnswer<'_> {
    fn write(&self, fields: &mut Writer<'_>) {
        let AnswerNote { status, message, complete, bytes, chunks: _ } = self.0;
        fields.number(1, Some((*status).into()));
        fields.part(2, Some(message));
        fields.number(3, Some(self.1 as u64));
        fields.number(4, complete.map(u64::from));
        fields.number(5, *bytes);
    }
}

impl Read for AnswerHead {
    fn take(&mut self, field: u64, value: Value<'_>) -> Option<()> {
        match field {
            1 => self.note.status = value.number()?.try_into().ok()?,
            2 => self.message = value.part()?,
            3 => self.chunks = value.number()?,
            4 => self.note.complete = Some(value.number()? != 0),
            5 => self.note.bytes = Some(value.number()?),
            _ => {}
        }
        Some(())
    }
}

impl Write for Redaction<&String> {
    fn write(&self, fields: &mut Writer<'_>) {
        fields.text(1, Some(self.0));
        fields.number(2, Some(self.1.into()));
    }
}

impl Read for Redaction<String> {
    fn take(&mut self, field: u64, value: Value<'_>) -> Option<()> {
        match field {
            1 => self.0 = value.owned()?,
            2 => self.1 = value.number()?.try_into().ok()?,
            _ => {}
        }
        Some(())
    }
}
