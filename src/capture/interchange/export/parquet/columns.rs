//! The columns of a table of exchanges.
//!
//! Times are in microseconds; `received` is a timestamp in UTC, all others are since then.
//! Must not know: how a table is written.

use crate::capture::interchange::export::object::json;
use crate::capture::interchange::export::safe::Safe;
use crate::capture::jsonl::WrittenHeaders;
use crate::capture::{AnswerNote, ChunkKind, ChunkNote, Content, Exchange};
use crate::types::{Dialect, Micros, Operation, Outcome};
use bytes::Bytes;
use std::time::Duration;

/// A column.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) cell: fn(&Exchange, &mut Safe) -> Cell,
}

/// What a column holds. Every one of them may hold nothing.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Instant,
    Number,
    Truth,
    Text,
    Bytes,
    Numbers,
}

/// What is in a column of a row.
pub(super) enum Cell {
    Null,
    Number(i64),
    Truth(bool),
    Bytes(Bytes),
    Numbers(Vec<i64>),
}

macro_rules! columns {
    ($($name:ident: $kind:ident = $cell:expr;)*) => {
        [$(Column { name: stringify!($name), kind: Kind::$kind, cell: $cell }),*]
    };
}

/// All columns, in their order.
pub(super) const COLUMNS: [Column; 48] = columns! {
    received: Instant = |e, _| span(Some(e.times.received));
    request_id: Text = |e, _| text(e.request_id.as_deref());
    trace_id: Text = |e, _| owned(e.trace_id.map(|id| id.to_string()));
    session: Text = |e, _| text(e.session.as_ref().map(|session| session.id.as_str()));
    turn: Number = |e, _| number(e.session.as_ref().map(|session| session.turn.into()));
    key: Text = |e, _| text(e.caller.key.as_deref());
    tenant: Text = |e, _| text(e.caller.tenant.as_deref());
    method: Text = |e, _| text(Some(e.call.method.as_str()));
    path: Text = |e, safe| owned(Some(safe.path(&e.call.path).into_owned()));
    dialect: Text = |e, _| text(e.call.dialect.map(Dialect::label));
    operation: Text = |e, _| text(e.call.operation.map(Operation::label));
    stream: Truth = |e, _| truth(e.call.streamed);
    model: Text = |e, _| text(e.call.model.as_deref());
    model_asked: Text = |e, _| text(e.call.model_asked.as_deref());
    model_sent: Text = |e, _| text(e.call.model_sent.as_deref());
    model_answered: Text = |e, _| text(e.call.model_answered.as_deref());
    request_headers: Text = |e, safe| headers(&safe.headers(&e.request.headers));
    request_bytes: Number = |e, _| number(e.request.body.length());
    request: Bytes = |e, _| kept(&e.request.body);
    request_cut: Truth = |e, _| truth(cut(&e.request.body));
    request_shape: Text = |e, _| shape(&e.request.body);
    upstream: Text = |e, _| text(e.attempts.last().map(|attempt| attempt.upstream.as_str()));
    endpoint: Text = |e, _| text(e.attempts.last().map(|attempt| attempt.endpoint.as_str()));
    attempts: Number = |e, _| number(Some(e.attempts.len() as u64));
    status: Number = |e, _| number(answer(e).map(|answer| answer.status.into()));
    complete: Truth = |e, _| truth(answer(e).and_then(|answer| answer.complete));
    response_headers: Text = |e, safe| match answer(e) {
        Some(answer) => headers(&safe.headers(&answer.message.headers)),
        None => Cell::Null,
    };
    response_bytes: Number = |e, _| number(answer(e).and_then(bytes_of));
    response: Bytes = |e, _| answer(e).map_or(Cell::Null, |answer| kept(&answer.message.body));
    response_cut: Truth = |e, _| truth(answer(e).and_then(|answer| cut(&answer.message.body)));
    response_shape: Text = |e, _| answer(e).map_or(Cell::Null, |a| shape(&a.message.body));
    chunk_after_us: Numbers = |e, _| chunks(e, |chunk| micros(chunk.after));
    chunk_bytes: Numbers = |e, _| chunks(e, |chunk| chunk.length.into());
    chunk_generated: Numbers = |e, _| chunks(e, |c| (c.kind == ChunkKind::Generated).into());
    sent_us: Number = |e, _| span(e.times.sent);
    headers_us: Number = |e, _| span(e.times.headers);
    first_byte_us: Number = |e, _| span(e.times.first_byte);
    first_token_us: Number = |e, _| span(e.times.first_token);
    last_us: Number = |e, _| span(e.times.last);
    client_closed_us: Number = |e, _| span(e.times.client_closed);
    input_tokens: Number = |e, _| number(e.usage.map(|usage| usage.input));
    output_tokens: Number = |e, _| number(e.usage.map(|usage| usage.output));
    usage_source: Text = |e, _| text(e.usage.map(|usage| usage.source.label()));
    cost_nano_usd: Number = |e, _| number(e.cost.map(|cost| cost.0));
    outcome: Text = |e, _| text(e.outcome.map(Outcome::label));
    error: Text = |e, _| text(e.error.as_deref());
    cache: Text = |e, _| text(e.cache.as_deref());
    redactions: Number = |e, _| number(Some(e.redactions.values().map(|n| u64::from(*n)).sum()));
};

