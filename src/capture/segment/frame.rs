//! A block of records as it stands in a segment.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | length of all that follows the checksum |
//! | 4 | CRC-32C of that length and of all that follows the checksum |
//! | 4 | number of the frame, which ascends within a segment |
//! | … | the block, sealed where the segment is |
//!
//! Numbers are little endian. The number is written down because it takes part in sealing,
//! and frames before this one may be damaged, or erased. Must not know: files, or what a
//! block is.

use super::codec::MAX_BLOCK;

/// Bytes before the block.
pub(crate) const FRAME_HEAD: usize = 12;
/// Bytes of the longest block as it is stored: what cannot be compressed grows a little.
const MAX_BODY: usize = MAX_BLOCK + (1 << 20);
/// Bytes of the number.
const NUMBER: usize = 4;

/// What stands before a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHead {
    sum: u32,
    pub(crate) number: u32,
    /// Bytes of the block.
    pub(crate) body: usize,
}

impl FrameHead {
    /// The head of the block `body`.
    pub(crate) fn of(number: u32, body: &[u8]) -> Self {
        Self { sum: sum(number, body), number, body: body.len() }
    }

    pub(crate) fn bytes(&self) -> [u8; FRAME_HEAD] {
        let mut bytes = [0; FRAME_HEAD];
        bytes[..4].copy_from_slice(&length(self.body).to_le_bytes());
        bytes[4..8].copy_from_slice(&self.sum.to_le_bytes());
        bytes[8..].copy_from_slice(&self.number.to_le_bytes());
        bytes
    }

    /// `None` where no block can follow.
    pub(crate) fn read(bytes: &[u8; FRAME_HEAD]) -> Option<Self> {
        let [a, b, c, d, sum @ .., e, f, g, h] = *bytes;
        let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?;
        let body = length.checked_sub(NUMBER).filter(|body| (1..=MAX_BODY).contains(body))?;
        let number = u32::from_le_bytes([e, f, g, h]);
        Some(Self { sum: u32::from_le_bytes(sum), number, body })
    }

    /// Bytes of the frame.
    pub(crate) fn frame(&self) -> u64 {
        (FRAME_HEAD + self.body) as u64
    }

    /// Whether this is the head of the block `body`, and both are as they were written.
    pub(crate) fn is_of(&self, body: &[u8]) -> bool {
        body.len() == self.body && sum(self.number, body) == self.sum
    }
}

fn length(body: usize) -> u32 {
    // Longer ones are not made: a block is at most [`MAX_BLOCK`].
    u32::try_from(NUMBER + body).unwrap_or(u32::MAX)
}

fn sum(number: u32, body: &[u8]) -> u32 {
    let sum = crc32c::crc32c(&length(body.len()).to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(sum, &number.to_le_bytes()), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_back_and_any_flipped_bit_is_seen() {
        let head = FrameHead::of(7, b"blocks");
        let bytes = head.bytes();
        assert_eq!(FrameHead::read(&bytes), Some(head));
        assert!(head.is_of(b"blocks") && !head.is_of(b"blockS") && !head.is_of(b"block"));
        for bit in 0..8 * FRAME_HEAD {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!FrameHead::read(&flipped).is_some_and(|head| head.is_of(b"blocks")));
        }
    }

    #[test]
    fn lengths_that_no_block_has_are_refused() {
        assert_eq!(FrameHead::read(&[0; FRAME_HEAD]), None, "a hole in the file");
        assert_eq!(FrameHead::read(&[0xff; FRAME_HEAD]), None);
    }
}
