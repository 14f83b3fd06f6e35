//! Targets for vegeta, as JSON: a line of `method`, `url`, `header` and `body` each.
//!
//! <https://github.com/tsenart/vegeta#json-format>: the body is in base64. Must not know: when
//! requests came, which an attack decides by itself.

use crate::capture::Exchange;
use crate::capture::interchange::export::lines::Pieces;
use crate::capture::interchange::export::object::json;
use crate::capture::interchange::export::request::body;
use crate::capture::interchange::export::safe::Safe;
use crate::capture::interchange::export::{ExportOptions, ExportReport, Reason};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) struct Vegeta<'a>(pub(super) ExportOptions<'a>);

#[derive(Serialize)]
struct Target<'a> {
    method: &'a str,
    url: String,
    header: BTreeMap<String, Vec<String>>,
    #[serde(skip_serializing_if = "String::is_empty")]
    body: String,
}

impl Pieces for Vegeta<'_> {
    fn piece(&mut self, exchange: &Exchange, report: &mut ExportReport) -> Result<Vec<u8>, Reason> {
        let body = STANDARD.encode(body(exchange, &self.0)?);
        let mut safe = Safe::default();
        let headers = safe.repeatable(&exchange.request.headers);
        let mut header = BTreeMap::<_, Vec<_>>::new();
        for (name, value) in &headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            header.entry(name.to_string()).or_default().push(value);
        }
        let url = safe.url(self.0.target, &exchange.call.path);
        safe.tell(report);
        Ok(json(&Target { method: exchange.call.method.as_str(), url, header, body }))
    }
}
