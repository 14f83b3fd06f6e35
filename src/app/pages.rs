//! Where the pages are, and who may see and do what there.
//!
//! Must not know: what a page shows.

use super::{StartError, bind_to};
use crate::admin::Access;
use crate::config::Settings;
use crate::edge::BoundListener;
use crate::types::Clock;
use std::sync::Arc;

/// The socket of the pages, and who may come in.
pub(super) struct Pages {
    pub(super) listener: BoundListener,
    pub(super) access: Arc<Access>,
}

impl Pages {
    /// As `settings` say.
    ///
    /// # Errors
    /// When the port cannot be had, or the system has no randomness.
    pub(super) fn bind(settings: &Settings, clock: Clock) -> Result<Self, StartError> {
        let listener = bind_to(settings.server.admin)?;
        let access = Access::new(settings.admin.clone(), listener.address, clock);
        Ok(Self { listener, access: Arc::new(access.map_err(StartError::Randomness)?) })
    }

    /// Where they are, without a slash at the end.
    pub(super) fn url(&self) -> String {
        let scheme = if self.access.server_config().is_some() { "https" } else { "http" };
        format!("{scheme}://{}{}", self.listener.address, self.access.base())
    }
}
