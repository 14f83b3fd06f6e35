//! A script for k6 that holds its data: `head.js`, a line for each request, `tail.js`.
//!
//! Must not know: how requests are timed, which the script does.

use crate::capture::Exchange;
use crate::capture::interchange::export::lines::{Frame, Pieces, Stamp, Unit};
use crate::capture::interchange::export::object::json;
use crate::capture::interchange::export::request::body;
use crate::capture::interchange::export::safe::Safe;
use crate::capture::interchange::export::{ExportOptions, ExportReport, Reason};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

const TAIL: &str = include_str!("tail.js");

pub(super) struct Script<'a> {
    options: ExportOptions<'a>,
    under_way: UnderWay,
}

/// How many more requests were under way in a second than in the one before.
#[derive(Default)]
struct UnderWay(BTreeMap<u64, i64>);

#[derive(Serialize)]
struct Request<'a> {
    method: &'a str,
    path: &'a str,
    headers: BTreeMap<&'a str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

impl<'a> Script<'a> {
    pub(super) fn new(options: ExportOptions<'a>) -> Self {
        Self { options, under_way: UnderWay::default() }
    }
}

impl Pieces for Script<'_> {
    const FRAME: Frame = Frame {
        before: include_str!("head.js"),
        between: ",\n",
        after: "\n  ];\n  return all.sort((a, b) => a.at - b.at);\n});\n",
    };
    const STAMP: Option<Stamp> = Some(Stamp { name: "at", unit: Unit::Seconds });

    fn piece(&mut self, exchange: &Exchange, report: &mut ExportReport) -> Result<Vec<u8>, Reason> {
        let body = body(exchange, &self.options)?;
        let mut safe = Safe::default();
        let headers = safe.repeatable(&exchange.request.headers);
        let path = safe.path(&exchange.call.path);
        let text = std::str::from_utf8(&body);
        let request = Request {
            method: exchange.call.method.as_str(),
            path: &path,
            headers: joined(&headers),
            body: text.ok().filter(|text| !text.is_empty()),
            base64: text.is_err().then(|| STANDARD.encode(&body)),
        };
        let line = json(&request);
        safe.tell(report);
        self.under_way.see(exchange);
        Ok(without_line_ends(line))
    }

    fn ending(&self) -> String {
        let peak = self.under_way.peak();
        format!("// Requests that were under way at a time.\nconst peak = {peak};\n{TAIL}")
    }
}

impl UnderWay {
    fn see(&mut self, exchange: &Exchange) {
        let began = exchange.times.received;
        let ended = began + exchange.times.last.unwrap_or(Duration::ZERO);
        *self.0.entry(began.as_secs()).or_default() += 1;
        *self.0.entry(ended.as_secs() + 1).or_default() -= 1;
    }

    fn peak(&self) -> i64 {
        let mut under_way = 0;
        let each = self.0.values().map(|more| {
            under_way += more;
            under_way
        });
        each.max().unwrap_or_default()
    }
}

fn joined(headers: &HeaderMap) -> BTreeMap<&str, String> {
    let value = |name: &http::HeaderName| {
        let values = headers.get_all(name).into_iter();
        let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()));
        values.collect::<Vec<_>>().join(", ")
    };
    headers.keys().map(|name| (name.as_str(), value(name))).collect()
}

/// JSON may hold two characters that end a line in older JavaScript.
fn without_line_ends(json: Vec<u8>) -> Vec<u8> {
    match String::from_utf8(json) {
        Ok(text) if text.contains(['\u{2028}', '\u{2029}']) => {
            text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029").into_bytes()
        }
        Ok(text) => text.into_bytes(),
        Err(error) => error.into_bytes(),
    }
}
