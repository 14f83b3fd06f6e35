//! Which values are still good: the purges of all proxies, in the order Redis took them.
//!
//! A stored value names the purge that was the last when it was stored. It is good while the
//! journal reaches back that far and no later purge matches it. So a purge touches no value:
//! it is one line, whatever it removes, and it also removes what is still on its way.
//!
//! Must not know: connections, or how a line is written.

use crate::types::{CacheKey, CacheTags, Purge};
use std::fmt;
use std::str::FromStr;

/// The longest journal. Values older than its first line count as purged.
pub(super) const LINES: usize = 1024;

/// Where a line stands: the id of a Redis stream entry, `<ms>-<seq>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub(super) ms: u64,
    pub(super) seq: u64,
}

/// Text that is not a [`Position`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a position in the journal of purges")]
pub struct NotAPosition;

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let (ms, seq) = text.split_once('-').ok_or(NotAPosition)?;
        let number = |digits: &str| digits.parse().map_err(|_| NotAPosition);
        Ok(Self { ms: number(ms)?, seq: number(seq)? })
    }
}

/// Who wrote a line: a proxy's number, drawn at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instance(pub(super) u64);

/// One purge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) at: Position,
    /// `None` where the line cannot be read.
    pub(super) from: Option<Instance>,
    pub(super) purge: Purge,
}

/// What came after a position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News<'a> {
    /// These lines, maybe none.
    Lines(&'a [Line]),
    /// Lines that are gone by now: anything may have been purged.
    Forgotten,
    /// Redis lost lines that it had given: anything may have come back.
    Lost,
}

/// The last lines that Redis has, oldest first. Never empty.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    lines: Vec<Line>,
    first: Position,
    head: Position,
}

impl Journal {
    /// `lines` in any order; `None` without any.
    pub(super) fn new(mut lines: Vec<Line>) -> Option<Self> {
        lines.sort_by_key(|line| line.at);
        let (first, head) = (lines.first()?.at, lines.last()?.at);
        Some(Self { lines, first, head })
    }

    /// This one with the lines from its head on; `None` where those do not begin with it, so
    /// that something may be missing.
    pub(super) fn followed_by(&self, mut from_head: Vec<Line>) -> Option<Self> {
        from_head.sort_by_key(|line| line.at);
        from_head.first().filter(|line| line.at == self.head)?;
        let newer = from_head.into_iter().skip(1);
        let mut lines: Vec<_> = self.lines.iter().cloned().chain(newer).collect();
        lines.drain(..lines.len().saturating_sub(LINES));
        Self::new(lines)
    }

    /// The last line's position.
    pub(super) fn head(&self) -> Position {
        self.head
    }

    /// Whether a value stored when `stored` was the head is still good.
    pub(super) fn allows(&self, stored: Position, key: &CacheKey, tags: &CacheTags) -> bool {
        let known = self.first <= stored && stored <= self.head;
        known && !self.after(stored).iter().any(|line| line.purge.matches(key, tags))
    }

    /// What came after `known`, a position that Redis once gave.
    pub(super) fn since(&self, known: Position) -> News<'_> {
        match self.lines.binary_search_by_key(&known, |line| line.at) {
            Ok(_) => News::Lines(self.after(known)),
            Err(0) => News::Forgotten,
            Err(_) => News::Lost,
        }
    }

    fn after(&self, at: Position) -> &[Line] {
        let from = self.lines.partition_point(|line| line.at <= at);
        self.lines.get(from..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: CacheKey = CacheKey([7; 32]);

    fn at(ms: u64) -> Position {
        Position { ms, seq: 0 }
    }

    fn line(ms: u64, purge: Purge) -> Line {
        Line { at: at(ms), from: Some(Instance(1)), purge }
    }

    fn of_model(model: &str) -> CacheTags {
        CacheTags { model: model.into(), tenant: "t".into(), ..CacheTags::default() }
    }

    fn journal() -> Journal {
        let wanted = CacheTags { model: "m".into(), ..CacheTags::default() };
        let purges = [Purge::All, Purge::Tagged(wanted), Purge::Entry(KEY)];
        Journal::new((1..).zip(purges).map(|(n, p)| line(n * 10, p)).collect()).unwrap()
    }

    #[test]
    fn a_value_is_good_until_a_later_purge_matches_it() {
        let other = CacheKey([8; 32]);
        let journal = journal();
        assert!(!journal.allows(at(10), &KEY, &of_model("m")));
        assert!(!journal.allows(at(10), &other, &of_model("m")));
        assert!(journal.allows(at(10), &other, &of_model("n")));
        assert!(!journal.allows(at(20), &KEY, &of_model("n")));
        assert!(journal.allows(at(20), &other, &of_model("m")));
        assert!(journal.allows(at(30), &KEY, &of_model("m")));
    }

    #[test]
    fn a_value_from_before_or_after_the_journal_is_not_good() {
        assert!(!journal().allows(at(9), &CacheKey([8; 32]), &of_model("n")));
        assert!(!journal().allows(at(31), &CacheKey([8; 32]), &of_model("n")));
    }

    #[test]
    fn news_tell_missed_lines_from_lost_ones() {
        let journal = journal();
        assert_eq!(journal.since(at(30)), News::Lines(&[]));
        assert!(matches!(journal.since(at(10)), News::Lines(lines) if lines.len() == 2));
        assert_eq!(journal.since(at(9)), News::Forgotten);
        assert_eq!(journal.since(at(25)), News::Lost, "it was given, and is gone");
        assert_eq!(journal.since(at(31)), News::Lost);
    }

    #[test]
    fn a_journal_grows_only_without_a_gap_and_to_its_length() {
        let journal = journal();
        let longer = journal.followed_by(vec![line(30, Purge::All), line(40, Purge::All)]).unwrap();
        assert_eq!((longer.first, longer.head()), (at(10), at(40)));
        assert!(journal.followed_by(vec![line(40, Purge::All)]).is_none());
        assert!(journal.followed_by(Vec::new()).is_none());
        let many = (30..).take(LINES).map(|ms| line(ms, Purge::All)).collect();
        let full = journal.followed_by(many).unwrap();
        assert_eq!((full.lines.len(), full.first), (LINES, at(30)));
    }

    #[test]
    fn a_position_is_read_as_it_is_written() {
        let position = Position { ms: u64::MAX, seq: 3 };
        assert_eq!(position.to_string().parse(), Ok(position));
        for bad in ["", "-", "1", "1-", "-1", "1-2-3", "a-b", "99999999999999999999-0"] {
            assert_eq!(bad.parse::<Position>(), Err(NotAPosition), "{bad}");
        }
    }
}
