//! `[server]`
//!
//! Must not know: sockets.

use crate::config::format::{ByteSize, Format, Text};
use crate::config::path::Path;
use crate::config::raw::RawServer;
use crate::config::report::Report;
use crate::config::settings::ServerSettings;
use std::net::SocketAddr;

/// The validated section.
pub(super) fn settings(raw: RawServer, report: &mut Report<'_>) -> ServerSettings {
    let settings = ServerSettings {
        listen: raw.listen.into_iter().map(|Text(address)| address).collect(),
        admin: raw.admin.0,
        data_dir: raw.data_dir.0,
        max_body: raw.max_body.bytes(),
        body_budget: raw.body_budget.bytes(),
        drain: raw.drain.0,
        threads: raw.threads,
    };
    let path = Path::default().key("server");
    addresses(&settings, &path, report);
    let ServerSettings { max_body, body_budget, .. } = settings;
    if max_body == 0 {
        report.at(&path.key("max_body"), "must be 1 byte or more");
    }
    if body_budget < max_body {
        let (budget, body) = (ByteSize(body_budget).write(), ByteSize(max_body).write());
        let words = format_args!("{budget} is less than one request body, max_body = {body}");
        report.at(&path.key("body_budget"), words);
    }
    settings
}

fn addresses(settings: &ServerSettings, path: &Path, report: &mut Report<'_>) {
    let ServerSettings { listen, admin, .. } = settings;
    for (index, address) in listen.iter().enumerate() {
        let here = path.key("listen").index(index);
        if clash(*address, *admin) {
            let admin = report.mention(&path.key("admin"));
            report.at(&here, format_args!("{address} is also the address of {admin}"));
        }
        if let Some(first) = listen[..index].iter().position(|other| clash(*address, *other)) {
            let first = report.mention(&path.key("listen").index(first));
            report.at(&here, format_args!("{address} is already covered by {first}"));
        }
    }
}

/// Whether both cannot be had at once. Port 0 is any free port.
fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    let (a, b) = (one.ip(), other.ip());
    let same_family = a.is_ipv4() == b.is_ipv4();
    let overlap = a == b || same_family && (a.is_unspecified() || b.is_unspecified());
    one.port() == other.port() && one.port() != 0 && overlap
}
