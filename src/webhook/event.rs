//! What is told: a kind, a name, and JSON.
//!
//! Must not know: who is told, or what the JSON means.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// What receivers choose by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Something about an error budget.
    Budget,
    /// Something about an endpoint of an upstream.
    Upstream,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Of which kind it is.
    pub kind: EventKind,
    /// Its `type`, such as `budget.burning`.
    pub name: &'static str,
    /// The models that it is about; empty when it is about none in particular.
    pub models: Vec<String>,
    /// What is known of it.
    pub data: Value,
}

/// An event on its way to one receiver.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// The same for every try, so that a receiver can tell that it has it already.
    pub(super) id: String,
    /// Its `type`.
    pub(super) name: &'static str,
    /// As it is sent.
    pub(super) body: Bytes,
}

impl Message {
    /// A message with a new id, of this type and content.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(super) fn new(
        name: &'static str,
        at: SystemTime,
        data: &Value,
    ) -> Result<Self, getrandom::Error> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let timestamp = humantime::format_rfc3339_millis(at.max(UNIX_EPOCH)).to_string();
        let body = json!({ "type": name, "timestamp": timestamp, "data": data });
        let id = format!("msg_{:032x}", u128::from_be_bytes(random));
        Ok(Self { id, name, body: body.to_string().into() })
    }
}
