//! What one event of a streamed OpenAI answer says.
//!
//! Owns the members of a chunk. Every event is read to its end, for a third of a
//! microsecond: looking for words such as `"usage"` instead could be fooled by the text that
//! the model generates. Must not know: the events before and after.

use crate::protocol::choices::Finish;
use crate::protocol::json::{Cursor, Kind, Step, Text};
use crate::protocol::usage::read_usage;
use crate::types::{Operation, Usage};
use std::borrow::Cow;

/// One chunk.
#[derive(Clone, Debug, Default)]
pub struct Chunk<'a> {
    /// The model that answers.
    pub model: Option<Text<'a>>,
    /// Tokens so far.
    pub usage: Option<Usage>,
    /// Bytes of generated text, as they stand in the JSON.
    pub output_bytes: u64,
    /// Its choices, or parts of them. Almost always there is one.
    first_choice: Option<Choice>,
    more_choices: Vec<Choice>,
    /// It holds usage, no choice and no error: the chunk that `include_usage` adds.
    pub is_usage_only: bool,
    /// It is an error.
    pub is_error: bool,
}

/// A part of a choice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choice {
    /// Which of the answers to the request it belongs to.
    pub index: u64,
    /// Whether that is at its end.
    pub finish: Finish,
}

/// Reads the data of an event; `None` when it is not a JSON object.
pub fn read_chunk(operation: Operation, data: &[u8]) -> Option<Chunk<'_>> {
    let mut chunk = Chunk::default();
    let mut has_usage = false;
    let mut no_choices = false;
    let mut cursor = Cursor::new(data);
    if cursor.kind() != Ok(Kind::Object) {
        return None;
    }
    let walked = cursor.members(|cursor, name| {
        match &*name.bytes() {
            b"choices" => {
                no_choices = cursor.kind()? == Kind::Array;
                cursor.elements(|cursor| {
                    no_choices = false;
                    chunk.choice(operation, cursor)
                })?;
            }
            b"model" => chunk.model = cursor.text()?,
            b"usage" => {
                has_usage = cursor.kind()? != Kind::Null;
                chunk.usage = read_usage(cursor)?;
            }
            b"error" => {
                chunk.is_error |= cursor.kind()? != Kind::Null;
                cursor.skip()?;
            }
            // How vLLM marked its errors before it followed OpenAI.
            b"object" => chunk.is_error |= cursor.text()?.is_some_and(|o| o.raw() == b"error"),
            _ => cursor.skip()?,
        }
        Ok(())
    });
    walked.and_then(|()| cursor.end()).ok()?;
    chunk.is_usage_only = has_usage && no_choices && !chunk.is_error;
    Some(chunk)
}

/// What an error event says went wrong: `error.message`, `error` or `message`, or all of it.
pub fn error_message(data: &[u8]) -> String {
    match stated_message(&mut Cursor::new(data)) {
        Ok(Some(message)) => message.into_owned(),
        _ => String::from_utf8_lossy(data).into_owned(),
    }
}

fn stated_message<'a>(cursor: &mut Cursor<'a>) -> Step<Option<Cow<'a, str>>> {
    let mut message = None;
    if cursor.kind()? == Kind::String {
        return Ok(cursor.text()?.and_then(|text| text.decode()));
    }
    cursor.members(|cursor, name| {
        match &*name.bytes() {
            b"error" => message = stated_message(cursor)?.or(message.take()),
            b"message" => {
                let stated = cursor.text()?.and_then(|text| text.decode());
                message = message.take().or(stated);
            }
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(message)
}

impl Chunk<'_> {
    /// The choices it holds parts of.
    pub fn choices(&self) -> impl Iterator<Item = &Choice> {
        self.first_choice.iter().chain(&self.more_choices)
    }

    fn choice(&mut self, operation: Operation, cursor: &mut Cursor<'_>) -> Step {
        let mut choice = Choice::default();
        cursor.members(|cursor, name| {
            match (&*name.bytes(), operation) {
                (b"text", Operation::TextCompletion) => self.output_bytes += text_bytes(cursor)?,
                (b"delta", _) => self.output_bytes += delta_bytes(cursor)?,
                (b"index", _) => choice.index = cursor.count()?.unwrap_or(0),
                (b"finish_reason", _) => choice.finish = read_finish(cursor)?,
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        match self.first_choice {
            None => self.first_choice = Some(choice),
            Some(_) => self.more_choices.push(choice),
        }
        Ok(())
    }
}

/// The `finish_reason` at the cursor.
pub fn read_finish(cursor: &mut Cursor<'_>) -> Step<Finish> {
    Ok(cursor.text()?.map_or(Finish::None, |reason| Finish::of(reason.raw())))
}

/// Bytes that the model generated in a chat delta. The role is not its work.
fn delta_bytes(cursor: &mut Cursor<'_>) -> Step<u64> {
    let mut bytes = 0;
    // Some servers send the same text under both of its names.
    let mut reasoning = 0;
    cursor.members(|cursor, name| {
        match &*name.bytes() {
            b"content" | b"refusal" | b"tool_calls" | b"function_call" | b"audio" => {
                bytes += text_bytes(cursor)?;
            }
            b"reasoning" | b"reasoning_content" => reasoning = reasoning.max(text_bytes(cursor)?),
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(bytes + reasoning)
}

/// Bytes of all strings in a value, but for those that the server put there.
fn text_bytes(cursor: &mut Cursor<'_>) -> Step<u64> {
    let mut bytes = 0;
    match cursor.kind()? {
        Kind::String => bytes = cursor.text()?.map_or(0, |text| text.raw().len() as u64),
        Kind::Array => cursor.elements(|cursor| {
            bytes += text_bytes(cursor)?;
            Ok(())
        })?,
        Kind::Object => cursor.members(|cursor, name| {
            match &*name.bytes() {
                b"type" | b"id" => cursor.skip()?,
                _ => bytes += text_bytes(cursor)?,
            }
            Ok(())
        })?,
        _ => cursor.skip()?,
    }
    Ok(bytes)
}
