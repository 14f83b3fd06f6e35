//! Values that are written as text: how each is read, and how it is described.
//!
//! Must not know: which settings there are.

mod address;
mod base_path;
mod digest;
mod duration;
mod endpoint;
mod file;
mod host;
mod name;
mod network;
mod number;
mod pace;
mod patience;
mod percent;
mod shared;
mod size;
mod trace_page;
mod variable;
mod webhook;

pub(super) use base_path::BasePath;
pub(super) use digest::Digest;
pub(super) use endpoint::EndpointUrl;
pub(super) use host::HostAndPort;
pub(super) use name::{Label, Pattern, UpstreamModel};
pub(super) use network::Network;
pub(super) use patience::Patience;
pub(super) use percent::Percent;
pub(super) use shared::{NodeAddress, RedisUrl};
pub(super) use size::ByteSize;
pub(super) use variable::VariableName;

use super::error::quoted;
use crate::cache::Pace;
use crate::observe::TracePage;
use crate::webhook::WebhookUrl;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A value that is written as text.
pub(super) trait Format: Sized {
    /// `format` in the JSON Schema.
    const NAME: &'static str;
    /// What an operator calls it, with its article.
    const NOUN: &'static str;
    /// Good ones.
    const EXAMPLES: &'static [&'static str];

    /// The value that `text` stands for.
    fn read(text: &str) -> Result<Self, Refusal>;

    /// The text that stands for this value.
    fn write(&self) -> String;
}

/// Why a text was not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It does not look right; it may be repeated in the message.
    Malformed,
    /// In words. Says nothing of the text where that may hold a secret.
    Because(String),
}

/// A [`Format`] seen from outside.
pub(super) struct Rule {
    name: &'static str,
    noun: &'static str,
    examples: &'static [&'static str],
    check: fn(&str) -> Result<(), Refusal>,
}

static RULES: [Rule; 20] = [
    Rule::of::<BasePath>(),
    Rule::of::<ByteSize>(),
    Rule::of::<Digest>(),
    Rule::of::<Duration>(),
    Rule::of::<EndpointUrl>(),
    Rule::of::<HostAndPort>(),
    Rule::of::<Label>(),
    Rule::of::<Network>(),
    Rule::of::<NodeAddress>(),
    Rule::of::<Pace>(),
    Rule::of::<PathBuf>(),
    Rule::of::<Patience>(),
    Rule::of::<Pattern>(),
    Rule::of::<Percent>(),
    Rule::of::<RedisUrl>(),
    Rule::of::<SocketAddr>(),
    Rule::of::<TracePage>(),
    Rule::of::<UpstreamModel>(),
    Rule::of::<VariableName>(),
    Rule::of::<WebhookUrl>(),
];

impl Rule {
    /// The rule of the format called `name` in the schema.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.name == name)
    }

    /// `a duration like "1.5s" or "200ms"`
    pub(super) fn expected(&self) -> String {
        format!("{} like {}", self.noun, self.examples())
    }

    /// Whether `text` is one.
    pub(super) fn check(&self, text: &str) -> Result<(), String> {
        (self.check)(text).map_err(|refusal| match refusal {
            Refusal::Because(words) => words,
            Refusal::Malformed => {
                let Self { noun, .. } = self;
                format!("{} is not {noun}; write it like {}", quoted(text), self.examples())
            }
        })
    }

    fn examples(&self) -> String {
        let examples: Vec<String> = self.examples.iter().map(|e| format!("{e:?}")).collect();
        examples.join(" or ")
    }

    /// That of `T`.
    pub(super) const fn of<T: Format>() -> Self {
        Self {
            name: T::NAME,
            noun: T::NOUN,
            examples: T::EXAMPLES,
            check: |text| T::read(text).map(|_| ()),
        }
    }
}

/// A setting that is written as text.
#[derive(Clone, Debug)]
pub(super) struct Text<T>(pub T);

impl<'de, T: Format> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let refused = |_| de::Error::custom(format_args!("not {}", T::NOUN));
        T::read(&text).map(Self).map_err(refused)
    }
}

impl<T: Format> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.write())
    }
}

impl<T: Format> JsonSchema for Text<T> {
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": T::NAME, "examples": T::EXAMPLES })
    }
}
