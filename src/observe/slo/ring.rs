//! Cumulative counts at the start of each slot of time, for as many slots as are kept.
//!
//! ```text
//! slot        …   n-2      n-1       n (in progress)
//! starts      …  ┊12      ┊12       ┊17          now: 21
//!                  nothing   5 events  4 so far
//! ```
//!
//! Must not know: how long a slot is, or what is counted.

use crate::types::{EventCounts, SlotCounts};
use std::collections::VecDeque;

/// The past of one counter by slots. It begins with the first event, so that a budget nobody
/// uses costs nothing.
#[derive(Debug)]
pub(super) struct Ring {
    /// Whole slots that can be looked back.
    reach: usize,
    /// Slots for which a clock that stands behind is taken for a mistake.
    patience: u32,
    /// The slot in progress; unknown until the first [`Ring::advance`].
    newest: Option<u32>,
    /// When the clock was first seen behind.
    behind: Option<u32>,
    /// What earlier processes counted; everything else here is on top of it.
    before: EventCounts,
    /// The counts when each slot began, that of `newest` last; never empty.
    starts: VecDeque<EventCounts>,
}

impl Ring {
    /// Three days.
    pub(super) const MINUTES_KEPT: u32 = 3 * 24 * 60;

    /// Three days of minutes.
    pub(super) fn minutes() -> Self {
        Self::new(Self::MINUTES_KEPT as usize, 60)
    }

    /// Ninety days of hours.
    pub(super) fn hours() -> Self {
        Self::new(90 * 24, 1)
    }

    fn new(reach: usize, patience: u32) -> Self {
        let starts = VecDeque::from([EventCounts::default()]);
        Self { reach, patience, newest: None, behind: None, before: starts[0], starts }
    }

    /// Puts the past in front of what has been counted. Slots ascend.
    pub(super) fn restored(mut self, slots: &[SlotCounts]) -> Self {
        let Some(newest) = slots.last().map(|last| last.slot) else { return self };
        let oldest = newest.saturating_sub(self.reach.try_into().unwrap_or(u32::MAX));
        let mut rest = slots.iter().skip_while(|slot| slot.slot < oldest).peekable();
        let oldest = rest.peek().map_or(newest, |first| first.slot);
        self.starts.clear();
        for slot in oldest..=newest {
            self.starts.push_back(self.before);
            while let Some(past) = rest.next_if(|past| past.slot <= slot) {
                self.before = sum(self.before, past.counts);
            }
        }
        self.newest = Some(newest);
        self
    }

    /// The whole slots that can be looked back at present.
    pub(super) fn covered(&self) -> usize {
        self.starts.len() - 1
    }

    /// The clock says `slot`; `counted` is the counter. A clock that steps back is ignored
    /// until it has caught up, or has stayed behind for too long to be wrong.
    pub(super) fn advance(&mut self, slot: u32, counted: EventCounts) {
        let now = sum(self.before, counted);
        match self.newest {
            None => {}
            Some(newest) if slot < newest => {
                let since = *self.behind.get_or_insert(slot);
                if slot.abs_diff(since) < self.patience {
                    return;
                }
            }
            Some(newest) => self.fill(slot - newest, now),
        }
        self.newest = Some(slot);
        self.behind = None;
    }

    /// Events in the last `slots` whole slots and the one in progress.
    pub(super) fn since(&self, slots: usize, counted: EventCounts) -> EventCounts {
        let start = self.covered() - slots.min(self.covered());
        difference(sum(self.before, counted), self.starts[start])
    }

    /// The slots in which something happened.
    pub(super) fn slots(&self, counted: EventCounts) -> Vec<SlotCounts> {
        self.after(self.starts[0], counted)
    }

    /// What happened since the counts were at `seen`, by the slots in which it did.
    pub(super) fn after(&self, mut seen: EventCounts, counted: EventCounts) -> Vec<SlotCounts> {
        let Some(newest) = self.newest else { return Vec::new() };
        let ends = self.starts.iter().skip(1).copied();
        let ends = ends.chain([sum(self.before, counted)]).zip(0..);
        let oldest = newest.saturating_sub(self.covered().try_into().unwrap_or(newest));
        let slot = |(end, index): (EventCounts, u32)| {
            let counts = difference(end, seen);
            seen = sum(seen, counts);
            (counts != EventCounts::default())
                .then_some(SlotCounts { slot: oldest.saturating_add(index), counts })
        };
        ends.filter_map(slot).collect()
    }

    /// Everything ever counted, by this process and before.
    pub(super) fn total(&self, counted: EventCounts) -> EventCounts {
        sum(self.before, counted)
    }

    fn fill(&mut self, passed: u32, now: EventCounts) {
        let passed = passed as usize;
        let nothing_happened = self.starts[0] == now;
        if passed > self.reach || (nothing_happened && passed > 0) {
            // Nothing within reach: the ring begins anew.
            self.starts.clear();
            self.starts.push_back(now);
            return;
        }
        let kept = self.reach + 1;
        self.starts.drain(..(self.starts.len() + passed).saturating_sub(kept));
        let needed = self.starts.len() + passed;
        if needed > self.starts.capacity() {
            // Doubling, but never beyond what can be kept.
            let room = (2 * needed).min(kept);
            self.starts.reserve_exact(room - self.starts.len());
        }
        self.starts.extend(std::iter::repeat_n(now, passed));
    }
}

