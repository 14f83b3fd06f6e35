//! Entries as bytes, for tiers outside of this process.
//!
//! ```text
//! 0   magic and version   4 bytes
//! 4   CRC-32 of the rest  4 bytes, little-endian
//! 8   key                32 bytes
//! 40  packing             1 byte: 0 as it is, 1 zstd (RFC 8878)
//! 41  payload's length    4 bytes, little-endian, before packing
//! 45  payload             numbers (LEB128) and texts with their lengths, then the body; the
//!                         length of a frame is doubled, and odd for generated output
//! ```
//!
//! Must not know: which tier keeps the bytes, or how it tells how long it did.

use super::{Answer, Assembled, Entry, Frame, Life};
use crate::types::{CacheKey, CacheTags, ChunkKind, NanoUsd, Usage, UsageSource};
use bytes::Bytes;
use http::HeaderValue;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Another layout of the payload needs another last byte.
const MAGIC: [u8; 4] = *b"tce\x02";
const AT_SUM: usize = 4;
const AT_KEY: usize = 8;
const AT_PACKING: usize = 40;
const AT_LENGTH: usize = 41;
const AT_PAYLOAD: usize = 45;

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
const ZSTD_LEVEL: i32 = 3;

/// The fewest bytes that the table takes for a frame: one for each of its numbers.
const LEAST_FRAME: usize = 2;

/// Why bytes are no entry for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// Not an entry, or one of another version.
    #[error("of another version")]
    Version,
    /// Not the bytes that were written.
    #[error("damaged")]
    Damaged,
    /// The answer to another request.
    #[error("of another key")]
    OtherKey,
    /// Written as it stands, but no entry.
    #[error("malformed")]
    Malformed,
}

pub(super) fn encode(entry: &Entry, now: Instant) -> Vec<u8> {
    let payload = payload(entry, now);
    // Never read again if this does not fit: it is beyond `Entry::LARGEST` by far.
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let packed = zstd::bulk::compress(&payload, ZSTD_LEVEL).ok();
    let (packing, body) = match packed {
        Some(packed) if packed.len() < payload.len() => (ZSTD, packed),
        _ => (PLAIN, payload),
    };
    let mut out = Vec::with_capacity(AT_PAYLOAD + body.len());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[0; AT_KEY - AT_SUM]);
    out.extend_from_slice(&entry.key.0);
    out.push(packing);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&body);
    let sum = crc32fast::hash(&out[AT_KEY..]);
    out[AT_SUM..AT_KEY].copy_from_slice(&sum.to_le_bytes());
    out
}

pub(super) fn decode(
    bytes: &[u8],
    key: &CacheKey,
    stored_for: Duration,
    now: Instant,
) -> Result<Entry, Undecodable> {
    let (head, body) = bytes.split_at_checked(AT_PAYLOAD).ok_or(Undecodable::Malformed)?;
    if head[..AT_SUM] != MAGIC {
        return Err(Undecodable::Version);
    }
    if head[AT_SUM..AT_KEY] != crc32fast::hash(&bytes[AT_KEY..]).to_le_bytes() {
        return Err(Undecodable::Damaged);
    }
    if head[AT_KEY..AT_PACKING] != key.0 {
        return Err(Undecodable::OtherKey);
    }
    let length =
        head[AT_LENGTH..].try_into().map_or(usize::MAX, |raw| u32::from_le_bytes(raw) as usize);
    let payload = unpacked(head[AT_PACKING], body, length)?;
    let mut reader = Reader(&payload);
    let spent = reader.duration()?.saturating_add(stored_for);
    let life = Life { fresh: reader.duration()?, stale: reader.duration()? };
    Ok(assembled(*key, reader, &payload)?.starting(life, spent, now))
}

fn unpacked(packing: u8, body: &[u8], length: usize) -> Result<Bytes, Undecodable> {
    if length > Entry::LARGEST {
        return Err(Undecodable::Malformed);
    }
    let payload = match packing {
        PLAIN => body.to_vec(),
        ZSTD => zstd::bulk::decompress(body, length).map_err(|_| Undecodable::Malformed)?,
        _ => return Err(Undecodable::Malformed),
    };
    if payload.len() == length { Ok(payload.into()) } else { Err(Undecodable::Malformed) }
}

