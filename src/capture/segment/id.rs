//! The name of a segment, and of its files.
//!
//! | file | holds |
//! |---|---|
//! | `seg-<ms>.cap` | the records |
//! | `seg-<ms>.key` | the key that they are sealed with, itself sealed with the master key |
//! | `seg-<ms>.sum` | a summary, written when the segment is ended |
//!
//! Must not know: what is in them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A segment of an archive: the milliseconds since 1970 at which its first record was
/// received, or as few more as make it larger than every id before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub u64);

/// A file of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Records,
    Key,
    Summary,
}

impl Part {
    pub(crate) const ALL: [Self; 3] = [Self::Records, Self::Key, Self::Summary];

    const fn extension(self) -> &'static str {
        match self {
            Self::Records => "cap",
            Self::Key => "key",
            Self::Summary => "sum",
        }
    }
}

impl SegmentId {
    /// The id of a segment whose first record was received then, after `last`.
    pub(crate) fn begun(received: Duration, last: Option<Self>) -> Self {
        let milliseconds = u64::try_from(received.as_millis()).unwrap_or(u64::MAX);
        Self(last.map_or(milliseconds, |last| milliseconds.max(last.0.saturating_add(1))))
    }

    /// As a time since 1970.
    pub fn time(self) -> Duration {
        Duration::from_millis(self.0)
    }

    pub(crate) fn path(self, directory: &Path, part: Part) -> PathBuf {
        directory.join(format!("{self}.{}", part.extension()))
    }

    /// The segment and the part that a file of this name is; `None` for any other file.
    pub(crate) fn of_file(name: &str) -> Option<(Self, Part)> {
        let (stem, extension) = name.split_once('.')?;
        let part = Part::ALL.into_iter().find(|part| part.extension() == extension)?;
        Some((stem.parse().ok()?, part))
    }
}

/// `seg-` and at least 13 digits, so that names sort as numbers do until the year 2286.
impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seg-{:013}", self.0)
    }
}

/// What is not the name of a segment.
#[derive(Debug, thiserror::Error)]
#[error("a segment is called `seg-` and a number")]
pub struct NoSegmentId;

impl std::str::FromStr for SegmentId {
    type Err = NoSegmentId;

    fn from_str(text: &str) -> Result<Self, NoSegmentId> {
        let id = text.strip_prefix("seg-").and_then(|digits| digits.parse().ok()).map(Self);
        // Two spellings of one name would be two files of one segment.
        id.filter(|id| id.to_string() == text).ok_or(NoSegmentId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_and_has_one_spelling() {
        let id = SegmentId(1_767_225_600_123);
        assert_eq!(id.to_string(), "seg-1767225600123");
        assert_eq!(SegmentId::of_file("seg-1767225600123.cap"), Some((id, Part::Records)));
        assert_eq!(SegmentId::of_file("seg-0000000000007.key"), Some((SegmentId(7), Part::Key)));
        for bad in
            ["seg-7.cap", "seg-.cap", "seg-1767225600123.cap.new", "other", "seg-+767225600123.cap"]
        {
            assert_eq!(SegmentId::of_file(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_id_is_larger_than_the_one_before() {
        let at = Duration::from_micros(5_500);
        assert_eq!(SegmentId::begun(at, None), SegmentId(5));
        assert_eq!(SegmentId::begun(at, Some(SegmentId(4))), SegmentId(5));
        assert_eq!(SegmentId::begun(at, Some(SegmentId(9))), SegmentId(10));
    }
}
