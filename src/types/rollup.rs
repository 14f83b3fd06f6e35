//! What is kept of traffic over a restart, by slots of time.
//!
//! Must not know: what is summed up in a slot, or where and how it is kept.

/// How long a slot of time is. Slots are numbered from the Unix epoch, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RollupSpan {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
}

impl RollupSpan {
    /// All spans, the shortest first.
    pub const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// How many minutes a slot has.
    pub const fn minutes(self) -> u32 {
        match self {
            Self::Minute => 1,
            Self::Hour => 60,
            Self::Day => 24 * 60,
        }
    }

    /// The newest slots that are kept: 48 hours of minutes, 60 days of hours, 400 days.
    pub const fn kept(self) -> u32 {
        match self {
            Self::Minute => 48 * 60,
            Self::Hour => 60 * 24,
            Self::Day => 400,
        }
    }

    /// The slot that a minute since the epoch lies in.
    pub const fn slot_at(self, minute: u32) -> u32 {
        minute / self.minutes()
    }
}

/// What happened to a model in one slot of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollupRow {
    /// The model's label; empty for all models together.
    pub model: String,
    /// How long the slot is.
    pub span: RollupSpan,
    /// Which slot.
    pub slot: u32,
    /// What happened, in the words of whoever summed it up.
    pub sums: Vec<u8>,
}
