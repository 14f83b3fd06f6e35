//! The chunks of an answer as bytes: of each the time since the one before in microseconds,
//! its length and its kind, as numbers of seven bits a byte.
//!
//! Must not know: where those bytes stand.

use super::wire::{pull, push};
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_that_are_cut_or_too_long_are_refused() {
        assert_eq!(unpack(&[0, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]), None, "a length beyond u32");
        assert_eq!(unpack(&[1, 1]), None);
    }
}
