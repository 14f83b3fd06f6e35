//! From an exchange to a line.
//!
//! Members that are not known are left out. Must not know: how lines are read.

use crate::capture::jsonl::VERSION;
use crate::capture::jsonl::body::{Cut, Kept, shape};
use crate::capture::jsonl::decimal::Billionths;
use crate::capture::jsonl::headers::Written as WrittenHeaders;
use crate::capture::jsonl::read::LAST_DATE;
use crate::capture::{AnswerNote, AttemptNote, ChunkKind, ChunkNote, Exchange, Message, Times};
use crate::types::{Dialect, Micros, Operation, Outcome};
use http::Method;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use std::io;
use std::time::{Duration, UNIX_EPOCH};

/// Appends the line of `exchange`, with its end, to `out`.
///
/// # Errors
/// When the request was received at no date that can be written.
pub(super) fn line(exchange: &Exchange, out: &mut Vec<u8>) -> io::Result<()> {
    if exchange.times.received >= LAST_DATE {
        let why = "a request was received after the year 9999";
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    serde_json::to_writer(&mut *out, &Written(exchange))?;
    out.push(b'\n');
    Ok(())
}

/// When a request was received, as it is written; `received` is before the year 10000.
pub(in crate::capture) fn date(received: Duration) -> String {
    let date = UNIX_EPOCH + received.min(LAST_DATE - Duration::from_secs(1));
    match received.subsec_nanos() {
        0 => humantime::format_rfc3339_seconds(date).to_string(),
        nanos if nanos % 1_000_000 == 0 => humantime::format_rfc3339_millis(date).to_string(),
        nanos if nanos % 1_000 == 0 => humantime::format_rfc3339_micros(date).to_string(),
        _ => humantime::format_rfc3339_nanos(date).to_string(),
    }
}

struct Written<'a>(&'a Exchange);

/// A map whose members are left out where there is nothing to say.
struct Members<M>(M);

impl<M: SerializeMap> Members<M> {
    fn put(&mut self, name: &str, value: Option<impl Serialize>) -> Result<(), M::Error> {
        value.map_or(Ok(()), |value| self.0.serialize_entry(name, &value))
    }

    fn time(&mut self, name: &str, time: Option<Duration>) -> Result<(), M::Error> {
        self.put(name, time.map(Billionths::from))
    }
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let exchange = self.0;
        let mut line = Members(serializer.serialize_map(None)?);
        line.put("v", Some(VERSION))?;
        line.put("received", Some(date(exchange.times.received)))?;
        asked(&mut line, exchange)?;
        message(&mut line, &REQUEST, &exchange.request)?;
        let attempts: Vec<_> = exchange.attempts.iter().map(WrittenAttempt).collect();
        line.put("attempts", (!attempts.is_empty()).then_some(attempts))?;
        if let Some(answer) = &exchange.answer {
            answered(&mut line, answer)?;
        }
        line.time("duration_seconds", exchange.times.last)?;
        line.put("times", WrittenTimes::of(&exchange.times))?;
        line.put("usage", exchange.usage.as_ref().map(WrittenUsage::of))?;
        line.put("cost_usd", exchange.cost.map(|cost| Billionths(u128::from(cost.0))))?;
        line.put("outcome", exchange.outcome.map(Outcome::label))?;
        line.put("error", exchange.error.as_ref())?;
        line.put("cache", exchange.cache.as_ref())?;
        let redactions = &exchange.redactions;
        line.put("redactions", (!redactions.is_empty()).then_some(redactions))?;
        line.0.end()
    }
}

/// Who asked, and for what.
fn asked<M: SerializeMap>(line: &mut Members<M>, exchange: &Exchange) -> Result<(), M::Error> {
    let Exchange { request_id, trace_id, session, caller, call, .. } = exchange;
    line.put("request_id", request_id.as_ref())?;
    line.put("trace_id", trace_id.map(|id| id.to_string()))?;
    let session = session.as_ref();
    line.put("session", session.map(|of| WrittenSession { id: &of.id, turn: of.turn }))?;
    line.put("key", caller.key.as_ref())?;
    line.put("tenant", caller.tenant.as_ref())?;
    line.put("credential", caller.credential.as_ref())?;
    line.put("method", (call.method != Method::POST).then(|| call.method.as_str()))?;
    line.put("path", Some(&call.path))?;
    line.put("dialect", call.dialect.map(Dialect::label))?;
    line.put("operation", call.operation.map(Operation::label))?;
    line.put("stream", call.streamed)?;
    line.put("model", call.model.as_ref())?;
    line.put("model_asked", call.model_asked.as_ref())?;
    line.put("model_sent", call.model_sent.as_ref())?;
    line.put("model_answered", call.model_answered.as_ref())
}

