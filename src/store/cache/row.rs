//! The rows of one entry, and what they cost.
//!
//! | row | holds |
//! |---|---|
//! | `e` key | when it was stored, when it expires, how long it is, its tags |
//! | `v` key number | a piece of its value |
//! | `x` second key | how many pieces there are to remove when it has expired by this second |
//! | `m` | the latest date seen |
//! | `n` | how many entries there are |
//!
//! The pieces are short, since the database holds and rewrites about sixteen rows at a time,
//! and puts what is longer than 128 KiB by then into a file of its own.
//!
//! Must not know: the database, or when an entry is still of use.

use crate::store::pack::{self, Malformed, Unpacker};
use crate::types::{CacheKey, CacheTags};
use std::ops::Range;
use std::sync::Arc;

/// The row of the latest date seen.
pub(super) const MARK: &[u8] = b"m";
/// The row of how many entries there are.
pub(super) const COUNT: &[u8] = b"n";
/// The longest piece of a value, in bytes.
const PIECE: usize = 1024;
/// Of the layout of these rows.
const VERSION: u64 = 1;
/// Rows that the database may have to rewrite when one of them changes often enough.
const NEIGHBOURS: u64 = 16;
/// It rewrites after as many changes.
const CHANGES: u64 = 10;
/// The longest name of a row with its numbers, in bytes.
const LONGEST_NAME: u64 = 96;
/// What a change to a row without much in it adds to the files at most, in bytes.
pub(super) const COST: u64 = row_cost(LONGEST_NAME);

/// What is known of an entry without its value. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meta {
    /// When it was stored.
    pub(super) stored: u64,
    /// From when on it is not to be given any more.
    pub(super) expires: u64,
    /// Bytes of the value.
    pub(super) length: u64,
    /// What it can be purged by.
    pub(super) tags: CacheTags,
}

impl Meta {
    /// The second since the Unix epoch by which it has expired.
    pub(super) fn last_second(&self) -> u64 {
        self.expires.div_ceil(1000)
    }

    /// How many pieces the value is in.
    pub(super) fn pieces(&self) -> u64 {
        self.length.div_ceil(PIECE as u64)
    }

    /// A bound of what storing or removing the entry adds to the files, in bytes.
    pub(super) fn cost(&self) -> u64 {
        let tags: usize = self.tags().map(|tag| tag.len()).iter().sum();
        COST + row_cost(LONGEST_NAME + tags as u64) + pieces_cost(self.pieces())
    }

    /// The bytes of its row.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(96);
        for number in [VERSION, self.stored, self.expires, self.length] {
            pack::put_number(&mut bytes, number);
        }
        self.tags().iter().for_each(|tag| pack::put_text(&mut bytes, tag));
        bytes
    }

    /// What [`Meta::encode`] was given.
    ///
    /// # Errors
    /// When it is something else.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut bytes = Unpacker::new(bytes);
        if bytes.number()? != VERSION {
            return Err(Malformed);
        }
        let (stored, expires, length) = (bytes.number()?, bytes.number()?, bytes.number()?);
        let mut tag = || bytes.text().map(Arc::from);
        let tags = CacheTags {
            model: tag()?,
            route: tag()?,
            namespace: tag()?,
            key: tag()?,
            tenant: tag()?,
        };
        bytes.end()?;
        Ok(Self { stored, expires, length, tags })
    }

    fn tags(&self) -> [&str; 5] {
        let CacheTags { model, route, namespace, key, tenant } = &self.tags;
        [model, route, namespace, key, tenant]
    }
}

/// An entry that has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expired {
    /// The second since the Unix epoch by which it has.
    pub(super) second: u64,
    /// Its key.
    pub(super) key: CacheKey,
    /// How many pieces its value was in.
    pub(super) pieces: u64,
}

/// The name of an entry's row.
pub(super) fn entry(key: &CacheKey) -> Vec<u8> {
    [b"e", &key.0[..]].concat()
}

/// The names of the rows of all entries after the one at `last`.
pub(super) fn entries_after(last: Option<&CacheKey>) -> Range<Vec<u8>> {
    let start = last.map_or_else(|| vec![b'e'], |last| [&entry(last)[..], &[0]].concat());
    start..vec![b'e' + 1]
}

/// What [`entry`] was given.
pub(super) fn entry_key(name: &[u8]) -> Result<CacheKey, Malformed> {
    let [b'e', key @ ..] = name else { return Err(Malformed) };
    key.try_into().map(CacheKey).map_err(|_| Malformed)
}

/// The name of a piece's row.
pub(super) fn piece(key: &CacheKey, number: u64) -> Vec<u8> {
    [b"v", &key.0[..], &number.to_be_bytes()].concat()
}

/// The pieces of a value, in order, each as long as it may be but the last.
pub(super) fn pieces(value: &[u8]) -> std::slice::Chunks<'_, u8> {
    value.chunks(PIECE)
}

/// The name of the row that says when an entry expires.
pub(super) fn expiry(second: u64, key: &CacheKey) -> Vec<u8> {
    [b"x", &second.to_be_bytes()[..], &key.0].concat()
}

/// The entry with this row.
pub(super) fn expired_entry(name: &[u8], pieces: &[u8]) -> Result<Expired, Malformed> {
    let [b'x', rest @ ..] = name else { return Err(Malformed) };
    let (second, key) = rest.split_first_chunk().ok_or(Malformed)?;
    let key = key.try_into().map_err(|_| Malformed)?;
    let second = u64::from_be_bytes(*second);
    Ok(Expired { second, key: CacheKey(key), pieces: number(pieces)? })
}

/// The names of such rows up to `second`, and of no later one.
pub(super) fn expired(second: u64) -> Range<Vec<u8>> {
    vec![b'x']..[b"x", &second.saturating_add(1).to_be_bytes()[..]].concat()
}

/// A date's bytes, or those of a count.
pub(super) fn number(bytes: &[u8]) -> Result<u64, Malformed> {
    bytes.try_into().map(u64::from_be_bytes).map_err(|_| Malformed)
}

/// What storing or removing so many pieces adds to the files at most, in bytes.
pub(super) const fn pieces_cost(pieces: u64) -> u64 {
    pieces * row_cost(PIECE as u64)
}

/// The change itself, twice over for where it is put, and its part of a rewriting.
const fn row_cost(length: u64) -> u64 {
    2 * length + NEIGHBOURS * length / CHANGES + 256
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_an_entry_comes_back() {
        let tag = Arc::from;
        let tags = CacheTags {
            model: tag("chat"),
            route: tag("/v1/chat/completions"),
            namespace: tag("模型"),
            key: tag(""),
            tenant: tag("acme"),
        };
        let meta = Meta { stored: 1, expires: u64::MAX, length: 9000, tags };
        let bytes = meta.encode();
        assert_eq!(Meta::decode(&bytes).unwrap(), meta);
        for length in 0..bytes.len() {
            assert!(Meta::decode(&bytes[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn expired_rows_end_with_the_second_asked_for() {
        let range = expired(7);
        let row = |second| expiry(second, &CacheKey([0xff; 32]));
        assert!(range.contains(&row(0)) && range.contains(&row(7)) && !range.contains(&row(8)));
        assert!(expired(u64::MAX).contains(&row(u64::MAX - 1)));
    }

    #[test]
    fn a_value_is_in_as_many_pieces_as_its_length_says() {
        for length in [0, 1, PIECE, PIECE + 1, 3 * PIECE] {
            let meta =
                Meta { stored: 0, expires: 0, length: length as u64, tags: CacheTags::default() };
            assert_eq!(pieces(&vec![0; length]).count() as u64, meta.pieces());
        }
    }
}
