//! The parts of a head: which field holds what of each.
//!
//! Fields keep their numbers for good, so that a value can be renamed without a word of the
//! format changing. Must not know: how the parts make a head.

use super::wire::{Read, Value, Write, Writer};
use super::words;
use crate::capture::{AttemptNote, CallNote, CallerNote, Content, Message, Session, Shape, Times};
use crate::types::{Micros, Usage};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

/// Headers and what is said of a body, as they are read.
#[derive(Default)]
pub(super) struct MessageHead {
    headers: HeaderMap,
    pub(super) body: BodyHead,
}

/// Nothing: unknown. `kept`: whole. `kept`, `length` and `digest`: cut. `shape`: its shape.
#[derive(Default)]
pub(super) struct BodyHead {
    /// Bytes in the record.
    pub(super) kept: Option<u64>,
    length: Option<u64>,
    digest: Option<[u8; 32]>,
    shape: Option<Shape>,
}

/// Tokens as they are read; who counted them may be a word that is not known here.
#[derive(Default)]
pub(super) struct UsageHead {
    input: u64,
    output: u64,
    source: Option<String>,
}

impl MessageHead {
    pub(super) fn into_message(self, kept: Bytes) -> Message {
        Message { headers: self.headers, body: self.body.into_content(kept) }
    }
}

impl BodyHead {
    pub(super) fn length(&self) -> Option<u64> {
        self.shape.as_ref().map(|shape| shape.length).or(self.length).or(self.kept)
    }

    fn into_content(self, kept: Bytes) -> Content {
        match (self.kept, self.length, self.digest, self.shape) {
            (Some(_), None, None, None) => Content::Whole(kept),
            (Some(_), Some(length), Some(digest), None) => Content::Cut { kept, length, digest },
            (None, None, None, Some(shape)) => Content::Shape(Box::new(shape)),
            _ => Content::Unknown,
        }
    }
}

impl UsageHead {
    pub(super) fn into_usage(self) -> Option<Usage> {
        let source = words::usage_source(self.source.as_deref()?)?;
        Some(Usage { input: self.input, output: self.output, source })
    }
}

impl Write for Message {
    fn write(&self, fields: &mut Writer<'_>) {
        for (name, value) in &self.headers {
            fields.each(1, &[name.as_str().as_bytes(), b":", value.as_bytes()]);
        }
        fields.number(2, self.body.kept().map(|kept| kept.len() as u64));
        match &self.body {
            Content::Unknown | Content::Whole(_) => {}
            Content::Cut { length, digest, .. } => {
                fields.number(3, Some(*length));
                fields.bytes(4, Some(digest));
            }
            // Writing to memory does not fail.
            Content::Shape(shape) => fields.bytes(5, serde_json::to_vec(shape).ok().as_deref()),
        }
    }
}

impl Read for MessageHead {
    fn take(&mut self, field: u64, value: Value<'_>) -> Option<()> {
        let body = &mut self.body;
        match field {
            1 => {
                // No name has a colon (RFC 9110 §5.6.2).
                let line = value.bytes()?;
                let (name, value) = line.split_at(memchr::memchr(b':', line)?);
                let name = HeaderName::from_bytes(name).ok()?;
                let value = HeaderValue::from_bytes(value.get(1..)?).ok()?;
                // There may be more than a map can hold.
                self.headers.try_append(name, value).ok()?;
            }
            2 => body.kept = Some(value.number()?),
            3 => body.length = Some(value.number()?),
            4 => body.digest = Some(value.bytes()?.try_into().ok()?),
            5 => body.shape = Some(serde_json::from_slice(value.bytes()?).ok()?),
            _ => {}
        }
        Some(())
    }
}

impl Write for Session {
    fn write(&self, fields: &mut Writer<'_>) {
        fields.text(1, Some(&self.id));
        fields.number(2, Some(self.turn.into()));
    }
}

impl Read for Session {
    fn take(&mut self, field: u64, value: Value<'_>) -> Option<()> {
        match field {
            1 => self.id = value.owned()?,
            2 => self.turn = value.number()?.try_into().ok()?,
            _ => {}
        }
        Some(())
    }
}

impl Write for CallerNote {
    fn write(&self, fields: &mut Writer<'_>) {
        let Self { key, tenant, credential } = self;
        fields.text(1, key.as_deref());
        fields.text(2, tenant.as_deref());
        fields.text(3, credential.as_deref());
    }
}

