//! HTTP Archive 1.2.
//!
//! <http://www.softwareishard.com/blog/har-12-spec/>. `send`, `wait` and `receive` must be
//! there and not be negative; a request that was not answered has the status 0, as browsers
//! write it. Must not know: anything that is not HTTP.

use crate::capture::interchange::export::lines::{Frame, Pieces};
use crate::capture::interchange::export::object::json;
use crate::capture::interchange::export::safe::Safe;
use crate::capture::interchange::export::{ExportOptions, ExportReport, Loss, Reason};
use crate::capture::jsonl::date;
use crate::capture::{AnswerNote, Content, Exchange, Message, Times};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, LOCATION};
use serde::Serialize;
use std::time::Duration;

pub(super) struct Har<'a>(pub(super) ExportOptions<'a>);

/// A capture does not say which version of HTTP was spoken.
const VERSION: &str = "unknown";
/// A size that is not known.
const UNKNOWN: i64 = -1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    started_date_time: String,
    time: f64,
    request: Request,
    response: Response,
    cache: Nothing,
    timings: Timings,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    http_version: &'static str,
    cookies: [(); 0],
    headers: Vec<Pair>,
    query_string: Vec<Pair>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_data: Option<PostData>,
    headers_size: i64,
    body_size: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    status: u16,
    status_text: &'static str,
    http_version: &'static str,
    cookies: [(); 0],
    headers: Vec<Pair>,
    content: Kept,
    #[serde(rename = "redirectURL")]
    redirect_url: String,
    headers_size: i64,
    body_size: i64,
}

#[derive(Serialize)]
struct Pair {
    name: String,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    mime_type: String,
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    size: i64,
    mime_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
}

/// In milliseconds.
#[derive(Serialize)]
struct Timings {
    send: f64,
    wait: f64,
    receive: f64,
}

impl Pieces for Har<'_> {
    const FRAME: Frame = Frame {
        before: concat!(
            r#"{"log":{"version":"1.2","creator":{"name":"Transom","version":""#,
            env!("CARGO_PKG_VERSION"),
            "\"},\"entries\":[\n"
        ),
        between: ",\n",
        after: "\n]}}\n",
    };
    const SENDS: bool = false;

    fn piece(&mut self, exchange: &Exchange, report: &mut ExportReport) -> Result<Vec<u8>, Reason> {
        let mut safe = Safe::default();
        let (timings, time) = timings(&exchange.times, report);
        let entry = Entry {
            started_date_time: date(exchange.times.received),
            time,
            request: self.request(exchange, &mut safe, report),
            response: response(exchange.answer.as_ref(), &mut safe, report),
            cache: Nothing {},
            timings,
        };
        safe.tell(report);
        Ok(json(&entry))
    }
}

impl Har<'_> {
    fn request(&self, exchange: &Exchange, safe: &mut Safe, report: &mut ExportReport) -> Request {
        let Message { headers, body } = &exchange.request;
        let text = match body {
            Content::Whole(bytes) => String::from_utf8(bytes.to_vec()).ok(),
            _ => None,
        };
        if text.is_none() && *body != Content::Unknown {
            report.lose(Loss::RequestBody);
        }
        let mime_type = word(headers, &CONTENT_TYPE);
        let text = text.filter(|text| !text.is_empty());
        let path = safe.path(&exchange.call.path);
        let query = path.split_once('?').map_or("", |(_, query)| query);
        let query = query.split('&').filter(|part| !part.is_empty());
        let query = query.map(|part| part.split_once('=').unwrap_or((part, "")));
        Request {
            method: exchange.call.method.to_string(),
            url: safe.url(self.0.target, &path),
            http_version: VERSION,
            cookies: [],
            query_string: query.map(|(name, value)| Pair::new(name, value)).collect(),
            headers: pairs(&safe.headers(headers)),
            post_data: text.map(|text| PostData { mime_type, text }),
            headers_size: UNKNOWN,
            body_size: body.length().map_or(UNKNOWN, size),
        }
    }
}

fn response(answer: Option<&AnswerNote>, safe: &mut Safe, report: &mut ExportReport) -> Response {
    if answer.is_none() {
        report.lose(Loss::Answer);
    }
    let nothing = Message::default();
    let Message { headers, body } = answer.map_or(&nothing, |answer| &answer.message);
    let (text, encoding) = match body {
        Content::Whole(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (Some(STANDARD.encode(bytes)), Some("base64")),
        },
        Content::Unknown => (None, None),
        Content::Cut { .. } | Content::Shape(_) => {
            report.lose(Loss::AnswerBody);
            (None, None)
        }
    };
    let bytes = body.length().or(answer.and_then(|answer| answer.bytes)).map_or(UNKNOWN, size);
    let status = answer.map_or(0, |answer| answer.status);
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    Response {
        status,
        status_text: reason.unwrap_or_default(),
        http_version: VERSION,
        cookies: [],
        headers: pairs(&safe.headers(headers)),
        content: Kept {
            size: bytes.max(0),
            mime_type: word(headers, &CONTENT_TYPE),
            text,
            encoding,
        },
        redirect_url: word(headers, &LOCATION),
        headers_size: UNKNOWN,
        body_size: bytes,
    }
}

/// The timings and their sum.
fn timings(times: &Times, report: &mut ExportReport) -> (Timings, f64) {
    if times.headers.is_none() || times.last.is_none() {
        report.lose(Loss::Times);
    }
    let last = times.last.unwrap_or_default();
    let headers = times.headers.unwrap_or_default().min(last);
    let sent = times.sent.unwrap_or_default().min(headers);
    let millis = |time: Duration| time.as_micros() as f64 / 1e3;
    let timings = Timings {
        send: millis(sent),
        wait: millis(headers - sent),
        receive: millis(last - headers),
    };
    (timings, millis(last))
}

fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn word(headers: &HeaderMap, name: &HeaderName) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn pairs(headers: &HeaderMap) -> Vec<Pair> {
    let pair = |(name, value): (&HeaderName, &http::HeaderValue)| {
        Pair::new(name.as_str(), &String::from_utf8_lossy(value.as_bytes()))
    };
    headers.iter().map(pair).collect()
}

impl Pair {
    fn new(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), value: value.to_owned() }
    }
}
