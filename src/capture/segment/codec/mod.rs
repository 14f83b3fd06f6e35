//! Exchanges as the bytes of a block, and back.
//!
//! ```text
//! zstd( [records: u32] [bytes of the heads: u32]
//!       ([length of the head: u32] [length of the rest: u32] [head]) for each record
//!       ([chunks] [request body] [answer body])                      for each record )
//! ```
//!
//! Lengths are little endian; a head is written in `wire`. Records that came together are packed
//! together: they have much in common, so this takes less time, and less room, than each by
//! itself. The heads stand first, so that a list of records is read without their bodies. A
//! head says how long each part of the rest is; what a newer program writes behind those is
//! passed over. Nothing that is read here can make it panic, or take more than a few times the
//! size of the largest record. Must not know: files, frames, or keys.

mod block;
mod chunks;
mod head;
mod parts;
#[cfg(test)]
mod tests;
mod wire;
mod words;

pub(crate) use block::{Block, Decoder};

use crate::capture::{Content, Exchange};
use head::Written;
use std::io;
use wire::{Write, Writer};
use zstd::bulk::Compressor;

/// Bytes of the largest record, unpacked.
const MAX_RECORD: usize = 64 << 20;
/// Bytes of the largest head: its lists grow in memory when they are read.
const MAX_HEAD: usize = 8 << 20;
/// Bytes of the chunks of the longest answer: these grow as well.
const MAX_CHUNKS: usize = 8 << 20;
/// A block with so many bytes is full. Larger ones are hardly packed any better, and all of a
/// block is unpacked to read one record.
const FULL: usize = 256 << 10;
/// A block with so many records is full, however small they are.
const MAX_RECORDS: usize = 1 << 14;
/// Bytes of the largest block, unpacked: one record less than full, and the largest one.
pub(super) const MAX_BLOCK: usize = FULL + MAX_RECORD;
/// Bytes of the lengths before the heads, and of those before each.
const LENGTHS: usize = 8;
/// What buffers keep for the next block.
const KEPT_CAPACITY: usize = 4 * FULL;
/// Bytes that most heads fit into.
const USUAL_HEAD: usize = 1024;
/// Traffic is written once and seldom read: speed counts.
const LEVEL: i32 = 1;

/// Why an exchange was not encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It is larger than what would be read back, or all but its bodies is too large.
    #[error("the exchange is too large to be written down")]
    TooLarge,
}

/// Why a record cannot be read. Nothing of a body is in its text.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Its block is not what zstd has written, or too large.
    #[error("the record cannot be unpacked")]
    Unpack,
    /// A part is longer than what is left of the record, or larger than allowed.
    #[error("a part of the record is missing")]
    Parts,
    /// The head is not what is expected.
    #[error("the head of the record makes no sense")]
    Head,
}

/// An exchange as it will stand in a block.
pub(crate) struct Record {
    bytes: Vec<u8>,
    /// How many of those are its head.
    head: usize,
}

/// The parts of a record as they stand in a block.
#[derive(Clone, Copy)]
pub(crate) struct RawRecord<'a> {
    pub(crate) head: &'a [u8],
    pub(crate) rest: &'a [u8],
}

/// Records that gather until they are packed.
#[derive(Default)]
pub(crate) struct Gathering {
    records: usize,
    /// The heads with their lengths.
    heads: Vec<u8>,
    rests: Vec<u8>,
}

/// Packs records into blocks.
pub(crate) struct Packer {
    compressor: Compressor<'static>,
    plain: Vec<u8>,
}

impl Record {
    /// The record of `exchange`.
    ///
    /// # Errors
    /// When it is larger than anything that would be read back.
    pub(crate) fn of(exchange: &Exchange) -> Result<Self, EncodeError> {
        let answer = exchange.answer.as_ref();
        let bodies = [Some(&exchange.request.body), answer.map(|answer| &answer.message.body)];
        let bodies = bodies.map(|body| body.and_then(Content::kept));
        let kept = bodies.iter().flatten().map(|body| body.len()).sum::<usize>();
        if kept > MAX_RECORD {
            return Err(EncodeError::TooLarge);
        }
        let chunks = chunks::pack(answer.map_or(&[][..], |answer| &answer.chunks));
        let mut bytes = Vec::with_capacity(USUAL_HEAD + chunks.len() + kept);
        Written { exchange, chunks: chunks.len() }.write(&mut Writer(&mut bytes));
        let head = bytes.len();
        bytes.extend_from_slice(&chunks);
        bodies.into_iter().flatten().for_each(|body| bytes.extend_from_slice(body));
        if head > MAX_HEAD || chunks.len() > MAX_CHUNKS || LENGTHS + bytes.len() > MAX_RECORD {
            return Err(EncodeError::TooLarge);
        }
        Ok(Self { bytes, head })
    }

    pub(crate) fn raw(&self) -> RawRecord<'_> {
        let (head, rest) = self.bytes.split_at(self.head);
        RawRecord { head, rest }
    }
}

impl Gathering {
    pub(crate) fn add(&mut self, record: RawRecord<'_>) {
        let RawRecord { head, rest } = record;
        self.heads.extend_from_slice(&lengths(head.len(), rest.len()));
        self.heads.extend_from_slice(head);
        self.rests.extend_from_slice(rest);
        self.records += 1;
    }

    /// Whether the next record belongs into another block.
    pub(crate) const fn is_full(&self) -> bool {
        self.heads.len() + self.rests.len() >= FULL || self.records >= MAX_RECORDS
    }

    /// Begins another block.
    pub(crate) fn clear(&mut self) {
        self.records = 0;
        for kept in [&mut self.heads, &mut self.rests] {
            kept.clear();
            kept.shrink_to(KEPT_CAPACITY);
        }
    }
}

impl Packer {
    /// A packer with buffers of its own, to be used again and again.
    ///
    /// # Errors
    /// When zstd gets no memory.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { compressor: Compressor::new(LEVEL)?, plain: Vec::new() })
    }

    /// The block of what has gathered.
    ///
    /// # Errors
    /// When it cannot be compressed.
    pub(crate) fn pack(&mut self, gathering: &Gathering) -> io::Result<Vec<u8>> {
        let Gathering { records, heads, rests } = gathering;
        self.plain.clear();
        self.plain.shrink_to(KEPT_CAPACITY);
        self.plain.extend_from_slice(&lengths(*records, heads.len()));
        self.plain.extend_from_slice(heads);
        self.plain.extend_from_slice(rests);
        self.compressor.compress(&self.plain)
    }
}

/// Two lengths as they are written; none is longer than a block.
fn lengths(first: usize, second: usize) -> [u8; LENGTHS] {
    (first as u64 | (second as u64) << 32).to_le_bytes()
}
