//! Which requests have the same answer.
//!
//! Owns the key: a hash over everything that may change an answer, and over who may see it.
//! What is not known to have no part in the answer takes part. Must not know: how an answer
//! is kept, or whether it may be.

mod headers;
mod scope;
#[cfg(test)]
mod tests;

pub use scope::{Asker, Credential, CredentialDigest, Scope};

use crate::protocol::{Ambiguous, Namespace, write_canonical_request};
use crate::types::CacheKey;
use http::HeaderMap;

/// Changes whenever what goes into a key or its order does, so that entries of other
/// versions are never found.
const VERSION: u32 = 1;

/// Everything that a key is made of.
#[derive(Clone, Copy, Debug)]
pub struct KeyParts<'a> {
    /// Who shares the answer.
    pub scope: Scope<'a>,
    /// The caller's own division of its entries.
    pub namespace: &'a Namespace,
    /// Where the model is served.
    pub route: &'a RouteIdentity,
    /// The path with its query, as the client sent it.
    pub path: &'a str,
    /// The configured model, whatever the client calls it.
    pub model: &'a str,
    /// The client's headers; those that may change an answer take part.
    pub headers: &'a HeaderMap,
    /// The body as the client sent it.
    pub body: &'a [u8],
    /// Which of the answers to one request; 0 where there is one.
    pub variant: u32,
}

impl KeyParts<'_> {
    /// The key, in time proportional to the body's length.
    ///
    /// # Errors
    /// [`Ambiguous`] when two readers may understand the body differently.
    pub fn key(&self) -> Result<CacheKey, Ambiguous> {
        let mut hash = Parts::new("key");
        hash.number(VERSION);
        self.scope.write(&mut hash);
        hash.part(self.namespace.as_str());
        hash.part(self.route.0);
        hash.part(self.path);
        hash.part(self.model);
        headers::write(self.headers, &mut hash);
        hash.number(self.variant);
        // Last, because it has no length before it; it says itself where it ends.
        write_canonical_request(self.body, self.model, &mut |piece| hash.raw(piece))?;
        Ok(CacheKey(hash.finish()))
    }
}

/// Where a model is served, in 256 bits: it changes when another upstream or another
/// upstream's model may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteIdentity([u8; 32]);

/// One place where a model is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteTarget<'a> {
    /// The upstream's name.
    pub upstream: &'a str,
    /// What it calls the model.
    pub model: &'a str,
    /// The language it speaks, as a word that does not change.
    pub protocol: &'a str,
}

impl RouteIdentity {
    /// The identity of these targets, in whatever order. To be made once a catalog.
    pub fn of<'a>(targets: impl IntoIterator<Item = RouteTarget<'a>>) -> Self {
        let mut targets: Vec<_> = targets.into_iter().collect();
        targets.sort_unstable();
        targets.dedup();
        let mut hash = Parts::new("route");
        for RouteTarget { upstream, model, protocol } in targets {
            hash.part(upstream);
            hash.part(model);
            hash.part(protocol);
        }
        Self(hash.finish())
    }
}

/// A hash over parts, each with its length before it: no two lists of parts look the same.
struct Parts(blake3::Hasher);

impl Parts {
    /// Hashes with different purposes never meet.
    fn new(purpose: &str) -> Self {
        let mut parts = Self(blake3::Hasher::new());
        parts.part("transom response cache");
        parts.part(purpose);
        parts
    }

    fn part(&mut self, part: impl AsRef<[u8]>) {
        let part = part.as_ref();
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    fn number(&mut self, number: u32) {
        self.0.update(&number.to_le_bytes());
    }

    /// A piece of a part that says itself where it ends.
    fn raw(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    fn finish(&self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }
}
