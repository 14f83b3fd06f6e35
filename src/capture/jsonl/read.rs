//! From a line to an exchange.
//!
//! Must not know: how lines are written.

use crate::capture::jsonl::VERSION;
use crate::capture::jsonl::body::{Cut, Members};
use crate::capture::jsonl::decimal::Billionths;
use crate::capture::jsonl::headers::{self, Headers};
use crate::capture::jsonl::lines::told;
use crate::capture::{
    AnswerNote, AttemptNote, CallNote, CallerNote, ChunkKind, ChunkNote, Exchange, Message,
    Session, Shape, Times,
};
use crate::protocol::recognise;
use crate::types::{Dialect, NanoUsd, Operation, Outcome, TraceId, Usage, UsageSource};
use http::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

/// The end of the year 9999, beyond which there are no dates to write.
pub(super) const LAST_DATE: Duration = Duration::from_secs(253_402_300_800);
const DIALECTS: [Dialect; 2] = [Dialect::OpenAi, Dialect::Generic];

/// A line as it is written.
#[derive(Deserialize)]
struct Line {
    v: Option<u32>,
    received: Box<RawValue>,
    request_id: Option<String>,
    trace_id: Option<String>,
    session: Option<SessionLine>,
    key: Option<String>,
    tenant: Option<String>,
    credential: Option<String>,
    method: Option<String>,
    path: String,
    dialect: Option<String>,
    operation: Option<String>,
    stream: Option<bool>,
    model: Option<String>,
    model_asked: Option<String>,
    model_sent: Option<String>,
    model_answered: Option<String>,
    headers: Option<Headers>,
    request: Option<Box<RawValue>>,
    request_body: Option<String>,
    request_base64: Option<String>,
    request_cut: Option<Cut>,
    request_shape: Option<Box<Shape>>,
    attempts: Option<Vec<AttemptLine>>,
    status: Option<u16>,
    response_headers: Option<Headers>,
    response: Option<Box<RawValue>>,
    response_body: Option<String>,
    response_base64: Option<String>,
    response_cut: Option<Cut>,
    response_shape: Option<Box<Shape>>,
    chunks: Option<Vec<(u64, u32, u8)>>,
    complete: Option<bool>,
    response_bytes: Option<u64>,
    duration_seconds: Option<Billionths>,
    times: Option<TimesLine>,
    usage: Option<UsageLine>,
    cost_usd: Option<Billionths>,
    outcome: Option<String>,
    error: Option<String>,
    cache: Option<String>,
    redactions: Option<BTreeMap<String, u32>>,
}

#[derive(Deserialize)]
struct SessionLine {
    id: String,
    #[serde(default)]
    turn: u32,
}

#[derive(Deserialize)]
struct AttemptLine {
    upstream: String,
    #[serde(default)]
    endpoint: String,
    began: Billionths,
    ended: Option<Billionths>,
    status: Option<u16>,
    error: Option<String>,
}

#[derive(Default, Deserialize)]
struct TimesLine {
    sent: Option<Billionths>,
    headers: Option<Billionths>,
    first_byte: Option<Billionths>,
    first_token: Option<Billionths>,
    client_closed: Option<Billionths>,
}

#[derive(Deserialize)]
struct UsageLine {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    source: Option<String>,
}

/// Reads a line.
///
/// # Errors
/// What is wrong with it, without anything of a body.
pub(super) fn exchange(line: &[u8]) -> Result<Exchange, String> {
    let mut line: Line = serde_json::from_slice(line).map_err(|error| told(&error))?;
    if line.v.is_some_and(|version| version != VERSION) {
        return Err(format!("`v` is not {VERSION}, and no other version is known here"));
    }
    let call = call(&mut line)?;
    let usage = line.usage.take().and_then(|usage| usage.meant(&call));
    let attempts = line.attempts.take().unwrap_or_default();
    Ok(Exchange {
        times: times(&line)?,
        request: request(&mut line)?,
        answer: answer(&mut line)?,
        attempts: attempts.into_iter().map(AttemptLine::meant).collect::<Result<_, _>>()?,
        cost: line.cost_usd.map(money).transpose()?,
        request_id: line.request_id,
        trace_id: line.trace_id.and_then(|id| TraceId::parse(&id)),
        session: line.session.map(|SessionLine { id, turn }| Session { id, turn }),
        caller: CallerNote { key: line.key, tenant: line.tenant, credential: line.credential },
        call,
        usage,
        outcome: line.outcome.and_then(|word| of_label(Outcome::ALL, Outcome::label, &word)),
        error: line.error,
        cache: line.cache,
        redactions: line.redactions.unwrap_or_default(),
    })
}

