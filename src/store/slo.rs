//! The past of objectives in the database. A slot of time is a minute or an hour; slots are
//! kept in blocks, an hour of minutes or a day of hours, so that months are few entries. Each
//! event is added to its minute and its hour at once: nothing is rolled up later.
//!
//! Must not know: what the objectives are, or the database.

use crate::store::StoreError;
use crate::store::engine::{Changes, Table};
use crate::store::pack::{self, Malformed, Unpacker};
use crate::types::{EventCounts, SloHistory, SloKey, SlotCounts};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// How long a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Resolution {
    Minutes,
    Hours,
}

/// What a resolution is like.
struct Shape {
    /// The first byte of a block's name.
    tag: u8,
    /// The minutes of a slot.
    minutes: u32,
    /// The slots of a block.
    per_block: u32,
    /// The newest slots that count.
    kept: u32,
}

/// Where a block is: which slots of which budget.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    resolution: Resolution,
    block: u32,
    key: SloKey,
}

/// Counts by slot.
#[derive(Debug, Default)]
struct Slots(BTreeMap<u32, EventCounts>);

/// Adds events to the slots of their minutes and hours, and removes what is too old by the
/// newest of them.
pub(super) fn add(table: &Table, minutes: &[(SloKey, Vec<SlotCounts>)]) -> Result<(), StoreError> {
    let mut blocks: BTreeMap<Place, Slots> = BTreeMap::new();
    let events = minutes.iter().flat_map(|(key, slots)| slots.iter().map(move |s| (key, s)));
    for (key, SlotCounts { slot: minute, counts }) in events.clone() {
        for resolution in Resolution::ALL {
            let slot = resolution.slot_at(*minute);
            blocks.entry(Place::of(resolution, slot, key)).or_default().add(slot, *counts);
        }
    }
    let Some(newest) = events.map(|(_, counts)| counts.slot).max() else { return Ok(()) };
    let mut changes = Changes::default();
    for (place, mut slots) in blocks {
        let name = place.name();
        if let Some(kept) = table.get(&name)?.and_then(|value| readable(&place, &value)) {
            kept.into_iter().for_each(|kept| slots.add(kept.slot, kept.counts));
        }
        changes.put(&name, slots.packed());
    }
    for resolution in Resolution::ALL {
        table.scan(resolution.too_old(newest), |name, _| changes.remove(name))?;
    }
    table.apply(changes)
}

/// The past up to `now_minute`. What `snapshot` knows better is kept from now on; nothing is
/// removed, since at a start the clock may not have been set yet.
pub(super) fn load(table: &Table, snapshot: &[SloHistory], now_minute: u32) -> Vec<SloHistory> {
    let mut past = Past::default();
    let read = table.scan(vec![0]..vec![u8::MAX], |name, value| match Place::named(name) {
        Ok(place) => past.take(&place, value),
        Err(Malformed) => tracing::warn!("a budget's name in the database is not readable"),
    });
    past.raise(snapshot);
    if let Err(error) = read.and_then(|()| table.apply(past.raised_blocks())) {
        tracing::warn!(%error, "budgets go on from the snapshot and what could be read");
    }
    past.histories(now_minute)
}

/// All that is known.
#[derive(Default)]
struct Past {
    slots: BTreeMap<SloKey, [Slots; 2]>,
    raised: BTreeSet<Place>,
}

impl Past {
    /// Takes a block of the database over.
    fn take(&mut self, place: &Place, value: &[u8]) {
        let mine = self.slots.entry(place.key.clone()).or_default();
        let mine = &mut mine[place.resolution as usize];
        let slots = readable(place, value).unwrap_or_default();
        slots.into_iter().for_each(|slot| mine.add(slot.slot, slot.counts));
    }

    /// Raises every slot to what the snapshot has, and notes where that changed something.
    fn raise(&mut self, snapshot: &[SloHistory]) {
        for SloHistory { key, minutes, hours } in snapshot {
            let mine = self.slots.entry(key.clone()).or_default();
            for (resolution, slots) in Resolution::ALL.into_iter().zip([minutes, hours]) {
                for slot in slots {
                    if mine[resolution as usize].raise(slot.slot, slot.counts) {
                        self.raised.insert(Place::of(resolution, slot.slot, key));
                    }
                }
            }
        }
    }

    /// The blocks where something changed.
    fn raised_blocks(&self) -> Changes {
        let mut changes = Changes::default();
        for place in &self.raised {
            if let Some(slots) = self.slots.get(&place.key) {
                let whole = slots[place.resolution as usize].within(place.slots());
                changes.put(&place.name(), whole.packed());
            }
        }
        changes
    }

