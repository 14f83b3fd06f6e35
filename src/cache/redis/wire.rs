//! The texts that proxies leave for each other: a line of the journal, and the message that
//! says there is a new one. JSON with a version, so that proxies of different releases can
//! share a Redis.
//!
//! Must not know: connections, or what a purge removes.

use super::journal::{Instance, Position};
use crate::types::{CacheKey, CacheTags, Purge};
use serde::{Deserialize, Serialize};

const VERSION: u32 = 1;

/// The longest message that is looked at, in bytes; one of ours takes less than 100.
const LONGEST_MESSAGE: usize = 1024;

/// What a line's value says: `{"v":1,"from":"00c0ffee00c0ffee","purge":{"entry":"9f…"}}`.
pub(super) fn line(from: Instance, purge: &Purge) -> String {
    to_json(&LineText { v: VERSION, from: from.to_string(), purge: PurgeText::from(purge) })
}

/// Reads a line's value. One that cannot be read stands for everything: it may be any purge
/// of a later release.
pub(super) fn read_line(text: &[u8]) -> (Option<Instance>, Purge) {
    let known = serde_json::from_slice::<LineText>(text).ok().filter(|line| line.v == VERSION);
    let read = known.and_then(|line| Some((parse_instance(&line.from)?, line.purge.purge()?)));
    read.map_or((None, Purge::All), |(from, purge)| (Some(from), purge))
}

/// The message that says that `from` wrote the line `at`:
/// `{"v":1,"from":"00c0ffee00c0ffee","at":"1767225600000-0"}`.
pub(super) fn message(from: Instance, at: Position) -> String {
    to_json(&MessageText { v: VERSION, from: from.to_string(), at: at.to_string() })
}

/// Reads a message; `None` for what is none, or is of another release.
pub(super) fn read_message(text: &[u8]) -> Option<(Instance, Position)> {
    if text.len() > LONGEST_MESSAGE {
        return None;
    }
    let read = serde_json::from_slice::<MessageText>(text).ok()?;
    let known = read.v == VERSION;
    Some((parse_instance(&read.from)?, read.at.parse().ok()?)).filter(|_| known)
}

#[derive(Serialize, Deserialize)]
struct LineText {
    v: u32,
    from: String,
    purge: PurgeText,
}

#[derive(Serialize, Deserialize)]
struct MessageText {
    v: u32,
    from: String,
    at: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PurgeText {
    All,
    Entry(String),
    Tagged(TagsText),
}

// A tag of a later release narrows the purge. Rather than guess, the line is not read, and
// stands for everything.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TagsText {
    #[serde(skip_serializing_if = "String::is_empty")]
    model: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    route: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    tenant: String,
}

impl From<&Purge> for PurgeText {
    fn from(purge: &Purge) -> Self {
        match purge {
            Purge::All => Self::All,
            Purge::Entry(key) => Self::Entry(key.to_string()),
            Purge::Tagged(tags) => Self::Tagged(TagsText {
                model: tags.model.as_ref().into(),
                route: tags.route.as_ref().into(),
                namespace: tags.namespace.as_ref().into(),
                key: tags.key.as_ref().into(),
                tenant: tags.tenant.as_ref().into(),
            }),
        }
    }
}

impl PurgeText {
    fn purge(self) -> Option<Purge> {
        Some(match self {
            Self::All => Purge::All,
            Self::Entry(key) => Purge::Entry(parse_key(&key)?),
            Self::Tagged(tags) => Purge::Tagged(CacheTags {
                model: tags.model.into(),
                route: tags.route.into(),
                namespace: tags.namespace.into(),
                key: tags.key.into(),
                tenant: tags.tenant.into(),
            }),
        })
    }
}

impl std::fmt::Display for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

fn parse_instance(hex: &str) -> Option<Instance> {
    u64::from_str_radix(hex, 16).ok().map(Instance)
}

fn parse_key(hex: &str) -> Option<CacheKey> {
    let digits = hex.as_bytes();
    let mut key = [0; 32];
    if digits.len() != key.len() * 2 {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(CacheKey(key))
}

fn to_json(text: &impl Serialize) -> String {
    // Only strings and a number: nothing that JSON could not write.
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Instance = Instance(0xc0ff_ee00);

    fn tags() -> CacheTags {
        CacheTags { model: "m \"1\"".into(), tenant: "téñant".into(), ..CacheTags::default() }
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        for purge in [Purge::All, Purge::Entry(CacheKey([0xa5; 32])), Purge::Tagged(tags())] {
            assert_eq!(read_line(line(ME, &purge).as_bytes()), (Some(ME), purge));
        }
    }

    #[test]
    fn a_line_is_compact() {
        let wanted = CacheTags { model: "m".into(), ..CacheTags::default() };
        assert_eq!(
            line(ME, &Purge::Tagged(wanted)),
            r#"{"v":1,"from":"00000000c0ffee00","purge":{"tagged":{"model":"m"}}}"#
        );
        assert_eq!(line(ME, &Purge::All), r#"{"v":1,"from":"00000000c0ffee00","purge":"all"}"#);
    }

    #[test]
    fn a_line_that_cannot_be_read_purges_everything() {
        for text in [
            "",
            "{",
            "null",
            r#"{"v":2,"from":"1","purge":"all"}"#,
            r#"{"v":1,"from":"x","purge":"all"}"#,
            r#"{"v":1,"from":"1","purge":{"entry":"abc"}}"#,
            r#"{"v":1,"from":"1","purge":{"tagged":{"colour":"red"}}}"#,
            r#"{"v":1,"from":"1","purge":{"older_than":3}}"#,
        ] {
            assert_eq!(read_line(text.as_bytes()), (None, Purge::All), "{text}");
        }
    }

    #[test]
    fn a_message_is_read_as_it_was_written_and_others_are_not() {
        let at = Position { ms: 1_767_225_600_000, seq: 2 };
        let text = message(ME, at);
        assert_eq!(read_message(text.as_bytes()), Some((ME, at)));
        let long = format!("{text}{}", " ".repeat(LONGEST_MESSAGE));
        for bad in [&long, "", "{}", "\u{0}", &text.replace(":1,", ":2,"), &text[1..]] {
            assert_eq!(read_message(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(read_message(&[0xff, 0xfe]), None);
    }
}
