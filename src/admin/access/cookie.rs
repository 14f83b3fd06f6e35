//! The cookie a browser is known by (RFC 6265bis).
//!
//! Must not know: whose browser it is.

use super::csrf::{hex, unhex};
use super::sessions::LONGEST;
use super::settings::AdminTls;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};

/// 256 random bits that only the browser keeps. Has no `Debug`: whoever knows them is in.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct BrowserId([u8; 32]);

impl BrowserId {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(super) fn mint() -> Result<Self, getrandom::Error> {
        let mut id = [0; 32];
        getrandom::fill(&mut id)?;
        Ok(Self(id))
    }

    /// The bits.
    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What may be kept of it here.
    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

/// How cookies of one listener are named and limited.
pub(super) struct CookieJar {
    name: String,
    attributes: String,
}

impl CookieJar {
    /// For pages below `base`. Browsers share cookies among the ports of a host, so the port is
    /// in the name. `__Host-` holds browsers to exactly this host, but only at its root;
    /// below a path `__Secure-` still holds them to TLS.
    pub(super) fn new(base: &str, port: u16, tls: &AdminTls) -> Self {
        let (prefix, secure) = match (tls, base) {
            (AdminTls::None, _) => ("", ""),
            (_, "") => ("__Host-", "; Secure"),
            _ => ("__Secure-", "; Secure"),
        };
        let path = if base.is_empty() { "/" } else { base };
        let attributes = format!("Path={path}; HttpOnly; SameSite=Strict{secure}");
        Self { name: format!("{prefix}transom-{port}"), attributes }
    }

    /// What the cookie is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The browser's id, if it sent one that could be ours.
    pub(super) fn read(&self, headers: &HeaderMap) -> Option<BrowserId> {
        let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|p| p.split_once('='));
        pairs.find_map(|(name, value)| {
            let ours = name.trim() == self.name;
            ours.then(|| unhex(value.trim())).flatten().map(BrowserId)
        })
    }

    /// For a browser that nobody has signed in with: until it is closed.
    pub(super) fn passing(&self, id: &BrowserId) -> Option<HeaderValue> {
        self.set(&hex(id.bytes()), "")
    }

    /// For a browser that somebody has signed in with.
    pub(super) fn lasting(&self, id: &BrowserId) -> Option<HeaderValue> {
        self.set(&hex(id.bytes()), &format!("; Max-Age={}", LONGEST.as_secs()))
    }

    /// Takes it back.
    pub(super) fn none(&self) -> Option<HeaderValue> {
        self.set("", "; Max-Age=0")
    }

    fn set(&self, value: &str, age: &str) -> Option<HeaderValue> {
        let Self { name, attributes } = self;
        let mut header =
            HeaderValue::try_from(format!("{name}={value}; {attributes}{age}")).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::crypto::ring::default_provider;
    use rustls::server::ResolvesServerCertUsingSni;
    use std::sync::Arc;

    fn sent(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::try_from(cookie).unwrap())])
    }

    #[test]
    fn a_cookie_is_read_back_among_others() {
        let (jar, id) = (CookieJar::new("", 7081, &AdminTls::None), BrowserId::mint().unwrap());
        let digits = hex(id.bytes());
        let set = jar.passing(&id).unwrap();
        assert_eq!(
            set,
            format!("transom-7081={digits}; Path=/; HttpOnly; SameSite=Strict").as_str()
        );
        let read = |cookie: &str| jar.read(&sent(cookie)).map(|id| id.0);
        assert_eq!(read(&format!("a=b; transom-7081={digits}; c=d")), Some(id.0));
        // Another program on this host can set a cookie of our name; ours is still found.
        assert_eq!(read(&format!("transom-7081=x; transom-7081={digits}")), Some(id.0));
        for other in
            [format!("transom-7082={digits}"), "transom-7081=".into(), "transom-7081".into()]
        {
            assert_eq!(read(&other), None, "{other}");
        }
    }

    #[test]
    fn over_tls_a_cookie_is_bound_as_far_as_its_path_allows() {
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(ResolvesServerCertUsingSni::new()));
        let id = BrowserId::mint().unwrap();
        for tls in [AdminTls::Before, AdminTls::Here(Arc::new(config))] {
            let set = |base| CookieJar::new(base, 443, &tls).lasting(&id).unwrap();
            let (root, below) = (set(""), set("/ops"));
            let (root, below) = (root.to_str().unwrap(), below.to_str().unwrap());
            assert!(root.starts_with("__Host-transom-443=") && root.contains("Path=/; "), "{root}");
            assert!(below.starts_with("__Secure-transom-443=") && below.contains("Path=/ops; "));
            assert!(root.contains("; Secure; Max-Age=604800"), "{root}");
        }
    }
}
