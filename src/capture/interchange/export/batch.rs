//! Input of OpenAI's Batch API: a line of `custom_id`, `method`, `url` and `body` each.
//!
//! <https://platform.openai.com/docs/guides/batch>: ids are unique within a file, and answers
//! are not streamed. Must not know: when requests came.

use crate::capture::Exchange;
use crate::capture::interchange::export::lines::Pieces;
use crate::capture::interchange::export::object::{Object, json};
use crate::capture::interchange::export::request::{body, route};
use crate::capture::interchange::export::{ExportOptions, ExportReport, Loss, Reason};
use http::Method;
use serde::Serialize;

/// The paths that a batch may have.
const PATHS: [&str; 4] =
    ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses"];

pub(super) struct Batch<'a> {
    options: ExportOptions<'a>,
    number: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    custom_id: String,
    method: &'a str,
    url: &'a str,
    body: Object<'a>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(options: ExportOptions<'a>) -> Self {
        Self { options, number: 0 }
    }
}

impl Pieces for Batch<'_> {
    fn piece(&mut self, exchange: &Exchange, report: &mut ExportReport) -> Result<Vec<u8>, Reason> {
        let url = PATHS.into_iter().find(|path| *path == route(exchange));
        let url = url.filter(|_| exchange.call.method == Method::POST);
        let url = url.ok_or(Reason::NotBatchable)?;
        let body = body(exchange, &self.options)?;
        let mut body = Object::read(&body).ok_or(Reason::NotJson)?;
        if body.get("stream") == Some("true") {
            body.remove(&["stream", "stream_options"]);
            report.lose(Loss::Stream);
        }
        // A caller may have used an id twice.
        let number = self.number;
        self.number += 1;
        let custom_id = match &exchange.request_id {
            Some(id) => format!("{number}-{id}"),
            None => format!("{number}"),
        };
        Ok(json(&Line { custom_id, method: "POST", url, body }))
    }
}
