//! An exchange as the bytes of a record, and back.
//!
//! ```text
//! zstd( [length of the head: u32, little endian] [head: JSON] [chunks] [request body] [answer body] )
//! ```
//!
//! The head stands first, so that a list of records is read without their bodies. It says how
//! long each part behind it is; what a newer program writes behind those is passed over.
//! Nothing that is read here can make it panic, or take more than a few times the size of the
//! largest record. Must not know: files, frames, or keys.

mod chunks;
mod head;
mod parts;
#[cfg(test)]
mod tests;
mod words;

use crate::capture::{Content, Exchange, IndexEntry};
use bytes::Bytes;
use head::Head;
use std::io::{self, Read};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{DCtx, ResetDirective};

/// Bytes of the largest record, unpacked.
pub const MAX_RECORD: usize = 64 << 20;
/// Bytes of the largest head: its JSON grows in memory when it is read.
const MAX_HEAD: usize = 8 << 20;
/// Bytes of the chunks of the longest answer: these grow as well.
const MAX_CHUNKS: usize = 8 << 20;
/// What the encoder keeps for the next record.
const KEPT_CAPACITY: usize = 4 << 20;
/// Traffic is written once and seldom read: speed counts.
const LEVEL: i32 = 1;

/// Why an exchange was not encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It is larger than [`MAX_RECORD`], or all but its bodies is too large.
    #[error("the exchange is too large to be written down")]
    TooLarge,
    /// It could not be compressed.
    #[error("the exchange cannot be compressed: {0}")]
    Pack(io::Error),
}

/// Why a record cannot be read. Nothing of a body is in its text.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It is not what zstd has written, or too large.
    #[error("the record cannot be unpacked")]
    Unpack,
    /// A part is longer than what is left of the record, or larger than allowed.
    #[error("a part of the record is missing")]
    Parts,
    /// The head is not what is expected.
    #[error("the head of the record makes no sense")]
    Head,
}

/// Turns exchanges into records.
pub struct Encoder {
    compressor: Compressor<'static>,
    plain: Vec<u8>,
}

/// Turns records into exchanges.
pub struct Decoder {
    whole: Decompressor<'static>,
    beginning: DCtx<'static>,
}

impl Encoder {
    /// An encoder with buffers of its own, to be used again and again.
    ///
    /// # Errors
    /// When zstd gets no memory.
    pub fn new() -> io::Result<Self> {
        Ok(Self { compressor: Compressor::new(LEVEL)?, plain: Vec::new() })
    }

    /// The record of `exchange`.
    ///
    /// # Errors
    /// When it is larger than anything that would be read back.
    pub fn encode(&mut self, exchange: &Exchange) -> Result<Vec<u8>, EncodeError> {
        self.plain.clear();
        self.plain.shrink_to(KEPT_CAPACITY);
        let bodies = [Some(&exchange.request.body), answer_body(exchange)];
        let bodies = bodies.map(|body| body.and_then(Content::kept));
        if bodies.iter().flatten().map(|body| body.len()).sum::<usize>() > MAX_RECORD {
            return Err(EncodeError::TooLarge);
        }
        let notes = exchange.answer.as_ref().map_or(&[][..], |answer| &answer.chunks);
        let packed = chunks::pack(notes);
        self.plain.extend_from_slice(&[0; 4]);
        let head = Head::of(exchange, packed.len() as u64);
        serde_json::to_writer(&mut self.plain, &head).map_err(|_| EncodeError::TooLarge)?;
        let length = self.plain.len() - 4;
        if length > MAX_HEAD || packed.len() > MAX_CHUNKS {
            return Err(EncodeError::TooLarge);
        }
        self.plain[..4].copy_from_slice(&(length as u32).to_le_bytes());
        self.plain.extend_from_slice(&packed);
        bodies.into_iter().flatten().for_each(|body| self.plain.extend_from_slice(body));
        if self.plain.len() > MAX_RECORD {
            return Err(EncodeError::TooLarge);
        }
        self.compressor.compress(&self.plain).map_err(EncodeError::Pack)
    }
}

impl Decoder {
    /// A decoder with contexts of its own, to be used again and again.
    ///
    /// # Errors
    /// When zstd gets no memory.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            whole: Decompressor::new()?,
            beginning: DCtx::try_create().ok_or(io::ErrorKind::OutOfMemory)?,
        })
    }

    /// The exchange of a record. Its bodies share one allocation.
    ///
    /// # Errors
    /// When it is no record.
    pub fn decode(&mut self, record: &[u8]) -> Result<Exchange, DecodeError> {
        let plain = self.whole.decompress(record, MAX_RECORD).map_err(|_| DecodeError::Unpack)?;
        let mut parts = Parts(Bytes::from(plain));
        let length =
            u32::from_le_bytes(parts.take(4)?.as_ref().try_into().map_err(|_| DecodeError::Parts)?);
        let head = parts.take_at_most(u64::from(length), MAX_HEAD)?;
        let head: Head<'_> = serde_json::from_slice(&head).map_err(|_| DecodeError::Head)?;
        let packed = parts.take_at_most(head.chunk_bytes(), MAX_CHUNKS)?;
        let chunks = chunks::unpack(&packed).ok_or(DecodeError::Parts)?;
        let request = parts.take(head.request_bytes())?;
        let answer = parts.take(head.answer_bytes())?;
        head.into_exchange(chunks, request, answer).ok_or(DecodeError::Head)
    }

    /// What a list says of a record; its bodies are not unpacked.
    ///
    /// # Errors
    /// When it is no record.
    pub fn entry(&mut self, record: &[u8]) -> Result<IndexEntry, DecodeError> {
        // The last one was left in its middle.
        let reset = self.beginning.reset(ResetDirective::SessionOnly);
        reset.map_err(|_| DecodeError::Unpack)?;
        let reader = zstd::stream::read::Decoder::with_context(record, &mut self.beginning);
        let head = read_head(reader)?;
        let head: Head<'_> = serde_json::from_slice(&head).map_err(|_| DecodeError::Head)?;
        head.entry().ok_or(DecodeError::Head)
    }
}

fn answer_body(exchange: &Exchange) -> Option<&Content> {
    exchange.answer.as_ref().map(|answer| &answer.message.body)
}

fn read_head(mut reader: impl Read) -> Result<Vec<u8>, DecodeError> {
    let mut length = [0; 4];
    reader.read_exact(&mut length).map_err(|_| DecodeError::Unpack)?;
    let length = u64::from(u32::from_le_bytes(length));
    if length > MAX_HEAD as u64 {
        return Err(DecodeError::Parts);
    }
    let mut head = Vec::new();
    reader.take(length).read_to_end(&mut head).map_err(|_| DecodeError::Unpack)?;
    if (head.len() as u64) < length { Err(DecodeError::Parts) } else { Ok(head) }
}

/// What is left of an unpacked record.
struct Parts(Bytes);

impl Parts {
    fn take(&mut self, length: u64) -> Result<Bytes, DecodeError> {
        self.take_at_most(length, MAX_RECORD)
    }

    fn take_at_most(&mut self, length: u64, most: usize) -> Result<Bytes, DecodeError> {
        let length = usize::try_from(length).map_err(|_| DecodeError::Parts)?;
        if length > most.min(self.0.len()) {
            return Err(DecodeError::Parts);
        }
        Ok(self.0.split_to(length))
    }
}
