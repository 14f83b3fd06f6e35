//! Whom the clients of this program trust over TLS: rustls with *ring* and the system's
//! certificates.
//!
//! Must not know: who is spoken to, or what is said.

use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::sync::Arc;

/// The certificates that the system trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` are heeded.
///
/// # Errors
/// When they cannot be read, or there are none.
pub fn system_roots() -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs()?);
    if added == 0 {
        return Err(io::Error::other("the system has no certificates to trust anybody by"));
    }
    Ok(roots)
}

/// A client that trusts `roots` and shows no certificate of its own.
///
/// # Errors
/// When *ring* cannot do what TLS asks for.
pub fn client_config(roots: RootCertStore) -> io::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
