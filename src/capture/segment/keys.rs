//! The keys that records are sealed with.
//!
//! A segment has a random key of 256 bits, which seals its blocks with ChaCha20-Poly1305 (RFC
//! 8439): the nonce is the number of the frame, the segment and that number are authenticated
//! with it, so that no block can be moved. The key itself lies beside the segment, sealed
//! with the master key; who deletes that file has shredded the segment. While a segment is
//! rewritten there are two keys in it, the old one and the new.
//!
//! Must not know: what a block is, or how settings are written.

use super::disk;
use super::header::KeyId;
use super::hex::{read_hex, write_hex};
use super::id::{Part, SegmentId};
use crate::capture::MasterKey;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

/// The version of a key file.
const VERSION: u32 = 1;
/// What the key of a segment has 32 bytes of, and a nonce of [RFC 8439] has 12.
const KEY: usize = 32;
const NONCE: usize = 12;
const TAG: usize = 16;

/// Why there is no key.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KeyError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The reason.
        source: Arc<io::Error>,
    },
    /// The master key is no key.
    #[error("the master key is not 64 hexadecimal digits (32 bytes)")]
    NotAKey,
    /// The segment is sealed, and no master key is given.
    #[error("{0} is sealed, and no master key is given")]
    NoMaster(SegmentId),
    /// The segment was sealed under another master key.
    #[error("{segment} is sealed under the master key {wanted}, and the one given is {given}")]
    OtherMaster {
        /// The segment.
        segment: SegmentId,
        /// What stands for the master key that is needed.
        wanted: String,
        /// What stands for the one that is given.
        given: String,
    },
    /// The segment's key is gone.
    #[error("the key of {0} is gone, and its records with it")]
    Shredded(SegmentId),
    /// The segment's key is not what was written.
    #[error("the key file of {0} is damaged")]
    Damaged(SegmentId),
    /// The system has no random numbers, or a cipher refused to work.
    #[error("no key can be made")]
    System,
}

/// The key that the keys of segments are sealed with.
pub struct Master {
    id: KeyId,
    key: LessSafeKey,
}

/// The key of a segment.
pub(crate) struct DataKey {
    pub(crate) id: KeyId,
    segment: SegmentId,
    key: LessSafeKey,
}

/// The keys of a segment as they lie on the disk, the oldest first.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeyFile {
    v: u32,
    keys: Vec<SealedKey>,
}

#[derive(Clone, Serialize, Deserialize)]
struct SealedKey {
    id: String,
    master: String,
    nonce: String,
    key: String,
}

impl Master {
    /// The key that the settings say.
    ///
    /// # Errors
    /// When it is not 64 hexadecimal digits.
    pub fn new(setting: &MasterKey) -> Result<Self, KeyError> {
        let bytes: [u8; KEY] = read_hex(setting.0.expose()).ok_or(KeyError::NotAKey)?;
        // What stands for the key says nothing about it.
        let told = blake3::derive_key("transom capture 2026 id of the master key", &bytes);
        Ok(Self { id: KeyId(first_eight(&told)), key: cipher(&bytes)? })
    }

    /// Seals `key`, which opens `segment`.
    fn seal(&self, segment: SegmentId, id: KeyId, key: &[u8; KEY]) -> Result<SealedKey, KeyError> {
        let nonce: [u8; NONCE] = random()?;
        let mut sealed = key.to_vec();
        let nonce_once = Nonce::assume_unique_for_key(nonce);
        let done = self.key.seal_in_place_append_tag(nonce_once, of_key(segment, id), &mut sealed);
        done.map_err(|_| KeyError::System)?;
        Ok(SealedKey {
            id: write_hex(&id.0),
            master: write_hex(&self.id.0),
            nonce: write_hex(&nonce),
            key: write_hex(&sealed),
        })
    }

    fn open(&self, segment: SegmentId, sealed: &SealedKey) -> Result<DataKey, KeyError> {
        let given = write_hex(&self.id.0);
        if sealed.master != given {
            let wanted = sealed.master.clone();
            return Err(KeyError::OtherMaster { segment, wanted, given });
        }
        let damaged = || KeyError::Damaged(segment);
        let id = KeyId(read_hex(&sealed.id).ok_or_else(damaged)?);
        let nonce = read_hex::<NONCE>(&sealed.nonce).ok_or_else(damaged)?;
        let mut key = read_hex::<{ KEY + TAG }>(&sealed.key).ok_or_else(damaged)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let key = self.key.open_in_place(nonce, of_key(segment, id), &mut key);
        let key: &[u8] = key.map_err(|_| damaged())?;
        Ok(DataKey { id, segment, key: cipher(key)? })
    }
}

impl DataKey {
    /// Seals the block of a frame. No number may be used for two blocks.
    pub(crate) fn seal(&self, number: u32, mut block: Vec<u8>) -> Option<Vec<u8>> {
        let aad = self.of_frame(number);
        self.key.seal_in_place_append_tag(of_number(number), aad, &mut block).ok()?;
        Some(block)
    }

    /// The block of a frame; `None` where it is not what was sealed as that.
    pub(crate) fn open(&self, number: u32, mut sealed: Vec<u8>) -> Option<Vec<u8>> {
        let aad = self.of_frame(number);
        let length = self.key.open_in_place(of_number(number), aad, &mut sealed).ok()?.len();
        sealed.truncate(length);
        Some(sealed)
    }

    fn of_frame(&self, number: u32) -> Aad<[u8; 12]> {
        let [a, b, c, d] = number.to_le_bytes();
        let [e, f, g, h, i, j, k, l] = self.segment.0.to_le_bytes();
        Aad::from([e, f, g, h, i, j, k, l, a, b, c, d])
    }
}

