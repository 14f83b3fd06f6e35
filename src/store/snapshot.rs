//! The one small file that the database is rebuilt from: its bytes.
//!
//! | bytes | hold |
//! |---|---|
//! | 8 | what it is: `TRANSOM` and a line feed |
//! | 4 | version, little-endian as all numbers here |
//! | 8 | length of the body |
//! | 4 | CRC-32 (IEEE 802.3) of version, length and body |
//! | … | the body, see [`encode`] |
//!
//! Other small files have the same head. Must not know: where the file is, or how it gets there.

use crate::store::keys;
use crate::store::pack::{self, Malformed, Unpacker};
use crate::types::{KeyRow, SloHistory, SloKey};
use std::io;

/// What a snapshot is: its magic, and the version that is written.
const FORM: Form = Form { magic: b"TRANSOM\n", version: 2 };
/// The version before there were keys in it, which is still read.
const WITHOUT_KEYS: u32 = 1;
/// Magic, version, length, checksum.
const HEAD: usize = 24;
/// The fewest bytes that a history takes: two empty texts and two empty lists.
const LEAST_HISTORY: usize = 4;

/// The pasts of budgets, and decisions about keys.
pub type Content = (Vec<SloHistory>, Vec<KeyRow>);

/// Why a snapshot cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The system did not give it.
    #[error("it cannot be read: {0}")]
    Unreadable(io::Error),
    /// It is something else.
    #[error("it is not a snapshot")]
    Foreign,
    /// It was written by another version of the program.
    #[error("its version is {0}, which is not known here")]
    Version(u32),
    /// It is shorter or longer than it says.
    #[error("it is cut short, or goes on after its end")]
    Length,
    /// Its bytes have changed.
    #[error("its checksum is wrong")]
    Checksum,
    /// Its checksum is right, and yet it makes no sense: a defect of the writer.
    #[error("it makes no sense")]
    Malformed,
}

impl From<Malformed> for SnapshotError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// What a file is: eight bytes that say so, and the version of what is in it.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) magic: &'static [u8; 8],
    pub(super) version: u32,
}

/// The bytes of a snapshot: how many histories, and of each the objective, the model, the
/// minutes and the hours; then the keys.
pub(super) fn encode(histories: &[SloHistory], keys: &[KeyRow]) -> Vec<u8> {
    sealed(FORM, |bytes| {
        pack::put_number(bytes, histories.len() as u64);
        for SloHistory { key, minutes, hours } in histories {
            pack::put_text(bytes, &key.slo);
            pack::put_text(bytes, &key.model);
            pack::put_slots(bytes, minutes);
            pack::put_slots(bytes, hours);
        }
        keys::put_rows(bytes, keys.iter());
    })
}

/// What [`encode`] was given.
///
/// # Errors
/// When a single bit is not as it was written.
pub(super) fn decode(bytes: &[u8]) -> Result<Content, SnapshotError> {
    let (version, body) = opened(FORM, bytes)?;
    let mut body = Unpacker::new(body);
    let histories = histories(&mut body)?;
    let keys = if version == WITHOUT_KEYS { Vec::new() } else { keys::take_rows(&mut body)? };
    body.end()?;
    Ok((histories, keys))
}

