//! Request bodies for AIPerf: without their instants (`raw_payload`) and with them
//! (`mooncake_trace` with a `payload`).
//!
//! As AIPerf 0.13 reads them: a `raw_payload` has to have a list of `messages`. It sends all
//! requests of a file to one path. Must not know: headers, which AIPerf takes from its command
//! line.

use crate::capture::Exchange;
use crate::capture::interchange::export::lines::{Pieces, Stamp, Unit};
use crate::capture::interchange::export::object::{Object, json, on_one_line};
use crate::capture::interchange::export::request::{body, route};
use crate::capture::interchange::export::{ExportOptions, ExportReport, Reason};
use bytes::Bytes;
use serde::Serialize;

pub(super) struct RawPayload<'a>(Payloads<'a>);

pub(super) struct PayloadTrace<'a>(Payloads<'a>);

/// Bodies of requests to one path.
struct Payloads<'a> {
    options: ExportOptions<'a>,
    route: Option<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    payload: Object<'a>,
}

impl<'a> RawPayload<'a> {
    pub(super) fn new(options: ExportOptions<'a>) -> Self {
        Self(Payloads { options, route: None })
    }
}

impl<'a> PayloadTrace<'a> {
    pub(super) fn new(options: ExportOptions<'a>) -> Self {
        Self(Payloads { options, route: None })
    }
}

impl Payloads<'_> {
    fn body(&self, exchange: &Exchange) -> Result<Bytes, Reason> {
        if self.route.as_deref().is_some_and(|route_of_all| route_of_all != route(exchange)) {
            return Err(Reason::OtherPath);
        }
        body(exchange, &self.options)
    }

    fn take(&mut self, exchange: &Exchange) {
        self.route.get_or_insert_with(|| route(exchange).to_owned());
    }
}

impl Pieces for RawPayload<'_> {
    fn piece(&mut self, exchange: &Exchange, _: &mut ExportReport) -> Result<Vec<u8>, Reason> {
        let body = self.0.body(exchange)?;
        let object = Object::read(&body).ok_or(Reason::NotJson)?;
        if !object.has_list("messages") {
            return Err(Reason::NoMessages);
        }
        self.0.take(exchange);
        Ok(on_one_line(&body))
    }
}

impl Pieces for PayloadTrace<'_> {
    const STAMP: Option<Stamp> = Some(Stamp { name: "timestamp", unit: Unit::MillisExact });

    fn piece(&mut self, exchange: &Exchange, _: &mut ExportReport) -> Result<Vec<u8>, Reason> {
        let body = self.0.body(exchange)?;
        let payload = Object::read(&body).ok_or(Reason::NotJson)?;
        self.0.take(exchange);
        Ok(json(&Line { payload }))
    }
}