impl KeyFile {
    /// The keys of `segment`; `None` where there are none.
    pub(crate) fn read(directory: &Path, segment: SegmentId) -> Result<Option<Self>, KeyError> {
        let path = segment.path(directory, Part::Key);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes.map_err(|it| at(&path, it))?,
        };
        let read: Result<Self, _> = serde_json::from_slice(&bytes);
        let known = read.ok().filter(|file| file.v == VERSION && !file.keys.is_empty());
        known.map(Some).ok_or(KeyError::Damaged(segment))
    }

    /// No key yet.
    pub(crate) const fn empty() -> Self {
        Self { v: VERSION, keys: Vec::new() }
    }

    /// Adds a new random key for `segment`.
    pub(crate) fn add(&mut self, segment: SegmentId, master: &Master) -> Result<DataKey, KeyError> {
        let (id, key) = (KeyId(random()?), random::<KEY>()?);
        self.keys.push(master.seal(segment, id, &key)?);
        Ok(DataKey { id, segment, key: cipher(&key)? })
    }

    /// Forgets every key but `id`. Returns whether there was another.
    pub(crate) fn keep_only(&mut self, id: KeyId) -> bool {
        let before = self.keys.len();
        let is_known = self.keys.iter().any(|key| key.id == write_hex(&id.0));
        self.keys.retain(|key| !is_known || key.id == write_hex(&id.0));
        self.keys.len() < before
    }

    /// The key `id`; the newest one where that is not known.
    pub(crate) fn open(
        &self,
        segment: SegmentId,
        id: Option<KeyId>,
        master: &Master,
    ) -> Result<DataKey, KeyError> {
        let named = id.map(|id| self.keys.iter().find(|key| key.id == write_hex(&id.0)));
        let sealed = named.unwrap_or_else(|| self.keys.last());
        master.open(segment, sealed.ok_or(KeyError::Shredded(segment))?)
    }

    /// Puts these keys on the disk in the place of all others of `segment`.
    pub(crate) fn write(&self, directory: &Path, segment: SegmentId) -> Result<(), KeyError> {
        let path = segment.path(directory, Part::Key);
        let bytes = serde_json::to_vec(self).map_err(|_| KeyError::System)?;
        disk::replace_with(&path, &bytes).map_err(|it| at(&path, it))
    }
}

fn at(path: &Path, source: io::Error) -> KeyError {
    KeyError::Io { path: path.display().to_string(), source: Arc::new(source) }
}

fn cipher(key: &[u8]) -> Result<LessSafeKey, KeyError> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| KeyError::System)?;
    Ok(LessSafeKey::new(key))
}

fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| KeyError::System)?;
    Ok(bytes)
}

fn of_number(number: u32) -> Nonce {
    let mut nonce = [0; NONCE];
    nonce[NONCE - 4..].copy_from_slice(&number.to_le_bytes());
    Nonce::assume_unique_for_key(nonce)
}

fn of_key(segment: SegmentId, id: KeyId) -> Aad<[u8; 16]> {
    let (segment, id) = (u64::from_le_bytes(id.0), segment.0);
    Aad::from((u128::from(id) << 64 | u128::from(segment)).to_le_bytes())
}

fn first_eight(bytes: &[u8; 32]) -> [u8; 8] {
    std::array::from_fn(|at| bytes[at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Secret;

    fn master(digit: &str) -> Master {
        Master::new(&MasterKey(Secret::new(digit.repeat(64)))).unwrap()
    }

    #[test]
    fn a_block_opens_only_with_its_key_in_its_place() {
        let (segment, master) = (SegmentId(7), master("a"));
        let mut file = KeyFile::empty();
        let key = file.add(segment, &master).unwrap();
        let sealed = key.seal(3, b"record".to_vec()).unwrap();
        assert!(!sealed.windows(6).any(|bytes| bytes == b"record"));
        let again = file.open(segment, Some(key.id), &master).unwrap();
        assert_eq!(again.open(3, sealed.clone()).as_deref(), Some(&b"record"[..]));
        assert_eq!(again.open(4, sealed.clone()), None, "another place");
        let other = file.add(segment, &master).unwrap();
        assert_eq!(other.open(3, sealed.clone()), None, "another key");
        let mut flipped = sealed;
        flipped[0] ^= 1;
        assert_eq!(again.open(3, flipped), None);
    }

    #[test]
    fn another_master_key_is_said_to_be_another() {
        let (segment, right, wrong) = (SegmentId(7), master("a"), master("b"));
        let mut file = KeyFile::empty();
        let key = file.add(segment, &right).unwrap();
        let refused = file.open(segment, Some(key.id), &wrong).err();
        assert!(matches!(refused, Some(KeyError::OtherMaster { .. })), "{refused:?}");
        let moved = file.open(SegmentId(8), Some(key.id), &right).err();
        assert!(matches!(moved, Some(KeyError::Damaged(_))), "{moved:?}");
        let gone = file.open(segment, Some(KeyId([0; 8])), &right).err();
        assert!(matches!(gone, Some(KeyError::Shredded(_))), "{gone:?}");
    }

    #[test]
    fn a_master_key_that_is_none_is_refused() {
        for bad in ["", "abc", &"g".repeat(64), &"a".repeat(63), &"a".repeat(66)] {
            let refused = Master::new(&MasterKey(Secret::new(bad))).err();
            assert!(matches!(refused, Some(KeyError::NotAKey)), "{bad:?}");
        }
    }
}
