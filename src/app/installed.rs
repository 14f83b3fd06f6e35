//! What the pages are told of this installation.
//!
//! Must not know: what they make of it.

use crate::admin::{ConfigControl, ConfigFault, Installation, Playground};
use crate::config::{self, ConfigError, Settings};
use crate::types::Clock;
use std::net::SocketAddr;
use std::sync::Arc;

/// That of a proxy with these settings, which clients of this machine reach at `proxy`, and
/// operators at `admin`.
pub(super) fn of(
    settings: &Settings,
    (proxy, admin): (SocketAddr, String),
    clock: Clock,
) -> Installation {
    let check = |text: &str| config::faults(text).into_iter().map(fault).collect();
    Installation {
        config: ConfigControl {
            effective: Arc::new(settings.effective.clone()),
            check: Arc::new(check),
        },
        keys: settings.keys.iter().map(|key| key.alias.clone()).collect(),
        playground: Playground::at(proxy),
        admin: admin.into(),
        traces: settings.tracing.page.clone(),
        began: clock.now(),
        data_dir: Arc::new(settings.server.data_dir.clone()),
    }
}

fn fault(error: ConfigError) -> ConfigFault {
    ConfigFault { line: error.line, path: error.path, message: error.message }
}