fn payload(entry: &Entry, now: Instant) -> Vec<u8> {
    let Entry { tags, answer, life, .. } = entry;
    let mut out = Vec::with_capacity(entry.weight() as usize);
    for duration in [entry.age(now), life.fresh, life.stale] {
        put_duration(&mut out, duration);
    }
    for text in [&tags.model, &tags.route, &tags.namespace, &tags.key, &tags.tenant] {
        put_bytes(&mut out, text.as_bytes());
    }
    put_number(&mut out, u64::from(answer.status));
    put_option(&mut out, answer.content_type.as_ref(), |out, value| {
        put_bytes(out, value.as_bytes());
    });
    put_option(&mut out, answer.usage.as_ref(), |out, usage| {
        put_number(out, usage.input);
        put_number(out, usage.output);
        put_bytes(out, usage.source.label().as_bytes());
    });
    put_option(&mut out, answer.cost, |out, cost| put_number(out, cost.0));
    put_option(&mut out, answer.model.as_ref(), |out, model| put_bytes(out, model.as_bytes()));
    put_number(&mut out, answer.events);
    put_duration(&mut out, answer.took);
    put_number(&mut out, answer.frames.len() as u64);
    for frame in &answer.frames {
        let is_generated = u64::from(frame.kind == ChunkKind::Generated);
        put_number(&mut out, (frame.bytes.len() as u64) << 1 | is_generated);
        put_duration(&mut out, frame.after);
    }
    answer.frames.iter().for_each(|frame| out.extend_from_slice(&frame.bytes));
    out
}

fn assembled(
    key: CacheKey,
    mut reader: Reader<'_>,
    payload: &Bytes,
) -> Result<Assembled, Undecodable> {
    let tags = CacheTags {
        model: reader.shared()?,
        route: reader.shared()?,
        namespace: reader.shared()?,
        key: reader.shared()?,
        tenant: reader.shared()?,
    };
    let answer = Answer {
        status: u16::try_from(reader.number()?).map_err(|_| Undecodable::Malformed)?,
        content_type: reader.option(Reader::header)?,
        usage: reader.option(Reader::usage)?,
        cost: reader.option(|reader| reader.number().map(NanoUsd))?,
        model: reader.option(|reader| reader.text().map(str::to_owned))?,
        events: reader.number()?,
        took: reader.duration()?,
        frames: reader.frames(payload)?,
    };
    // Nothing follows the body.
    let length: usize = answer.frames.iter().map(|frame| frame.bytes.len()).sum();
    let body = payload.slice(payload.len().saturating_sub(length)..);
    Ok(Entry::assemble(key, tags, answer, (body, payload.len())))
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// In nanoseconds: good for 584 years.
fn put_duration(out: &mut Vec<u8>, duration: Duration) {
    put_number(out, u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_option<V>(out: &mut Vec<u8>, value: Option<V>, put: impl FnOnce(&mut Vec<u8>, V)) {
    put_number(out, u64::from(value.is_some()));
    if let Some(value) = value {
        put(out, value);
    }
}

/// What is left of a payload.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Result<u64, Undecodable> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(Undecodable::Malformed)?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit only.
            if bits << shift >> shift != bits {
                return Err(Undecodable::Malformed);
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Undecodable::Malformed)
    }

    fn duration(&mut self) -> Result<Duration, Undecodable> {
        self.number().map(Duration::from_nanos)
    }

    /// A number of things that take at least `size` bytes each.
    fn count(&mut self, size: usize) -> Result<usize, Undecodable> {
        let count = usize::try_from(self.number()?).map_err(|_| Undecodable::Malformed)?;
        if count > self.0.len() / size { Err(Undecodable::Malformed) } else { Ok(count) }
    }

    fn bytes(&mut self) -> Result<&'a [u8], Undecodable> {
        let length = self.count(1)?;
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<&'a str, Undecodable> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Undecodable::Malformed)
    }

    fn shared(&mut self) -> Result<Arc<str>, Undecodable> {
        self.text().map(Arc::from)
    }

    fn header(&mut self) -> Result<HeaderValue, Undecodable> {
        HeaderValue::from_bytes(self.bytes()?).map_err(|_| Undecodable::Malformed)
    }

    fn usage(&mut self) -> Result<Usage, Undecodable> {
        let (input, output, label) = (self.number()?, self.number()?, self.text()?);
        let source = UsageSource::ALL.into_iter().find(|source| source.label() == label);
        Ok(Usage { input, output, source: source.ok_or(Undecodable::Malformed)? })
    }

    fn option<V>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<V, Undecodable>,
    ) -> Result<Option<V>, Undecodable> {
        match self.number()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(Undecodable::Malformed),
        }
    }

    /// The table of frames and, after it, their bytes up to the end: slices of `payload`,
    /// which this reads.
    fn frames(&mut self, payload: &Bytes) -> Result<Vec<Frame>, Undecodable> {
        let count = self.count(LEAST_FRAME)?;
        let mut table = Vec::with_capacity(count);
        for _ in 0..count {
            let number = self.number()?;
            let length = usize::try_from(number >> 1).map_err(|_| Undecodable::Malformed)?;
            let kind = if number & 1 == 1 { ChunkKind::Generated } else { ChunkKind::Other };
            table.push((length, self.duration()?, kind));
        }
        let mut body = payload.slice(payload.len() - self.0.len()..);
        let mut frames = Vec::with_capacity(count);
        for (length, after, kind) in table {
            if length > body.len() {
                return Err(Undecodable::Malformed);
            }
            frames.push(Frame { bytes: body.split_to(length), after, kind });
        }
        if body.is_empty() { Ok(frames) } else { Err(Undecodable::Malformed) }
    }
}
