//! A block as it is read: its records, wherever they stand in it.
//!
//! Must not know: how a block is written.

use super::head::Head;
use super::{
    DecodeError, LENGTHS, MAX_BLOCK, MAX_CHUNKS, MAX_HEAD, MAX_RECORDS, RawRecord, chunks,
};
use crate::capture::{Exchange, IndexEntry};
use bytes::Bytes;
use std::io::{self, Read};
use std::ops::Range;
use zstd::bulk::Decompressor;
use zstd::zstd_safe::{DCtx, ResetDirective};

/// Unpacks blocks.
pub(crate) struct Decoder {
    whole: Decompressor<'static>,
    beginning: DCtx<'static>,
}

/// The records of a block, or their heads.
pub(crate) struct Block {
    plain: Vec<u8>,
    records: Vec<Record>,
}

/// Where the parts of a record stand.
struct Record {
    head: Range<usize>,
    /// Beyond the end where only heads were unpacked.
    rest: Range<usize>,
}

impl Decoder {
    /// A decoder with contexts of its own, to be used again and again.
    ///
    /// # Errors
    /// When zstd gets no memory.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            whole: Decompressor::new()?,
            beginning: DCtx::try_create().ok_or(io::ErrorKind::OutOfMemory)?,
        })
    }

    /// All of a block.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn block(&mut self, packed: &[u8]) -> Result<Block, DecodeError> {
        let plain = self.whole.decompress(packed, MAX_BLOCK).map_err(|_| DecodeError::Unpack)?;
        let (lengths, _) = plain.split_first_chunk().ok_or(DecodeError::Parts)?;
        let (count, heads) = read_lengths(lengths);
        let block = Block { records: records(&plain, count, heads)?, plain };
        let end = block.records.last().map_or(0, |last| last.rest.end);
        if end > block.plain.len() { Err(DecodeError::Parts) } else { Ok(block) }
    }

    /// The heads of a block: its bodies are not unpacked.
    ///
    /// # Errors
    /// When it is no block.
    pub(crate) fn heads(&mut self, packed: &[u8]) -> Result<Block, DecodeError> {
        // The last one was left in its middle.
        let reset = self.beginning.reset(ResetDirective::SessionOnly);
        reset.map_err(|_| DecodeError::Unpack)?;
        let mut reader = zstd::stream::read::Decoder::with_context(packed, &mut self.beginning);
        let mut plain = vec![0; LENGTHS];
        reader.read_exact(&mut plain).map_err(|_| DecodeError::Unpack)?;
        let (lengths, _) = plain.split_first_chunk().ok_or(DecodeError::Parts)?;
        let (count, heads) = read_lengths(lengths);
        // What is not there is not waited for.
        let heads_alone = u64::try_from(heads.min(MAX_BLOCK)).unwrap_or(u64::MAX);
        reader.take(heads_alone).read_to_end(&mut plain).map_err(|_| DecodeError::Unpack)?;
        Ok(Block { records: records(&plain, count, heads)?, plain })
    }
}

impl Block {
    /// How many records there are.
    pub(crate) const fn records(&self) -> usize {
        self.records.len()
    }

    /// A record as it stands here.
    pub(crate) fn raw(&self, ordinal: usize) -> Option<RawRecord<'_>> {
        let Record { head, rest } = self.records.get(ordinal)?;
        let (head, rest) = (self.plain.get(head.clone())?, self.plain.get(rest.clone())?);
        Some(RawRecord { head, rest })
    }

    /// What a list says of a record.
    ///
    /// # Errors
    /// When it is no record.
    pub(crate) fn entry(&self, ordinal: usize) -> Result<IndexEntry, DecodeError> {
        let record = self.records.get(ordinal).ok_or(DecodeError::Parts)?;
        let head = self.plain.get(record.head.clone()).ok_or(DecodeError::Parts)?;
        Head::read(head).map(Head::into_entry).ok_or(DecodeError::Head)
    }

    /// The exchange of a record. Its bodies share one allocation, and nothing with others.
    ///
    /// # Errors
    /// When it is no record, or only heads were unpacked.
    pub(crate) fn exchange(&self, ordinal: usize) -> Result<Exchange, DecodeError> {
        let RawRecord { head, rest } = self.raw(ordinal).ok_or(DecodeError::Parts)?;
        let head = Head::read(head).ok_or(DecodeError::Head)?;
        let (packed, mut bodies) = split(rest, head.chunk_bytes()).ok_or(DecodeError::Parts)?;
        if packed.len() > MAX_CHUNKS {
            return Err(DecodeError::Parts);
        }
        let chunks = chunks::unpack(packed).ok_or(DecodeError::Parts)?;
        let (request, answer) = (head.request_bytes(), head.answer_bytes());
        let both = request.checked_add(answer).ok_or(DecodeError::Parts)?;
        (bodies, _) = split(bodies, both).ok_or(DecodeError::Parts)?;
        let mut bodies = Bytes::copy_from_slice(bodies);
        // It fits: both of them do.
        let request = bodies.split_to(usize::try_from(request).unwrap_or(0));
        Ok(head.into_exchange(chunks, request, bodies))
    }
}

/// Where the records of a block stand whose heads are so many bytes.
fn records(plain: &[u8], count: usize, heads: usize) -> Result<Vec<Record>, DecodeError> {
    let heads = LENGTHS.checked_add(heads).filter(|end| *end <= plain.len());
    let heads = heads.ok_or(DecodeError::Parts)?;
    if count > MAX_RECORDS {
        return Err(DecodeError::Parts);
    }
    let (mut at, mut rest) = (LENGTHS, heads);
    let mut records = Vec::with_capacity(count);
    for _ in 0..count {
        let lengths = plain[at..heads].first_chunk().ok_or(DecodeError::Parts)?;
        let (head, behind) = read_lengths(lengths);
        at += LENGTHS;
        if head > MAX_HEAD.min(heads - at) || behind > MAX_BLOCK {
            return Err(DecodeError::Parts);
        }
        records.push(Record { head: at..at + head, rest: rest..rest + behind });
        (at, rest) = (at + head, rest + behind);
    }
    Ok(records)
}

fn read_lengths(lengths: &[u8; LENGTHS]) -> (usize, usize) {
    let [a, b, c, d, e, f, g, h] = *lengths;
    let length = |bytes| usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX);
    (length([a, b, c, d]), length([e, f, g, h]))
}

fn split(bytes: &[u8], length: u64) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(usize::try_from(length).ok()?)
}
