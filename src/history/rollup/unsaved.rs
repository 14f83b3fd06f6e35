//! What happened since sums were last saved, by minute and model. Hours, days and the sum of
//! all models are made of it when it is saved or asked for, so that they cannot disagree.
//!
//! Must not know: where sums are saved.

use super::tally::Tally;
use crate::types::{ModelSlot, RollupSpan};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// Models that have sums of their own; beyond them all are `_other`.
const MOST_MODELS: usize = 200;
/// Minutes of models that may wait to be saved: at 1.5 KiB about 12 MiB. Where nothing can be
/// saved, that is forty minutes of 200 models, or five days of one.
const MOST: usize = 8_192;

/// Whose minute: a model's, or nobody's, which says that the proxy was there.
type Cell = (u32, Option<ModelSlot>);

/// Sums in memory.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    cells: BTreeMap<Cell, Box<Tally>>,
    /// Names by slot.
    names: Vec<Option<Arc<str>>>,
    /// Models that have sums of their own.
    known: BTreeSet<Arc<str>>,
    dropped: u64,
}

/// Some minutes, taken to be saved.
pub(super) struct Taken(BTreeMap<Cell, Box<Tally>>);

/// Whose sums: a model's, or those of all.
pub(super) const ALL: &str = "";

impl Unsaved {
    /// With the models that there are sums of.
    pub(super) fn new(known: impl IntoIterator<Item = String>) -> Self {
        let known = known.into_iter().filter(|name| name != ALL).map(Arc::from).collect();
        Self { known, ..Self::default() }
    }

    /// The sums of a minute since the epoch and a model.
    pub(super) fn of(
        &mut self,
        minute: u32,
        slot: ModelSlot,
        name: impl FnOnce() -> Arc<str>,
    ) -> &mut Tally {
        if self.names.get(slot.index()).is_none_or(Option::is_none) {
            self.admit(slot, name());
        }
        self.cell((minute, Some(slot)))
    }

    /// The proxy is there in this minute, whether or not anything happens.
    pub(super) fn beat(&mut self, minute: u32) {
        self.cell((minute, None));
    }

    fn cell(&mut self, cell: Cell) -> &mut Tally {
        if self.cells.len() >= MOST && !self.cells.contains_key(&cell) {
            self.make_room();
        }
        self.cells.entry(cell).or_default()
    }

    /// The oldest minutes go.
    fn make_room(&mut self) {
        while self.cells.len() >= MOST
            && let Some((_, lost)) = self.cells.pop_first()
        {
            self.dropped = self.dropped.saturating_add(lost.requests());
        }
    }

    fn admit(&mut self, slot: ModelSlot, name: Arc<str>) {
        let is_known = self.known.contains(&name) || self.known.len() < MOST_MODELS;
        let name = if is_known { name } else { ModelSlot::OTHER_LABEL.into() };
        self.known.insert(Arc::clone(&name));
        let length = self.names.len().max(slot.index() + 1);
        self.names.resize(length, None);
        self.names[slot.index()] = Some(name);
    }

    fn name(&self, slot: ModelSlot) -> &str {
        self.names.get(slot.index()).and_then(Option::as_deref).unwrap_or(ModelSlot::OTHER_LABEL)
    }

    /// Models that have sums, in the order of their names.
    pub(super) fn models(&self) -> Vec<Arc<str>> {
        self.known.iter().cloned().collect()
    }

    /// Requests that are in no saved sum yet.
    pub(super) fn requests(&self) -> u64 {
        self.cells.values().map(|tally| tally.requests()).sum()
    }

    /// Requests that will be in none.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Adds to `rows` what happened to `model` within `slots`; zeros where the proxy was there
    /// and nothing happened.
    pub(super) fn add_to(
        &self,
        rows: &mut BTreeMap<u32, Tally>,
        (model, span, slots): (&str, RollupSpan, Range<u32>),
    ) {
        for ((minute, whose), tally) in &self.cells {
            let slot = span.slot_at(*minute);
            let is_its = model == ALL || whose.is_some_and(|whose| self.name(whose) == model);
            if slots.contains(&slot) {
                // Whosever it is: the proxy was there.
                let row = rows.entry(slot).or_default();
                if is_its {
                    row.add(tally);
                }
            }
        }
    }

    /// Everything, to be saved.
    pub(super) fn take(&mut self) -> Taken {
        Taken(std::mem::take(&mut self.cells))
    }

    /// It could not be saved.
    pub(super) fn put_back(&mut self, Taken(cells): Taken) {
        // The newest first: what there is no room for is the oldest.
        for (cell, tally) in cells.into_iter().rev() {
            if self.cells.len() < MOST || self.cells.contains_key(&cell) {
                self.cells.entry(cell).or_default().add(&tally);
            } else {
                self.dropped = self.dropped.saturating_add(tally.requests());
            }
        }
    }

    /// The sums that `taken` adds to: of each model and of all, by minute, hour and day.
    pub(super) fn sums(&self, Taken(cells): &Taken) -> BTreeMap<(String, RollupSpan, u32), Tally> {
        let mut sums: BTreeMap<_, Tally> = BTreeMap::new();
        for ((minute, whose), tally) in cells {
            let names = [Some(ALL), whose.map(|whose| self.name(whose))];
            for name in names.into_iter().flatten() {
                for span in RollupSpan::ALL {
                    let key = (name.to_owned(), span, span.slot_at(*minute));
                    sums.entry(key).or_default().add(tally);
                }
            }
        }
        sums
    }
}
