//! What an operator says about capture, validated.
//!
//! Must not know: TOML, where a value was written, or how a capture is stored.

use crate::types::Secret;
use std::time::Duration;

/// Capture as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct CaptureSettings {
    /// What is kept, and for how long.
    pub keep: Retention,
    /// When a segment is ended and the next one begun.
    pub roll: Roll,
    /// Bytes that may wait to be written, bodies of exchanges under way included.
    pub queue: u64,
    /// What segments are encrypted with; `None` where they are not.
    pub encryption: Option<MasterKey>,
    /// What is taken out of bodies and headers.
    pub redaction: RedactionSettings,
    /// The models that are captured without a setting of their own; may hold `*` and `?`.
    pub models: Vec<String>,
    /// How those are, and what a model's own setting begins from.
    pub default: RouteCapture,
}

impl Default for CaptureSettings {
    /// No model is captured.
    fn default() -> Self {
        Self {
            keep: Retention { bytes: 20 << 30, age: Duration::from_secs(14 * 24 * 60 * 60) },
            roll: Roll { bytes: 64 << 20, age: Duration::from_secs(10 * 60) },
            queue: 64 << 20,
            encryption: None,
            redaction: RedactionSettings {
                patterns: KnownPattern::ALL.to_vec(),
                ..RedactionSettings::default()
            },
            models: Vec::new(),
            default: RouteCapture::default(),
        }
    }
}

impl Default for RouteCapture {
    /// Everything, redacted.
    fn default() -> Self {
        let (mode, sampling) = (CaptureMode::default(), Sampling::default());
        Self { mode, body: 1 << 20, sampling }
    }
}

impl RouteCapture {
    /// The most bytes that may be kept of a body.
    pub const LARGEST_BODY: u64 = 16 << 20;
}

impl Default for Sampling {
    /// All of them.
    fn default() -> Self {
        Self { sessions: 1.0, errors: true, slower_than: None, cancelled: true }
    }
}

impl KnownPattern {
    /// All there are.
    pub const ALL: [Self; 6] =
        [Self::ApiKey, Self::Jwt, Self::Email, Self::Phone, Self::Card, Self::Iban];
}

/// What is kept, and for how long. Whole segments go, the oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Bytes of all segments.
    pub bytes: u64,
    /// Age of the newest record of a segment.
    pub age: Duration,
}

/// When a segment is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roll {
    /// At this size in bytes.
    pub bytes: u64,
    /// At this age.
    pub age: Duration,
}

/// The key that the keys of segments are wrapped with: 32 bytes as 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterKey(pub Secret);

/// How the exchanges of a model are captured.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteCapture {
    /// What is written down.
    pub mode: CaptureMode,
    /// Bytes of each body that are kept; of what is longer the length and a hash are.
    pub body: u64,
    /// Which exchanges.
    pub sampling: Sampling,
}

/// What is written down of an exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CaptureMode {
    /// Everything that the header rules let through.
    Full,
    /// The same, without what the redaction finds.
    #[default]
    Redacted,
    /// Lengths, roles and the ids of blocks: a load, and no content.
    Shape,
}

/// Which exchanges are written down: those of a share of the conversations, and whichever the
/// tail rules ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// The share of conversations, from 0 to 1. A conversation is in it as a whole.
    pub sessions: f64,
    /// Whatever failed.
    pub errors: bool,
    /// Whatever took longer than this to its last byte.
    pub slower_than: Option<Duration>,
    /// Whatever its caller did not wait for.
    pub cancelled: bool,
}

/// What is taken out before anything is queued.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedactionSettings {
    /// Headers that are kept beside those that always are, in lower case.
    pub headers: Vec<String>,
    /// Known patterns that are looked for.
    pub patterns: Vec<KnownPattern>,
    /// The operator's own rules.
    pub rules: Vec<RedactionRule>,
}

/// A pattern with a name of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KnownPattern {
    /// Keys of providers and clouds, `Bearer …`, private keys in PEM.
    ApiKey,
    /// JSON Web Tokens (RFC 7519).
    Jwt,
    /// Addresses of electronic mail.
    Email,
    /// Telephone numbers in international and common national notation.
    Phone,
    /// Card numbers with a valid check digit (ISO/IEC 7812-1, Luhn).
    Card,
    /// International bank account numbers with valid check digits (ISO 13616).
    Iban,
}

/// A rule of the operator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedactionRule {
    /// What it is counted under: letters, digits, `_` and `-`.
    pub name: String,
    /// What it takes out.
    pub target: RedactionTarget,
}

/// What a rule takes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedactionTarget {
    /// Text that a regular expression of the `regex` crate matches, in any string.
    Pattern(String),
    /// The value at a JSON pointer (RFC 6901), in which a segment `*` stands for any.
    Pointer(String),
}
