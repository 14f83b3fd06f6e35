//! What a value in Redis begins with: all that is needed to say whether it is still good,
//! and how old it is.
//!
//! ```text
//! 0       version, 1
//! 1..9    how long it was to be kept when it was put, ms, big-endian
//! 9..25   the last purge then: ms and seq, big-endian
//! 25..    model, route, namespace, key, tenant: each two bytes of length, and UTF-8
//! ..      the value
//! ```
//!
//! The age of a value is what it was to be kept less what Redis says is left of that, so it
//! needs no clock that two machines agree on.
//!
//! Must not know: Redis, or what the value means.

use super::journal::Position;
use crate::types::CacheTags;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

const VERSION: u8 = 1;

/// The longest that a value is kept: ten years, far below what Redis takes.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

/// The head of a stored value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) keep: Duration,
    pub(super) stored: Position,
    pub(super) tags: CacheTags,
}

impl Envelope {
    /// The head and then `value`; `None` where a tag has more than 65535 bytes.
    pub(super) fn seal(&self, value: &[u8]) -> Option<Vec<u8>> {
        let tags = self.tags();
        let tags_length: usize = tags.iter().map(|tag| 2 + tag.len()).sum();
        let mut bytes = Vec::with_capacity(25 + tags_length + value.len());
        bytes.push(VERSION);
        for number in [millis(self.keep), self.stored.ms, self.stored.seq] {
            bytes.extend(number.to_be_bytes());
        }
        for tag in tags {
            bytes.extend(u16::try_from(tag.len()).ok()?.to_be_bytes());
            bytes.extend(tag.as_bytes());
        }
        bytes.extend(value);
        Some(bytes)
    }

    /// The head, and the value without copying it; `None` for what `seal` did not write.
    pub(super) fn open(bytes: &Bytes) -> Option<(Self, Bytes)> {
        let mut rest = bytes.as_ref();
        let ([VERSION], keep, ms, seq) =
            (*array::<1>(&mut rest)?, number(&mut rest)?, number(&mut rest)?, number(&mut rest)?)
        else {
            return None;
        };
        let mut tag = || text(&mut rest);
        let tags = CacheTags {
            model: tag()?,
            route: tag()?,
            namespace: tag()?,
            key: tag()?,
            tenant: tag()?,
        };
        let value = bytes.slice_ref(rest);
        let keep = Duration::from_millis(keep);
        Some((Self { keep, stored: Position { ms, seq }, tags }, value))
    }

    /// How long ago it was put, when Redis keeps it for `left` more. `None` when that is
    /// longer than it ever was to be kept: a clock was set back, or another value took its
    /// place in between.
    pub(super) fn age(&self, left: Duration) -> Option<Duration> {
        self.keep.checked_sub(left)
    }

    fn tags(&self) -> [&Arc<str>; 5] {
        let CacheTags { model, route, namespace, key, tenant } = &self.tags;
        [model, route, namespace, key, tenant]
    }
}

/// Whole milliseconds, as Redis takes and gives them.
pub(super) fn millis(keep: Duration) -> u64 {
    u64::try_from(keep.min(LONGEST).as_millis()).unwrap_or(u64::MAX)
}

fn array<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (array, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(array)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    array(rest).map(|bytes| u64::from_be_bytes(*bytes))
}

fn text(rest: &mut &[u8]) -> Option<Arc<str>> {
    let length = u16::from_be_bytes(*array(rest)?);
    let (bytes, after) = rest.split_at_checked(length.into())?;
    *rest = after;
    std::str::from_utf8(bytes).ok().map(Arc::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            keep: Duration::from_secs(60),
            stored: Position { ms: 1_767_225_600_000, seq: 3 },
            tags: CacheTags {
                model: "m".into(), tenant: "téñant".into(), ..CacheTags::default()
            },
        }
    }

    #[test]
    fn what_is_sealed_opens_and_a_truncated_head_does_not() {
        let sealed = Bytes::from(envelope().seal(b"value").unwrap());
        assert_eq!(Envelope::open(&sealed), Some((envelope(), Bytes::from_static(b"value"))));
        let head = sealed.len() - b"value".len();
        for end in 0..head {
            assert_eq!(Envelope::open(&sealed.slice(..end)), None, "{end} bytes");
        }
        assert!(Envelope::open(&sealed.slice(..head)).is_some_and(|(_, value)| value.is_empty()));
    }

    #[test]
    fn another_version_or_tags_that_are_no_text_do_not_open() {
        let sealed = envelope().seal(b"value").unwrap();
        for at in [0, 27] {
            let mut broken = sealed.clone();
            broken[at] = 0xff;
            assert_eq!(Envelope::open(&broken.into()), None, "byte {at}");
        }
    }

    #[test]
    fn a_tag_that_is_too_long_is_not_sealed() {
        let mut envelope = envelope();
        envelope.tags.namespace = "n".repeat(65_536).into();
        assert_eq!(envelope.seal(b""), None);
    }

    #[test]
    fn the_age_is_what_is_gone_of_the_keep() {
        let age = |left| envelope().age(Duration::from_secs(left));
        assert_eq!(age(60), Some(Duration::ZERO));
        assert_eq!(age(1), Some(Duration::from_secs(59)));
        assert_eq!(age(61), None);
    }
}
