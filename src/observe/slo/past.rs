//! What happened to one budget: three days by minutes, ninety by hours.
//!
//! Must not know: objectives; only what was counted when.

use crate::observe::slo::ring::Ring;
use crate::types::{EventCounts, SloHistory, SloKey, SlotCounts};

/// Two rings over one counter. Every method takes the counter as it stands.
pub(super) struct Past {
    minutes: Ring,
    hours: Ring,
    /// Up to where it was saved.
    saved: EventCounts,
}

impl Past {
    /// A past in which nothing happened.
    pub(super) fn new() -> Self {
        Self { minutes: Ring::minutes(), hours: Ring::hours(), saved: EventCounts::default() }
    }

    /// The past as an earlier process saved it.
    pub(super) fn restored(history: &SloHistory) -> Self {
        let minutes = Ring::minutes().restored(&history.minutes);
        let saved = minutes.total(EventCounts::default());
        Self { minutes, hours: Ring::hours().restored(&history.hours), saved }
    }

    /// The clock says `minute`, counted from the epoch.
    pub(super) fn advance(&mut self, minute: u32, counted: EventCounts) {
        self.minutes.advance(minute, counted);
        self.hours.advance(minute / 60, counted);
    }

    /// Events of the last whole `minutes` and of the one in progress; of whole hours where that
    /// is longer ago than minutes are kept.
    pub(super) fn within(&self, minutes: u32, counted: EventCounts) -> EventCounts {
        let (ring, slots) = if minutes <= Ring::MINUTES_KEPT {
            (&self.minutes, minutes)
        } else {
            (&self.hours, minutes.div_ceil(60))
        };
        ring.since(slots as usize, counted)
    }

    /// Minutes that there is a past of, the one in progress included.
    pub(super) fn age(&self) -> u32 {
        let age = self.minutes.covered().max(self.hours.covered() * 60);
        u32::try_from(age).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// What happened since the last call, by minutes; a minute in progress is told in parts.
    pub(super) fn take_unsaved(&mut self, counted: EventCounts) -> Vec<SlotCounts> {
        let unsaved = self.minutes.after(self.saved, counted);
        if !unsaved.is_empty() {
            self.saved = self.minutes.total(counted);
        }
        unsaved
    }

    /// All of it.
    pub(super) fn history(&self, key: SloKey, counted: EventCounts) -> SloHistory {
        let (minutes, hours) = (self.minutes.slots(counted), self.hours.slots(counted));
        SloHistory { key, minutes, hours }
    }
}
