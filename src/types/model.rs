//! The identity of a configured model inside one process.
//!
//! Must not know: routing or metrics; both use the slot as an index.

/// Index of a model's series and figures. Slot 0 stands for every model that is not
/// configured; slots are never reused within a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelSlot(u32);

impl ModelSlot {
    /// Requests whose model is unknown here.
    pub const OTHER: Self = Self(0);
    /// The label of [`ModelSlot::OTHER`].
    pub const OTHER_LABEL: &'static str = "_other";

    /// The slot at `index`.
    pub const fn at(index: u32) -> Self {
        Self(index)
    }

    /// The index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}
