//! API keys and the headers they come in.
//!
//! Must not know: how keys were configured. A key in the clear lives only as long as the
//! look-up.

use crate::identity::KeySettings;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

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
    /// No keys are configured: everybody is welcome, and keys pass through to the upstream.
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

/// The keys that open the door. Looked up by full SHA-256, so no comparison of key texts
/// can leak a prefix by its timing.
#[derive(Debug, Default)]
pub struct Keyring(HashMap<[u8; 32], Holder>);

impl Keyring {
    /// The keys of the configuration; none means that nobody has to show one.
    pub fn new(keys: &[KeySettings]) -> Self {
        let holder = |key: &KeySettings| Holder {
            alias: key.alias.as_str().into(),
            tenant: key.tenant.as_deref().map(Arc::from),
        };
        Self(keys.iter().map(|key| (key.sha256, holder(key))).collect())
    }

    /// Who shows these headers; `None` when a key is needed and none of them is known.
    pub fn admit(&self, headers: &HeaderMap) -> Option<Caller> {
        if self.0.is_empty() {
            return Some(Caller::Anyone);
        }
        let names = CredentialHeaders::ALL;
        let mut shown = names
            .iter()
            .filter_map(|name| headers.get(name))
            .map(|value| key_in(value.as_bytes()))
            .filter(|key| !key.is_empty());
        let holder = shown.find_map(|key| self.0.get(&<[u8; 32]>::from(Sha256::digest(key))));
        holder.cloned().map(Caller::Holder)
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

    fn admit(name: &'static str, value: &'static str) -> Option<Caller> {
        let key = KeySettings {
            alias: "team".into(),
            sha256: Sha256::digest("sk-1").into(),
            tenant: Some("search".into()),
        };
        let headers = HeaderMap::from_iter([(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )]);
        Keyring::new(&[key]).admit(&headers)
    }

    #[test]
    fn a_key_is_read_from_each_of_its_headers() {
        let holder = Holder { alias: "team".into(), tenant: Some("search".into()) };
        let team = Some(Caller::Holder(holder));
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
}
