//! `[capture]`, and `capture` of a `[[model]]`, as they are written.
//!
//! Must not know: how exchanges are stored, or how anything is found in them.

use super::RawSize;
use crate::capture::{CaptureMode, CaptureSettings, KnownPattern, Retention, RouteCapture};
use crate::config::format::{ByteSize, Label, Pattern, Percent, Text, VariableName};
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, transform = show_defaults_of_routes)]
pub(in crate::config) struct RawCapture {
    /// The models that are captured without a `capture` of their own; `*` stands for any text,
    /// `?` for one character.
    pub models: Vec<Text<Pattern>>,
    /// What is kept, and for how long; the oldest goes first.
    pub keep: RawKeep,
    /// What may wait in memory to be written, 1MiB or more.
    pub queue: RawSize,
    /// The environment variable that holds the key which captures are encrypted with: 64 hex
    /// digits, as `openssl rand -hex 32` prints them. Without a key they are not encrypted.
    pub key_env: Option<Text<VariableName>>,
    /// The file that holds that key.
    pub key_file: Option<Text<PathBuf>>,
    /// What is taken out before anything is written.
    pub redact: RawRedact,
    /// What models begin from.
    #[serde(flatten)]
    pub route: RawRouteCapture,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawKeep {
    /// All captures together, 128MiB or more.
    pub bytes: RawSize,
    /// The age at which they go.
    pub age: Text<Duration>,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawRedact {
    /// What is looked for in all texts.
    pub patterns: Vec<RawPattern>,
    /// Headers that are written down beside those that always are; never one that can hold a
    /// credential.
    pub headers: Vec<String>,
    /// Rules of your own.
    pub rules: Vec<RawRule>,
}

/// What is looked for.
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum RawPattern {
    /// Keys of providers and clouds, and whatever follows `Bearer`.
    ApiKey,
    /// JSON Web Tokens.
    Jwt,
    /// Addresses of electronic mail.
    Email,
    /// Telephone numbers.
    Phone,
    /// Card numbers with a valid check digit.
    Card,
    /// International bank account numbers with valid check digits.
    Iban,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawRule {
    /// What it is counted under, and what stands in place of what it takes out.
    #[schemars(required)]
    pub name: Option<Text<Label>>,
    /// A regular expression; what it matches in any text is taken out.
    pub pattern: Option<String>,
    /// A JSON pointer such as `/metadata/customer`, in which `*` stands for any member or
    /// element; the value there is taken out.
    pub pointer: Option<String>,
}

/// Whether a model is captured, or how.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::config) enum RawModelCapture {
    Switch(bool),
    Mode(RawCaptureMode),
    Route(Box<RawRouteCapture>),
}

#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct RawRouteCapture {
    /// What is written down of an exchange.
    pub mode: Option<RawCaptureMode>,
    /// What is kept of each body; of what is longer, the length and a hash are too.
    pub body: Option<RawSize>,
    /// The share of conversations that is captured, each as a whole.
    pub sample: Option<Text<Percent>>,
    /// What is captured whatever the sample says.
    pub always: Option<Vec<RawAlways>>,
    /// How long an exchange has to take to be captured whatever the sample says; 0s is off.
    pub slower_than: Option<Text<Duration>>,
}

/// What is written down of an exchange.
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum RawCaptureMode {
    /// All of it.
    Full,
    /// All of it without what `redact` finds.
    Redacted,
    /// Lengths and roles, without any text: enough to load a server as it was loaded.
    Shape,
}

/// What is captured whatever the sample says.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum RawAlways {
    /// Whatever failed.
    Errors,
    /// Whatever its caller did not wait for.
    Cancelled,
}

impl Default for RawCapture {
    fn default() -> Self {
        Self {
            models: Vec::new(),
            keep: RawKeep::default(),
            queue: size(CaptureSettings::default().queue),
            key_env: None,
            key_file: None,
            redact: RawRedact::default(),
            route: RawRouteCapture::default(),
        }
    }
}

impl Default for RawKeep {
    fn default() -> Self {
        let Retention { bytes, age } = CaptureSettings::default().keep;
        Self { bytes: size(bytes), age: Text(age) }
    }
}

impl Default for RawRedact {
    fn default() -> Self {
        let patterns = CaptureSettings::default().redaction.patterns;
        let patterns = patterns.into_iter().map(RawPattern::from).collect();
        Self { patterns, headers: Vec::new(), rules: Vec::new() }
    }
}

impl From<KnownPattern> for RawPattern {
    fn from(pattern: KnownPattern) -> Self {
        match pattern {
            KnownPattern::ApiKey => Self::ApiKey,
            KnownPattern::Jwt => Self::Jwt,
            KnownPattern::Email => Self::Email,
            KnownPattern::Phone => Self::Phone,
            KnownPattern::Card => Self::Card,
            KnownPattern::Iban => Self::Iban,
        }
    }
}

impl From<RouteCapture> for RawRouteCapture {
    fn from(route: RouteCapture) -> Self {
        let tail = route.sampling;
        let always = [(tail.errors, RawAlways::Errors), (tail.cancelled, RawAlways::Cancelled)];
        Self {
            mode: Some(match route.mode {
                CaptureMode::Full => RawCaptureMode::Full,
                CaptureMode::Redacted => RawCaptureMode::Redacted,
                CaptureMode::Shape => RawCaptureMode::Shape,
            }),
            body: Some(size(route.body)),
            sample: Some(Text(Percent(tail.sessions))),
            always: Some(always.into_iter().filter(|(on, _)| *on).map(|(_, word)| word).collect()),
            slower_than: Some(Text(tail.slower_than.unwrap_or_default())),
        }
    }
}

fn size(bytes: u64) -> RawSize {
    RawSize::Text(Text(ByteSize(bytes)))
}

/// In `[capture]` what is left out is the default; in a model, what `[capture]` says.
fn show_defaults_of_routes(schema: &mut Schema) {
    let defaults = serde_json::to_value(RawRouteCapture::from(RouteCapture::default()));
    super::show_defaults(schema, defaults);
}
