//! The chunks of an answer as bytes: of each the time since the one before in microseconds,
//! its length and its kind, as numbers of seven bits a byte with the lowest first (LEB128).
//!
//! Must not know: where those bytes stand.

use crate::capture::{ChunkKind, ChunkNote};
use crate::types::Micros;

const OTHER: u64 = 0;
const GENERATED: u64 = 1;

pub(super) fn pack(chunks: &[ChunkNote]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(6 * chunks.len());
    for chunk in chunks {
        push(&mut packed, Micros::from(chunk.after).0);
        push(&mut packed, u64::from(chunk.length));
        let kind = match chunk.kind {
            ChunkKind::Other => OTHER,
            ChunkKind::Generated => GENERATED,
        };
        push(&mut packed, kind);
    }
    packed
}

/// `None` where it ends within a chunk, or a number is too large.
pub(super) fn unpack(mut packed: &[u8]) -> Option<Vec<ChunkNote>> {
    let mut chunks = Vec::new();
    while !packed.is_empty() {
        let after = Micros(pull(&mut packed)?).into();
        let length = u32::try_from(pull(&mut packed)?).ok()?;
        // Kinds that are not known yet are not generated output.
        let is_generated = pull(&mut packed)? == GENERATED;
        let kind = if is_generated { ChunkKind::Generated } else { ChunkKind::Other };
        chunks.push(ChunkNote { after, length, kind });
    }
    Some(chunks)
}

fn push(packed: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        packed.push(number as u8 | 0x80);
        number >>= 7;
    }
    packed.push(number as u8);
}

fn pull(packed: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, rest) = packed.split_first()?;
        *packed = rest;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return None;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_size_are_read_back() {
        for number in (0..64).flat_map(|bit| [1 << bit, (1 << bit) - 1, u64::MAX >> bit]) {
            let mut packed = Vec::new();
            push(&mut packed, number);
            let mut rest = packed.as_slice();
            assert_eq!((pull(&mut rest), rest), (Some(number), &[][..]));
        }
    }

    #[test]
    fn numbers_that_are_cut_or_too_large_are_refused() {
        assert_eq!(pull(&mut &[0x80][..]), None);
        assert_eq!(pull(&mut &[0xff; 11][..]), None);
        assert_eq!(pull(&mut &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2][..]), None);
        assert_eq!(unpack(&[0, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]), None, "a length beyond u32");
        assert_eq!(unpack(&[1, 1]), None);
    }
}
