//! What is kept of objectives over a restart.
//!
//! Must not know: objectives, or where and how they are kept.

/// Counted events, good and bad together, and the bad among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// Events that were judged.
    pub total: u64,
    /// Those that were bad.
    pub bad: u64,
}

/// Which budget: an objective's name and the model it is kept for, empty for an objective
/// of a route.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SloKey {
    /// The objective's name.
    pub slo: String,
    /// The model's label.
    pub model: String,
}

/// The events of one slot of time, as a difference, not cumulative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotCounts {
    /// Slots since the Unix epoch: minutes or hours.
    pub slot: u32,
    /// What happened in it.
    pub counts: EventCounts,
}

/// The past of one budget. Slots ascend; those without events are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SloHistory {
    /// Which budget.
    pub key: SloKey,
    /// The last days, by minutes since the epoch.
    pub minutes: Vec<SlotCounts>,
    /// The last months, by hours since the epoch; these hours include the minutes above.
    pub hours: Vec<SlotCounts>,
}