/// Both together.
pub(super) fn sum(a: EventCounts, b: EventCounts) -> EventCounts {
    EventCounts { total: a.total.saturating_add(b.total), bad: a.bad.saturating_add(b.bad) }
}

/// What came after `earlier`; never below zero.
pub(super) fn difference(later: EventCounts, earlier: EventCounts) -> EventCounts {
    EventCounts {
        total: later.total.saturating_sub(earlier.total),
        bad: later.bad.saturating_sub(earlier.bad),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(total: u64, bad: u64) -> EventCounts {
        EventCounts { total, bad }
    }

    fn slot(slot: u32, total: u64) -> SlotCounts {
        SlotCounts { slot, counts: counts(total, 0) }
    }

    #[test]
    fn a_window_is_its_whole_slots_and_the_one_in_progress() {
        let mut ring = Ring::new(10, 5);
        ring.advance(100, counts(0, 0));
        ring.advance(101, counts(3, 1));
        ring.advance(103, counts(5, 1));
        let now = counts(9, 2);
        assert_eq!(ring.since(0, now), counts(4, 1));
        assert_eq!(ring.since(1, now), counts(4, 1));
        assert_eq!(ring.since(2, now), counts(6, 1));
        assert_eq!(ring.since(3, now), counts(9, 2));
        assert_eq!(ring.since(1_000, now), counts(9, 2));
        assert_eq!(
            ring.slots(now),
            [(100, 3, 1), (101, 2, 0), (103, 4, 1)]
                .map(|(slot, t, b)| { SlotCounts { slot, counts: counts(t, b) } })
        );
    }

    #[test]
    fn what_is_out_of_reach_is_forgotten() {
        let mut ring = Ring::new(3, 5);
        for slot in 0..100 {
            ring.advance(slot, counts(u64::from(slot), 0));
            assert!(ring.starts.len() <= 4);
        }
        assert_eq!(ring.since(1_000, counts(99, 0)), counts(3, 0));
        ring.advance(1_000_000_000, counts(99, 0));
        assert_eq!(ring.starts.len(), 1);
        assert_eq!(ring.since(3, counts(100, 0)), counts(1, 0));
    }

    #[test]
    fn nothing_is_kept_of_a_time_in_which_nothing_happened() {
        let mut ring = Ring::new(1_000, 5);
        for slot in 0..500 {
            ring.advance(slot, counts(0, 0));
        }
        assert_eq!(ring.starts.len(), 1);
    }

    #[test]
    fn a_short_step_back_of_the_clock_is_waited_out() {
        let mut ring = Ring::new(10, 5);
        ring.advance(100, counts(0, 0));
        ring.advance(101, counts(1, 0));
        ring.advance(98, counts(2, 0));
        ring.advance(100, counts(3, 0));
        ring.advance(102, counts(4, 0));
        assert_eq!(ring.slots(counts(4, 0)), [slot(100, 1), slot(101, 3)]);
    }

    #[test]
    fn a_clock_that_was_years_ahead_is_set_right_in_the_end() {
        let mut ring = Ring::new(10, 5);
        ring.advance(100, counts(0, 0));
        ring.advance(5_000_000, counts(1, 0));
        for minute in 0..10 {
            ring.advance(102 + minute, counts(2 + u64::from(minute), 0));
        }
        assert_eq!(ring.newest, Some(111));
        assert_eq!(ring.since(2, counts(12, 0)), counts(3, 0));
    }

    #[test]
    fn the_restored_past_goes_on() {
        let past = [slot(50, 7), slot(100, 1), slot(102, 2)];
        let mut ring = Ring::new(10, 5).restored(&past);
        assert_eq!(ring.total(counts(0, 0)), counts(3, 0));
        assert_eq!(ring.slots(counts(0, 0)), [slot(100, 1), slot(102, 2)]);
        ring.advance(102, counts(1, 0));
        ring.advance(104, counts(1, 0));
        assert_eq!(ring.slots(counts(5, 0)), [slot(100, 1), slot(102, 3), slot(104, 4)]);
        assert_eq!(ring.since(2, counts(5, 0)), counts(7, 0));
    }

    #[test]
    fn what_was_seen_is_not_told_again() {
        let mut ring = Ring::new(10, 5);
        ring.advance(100, counts(0, 0));
        assert_eq!(ring.after(counts(0, 0), counts(2, 0)), [slot(100, 2)]);
        ring.advance(101, counts(3, 0));
        assert_eq!(ring.after(counts(2, 0), counts(7, 0)), [slot(100, 1), slot(101, 4)]);
        assert_eq!(ring.after(counts(7, 0), counts(7, 0)), []);
        // Nothing is lost when the slots it happened in are.
        ring.advance(1_000, counts(8, 0));
        assert_eq!(ring.after(counts(7, 0), counts(8, 0)), [slot(1_000, 1)]);
    }
}