/// The body that `write` appends, behind its head.
pub(super) fn sealed(form: Form, write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = vec![0; HEAD];
    write(&mut bytes);
    let length = (bytes.len() - HEAD) as u64;
    let checksum = checksum(form.version, length, &bytes[HEAD..]);
    bytes[..8].copy_from_slice(form.magic);
    bytes[8..12].copy_from_slice(&form.version.to_le_bytes());
    bytes[12..20].copy_from_slice(&length.to_le_bytes());
    bytes[20..HEAD].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// The body that [`sealed`] was given, now or by an older program, and its version.
///
/// # Errors
/// When a single bit is not as it was written.
pub(super) fn opened(form: Form, bytes: &[u8]) -> Result<(u32, &[u8]), SnapshotError> {
    let (magic, rest) = bytes.split_first_chunk::<8>().ok_or(SnapshotError::Length)?;
    if magic != form.magic {
        return Err(SnapshotError::Foreign);
    }
    let (version, rest) = rest.split_first_chunk().ok_or(SnapshotError::Length)?;
    let (length, rest) = rest.split_first_chunk().ok_or(SnapshotError::Length)?;
    let (stored, body) = rest.split_first_chunk().ok_or(SnapshotError::Length)?;
    let (version, length) = (u32::from_le_bytes(*version), u64::from_le_bytes(*length));
    if !(1..=form.version).contains(&version) {
        return Err(SnapshotError::Version(version));
    }
    if body.len() as u64 != length {
        return Err(SnapshotError::Length);
    }
    if checksum(version, length, body) != u32::from_le_bytes(*stored) {
        return Err(SnapshotError::Checksum);
    }
    Ok((version, body))
}

fn histories(body: &mut Unpacker<'_>) -> Result<Vec<SloHistory>, Malformed> {
    let count = body.count(LEAST_HISTORY)?;
    let mut histories = Vec::with_capacity(count);
    for _ in 0..count {
        let key = SloKey { slo: body.text()?, model: body.text()? };
        histories.push(SloHistory { key, minutes: body.slots()?, hours: body.slots()? });
    }
    Ok(histories)
}

fn checksum(version: u32, length: u64, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&version.to_le_bytes());
    hasher.update(&length.to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{EventCounts, SlotCounts};

    fn some() -> Vec<SloHistory> {
        let slots = |first: u32| {
            let counts = |slot| EventCounts { total: u64::from(slot), bad: 3 };
            (first..first + 40).map(|slot| SlotCounts { slot, counts: counts(slot) }).collect()
        };
        let key = |model: &str| SloKey { slo: "availability".to_owned(), model: model.to_owned() };
        vec![
            SloHistory { key: key("chat"), minutes: slots(29_000_000), hours: slots(483_333) },
            SloHistory { key: key(""), minutes: Vec::new(), hours: slots(1) },
        ]
    }

    fn keys() -> Vec<KeyRow> {
        let key = |number: u8, made, revoked| KeyRow {
            sha256: [number; 32],
            alias: format!("team-{number}"),
            tenant: (number > 1).then(|| "search".to_owned()),
            made,
            revoked,
            edition: number.into(),
        };
        vec![key(1, Some(0), None), key(2, None, Some(1_800_000_000))]
    }

    #[test]
    fn a_snapshot_of_the_time_before_there_were_keys_is_read() {
        let mut bytes = encode(&some(), &[]);
        bytes.pop();
        let length = (bytes.len() - HEAD) as u64;
        let checksum = checksum(WITHOUT_KEYS, length, &bytes[HEAD..]);
        bytes[8..12].copy_from_slice(&WITHOUT_KEYS.to_le_bytes());
        bytes[12..20].copy_from_slice(&length.to_le_bytes());
        bytes[20..HEAD].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(decode(&bytes).unwrap(), (some(), vec![]));
    }

    #[test]
    fn a_snapshot_comes_back() {
        assert_eq!(decode(&encode(&some(), &keys())).unwrap(), (some(), keys()));
        assert_eq!(decode(&encode(&[], &[])).unwrap(), (vec![], vec![]));
    }

    #[test]
    fn a_snapshot_cut_anywhere_is_refused() {
        let whole = encode(&some(), &keys());
        for length in 0..whole.len() {
            assert!(decode(&whole[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn a_snapshot_with_any_bit_flipped_is_refused() {
        let mut bytes = encode(&some(), &keys());
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&bytes).is_err(), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn a_snapshot_of_another_version_is_named() {
        let mut bytes = encode(&some(), &keys());
        bytes[8] = 9;
        assert!(matches!(decode(&bytes), Err(SnapshotError::Version(9))));
        assert!(matches!(decode(b"something else"), Err(SnapshotError::Foreign)));
    }
}