impl Cell {
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Roughly the memory it takes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Numbers(numbers) => numbers.len() * size_of::<i64>(),
            _ => 0,
        }
    }

    pub(super) fn number(self) -> Option<i64> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    pub(super) fn truth(self) -> Option<bool> {
        if let Self::Truth(truth) = self { Some(truth) } else { None }
    }

    pub(super) fn bytes(self) -> Option<Bytes> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub(super) fn numbers(self) -> Option<Vec<i64>> {
        if let Self::Numbers(numbers) = self { Some(numbers) } else { None }
    }
}

fn answer(exchange: &Exchange) -> Option<&AnswerNote> {
    exchange.answer.as_ref()
}

fn bytes_of(answer: &AnswerNote) -> Option<u64> {
    answer.bytes.or(answer.message.body.length())
}

fn number(number: Option<u64>) -> Cell {
    number.map_or(Cell::Null, |number| Cell::Number(i64::try_from(number).unwrap_or(i64::MAX)))
}

fn micros(time: Duration) -> i64 {
    i64::try_from(Micros::from(time).0).unwrap_or(i64::MAX)
}

fn span(time: Option<Duration>) -> Cell {
    time.map_or(Cell::Null, |time| Cell::Number(micros(time)))
}

fn truth(truth: Option<bool>) -> Cell {
    truth.map_or(Cell::Null, Cell::Truth)
}

fn text(text: Option<&str>) -> Cell {
    owned(text.map(str::to_owned))
}

fn owned(text: Option<String>) -> Cell {
    text.map_or(Cell::Null, |text| Cell::Bytes(Bytes::from(text)))
}

/// As JSON.
fn headers(headers: &http::HeaderMap) -> Cell {
    Cell::Bytes(Bytes::from(json(&WrittenHeaders(headers))))
}

/// As JSON.
fn shape(content: &Content) -> Cell {
    match content {
        Content::Shape(shape) => Cell::Bytes(Bytes::from(json(shape))),
        _ => Cell::Null,
    }
}

fn kept(content: &Content) -> Cell {
    content.kept().map_or(Cell::Null, |kept| Cell::Bytes(kept.clone()))
}

fn cut(content: &Content) -> Option<bool> {
    content.kept().map(|_| matches!(content, Content::Cut { .. }))
}

fn chunks(exchange: &Exchange, of: impl Fn(&ChunkNote) -> i64) -> Cell {
    answer(exchange).map_or(Cell::Null, |a| Cell::Numbers(a.chunks.iter().map(of).collect()))
}