    /// What counts at `now_minute`.
    fn histories(self, now_minute: u32) -> Vec<SloHistory> {
        let part = |slots: &Slots, resolution: Resolution| {
            slots.within(resolution.kept(now_minute)).in_order()
        };
        let history = |(key, [minutes, hours]): (SloKey, [Slots; 2])| SloHistory {
            key,
            minutes: part(&minutes, Resolution::Minutes),
            hours: part(&hours, Resolution::Hours),
        };
        let is_known =
            |history: &SloHistory| !(history.minutes.is_empty() && history.hours.is_empty());
        self.slots.into_iter().map(history).filter(is_known).collect()
    }
}

impl Resolution {
    const ALL: [Self; 2] = [Self::Minutes, Self::Hours];

    const fn shape(self) -> Shape {
        match self {
            Self::Minutes => Shape { tag: b'm', minutes: 1, per_block: 60, kept: 3 * 24 * 60 },
            Self::Hours => Shape { tag: b'h', minutes: 60, per_block: 24, kept: 90 * 24 },
        }
    }

    fn slot_at(self, minute: u32) -> u32 {
        minute / self.shape().minutes
    }

    /// The slots that count at `now_minute`: neither too old nor in the future.
    fn kept(self, now_minute: u32) -> Range<u32> {
        let end = self.slot_at(now_minute).saturating_add(1);
        end.saturating_sub(self.shape().kept)..end
    }

    /// The names of the blocks of which no slot counts any more.
    fn too_old(self, now_minute: u32) -> Range<Vec<u8>> {
        let end = self.kept(now_minute).start / self.shape().per_block;
        let bound = |block: u32| [&[self.shape().tag][..], &block.to_be_bytes()].concat();
        bound(0)..bound(end)
    }
}

/// The slots in `value`; `None`, with a warning, when it makes no sense.
fn readable(place: &Place, value: &[u8]) -> Option<Vec<SlotCounts>> {
    let slots = Unpacker::new(value).slots();
    if slots.is_err() {
        let SloKey { slo, model } = &place.key;
        tracing::warn!(slo, model, "counts of a budget in the database are not readable");
    }
    slots.ok()
}

impl Place {
    fn of(resolution: Resolution, slot: u32, key: &SloKey) -> Self {
        Self { resolution, block: slot / resolution.shape().per_block, key: key.clone() }
    }

    fn slots(&self) -> Range<u32> {
        let size = self.resolution.shape().per_block;
        let first = self.block.saturating_mul(size);
        first..first.saturating_add(size)
    }

    /// The name in the database: by resolution, then by time, so that the old is in one place.
    fn name(&self) -> Vec<u8> {
        let mut name = vec![self.resolution.shape().tag];
        name.extend_from_slice(&self.block.to_be_bytes());
        pack::put_text(&mut name, &self.key.slo);
        pack::put_text(&mut name, &self.key.model);
        name
    }

    fn named(name: &[u8]) -> Result<Self, Malformed> {
        let (tag, rest) = name.split_first().ok_or(Malformed)?;
        let (block, rest) = rest.split_first_chunk().ok_or(Malformed)?;
        let mut of_tag = Resolution::ALL.into_iter().filter(|r| r.shape().tag == *tag);
        let resolution = of_tag.next().ok_or(Malformed)?;
        let mut rest = Unpacker::new(rest);
        let key = SloKey { slo: rest.text()?, model: rest.text()? };
        rest.end()?;
        Ok(Self { resolution, block: u32::from_be_bytes(*block), key })
    }
}

impl Slots {
    fn add(&mut self, slot: u32, more: EventCounts) {
        let counts = self.0.entry(slot).or_default();
        counts.total = counts.total.saturating_add(more.total);
        counts.bad = counts.bad.saturating_add(more.bad);
    }

    /// Raises a slot to at least `least`; whether that changed it.
    fn raise(&mut self, slot: u32, least: EventCounts) -> bool {
        let counts = self.0.entry(slot).or_default();
        let before = *counts;
        counts.total = counts.total.max(least.total);
        counts.bad = counts.bad.max(least.bad);
        *counts != before
    }

    fn within(&self, slots: Range<u32>) -> Self {
        Self(self.0.range(slots).map(|(slot, counts)| (*slot, *counts)).collect())
    }

    fn packed(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        pack::put_slots(&mut bytes, &self.in_order());
        bytes
    }

    fn in_order(self) -> Vec<SlotCounts> {
        self.0.into_iter().map(|(slot, counts)| SlotCounts { slot, counts }).collect()
    }
}