impl Read for CallerNote {
    fn take(&mut self, field: u64, value: Value<'_>) -> Option<()> {
        match field {
            1 => self.key = Some(value.owned()?),
            2 => self.tenant = Some(value.owned()?),
            3 => self.credential = Some(value.owned()?),
            _ => {}
        }
        Some(())
    }
}

impl Write for CallNote {
    fn write(&self, fields: &mut Writer<'_>) {
        fields.text(1, Some(self.method.as_str()));
        fields.text(2, Some(&self.path));
        fields.text(3, self.dialect.map(|dialect| dialect.label()));
        fields.text(4, self.operation.map(|operation| operation.label()));
        fields.number(5, self.streamed.map(u64::from));
        fields.text(6, self.model.as_deref());
        fields.text(7, self.model_asked.as_deref());
        fields.text(8, self.model_sent.as_deref());
        fields.text(9, self.model_answered.as_deref());
    }
}

impl Read for CallNote {
    fn take(&mut self, field: u64, value: Value<'_>) -> Option<()> {
        match field {
            1 => self.method = http::Method::from_bytes(value.bytes()?).ok()?,
            2 => self.path = value.owned()?,
            3 => self.dialect = words::dialect(value.text()?),
            4 => self.operation = words::operation(value.text()?),
            5 => self.streamed = Some(value.number()? != 0),
            6 => self.model = Some(value.owned()?),
            7 => self.model_asked = Some(value.owned()?),
            8 => self.model_sent = Some(value.owned()?),
            9 => self.model_answered = Some(value.owned()?),
            _ => {}
        }
        Some(())
    }
}

impl Write for AttemptNote {
    fn write(&self, fields: &mut Writer<'_>) {
        fields.text(1, Some(&self.upstream));
        fields.text(2, Some(&self.endpoint));
        fields.number(3, micros(Some(self.began)));
        fields.number(4, micros(self.ended));
        fields.number(5, self.status.map(u64::from));
        fields.text(6, self.error.as_deref());
    }
}

impl Read for AttemptNote {
    fn take(&mut self, field: u64, value: Value<'_>) -> Option<()> {
        match field {
            1 => self.upstream = value.owned()?,
            2 => self.endpoint = value.owned()?,
            3 => self.began = duration(value)?,
            4 => self.ended = Some(duration(value)?),
            5 => self.status = Some(value.number()?.try_into().ok()?),
            6 => self.error = Some(value.owned()?),
            _ => {}
        }
        Some(())
    }
}

impl Write for Times {
    fn write(&self, fields: &mut Writer<'_>) {
        let Self { received, sent, headers, first_byte, first_token, last, client_closed } = self;
        fields.number(1, micros(Some(*received)));
        fields.number(2, micros(*sent));
        fields.number(3, micros(*headers));
        fields.number(4, micros(*first_byte));
        fields.number(5, micros(*first_token));
        fields.number(6, micros(*last));
        fields.number(7, micros(*client_closed));
    }
}

impl Read for Times {
    fn take(&mut self, field: u64, value: Value<'_>) -> Option<()> {
        match field {
            1 => self.received = duration(value)?,
            2 => self.sent = Some(duration(value)?),
            3 => self.headers = Some(duration(value)?),
            4 => self.first_byte = Some(duration(value)?),
            5 => self.first_token = Some(duration(value)?),
            6 => self.last = Some(duration(value)?),
            7 => self.client_closed = Some(duration(value)?),
            _ => {}
        }
        Some(())
    }
}

impl Write for Usage {
    fn write(&self, fields: &mut Writer<'_>) {
        fields.number(1, Some(self.input));
        fields.number(2, Some(self.output));
        fields.text(3, Some(self.source.label()));
    }
}

impl Read for UsageHead {
    fn take(&mut self, field: u64, value: Value<'_>) -> Option<()> {
        match field {
            1 => self.input = value.number()?,
            2 => self.output = value.number()?,
            3 => self.source = Some(value.owned()?),
            _ => {}
        }
        Some(())
    }
}

fn micros(duration: Option<Duration>) -> Option<u64> {
    duration.map(|duration| Micros::from(duration).0)
}

fn duration(value: Value<'_>) -> Option<Duration> {
    value.number().map(|micros| Micros(micros).into())
}
