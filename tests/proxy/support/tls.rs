//! Certificates made for a test.
//!
//! Must not know: what is encrypted.

use super::proxy::Home;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::path::PathBuf;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate for one name, signed by itself.
pub struct Identity {
    acceptor: TlsAcceptor,
    pem: String,
    key: String,
    home: Home,
}

impl Identity {
    /// For `name`.
    pub fn of(name: &str) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .expect("a certificate and its key");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let key = signing_key.serialize_pem();
        Self { acceptor, pem: cert.pem(), key, home: Home::new() }
    }

    /// What a server needs.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }

    /// The certificate.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Files in `home` with the certificate and its key.
    pub fn files(&self, home: &Home) -> (PathBuf, PathBuf) {
        (home.write("cert.pem", &self.pem), home.write("key.pem", &self.key))
    }

    /// What somebody who trusts it puts into `SSL_CERT_FILE`.
    pub fn trust_file(&self) -> String {
        self.home.write("trust.pem", &self.pem).display().to_string()
    }
}
