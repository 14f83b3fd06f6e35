//! Replays that are ordered from the running proxy.
//!
//! Must not know: how one is carried out.

use crate::admin::ReplayControl;
use crate::capture::Archive;
use crate::config::Settings;
use crate::replay::desk::Desk;
use std::net::SocketAddr;
use std::path::Path;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

/// Replays, where there is a directory for them.
pub(super) struct Replaying {
    /// What operators use.
    pub(super) control: Option<ReplayControl>,
    stop: CancellationToken,
}

impl Replaying {
    /// Of what is captured in `captures`; kept beside it. `proxy` is where clients connect.
    pub(super) fn new(settings: &Settings, captures: Option<&Path>, proxy: SocketAddr) -> Self {
        let stop = CancellationToken::new();
        let control = captures.and_then(|captures| {
            let key = settings.capture.encryption.as_ref();
            let archive = Archive::open(captures, key).inspect_err(|error| {
                tracing::error!(%error, "captures cannot be replayed");
            });
            let root = captures.with_file_name("replays");
            Some(ReplayControl {
                desk: Desk::new(root, stop.clone()),
                archive: archive.ok()?,
                proxy,
            })
        });
        Self { control, stop }
    }

    /// Stops the replay under way with `stop`, and waits for its report.
    pub(super) async fn run(self, stop: CancellationToken) {
        stop.cancelled().await;
        self.stop.cancel();
        if let Some(ReplayControl { desk, .. }) = self.control {
            let finished = spawn_blocking(move || desk.finish()).await;
            if finished.is_err() {
                tracing::warn!("nobody waits for the replay under way");
            }
        }
    }
}
