//! `[admin]`, and whether the address of the pages is safe with it.
//!
//! Must not know: how anybody is recognized. Reports never repeat what is in a file of a key.

use super::unique::Taken;
use crate::admin::{AccessSettings, AdminTls, HostName, MetricsAccess, Role, UserSettings};
use crate::config::env::Environment;
use crate::config::file;
use crate::config::format::{Digest, Text};
use crate::config::path::Path;
use crate::config::raw::{RawAdmin, RawAdminTls, RawMetricsAccess, RawRole, RawUser};
use crate::config::report::Report;
use crate::history::RecentSettings;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// The validated `recent`.
pub(super) fn recent(raw: &RawAdmin, report: &mut Report<'_>) -> RecentSettings {
    let bytes = usize::try_from(raw.recent.bytes.bytes()).unwrap_or(usize::MAX);
    if bytes < RecentSettings::LEAST_BYTES {
        let path = Path::default().key("admin").key("recent").key("bytes");
        report.at(&path, "must be 1MiB or more");
    }
    RecentSettings { requests: raw.recent.requests, bytes }
}

/// The validated section, for pages at `address`.
pub(super) fn settings(
    raw: RawAdmin,
    address: SocketAddr,
    env: &Environment,
    report: &mut Report<'_>,
) -> AccessSettings {
    let path = Path::default().key("admin");
    reach(&raw, address, &path, report);
    let tls = match (&raw.tls, raw.behind_tls) {
        (None, false) => AdminTls::None,
        (None, true) => AdminTls::Before,
        (Some(_), true) => {
            let first = report.mention(&path.key("tls"));
            let words = format_args!("{first} has it speak TLS itself; use only one");
            report.at(&path.key("behind_tls"), words);
            AdminTls::None
        }
        (Some(_), false) if env.is_blind() => AdminTls::None,
        (Some(files), false) => {
            let config = certificate(files, &path.key("tls"), report);
            config.map_or(AdminTls::None, |config| AdminTls::Here(Arc::new(config)))
        }
    };
    let hosts = raw.hosts.into_iter();
    AccessSettings {
        base_path: raw.base_path.map(|Text(path)| path.0).unwrap_or_default(),
        hosts: hosts.map(|Text(host)| HostName { name: host.host, port: host.port }).collect(),
        users: users(raw.user, &path.key("user"), report),
        tls,
        metrics: raw.metrics.map(|access| match access {
            RawMetricsAccess::Open => MetricsAccess::Open,
            RawMetricsAccess::Viewer => MetricsAccess::Viewer,
        }),
    }
}

/// What other machines can reach needs to know who they are, and that nobody listens.
fn reach(raw: &RawAdmin, address: SocketAddr, path: &Path, report: &mut Report<'_>) {
    if address.ip().to_canonical().is_loopback() {
        return;
    }
    // Faulty ones are reported themselves.
    let users = report.count(&path.key("user")) > 0;
    let tls = report.count(&path.key("tls")) > 0 || raw.behind_tls;
    let missing = match (users, tls) {
        (true, true) => return,
        (false, true) => "users, [[admin.user]]",
        (true, false) => "TLS, `tls` or `behind_tls` in [admin]",
        (false, false) => "users, [[admin.user]], and TLS, `tls` or `behind_tls` in [admin]",
    };
    let words = format_args!(
        "{address} can be reached from other machines, so it needs {missing}; or use a loopback \
         address such as \"127.0.0.1:7081\""
    );
    report.at(&Path::default().key("server").key("admin"), words);
}

fn users(raw: Vec<RawUser>, path: &Path, report: &mut Report<'_>) -> Vec<UserSettings> {
    let (mut names, mut hashes) = (Taken::default(), Taken::default());
    let mut users = Vec::new();
    for (index, user) in raw.into_iter().enumerate() {
        let path = path.index(index);
        if let Some(name) = &user.name {
            names.claim(&name.0.0, path.key("name"), report);
        }
        if let Some(Text(Digest(hash))) = &user.token_sha256 {
            hashes.claim_unnamed(hash, path.key("token_sha256"), report);
        }
        let role = user.role.map(|role| match role {
            RawRole::Viewer => Role::Viewer,
            RawRole::ViewerContent => Role::ViewerContent,
            RawRole::Operator => Role::Operator,
            RawRole::Admin => Role::Admin,
        });
        if let (Some(Text(name)), Some(role), Some(Text(Digest(token_sha256)))) =
            (user.name, role, user.token_sha256)
        {
            users.push(UserSettings { name: name.0, role, token_sha256 });
        }
    }
    users
}

/// TLS with what is in these files.
fn certificate(files: &RawAdminTls, path: &Path, report: &mut Report<'_>) -> Option<ServerConfig> {
    let chain = text(files.cert.as_ref(), &path.key("cert"), report).and_then(|text| {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        if chain.is_none() {
            report.at(&path.key("cert"), "the file it names holds no certificate in PEM");
        }
        chain
    });
    let key = text(files.key.as_ref(), &path.key("key"), report).and_then(|text| {
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).ok();
        if key.is_none() {
            report.at(&path.key("key"), "the file it names holds no private key in PEM");
        }
        key
    });
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions();
    let (chain, key) = (chain?, key?);
    let config = builder.and_then(|b| b.with_no_client_auth().with_single_cert(chain, key));
    match config {
        Ok(mut config) => {
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            Some(config)
        }
        Err(error) => {
            report.at(path, format_args!("certificate and key cannot be used: {error}"));
            None
        }
    }
}

fn text(name: Option<&Text<PathBuf>>, path: &Path, report: &mut Report<'_>) -> Option<String> {
    let read = file::read(&name?.0);
    read.map_err(|why| report.at(path, format_args!("the file it names {why}"))).ok()
}
