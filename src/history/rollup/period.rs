//! Which stretch of the past, and in which steps.
//!
//! Must not know: what happened in it.

use crate::types::RollupSpan;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The most steps of one answer.
const MOST_STEPS: u32 = 3_000;
const HOUR: u32 = 60;
const DAY: u32 = 24 * HOUR;

/// A stretch of time, in whole minutes of UTC: the one that it begins in and the one that it
/// ends in are part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// Minutes since the epoch.
    minutes: Range<u32>,
}

/// How far apart the points of a chart are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A minute; of the last 48 hours.
    Minute,
    /// Five minutes; of the last 48 hours.
    FiveMinutes,
    /// An hour; of the last 60 days.
    Hour,
    /// A day of UTC; of the last 400.
    Day,
}

impl Period {
    /// From one date to another; no longer than a minute if that is not later.
    pub fn new(from: SystemTime, to: SystemTime) -> Self {
        let start = minute_of(from);
        let into = to.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() % 60;
        let end = minute_of(to).saturating_add(u32::from(into > 0));
        Self { minutes: start..end.max(start.saturating_add(1)) }
    }

    /// The time before `now`, and the minute in progress.
    pub fn last(length: Duration, now: SystemTime) -> Self {
        Self::new(now.checked_sub(length).unwrap_or(UNIX_EPOCH), now)
    }

    /// As long a stretch, directly before this one.
    pub fn before(&self) -> Self {
        let length = self.length();
        let start = self.minutes.start.saturating_sub(length);
        Self { minutes: start..start.saturating_add(length) }
    }

    pub(super) fn length(&self) -> u32 {
        self.minutes.end - self.minutes.start
    }

    /// The shortest slots in which all of it is still kept at `now`.
    pub(super) fn finest(&self, now: SystemTime) -> RollupSpan {
        let age = minute_of(now).saturating_sub(self.minutes.start);
        let kept = |span: &&RollupSpan| age < span.kept().saturating_mul(span.minutes());
        RollupSpan::ALL.iter().find(kept).copied().unwrap_or(RollupSpan::Day)
    }

    /// It, in columns of `width` minutes, a multiple of `span`'s: the first column begins at a
    /// multiple of that width. What would be too many columns is cut off at the beginning.
    pub(super) fn columns(&self, width: u32, span: RollupSpan) -> Columns {
        let end = self.minutes.end.div_ceil(width);
        let start = (self.minutes.start / width).max(end.saturating_sub(MOST_STEPS));
        Columns { columns: start..end, width, span }
    }
}

impl Step {
    /// All steps, the shortest first.
    pub const ALL: [Self; 4] = [Self::Minute, Self::FiveMinutes, Self::Hour, Self::Day];

    /// What suits a period, seen at `now`: minutes up to 6 hours, five minutes up to 48, hours
    /// up to 7 days, days beyond; and nothing shorter than what is still kept.
    pub fn suited_to(period: &Period, now: SystemTime) -> Self {
        let by_length = match period.length() {
            length if length <= 6 * HOUR + 1 => Self::Minute,
            length if length <= 2 * DAY => Self::FiveMinutes,
            length if length <= 7 * DAY + 1 => Self::Hour,
            _ => Self::Day,
        };
        let kept = match period.finest(now) {
            RollupSpan::Minute => Self::Minute,
            RollupSpan::Hour => Self::Hour,
            RollupSpan::Day => Self::Day,
        };
        by_length.max(kept)
    }

    /// How long it is.
    pub const fn length(self) -> Duration {
        Duration::from_secs(self.minutes() as u64 * 60)
    }

    /// The slots that it is made of.
    pub(super) const fn span(self) -> RollupSpan {
        match self {
            Self::Minute | Self::FiveMinutes => RollupSpan::Minute,
            Self::Hour => RollupSpan::Hour,
            Self::Day => RollupSpan::Day,
        }
    }

    pub(super) const fn minutes(self) -> u32 {
        match self {
            Self::Minute => 1,
            Self::FiveMinutes => 5,
            Self::Hour => HOUR,
            Self::Day => DAY,
        }
    }
}

/// A period, divided.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// Multiples of the width since the epoch.
    columns: Range<u32>,
    width: u32,
    pub(super) span: RollupSpan,
}

impl Columns {
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// The slots in all of them.
    pub(super) fn slots(&self) -> Range<u32> {
        let slot = |column: u32| self.span.slot_at(column.saturating_mul(self.width));
        slot(self.columns.start)..slot(self.columns.end)
    }

    /// The position of the column that a slot lies in.
    pub(super) fn position(&self, slot: u32) -> Option<usize> {
        let column = slot.saturating_mul(self.span.minutes()) / self.width;
        self.columns.contains(&column).then(|| (column - self.columns.start) as usize)
    }

    /// When each begins, and when the last one ends.
    pub(super) fn dates(&self) -> Vec<SystemTime> {
        let date = |column: u32| UNIX_EPOCH + self.width_as_time() * column;
        (self.columns.start..=self.columns.end).map(date).collect()
    }

    fn width_as_time(&self) -> Duration {
        Duration::from_secs(u64::from(self.width) * 60)
    }
}

/// Minutes since the epoch; 0 for a date before it.
pub(super) fn minute_of(date: SystemTime) -> u32 {
    let since = date.duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs() / 60).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(minute * 60)
    }

    #[test]
    fn the_step_follows_the_length_and_what_is_still_kept() {
        let now = at(30_000_000);
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        for (length, step) in [
            (hours(1), Step::Minute),
            (hours(6), Step::Minute),
            (hours(24), Step::FiveMinutes),
            (hours(7 * 24), Step::Hour),
            (hours(30 * 24), Step::Day),
        ] {
            assert_eq!(Step::suited_to(&Period::last(length, now), now), step, "{length:?}");
        }
        let long_ago = Period::new(at(30_000_000 - 3 * 1_440), at(30_000_000 - 3 * 1_440 + 60));
        assert_eq!(Step::suited_to(&long_ago, now), Step::Hour);
    }

    #[test]
    fn a_period_before_another_is_as_long_and_ends_where_that_begins() {
        let period = Period::new(at(100), at(160));
        assert_eq!(period.before(), Period::new(at(40), at(100)));
    }

    #[test]
    fn columns_begin_at_multiples_and_hold_whole_slots() {
        let columns = Period::new(at(1_003), at(1_021)).columns(5, RollupSpan::Minute);
        assert_eq!((columns.len(), columns.slots()), (5, 1_000..1_025));
        assert_eq!(columns.dates().first().copied(), Some(at(1_000)));
        assert_eq!(columns.position(1_009), Some(1));
        assert_eq!((columns.position(999), columns.position(1_025)), (None, None));
        let endless =
            Period::new(UNIX_EPOCH, at(u64::from(u32::MAX))).columns(1, RollupSpan::Minute);
        assert_eq!(endless.len(), 3_000);
    }
}
