//! What is known of past requests: the recent ones each ([`recent`]), all of them in sums by
//! minute, hour and day ([`rollup`]), and the last hour of each endpoint ([`endpoints`]).
//!
//! All are filled by the observer's worker, never by a request, and can be asked while they
//! are filled. Must not know: pages, HTTP, the database.

pub mod endpoints;
pub mod recent;
pub mod rollup;
mod settings;
#[cfg(test)]
mod testing;

pub use settings::RecentSettings;

use crate::observe::{RecordNames, RecordSink, RequestRecord};
use endpoints::Endpoints;
use recent::Recent;
use rollup::{Rollups, Shelf};
use std::sync::Arc;
use std::time::SystemTime;

/// What is known of past requests.
pub struct History {
    recent: Recent,
    rollups: Rollups,
    endpoints: Endpoints,
}

impl History {
    /// An empty past in memory, and what `shelf` holds of an earlier one. `upstreams` and
    /// `objectives` are named in the order of the configuration.
    pub fn new(
        settings: RecentSettings,
        (upstreams, objectives): (&[String], &[String]),
        shelf: Box<dyn Shelf>,
    ) -> Arc<Self> {
        let recent = Recent::new(settings, upstreams, objectives);
        let (rollups, endpoints) = (Rollups::new(upstreams, shelf), Endpoints::default());
        Arc::new(Self { recent, rollups, endpoints })
    }

    /// The recent requests.
    pub fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Sums by minute, hour and day.
    pub fn rollups(&self) -> &Rollups {
        &self.rollups
    }

    /// The last hour of each endpoint.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// What finished records are given to.
    pub fn sink(self: &Arc<Self>) -> Box<dyn RecordSink> {
        Box::new(Scribe(Arc::clone(self)))
    }
}

/// Writes the history.
struct Scribe(Arc<History>);

impl RecordSink for Scribe {
    fn take(&mut self, record: &RequestRecord, names: &RecordNames, ended: SystemTime) {
        self.0.recent.keep(record, names, ended);
        self.0.rollups.count(record, names, ended);
        self.0.endpoints.count(record, ended);
    }
}