/// The one of `all` with this label; a word of another version is one that is not known.
fn of_label<T: Copy>(
    all: impl IntoIterator<Item = T>,
    label: impl Fn(T) -> &'static str,
    word: &str,
) -> Option<T> {
    all.into_iter().find(|one| label(*one) == word)
}

fn call(line: &mut Line) -> Result<CallNote, String> {
    let method = line.method.as_deref().unwrap_or("POST");
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| "`method` is none of HTTP")?;
    let dialect = line.dialect.as_deref();
    let operation = line.operation.as_deref();
    Ok(CallNote {
        method,
        path: std::mem::take(&mut line.path),
        dialect: dialect.and_then(|word| of_label(DIALECTS, Dialect::label, word)),
        operation: operation.and_then(|word| of_label(Operation::ALL, Operation::label, word)),
        streamed: line.stream,
        model: line.model.take(),
        model_asked: line.model_asked.take(),
        model_sent: line.model_sent.take(),
        model_answered: line.model_answered.take(),
    })
}

fn request(line: &mut Line) -> Result<Message, String> {
    let body = Members {
        name: "request",
        json: line.request.take(),
        text: line.request_body.take(),
        base64: line.request_base64.take(),
        cut: line.request_cut.take(),
        shape: line.request_shape.take(),
    };
    let headers = headers::read(line.headers.take().unwrap_or_default())?;
    Ok(Message { headers, body: body.content()? })
}

fn answer(line: &mut Line) -> Result<Option<AnswerNote>, String> {
    let body = Members {
        name: "response",
        json: line.response.take(),
        text: line.response_body.take(),
        base64: line.response_base64.take(),
        cut: line.response_cut.take(),
        shape: line.response_shape.take(),
    };
    let headers = headers::read(line.response_headers.take().unwrap_or_default())?;
    let message = Message { headers, body: body.content()? };
    let Some(status) = line.status else { return Ok(None) };
    let chunk = |(after, length, kind)| ChunkNote {
        after: Duration::from_micros(after),
        length,
        kind: if kind == 1 { ChunkKind::Generated } else { ChunkKind::Other },
    };
    let chunks = line.chunks.take().unwrap_or_default();
    Ok(Some(AnswerNote {
        status,
        message,
        chunks: chunks.into_iter().map(chunk).collect(),
        complete: line.complete,
        bytes: line.response_bytes,
    }))
}

fn times(line: &Line) -> Result<Times, String> {
    let default = TimesLine::default();
    let times = line.times.as_ref().unwrap_or(&default);
    Ok(Times {
        received: received(line.received.get()).ok_or("`received` is not a time")?,
        sent: seconds(times.sent)?,
        headers: seconds(times.headers)?,
        first_byte: seconds(times.first_byte)?,
        first_token: seconds(times.first_token)?,
        last: seconds(line.duration_seconds)?,
        client_closed: seconds(times.client_closed)?,
    })
}

fn received(json: &str) -> Option<Duration> {
    let received = if json.starts_with('"') {
        let text: String = serde_json::from_str(json).ok()?;
        humantime::parse_rfc3339(&text).ok()?.duration_since(UNIX_EPOCH).ok()?
    } else {
        Billionths::parse(json)?.seconds()?
    };
    (received < LAST_DATE).then_some(received)
}

fn seconds(number: Option<Billionths>) -> Result<Option<Duration>, String> {
    let too_long = || "a span of time is too long".to_owned();
    number.map(|number| number.seconds().ok_or_else(too_long)).transpose()
}

fn money(dollars: Billionths) -> Result<NanoUsd, String> {
    let dollars = u64::try_from(dollars.0).map(NanoUsd);
    dollars.map_err(|_| "`cost_usd` is not a sum of money".to_owned())
}

impl AttemptLine {
    fn meant(self) -> Result<AttemptNote, String> {
        Ok(AttemptNote {
            upstream: self.upstream,
            endpoint: self.endpoint,
            began: seconds(Some(self.began))?.unwrap_or_default(),
            ended: seconds(self.ended)?,
            status: self.status,
            error: self.error,
        })
    }
}

impl UsageLine {
    /// `None` unless both numbers are known; embeddings generate nothing.
    fn meant(self, call: &CallNote) -> Option<Usage> {
        let path = call.path.split('?').next().unwrap_or_default();
        let operation = call.operation.unwrap_or_else(|| recognise(&call.method, path).1);
        let nothing = (operation == Operation::Embeddings).then_some(0);
        let source = match self.source.as_deref() {
            None => UsageSource::Upstream,
            Some(word) => of_label(UsageSource::ALL, UsageSource::label, word)?,
        };
        let (input, output) = (self.input_tokens?, self.output_tokens.or(nothing)?);
        Some(Usage { input, output, source })
    }
}
