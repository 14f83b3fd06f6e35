//! Who shares an answer with whom.
//!
//! Owns the rule that only the operator widens a scope, and never beyond what the upstream
//! can tell apart. Must not know: how a caller was let in.

use crate::cache::key::Parts;
use crate::cache::settings::CacheScope;
use http::{HeaderMap, HeaderName};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker<'a> {
    /// The holder of a key that was checked here.
    Holder {
        /// The key's alias.
        alias: &'a str,
        /// Whom it belongs to.
        tenant: Option<&'a str>,
    },
    /// Somebody whom only the upstream may know, by these credentials.
    Stranger(Option<CredentialDigest>),
}

/// Those who share an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// All who show the same credential.
    Key(Credential<'a>),
    /// All keys of a tenant.
    Tenant(&'a str),
    /// Everybody.
    Global,
}

/// What tells one caller from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential<'a> {
    /// The alias of a key that was checked here.
    Alias(&'a str),
    /// What was shown and goes on to the upstream.
    Shown(CredentialDigest),
    /// Nothing was shown.
    None,
}

/// A hash of the credentials that a request shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialDigest([u8; 32]);

impl CredentialDigest {
    /// Of the headers with these names; `None` when there is none of them.
    pub fn of(headers: &HeaderMap, names: &[HeaderName]) -> Option<Self> {
        let mut hash = Parts::new("credentials");
        let mut shown = false;
        for name in names {
            for value in headers.get_all(name) {
                hash.part(name.as_str());
                hash.part(value.as_bytes());
                shown = true;
            }
        }
        shown.then(|| Self(hash.finish()))
    }
}

impl<'a> Scope<'a> {
    /// The scope of a request under this setting.
    ///
    /// A key without a tenant is alone where tenants share. A stranger with a credential is
    /// always alone with it: the upstream, which does not see a request that is answered
    /// here, might let in one and not the other.
    pub const fn of(setting: CacheScope, asker: Asker<'a>) -> Self {
        match (setting, asker) {
            (_, Asker::Stranger(Some(shown))) => Self::Key(Credential::Shown(shown)),
            (CacheScope::Global, _) => Self::Global,
            (CacheScope::Tenant, Asker::Holder { tenant: Some(tenant), .. }) => {
                Self::Tenant(tenant)
            }
            (_, Asker::Holder { alias, .. }) => Self::Key(Credential::Alias(alias)),
            (_, Asker::Stranger(None)) => Self::Key(Credential::None),
        }
    }

    pub(super) fn write(&self, hash: &mut Parts) {
        match self {
            Self::Key(Credential::Alias(alias)) => {
                hash.part("alias");
                hash.part(alias);
            }
            Self::Key(Credential::Shown(digest)) => {
                hash.part("shown");
                hash.part(digest.0);
            }
            Self::Key(Credential::None) => hash.part("none"),
            Self::Tenant(tenant) => {
                hash.part("tenant");
                hash.part(tenant);
            }
            Self::Global => hash.part("global"),
        }
    }
}
