//! A dataset of guidellm: a line of `relative_timestamp` and `conversation_turns` each.
//!
//! As guidellm 0.8 reads them. The turns are JSON in a string, because the library that reads
//! the file takes all rows of a column for one type, and messages are not of one. Each request
//! holds its whole conversation, so that every line is a conversation of one turn. Must not
//! know: parameters, which guidellm takes from its command line.

use crate::capture::Exchange;
use crate::capture::interchange::export::lines::{Pieces, Stamp, Unit};
use crate::capture::interchange::export::object::{Object, json};
use crate::capture::interchange::export::request::{body, route};
use crate::capture::interchange::export::{ExportOptions, ExportReport, Loss, Reason};
use crate::types::{Operation, UsageSource};
use serde::Serialize;
use serde_json::value::RawValue;

pub(super) struct Guidellm<'a>(pub(super) ExportOptions<'a>);

#[derive(Serialize)]
struct Line {
    conversation_turns: String,
}

#[derive(Serialize)]
struct Conversation<'a> {
    turns: [Turn<'a>; 1],
}

#[derive(Serialize)]
struct Turn<'a> {
    node_id: &'static str,
    columns: Columns<'a>,
}

/// Each holds a list of values, here of one.
#[derive(Default, Serialize)]
struct Columns<'a> {
    raw_messages_column: [Option<&'a RawValue>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    turn_type_column: Option<[&'static str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools_column: Option<[&'a RawValue; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice_column: Option<[&'static str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_tokens_count_column: Option<[u64; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_count_column: Option<[u64; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_duration_column: Option<[f64; 1]>,
}

impl Pieces for Guidellm<'_> {
    const STAMP: Option<Stamp> = Some(Stamp { name: "relative_timestamp", unit: Unit::Seconds });

    fn piece(&mut self, exchange: &Exchange, report: &mut ExportReport) -> Result<Vec<u8>, Reason> {
        if route(exchange) != Operation::Chat.route() {
            return Err(Reason::OtherPath);
        }
        let body = body(exchange, &self.0)?;
        let object = Object::read(&body).ok_or(Reason::NotJson)?;
        if !object.has_list("messages") {
            return Err(Reason::NoMessages);
        }
        let has_tools = object.has_list("tools");
        // Tools must be called, says guidellm where nothing is said.
        let choice = match object.get("tool_choice") {
            _ if !has_tools => None,
            None | Some("null" | "\"auto\"") => Some(["auto"]),
            Some("\"required\"") => Some(["required"]),
            Some(_) => return Err(Reason::ToolChoice),
        };
        let usage = exchange.usage.filter(|usage| usage.output > 0);
        if usage.is_some_and(|usage| usage.source == UsageSource::Estimated) {
            report.lose(Loss::EstimatedTokens);
        }
        let columns = Columns {
            raw_messages_column: [object.value("messages")],
            // Else it makes up a second turn, with the result of a tool, and sends the first
            // one at no certain time.
            turn_type_column: has_tools.then_some(["client_tool_call"]),
            tools_column: object.value("tools").filter(|_| has_tools).map(|tools| [tools]),
            tool_choice_column: choice,
            prompt_tokens_count_column: usage.map(|usage| [usage.input]),
            output_tokens_count_column: usage.map(|usage| [usage.output]),
            request_duration_column: exchange.times.last.map(|last| [last.as_secs_f64()]),
        };
        let conversation = Conversation { turns: [Turn { node_id: "main_0", columns }] };
        let turns = String::from_utf8(json(&conversation)).map_err(|_| Reason::NotJson)?;
        Ok(json(&Line { conversation_turns: turns }))
    }
}