fn answered<M: SerializeMap>(line: &mut Members<M>, answer: &AnswerNote) -> Result<(), M::Error> {
    line.put("status", Some(answer.status))?;
    message(line, &RESPONSE, &answer.message)?;
    line.put("chunks", (!answer.chunks.is_empty()).then_some(WrittenChunks(&answer.chunks)))?;
    line.put("complete", answer.complete)?;
    line.put("response_bytes", answer.bytes)
}

/// The names of the members of a message.
struct Names {
    headers: &'static str,
    json: &'static str,
    text: &'static str,
    base64: &'static str,
    cut: &'static str,
    shape: &'static str,
}

const REQUEST: Names = Names {
    headers: "headers",
    json: "request",
    text: "request_body",
    base64: "request_base64",
    cut: "request_cut",
    shape: "request_shape",
};
const RESPONSE: Names = Names {
    headers: "response_headers",
    json: "response",
    text: "response_body",
    base64: "response_base64",
    cut: "response_cut",
    shape: "response_shape",
};

fn message<M: SerializeMap>(
    line: &mut Members<M>,
    names: &Names,
    message: &Message,
) -> Result<(), M::Error> {
    let Message { headers, body } = message;
    line.put(names.headers, (!headers.is_empty()).then_some(WrittenHeaders(headers)))?;
    let kept = Kept::of(body);
    line.put(names.json, kept.json)?;
    line.put(names.text, kept.text)?;
    line.put(names.base64, kept.base64)?;
    line.put(names.cut, Cut::of(body))?;
    line.put(names.shape, shape(body))
}

#[derive(Serialize)]
struct WrittenSession<'a> {
    id: &'a str,
    turn: u32,
}

#[derive(Serialize)]
struct WrittenUsage {
    input_tokens: u64,
    output_tokens: u64,
    source: &'static str,
}

impl WrittenUsage {
    fn of(usage: &crate::types::Usage) -> Self {
        let source = usage.source.label();
        Self { input_tokens: usage.input, output_tokens: usage.output, source }
    }
}

struct WrittenTimes<'a>(&'a Times);

impl<'a> WrittenTimes<'a> {
    fn of(times: &'a Times) -> Option<Self> {
        let nothing = Times { received: times.received, last: times.last, ..Times::default() };
        (*times != nothing).then_some(Self(times))
    }
}

impl Serialize for WrittenTimes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut times = Members(serializer.serialize_map(None)?);
        times.time("sent", self.0.sent)?;
        times.time("headers", self.0.headers)?;
        times.time("first_byte", self.0.first_byte)?;
        times.time("first_token", self.0.first_token)?;
        times.time("client_closed", self.0.client_closed)?;
        times.0.end()
    }
}

struct WrittenAttempt<'a>(&'a AttemptNote);

impl Serialize for WrittenAttempt<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut attempt = Members(serializer.serialize_map(None)?);
        attempt.put("upstream", Some(&self.0.upstream))?;
        attempt.put("endpoint", Some(&self.0.endpoint))?;
        attempt.time("began", Some(self.0.began))?;
        attempt.time("ended", self.0.ended)?;
        attempt.put("status", self.0.status)?;
        attempt.put("error", self.0.error.as_ref())?;
        attempt.0.end()
    }
}

struct WrittenChunks<'a>(&'a [ChunkNote]);

impl Serialize for WrittenChunks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut chunks = serializer.serialize_seq(Some(self.0.len()))?;
        for chunk in self.0 {
            let is_generated = u8::from(chunk.kind == ChunkKind::Generated);
            chunks.serialize_element(&(Micros::from(chunk.after), chunk.length, is_generated))?;
        }
        chunks.end()
    }
}
