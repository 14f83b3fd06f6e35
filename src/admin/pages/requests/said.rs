//! What was asked and answered, where it was captured: as a conversation, or raw.
//!
//! What is shown is what the capture holds, redacted as it was. Must not know: who may see it.

use super::again::Again;
use super::raw::{Part, raw};
use crate::admin::AdminState;
use crate::admin::pages::quoting::visible;
use crate::capture::{Content, Exchange, Filter};
use crate::history::recent::RecentRequest;
use serde_json::Value;
use std::time::Duration;

/// Text of one message that is shown.
const MOST: usize = 20_000;
/// Between the ends of a request's time and the capture's own.
const SLACK: Duration = Duration::from_secs(2);

/// What was said.
pub(super) enum Said {
    /// It was not captured, or is no longer.
    Nothing,
    /// Whoever looks may not see it.
    Hidden,
    /// It cannot be read.
    Failed(String),
    /// It can be read.
    Captured(Box<Captured>),
}

/// How it is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum View {
    #[default]
    Chat,
    Raw,
}

/// What was captured.
pub(super) struct Captured {
    pub(super) content: Form,
    /// What was taken out of it; empty where nothing was.
    pub(super) taken: String,
    /// The request, to be sent again.
    pub(super) again: Option<Again>,
}

/// In which form it is shown.
pub(super) enum Form {
    /// The messages in their order.
    Chat(Vec<Message>),
    /// The request and its answer.
    Raw(Vec<Part>),
}

/// One message.
pub(super) struct Message {
    pub(super) who: String,
    pub(super) text: String,
}

/// What was said in `request`.
pub(super) fn said(state: &AdminState, request: &RecentRequest, view: View) -> Said {
    let Some(control) = &state.capture else { return Said::Nothing };
    if !request.captured {
        return Said::Nothing;
    }
    let since = |time: std::time::SystemTime| time.duration_since(std::time::UNIX_EPOCH).ok();
    let filter = Filter {
        request_id: Some(request.request_id.clone()),
        since: since(request.received).map(|at| at.saturating_sub(SLACK)),
        until: since(request.ended).map(|at| at + SLACK),
        ..Filter::all()
    };
    match control.archive.exchanges(filter).map(|mut found| found.next()) {
        Ok(Some(Ok((_, exchange)))) => {
            let taken = exchange.redactions.iter().map(|(name, count)| format!("{count} {name}"));
            Said::Captured(Box::new(Captured {
                content: match view {
                    View::Chat => Form::Chat(messages(&exchange)),
                    View::Raw => Form::Raw(raw(&exchange)),
                },
                taken: taken.collect::<Vec<_>>().join(", "),
                again: Again::of(&exchange, state.installation.playground.proxy()),
            }))
        }
        Ok(None) => Said::Nothing,
        Ok(Some(Err(error))) => Said::Failed(error.to_string()),
        Err(error) => Said::Failed(error.to_string()),
    }
}

fn messages(exchange: &Exchange) -> Vec<Message> {
    let mut messages = Vec::new();
    match &exchange.request.body {
        Content::Whole(body) => asked(body, &mut messages),
        Content::Shape(_) => messages.push(message("request", "Only its shape was captured.")),
        _ => messages.push(message("request", "Its body was not captured as a whole.")),
    }
    if let Some(answer) = &exchange.answer {
        match &answer.message.body {
            Content::Whole(body) => answered(body, &mut messages),
            Content::Shape(_) => messages.push(message("answer", "Only its shape was captured.")),
            _ => messages.push(message("answer", "Its body was not captured as a whole.")),
        }
    }
    messages
}

fn asked(body: &[u8], into: &mut Vec<Message>) {
    let Ok(document) = serde_json::from_slice::<Value>(body) else {
        return into.push(message("request", &String::from_utf8_lossy(body)));
    };
    let said = document["messages"].as_array().or(document["input"].as_array());
    match said {
        Some(said) => {
            into.extend(said.iter().map(|one| {
                message(one["role"].as_str().unwrap_or("user"), &text_of(&one["content"]))
            }))
        }
        None => {
            let prompt = document["prompt"].as_str().or(document["input"].as_str());
            into.push(message("prompt", prompt.unwrap_or(&document.to_string())));
        }
    }
}

/// A whole answer, or the pieces of a stream put together.
fn answered(body: &[u8], into: &mut Vec<Message>) {
    let text = String::from_utf8_lossy(body);
    if let Ok(document) = serde_json::from_str::<Value>(&text) {
        let choice = &document["choices"][0];
        let said = text_of(&choice["message"]["content"]);
        let said = if said.is_empty() {
            choice["text"].as_str().unwrap_or_default().to_owned()
        } else {
            said
        };
        let calls = tools(&choice["message"]["tool_calls"]);
        let whole =
            if said.is_empty() && calls.is_empty() { document.to_string() } else { said + &calls };
        return into.push(message("assistant", &whole));
    }
    let events = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let events = events.filter_map(|data| serde_json::from_str::<Value>(data.trim()).ok());
    let pieces: String = events
        .map(|event| {
            let choice = &event["choices"][0];
            let delta = text_of(&choice["delta"]["content"]);
            if delta.is_empty() {
                choice["text"].as_str().unwrap_or_default().to_owned()
            } else {
                delta
            }
        })
        .collect();
    into.push(message("assistant", if pieces.is_empty() { &text } else { &pieces }));
}

/// Text, or the texts of parts.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().map(|part| match part["text"].as_str() {
                Some(text) => text.to_owned(),
                None => format!("[{}]", part["type"].as_str().unwrap_or("part")),
            });
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

fn tools(calls: &Value) -> String {
    let calls = calls.as_array().into_iter().flatten();
    calls
        .map(|call| {
            let function = &call["function"];
            let (name, arguments) = (function["name"].as_str(), function["arguments"].as_str());
            format!("\n→ {}({})", name.unwrap_or("?"), arguments.unwrap_or_default())
        })
        .collect()
}

fn message(who: &str, text: &str) -> Message {
    let cut: String = text.chars().take(MOST).collect();
    let text = if cut.len() < text.len() { format!("{cut} …") } else { cut };
    Message { who: visible(who), text: visible(&text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_of_a_stream_are_put_together() {
        let mut messages = Vec::new();
        let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n\
                      data: {\"choices\":[{\"delta\":{\"content\":\"lo\"}}]}\n\ndata: [DONE]\n\n";
        answered(stream.as_bytes(), &mut messages);
        assert_eq!((messages[0].who.as_str(), messages[0].text.as_str()), ("assistant", "Hello"));
    }

    #[test]
    fn parts_and_tool_calls_are_told() {
        let mut messages = Vec::new();
        asked(br#"{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url"}]}]}"#, &mut messages);
        assert_eq!(messages[0].text, "a\n[image_url]");
        answered(br#"{"choices":[{"message":{"content":null,"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}}]}"#, &mut messages);
        assert_eq!(messages[1].text, "\n→ f({})");
    }
}
