//! Numbers and texts in few bytes: LEB128 as in protobuf ("Encoding", base 128 varints).
//!
//! Must not know: where the bytes are kept, or which kinds of things they make up.

pub(super) use crate::types::put_varint as put_number;
use crate::types::{EventCounts, SlotCounts, take_varint};

/// The fewest bytes that a slot takes: one for each of its numbers.
const LEAST_SLOT: usize = 3;

/// The bytes are not what was packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not what was packed")]
pub(super) struct Malformed;

/// Appends `text` after its length.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Appends `slots`, which ascend, each as the step from the one before.
pub(super) fn put_slots(out: &mut Vec<u8>, slots: &[SlotCounts]) {
    put_number(out, slots.len() as u64);
    let mut last = 0;
    for SlotCounts { slot, counts } in slots {
        put_number(out, u64::from(slot.wrapping_sub(last)));
        put_number(out, counts.total);
        put_number(out, counts.bad);
        last = *slot;
    }
}

/// Takes apart what was put together, in the same order. Bytes from anywhere give an error
/// at worst, and never more memory than a few times their own.
pub(super) struct Unpacker<'a>(&'a [u8]);

impl<'a> Unpacker<'a> {
    /// Begins with the first of `bytes`.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next number.
    pub(super) fn number(&mut self) -> Result<u64, Malformed> {
        take_varint(&mut self.0).ok_or(Malformed)
    }

    /// The next number, which counts things that take at least `size` bytes each.
    pub(super) fn count(&mut self, size: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        if count > self.0.len() / size { Err(Malformed) } else { Ok(count) }
    }

    /// The next text.
    pub(super) fn text(&mut self) -> Result<String, Malformed> {
        let length = self.count(1)?;
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        std::str::from_utf8(text).map(str::to_owned).map_err(|_| Malformed)
    }

    /// The next slots; they ascend.
    pub(super) fn slots(&mut self) -> Result<Vec<SlotCounts>, Malformed> {
        let count = self.count(LEAST_SLOT)?;
        let mut slots: Vec<SlotCounts> = Vec::with_capacity(count);
        for index in 0..count {
            let step = u32::try_from(self.number()?).map_err(|_| Malformed)?;
            let last = slots.last().map_or(0, |last| last.slot);
            let slot = last.checked_add(step).ok_or(Malformed)?;
            if index > 0 && step == 0 {
                return Err(Malformed);
            }
            let counts = EventCounts { total: self.number()?, bad: self.number()? };
            slots.push(SlotCounts { slot, counts });
        }
        Ok(slots)
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_beyond_the_bytes_reserves_nothing() {
        let mut bytes = Vec::new();
        put_number(&mut bytes, u64::MAX >> 1);
        assert_eq!(Unpacker::new(&bytes).slots(), Err(Malformed));
        assert_eq!(Unpacker::new(&bytes).text(), Err(Malformed));
    }

    #[test]
    fn slots_come_back_and_must_ascend() {
        let counts = EventCounts { total: 300, bad: 7 };
        let slots: Vec<SlotCounts> =
            [0, 1, 90, u32::MAX].map(|slot| SlotCounts { slot, counts }).to_vec();
        let mut bytes = Vec::new();
        put_slots(&mut bytes, &slots);
        assert_eq!(Unpacker::new(&bytes).slots(), Ok(slots));
        // Twice the same slot.
        assert_eq!(Unpacker::new(&[2, 5, 1, 0, 0, 1, 0]).slots(), Err(Malformed));
    }
}
