//! What is known of this installation beside its traffic.
//!
//! Must not know: how anything of it is shown.

use super::effective::ConfigControl;
use super::playground::Playground;
use crate::observe::TracePage;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// The facts. Cloning shares them.
#[derive(Clone)]
pub struct Installation {
    /// What is configured.
    pub config: ConfigControl,
    /// What callers' keys are called; none where nobody has to show one.
    pub keys: Arc<[String]>,
    /// The way in that every caller takes.
    pub playground: Playground,
    /// Where these pages are on this machine, without a slash at the end.
    pub admin: Arc<str>,
    /// Where kept traces can be looked at.
    pub traces: Option<TracePage>,
    /// When it was started.
    pub began: Instant,
    /// Where everything is kept.
    pub data_dir: Arc<PathBuf>,
}
