//! How a segment file begins.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `trnsmcap` |
//! | 2 | version: 2 |
//! | 2 | flags: 1 where the records are sealed |
//! | 8 | the segment's id |
//! | 8 | which key seals them; zeros where none does |
//! | 4 | CRC-32C of all of these |
//!
//! Numbers are little endian. Must not know: keys, or what follows.

use super::SegmentId;

/// Bytes of a header.
pub(crate) const HEADER: usize = 32;
const MAGIC: [u8; 8] = *b"trnsmcap";
const VERSION: u16 = 2;
const SEALED: u16 = 1;

/// Which of the keys there ever were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyId(pub(crate) [u8; 8]);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) id: SegmentId,
    /// `None` where the records are not sealed.
    pub(crate) key: Option<KeyId>,
}

/// Why a header says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadHeader {
    /// It is not what was written.
    Damaged,
    /// It is well, and of a version that is not known here.
    Newer(u16),
}

impl Header {
    pub(crate) fn bytes(&self) -> [u8; HEADER] {
        let flags = if self.key.is_some() { SEALED } else { 0 };
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[10..12].copy_from_slice(&flags.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.id.0.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.key.map_or([0; 8], |key| key.0));
        let sum = crc32c::crc32c(&bytes[..28]);
        bytes[28..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    pub(crate) fn read(bytes: &[u8; HEADER]) -> Result<Self, BadHeader> {
        let [magic @ .., _, _, _, _] = bytes;
        let sum = u32::from_le_bytes([bytes[28], bytes[29], bytes[30], bytes[31]]);
        if !magic.starts_with(&MAGIC) || crc32c::crc32c(magic) != sum {
            return Err(BadHeader::Damaged);
        }
        let version = u16::from_le_bytes([bytes[8], bytes[9]]);
        if version != VERSION {
            return Err(BadHeader::Newer(version));
        }
        let is_sealed = u16::from_le_bytes([bytes[10], bytes[11]]) & SEALED != 0;
        let eight = |from: usize| std::array::from_fn(|at| bytes[from + at]);
        let key = is_sealed.then(|| KeyId(eight(20)));
        Ok(Self { id: SegmentId(u64::from_le_bytes(eight(12))), key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_back_and_any_flipped_bit_is_seen() {
        for key in [None, Some(KeyId([7; 8]))] {
            let header = Header { id: SegmentId(1_767_225_600_123), key };
            let bytes = header.bytes();
            assert_eq!(Header::read(&bytes), Ok(header));
            for bit in 0..8 * HEADER {
                let mut flipped = bytes;
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(Header::read(&flipped), Err(BadHeader::Damaged), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_newer_version_is_told_from_damage() {
        let mut bytes = Header { id: SegmentId(7), key: None }.bytes();
        bytes[8] = 3;
        let sum = crc32c::crc32c(&bytes[..28]);
        bytes[28..].copy_from_slice(&sum.to_le_bytes());
        assert_eq!(Header::read(&bytes), Err(BadHeader::Newer(3)));
    }
}
