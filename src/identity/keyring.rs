//! The keys that open the door, and the headers they come in.
//!
//! Keys of the configuration and keys made at run time are one table, which is replaced as a whole
//! when something about them is decided: whoever looks a key up waits for nobody. Must not know:
//! how keys were configured, or where decisions are kept. A key in the clear lives only as long as
//! the look-up.

use crate::identity::{KeyError, KeySettings, KnownKey, Minted};
use crate::types::KeyRow;
use arc_swap::ArcSwap;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Keys that can be made at run time, revoked ones among them.
const MOST: usize = 10_000;

/// The headers that may hold a caller's key; none of them goes upstream when keys are
/// checked here.
pub struct CredentialHeaders;

impl CredentialHeaders {
    /// `Authorization: Bearer`, `x-api-key` and `api-key`, in the order they are read.
    pub const ALL: [HeaderName; 3] =
        [AUTHORIZATION, HeaderName::from_static("x-api-key"), HeaderName::from_static("api-key")];
}

/// A caller that was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// No keys are known: everybody is welcome, and keys pass through to the upstream.
    Anyone,
    /// The holder of a key.
    Holder(Holder),
}

/// Whose key was shown. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The alias of the key.
    pub alias: Arc<str>,
    /// Whom the key belongs to, if anybody was named.
    pub tenant: Option<Arc<str>>,
}

/// The keys. Looked up by full SHA-256, so no comparison of key texts can leak a prefix by its
/// timing.
#[derive(Debug, Default)]
pub struct Keyring {
    door: ArcSwap<Door>,
    /// What the door is made of. Locked by who decides, never by who looks up.
    ring: Mutex<Ring>,
}

/// Who is let in.
#[derive(Debug, Default)]
enum Door {
    /// Everybody: no key is known, not even a revoked one.
    #[default]
    Open,
    /// The holders of these.
    Keys(HashMap<[u8; 32], Holder>),
}

/// All keys that are known, and what was decided about them.
#[derive(Debug, Default)]
struct Ring {
    configured: Vec<KeySettings>,
    decided: BTreeMap<[u8; 32], KeyRow>,
}

impl Keyring {
    /// The keys of the configuration, and what was decided about them and others before. None at
    /// all means that nobody has to show one.
    pub fn new(configured: &[KeySettings], decided: Vec<KeyRow>) -> Self {
        let decided = decided.into_iter().map(|row| (row.sha256, row)).collect();
        let ring = Ring { configured: configured.to_vec(), decided };
        Self { door: ArcSwap::from_pointee(ring.door()), ring: Mutex::new(ring) }
    }

    /// Who shows these headers; `None` when a key is needed and none of them is known.
    pub fn admit(&self, headers: &HeaderMap) -> Option<Caller> {
        let door = self.door.load();
        let Door::Keys(keys) = &**door else { return Some(Caller::Anyone) };
        let names = CredentialHeaders::ALL;
        let mut shown = names
            .iter()
            .filter_map(|name| headers.get(name))
            .map(|value| key_in(value.as_bytes()))
            .filter(|key| !key.is_empty());
        let holder = shown.find_map(|key| keys.get(&<[u8; 32]>::from(Sha256::digest(key))));
        holder.cloned().map(Caller::Holder)
    }

    /// Whether nobody has to show a key.
    pub fn is_open(&self) -> bool {
        matches!(**self.door.load(), Door::Open)
    }

    /// All keys: those of the configuration in its order, then the others by their names.
    pub fn known(&self) -> Vec<KnownKey> {
        self.ring.lock().known()
    }

    /// What making `minted` comes to: to be kept, and then carried out.
    ///
    /// # Errors
    /// When the name is taken, or there are too many.
    pub fn made(&self, minted: &Minted, now: u64) -> Result<KeyRow, KeyError> {
        let ring = self.ring.lock();
        let is_taken = |key: &KnownKey| key.alias == minted.alias && !key.is_gone();
        if ring.known().iter().any(is_taken) {
            return Err(KeyError::Taken);
        }
        if ring.decided.values().filter(|row| row.made.is_some()).count() >= MOST {
            return Err(KeyError::TooMany);
        }
        let (alias, tenant) = (minted.alias.clone(), minted.tenant.clone());
        let sha256 = minted.sha256();
        Ok(KeyRow { sha256, alias, tenant, made: Some(now), revoked: None, edition: 1 })
    }

    /// What revoking the key `alias` comes to.
    ///
    /// # Errors
    /// When no such key opens the door.
    pub fn revoked(&self, alias: &str, now: u64) -> Result<KeyRow, KeyError> {
        self.ring.lock().decide(alias, |row| row.revoked.replace(now).is_none())
    }

    /// What taking that back comes to.
    ///
    /// # Errors
    /// When no such key is revoked.
    pub fn restored(&self, alias: &str) -> Result<KeyRow, KeyError> {
        self.ring.lock().decide(alias, |row| row.revoked.take().is_some())
    }

    /// Carries out what was decided: in force when it returns.
    pub fn carry_out(&self, row: KeyRow) {
        let mut ring = self.ring.lock();
        ring.decided.insert(row.sha256, row);
        self.door.store(Arc::new(ring.door()));
    }
}

impl Ring {
    fn door(&self) -> Door {
        let known = self.known();
        if known.is_empty() {
            return Door::Open;
        }
        let holder = |key: &KnownKey| Holder {
            alias: key.alias.as_str().into(),
            tenant: key.tenant.as_deref().map(Arc::from),
        };
        let good = known.iter().filter(|key| key.revoked.is_none());
        Door::Keys(good.map(|key| (key.sha256, holder(key))).collect())
    }

