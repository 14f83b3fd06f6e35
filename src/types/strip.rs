//! When the chunks of an answer came, in a few bytes each.
//!
//! A chunk is two varints: the microseconds since the one before it, doubled, and one more if
//! it held generated output; and its bytes. Must not know: what the chunks said.

use super::stream::{ChunkKind, ChunkNote};
use super::varint::{put_varint, take_varint};
use std::time::Duration;

/// The most bytes that a chunk takes: a gap of days and a length of gigabytes.
const LONGEST: usize = 15;
/// Room for the first chunks of a stream, taken at once.
const FIRST: usize = 120;

/// Chunks in order, in bounded room. Where that is used up, the last note stands for all
/// further chunks together: times and bytes still add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChunkStrip {
    packed: Vec<u8>,
    /// Not packed yet: it may turn out to hold generated output, or be the one for many.
    last: Option<ChunkNote>,
    room: usize,
    merged: u64,
}

impl ChunkStrip {
    /// An empty strip of at most about `room` bytes.
    pub const fn new(room: usize) -> Self {
        Self { packed: Vec::new(), last: None, room, merged: 0 }
    }

    /// Raises the room to `room` bytes; to be called before it is full.
    pub fn make_room(&mut self, room: usize) {
        self.room = self.room.max(room);
    }

    /// Appends a chunk. Of its gap, whole microseconds count.
    pub fn push(&mut self, note: ChunkNote) {
        let Some(last) = &mut self.last else {
            self.packed.reserve(FIRST.min(self.room));
            self.last = Some(note);
            return;
        };
        if self.packed.len() + 2 * LONGEST > self.room {
            self.merged += 1;
            last.after += note.after;
            last.length = last.length.saturating_add(note.length);
            if note.kind == ChunkKind::Generated {
                last.kind = note.kind;
            }
        } else {
            put(&mut self.packed, *last);
            *last = note;
        }
    }

    /// The last chunk held generated output.
    pub fn mark_generated(&mut self) {
        if let Some(last) = &mut self.last {
            last.kind = ChunkKind::Generated;
        }
    }

    /// The chunks. If any were [merged](Self::merged), the last note stands for them.
    pub fn notes(&self) -> impl Iterator<Item = ChunkNote> {
        let mut rest = &*self.packed;
        std::iter::from_fn(move || take(&mut rest)).chain(self.last)
    }

    /// Chunks that the last note stands for besides the one it would be.
    pub const fn merged(&self) -> u64 {
        self.merged
    }

    /// Whether no chunk came.
    pub const fn is_empty(&self) -> bool {
        self.packed.is_empty() && self.last.is_none()
    }

    /// The strip as bytes, which [`ChunkStrip::unpacked`] understands: at most `room`.
    pub fn packed(&self, room: usize) -> Vec<u8> {
        let mut shorter = Self::new(room);
        let fits = self.packed.len() + LONGEST <= room;
        let strip = if fits {
            self
        } else {
            self.notes().for_each(|note| shorter.push(note));
            shorter.merged += self.merged;
            &shorter
        };
        let mut bytes = Vec::with_capacity(strip.packed.len() + LONGEST + 2);
        put_varint(&mut bytes, strip.merged);
        bytes.extend_from_slice(&strip.packed);
        if let Some(last) = strip.last {
            put(&mut bytes, last);
        }
        bytes
    }

    /// What [`ChunkStrip::packed`] gave; of other bytes, as many chunks as they seem to hold.
    pub fn unpacked(mut bytes: &[u8]) -> Self {
        let merged = take_varint(&mut bytes).unwrap_or_default();
        Self { packed: bytes.to_vec(), last: None, room: bytes.len(), merged }
    }
}

fn put(bytes: &mut Vec<u8>, ChunkNote { after, length, kind }: ChunkNote) {
    let micros = u64::try_from(after.as_micros()).unwrap_or(u64::MAX) & (u64::MAX >> 1);
    put_varint(bytes, micros << 1 | u64::from(kind == ChunkKind::Generated));
    put_varint(bytes, u64::from(length));
}

fn take(bytes: &mut &[u8]) -> Option<ChunkNote> {
    let first = take_varint(bytes)?;
    let length = u32::try_from(take_varint(bytes)?).ok()?;
    let kind = if first & 1 == 1 { ChunkKind::Generated } else { ChunkKind::Other };
    Some(ChunkNote { after: Duration::from_micros(first >> 1), length, kind })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Random;

    fn some(count: u64) -> Vec<ChunkNote> {
        let random = Random::seeded(count);
        let note = |_| ChunkNote {
            after: Duration::from_micros(random.below(1 << random.below(36))),
            length: random.below(100_000) as u32,
            kind: if random.below(3) > 0 { ChunkKind::Generated } else { ChunkKind::Other },
        };
        (0..count).map(note).collect()
    }

    fn strip(notes: &[ChunkNote], room: usize) -> ChunkStrip {
        let mut strip = ChunkStrip::new(room);
        notes.iter().for_each(|note| strip.push(*note));
        strip
    }

    fn sums(notes: impl Iterator<Item = ChunkNote>) -> (Duration, u64) {
        notes.fold(Default::default(), |(time, bytes), note| {
            (time + note.after, bytes + u64::from(note.length))
        })
    }

    #[test]
    fn chunks_come_back_one_by_one() {
        for count in [0, 1, 2, 500] {
            let notes = some(count);
            let strip = strip(&notes, 1 << 16);
            assert_eq!(strip.notes().collect::<Vec<_>>(), notes);
            assert_eq!((strip.merged(), strip.is_empty()), (0, count == 0));
            let again = ChunkStrip::unpacked(&strip.packed(1 << 16));
            assert_eq!(again.notes().collect::<Vec<_>>(), notes);
        }
    }

    #[test]
    fn beyond_its_room_chunks_become_one_and_still_add_up() {
        let notes = some(10_000);
        let full = strip(&notes, 4_096);
        let packed = full.packed(4_096);
        assert!(packed.len() <= 4_096 + 3, "{}", packed.len());
        let again = ChunkStrip::unpacked(&packed);
        for strip in [&full, &again] {
            let kept: Vec<_> = strip.notes().collect();
            assert_eq!(kept.len() as u64 + strip.merged(), 10_000);
            assert_eq!(kept[..kept.len() - 1], notes[..kept.len() - 1]);
            assert_eq!(sums(kept.into_iter()), sums(notes.iter().copied()));
        }
        let less = ChunkStrip::unpacked(&full.packed(1_000));
        assert!(less.merged() > full.merged() && less.packed.len() <= 1_000);
        assert_eq!(sums(less.notes()), sums(notes.iter().copied()));
    }

    #[test]
    fn what_a_chunk_held_is_said_after_it_came() {
        let mut strip = ChunkStrip::new(100);
        let note = ChunkNote { after: Duration::ZERO, length: 1, kind: ChunkKind::Other };
        strip.push(note);
        strip.mark_generated();
        strip.push(note);
        let kinds: Vec<_> = strip.notes().map(|note| note.kind).collect();
        assert_eq!(kinds, [ChunkKind::Generated, ChunkKind::Other]);
    }
}