    fn known(&self) -> Vec<KnownKey> {
        let configured = self.configured.iter().map(|key| KnownKey {
            sha256: key.sha256,
            alias: key.alias.clone(),
            tenant: key.tenant.clone(),
            made: None,
            revoked: self.decided.get(&key.sha256).and_then(|row| row.revoked),
        });
        let mut known: Vec<KnownKey> = configured.collect();
        let is_new = |row: &&KeyRow| {
            row.made.is_some() && self.configured.iter().all(|key| key.sha256 != row.sha256)
        };
        let mut made: Vec<&KeyRow> = self.decided.values().filter(is_new).collect();
        // Of two with one name the one that is good comes first, then the later one.
        made.sort_by_key(|row| (&row.alias, row.revoked.is_some(), std::cmp::Reverse(row.made)));
        known.extend(made.into_iter().map(KnownKey::of));
        known
    }

    /// The key's row after `change`, if that changed it.
    fn decide(
        &self,
        alias: &str,
        change: impl Fn(&mut KeyRow) -> bool,
    ) -> Result<KeyRow, KeyError> {
        let named = self.known().into_iter().filter(|key| key.alias == alias);
        let mut changed = named.filter_map(|key| {
            let edition = self.decided.get(&key.sha256).map_or(0, |row| row.edition);
            let mut row = key.into_row(edition + 1);
            change(&mut row).then_some(row)
        });
        changed.next().ok_or(KeyError::Unknown)
    }
}

/// The key itself, without the `Bearer` scheme (RFC 6750 §2.1; the scheme is
/// case-insensitive).
fn key_in(value: &[u8]) -> &[u8] {
    match value.split_at_checked(7) {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case(b"bearer ") => key.trim_ascii(),
        _ => value.trim_ascii(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn settings() -> [KeySettings; 1] {
        [KeySettings {
            alias: "team".into(),
            sha256: Sha256::digest("sk-1").into(),
            tenant: Some("search".into()),
        }]
    }

    fn shown(ring: &Keyring, name: &'static str, value: &str) -> Option<Caller> {
        let value = HeaderValue::from_str(value).unwrap();
        ring.admit(&HeaderMap::from_iter([(HeaderName::from_static(name), value)]))
    }

    fn admit(name: &'static str, value: &'static str) -> Option<Caller> {
        shown(&Keyring::new(&settings(), Vec::new()), name, value)
    }

    fn holder(alias: &str, tenant: Option<&str>) -> Option<Caller> {
        let (alias, tenant) = (alias.into(), tenant.map(Arc::from));
        Some(Caller::Holder(Holder { alias, tenant }))
    }

    #[test]
    fn a_key_is_read_from_each_of_its_headers() {
        let team = holder("team", Some("search"));
        assert_eq!(admit("authorization", "Bearer sk-1"), team);
        assert_eq!(admit("authorization", "bearer  sk-1 "), team);
        assert_eq!(admit("x-api-key", "sk-1"), team);
        assert_eq!(admit("api-key", "sk-1"), team);
    }

    #[test]
    fn other_keys_are_refused_unless_none_is_configured() {
        assert_eq!(admit("authorization", "Bearer sk-2"), None);
        assert_eq!(admit("authorization", "Basic sk-1x"), None);
        assert_eq!(admit("host", "sk-1"), None);
        assert_eq!(Keyring::default().admit(&HeaderMap::new()), Some(Caller::Anyone));
    }

    #[test]
    fn the_first_key_that_is_made_closes_the_door_for_good() {
        let ring = Keyring::default();
        let minted = Minted::new("ops".into(), None).unwrap();
        ring.carry_out(ring.made(&minted, 7).unwrap());
        assert!(!ring.is_open());
        assert_eq!(ring.admit(&HeaderMap::new()), None);
        assert_eq!(shown(&ring, "x-api-key", minted.key.expose()), holder("ops", None));
        assert_eq!(ring.made(&minted, 8), Err(KeyError::Taken));
        ring.carry_out(ring.revoked("ops", 9).unwrap());
        assert_eq!(shown(&ring, "x-api-key", minted.key.expose()), None);
        assert!(!ring.is_open(), "revoking the last key lets nobody in");
        assert_eq!(ring.revoked("ops", 9), Err(KeyError::Unknown));
        let next = Minted::new("ops".into(), None).unwrap();
        ring.carry_out(ring.made(&next, 10).unwrap());
        assert_eq!(shown(&ring, "x-api-key", next.key.expose()), holder("ops", None));
        assert_eq!(shown(&ring, "x-api-key", minted.key.expose()), None);
    }

    #[test]
    fn a_configured_key_stays_revoked_until_it_is_restored() {
        let ring = Keyring::new(&settings(), Vec::new());
        let row = ring.revoked("team", 9).unwrap();
        assert_eq!((row.made, row.revoked, row.edition), (None, Some(9), 1));
        let after = Keyring::new(&settings(), vec![row]);
        assert_eq!(shown(&after, "x-api-key", "sk-1"), None);
        let minted = Minted::new("team".into(), None).unwrap();
        assert_eq!(after.made(&minted, 9), Err(KeyError::Taken), "the file has that name");
        let row = after.restored("team").unwrap();
        assert_eq!((row.revoked, row.edition), (None, 2));
        after.carry_out(row);
        assert_eq!(shown(&after, "x-api-key", "sk-1"), holder("team", Some("search")));
        let gone = Keyring::new(&[], vec![after.revoked("team", 9).unwrap()]);
        assert!(gone.is_open(), "what is decided about a key that is gone from the file is moot");
    }
}
