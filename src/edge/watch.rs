//! Asks every upstream, again and again, whether it is there and which models it serves.
//!
//! Must not know: what requests do with the answers. A failed answer keeps the last good
//! one.

use crate::cache::Cache;
use crate::edge::{PingoraTransport, ProbeError, get};
use crate::observe::Observer;
use crate::protocol::parse_models;
use crate::upstream::{Discovered, Edits, ModelSettings, Protocol, Upstream, catalog_of};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Between rounds while everything answers.
const CALM: Duration = Duration::from_secs(10);
/// Between rounds while an upstream has not answered yet.
const EAGER: Duration = Duration::from_secs(1);
/// The longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Keeps the catalog and the upstreams' gauges up to date.
pub struct Watcher {
    upstreams: Vec<Arc<Upstream>>,
    configured: Vec<ModelSettings>,
    said: Vec<Option<Vec<Discovered>>>,
    edits: Arc<Edits>,
    observer: Arc<Observer>,
    cache: Arc<Cache>,
}

impl Watcher {
    /// A watcher of `upstreams` that publishes the configured models at once, and what it
    /// finds with each round.
    pub fn new(
        upstreams: Vec<Arc<Upstream>>,
        configured: Vec<ModelSettings>,
        edits: Arc<Edits>,
        (observer, cache): (Arc<Observer>, Arc<Cache>),
    ) -> Self {
        let silent = |upstream: &Arc<Upstream>| match upstream.settings.protocol {
            Protocol::OpenAi => None,
            // Nothing to wait for: plain HTTP has no way to say which models it serves.
            Protocol::Http => Some(Vec::new()),
        };
        let said = upstreams.iter().map(silent).collect();
        let watcher = Self { upstreams, configured, said, edits, observer, cache };
        watcher.publish();
        watcher
    }

    /// Watches until `stop`.
    pub async fn run(mut self, transport: &PingoraTransport, stop: CancellationToken) {
        loop {
            let pause = if self.said.iter().any(Option::is_none) { EAGER } else { CALM };
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(pause) => self.round(transport).await,
            }
        }
    }

    /// Asks everybody once.
    pub async fn round(&mut self, transport: &PingoraTransport) {
        let asked = self.upstreams.iter().map(|upstream| ask(transport, upstream));
        let answers = futures_util::future::join_all(asked).await;
        let mut changed = false;
        for (index, answer) in answers.into_iter().enumerate() {
            if let Some(gauge) = self.observer.metrics().upstream_up(index) {
                gauge.set(i64::from(answer.is_some()));
            }
            let Some(found) = answer else { continue };
            let names = |said: &Vec<Discovered>| -> Vec<String> {
                said.iter().map(|model| model.id.clone()).collect()
            };
            if self.said[index].as_ref().map(names) != Some(names(&found)) {
                self.said[index] = Some(found);
                changed = true;
            }
        }
        if changed {
            self.publish();
        }
    }

    fn publish(&self) {
        let slot_of = |name: &str| {
            let slot = self.observer.model_slot(name);
            if self.cache.route(name).is_some() {
                self.observer.metrics().open_cache(slot);
            }
            slot
        };
        let catalog = catalog_of(&self.configured, &self.upstreams, &self.said, slot_of);
        self.edits.publish(catalog);
    }
}

/// The models an upstream serves, as its first endpoint that answers says; none for one
/// that answers but does not say. `None` when nobody answers.
async fn ask(transport: &PingoraTransport, upstream: &Upstream) -> Option<Vec<Discovered>> {
    let path = match upstream.settings.protocol {
        Protocol::OpenAi => "/v1/models",
        Protocol::Http => "/",
    };
    let key = upstream.settings.api_key.as_ref();
    for endpoint in &upstream.endpoints {
        match get(transport, endpoint, path, key, PATIENCE).await {
            Ok(body) if upstream.settings.protocol == Protocol::OpenAi => {
                return Some(models_in(&upstream.settings.name, &body));
            }
            Ok(_) | Err(ProbeError::Status(_) | ProbeError::TooLarge) => return Some(Vec::new()),
            Err(ProbeError::NoAnswer(_)) => {}
        }
    }
    None
}

fn models_in(upstream: &str, body: &Bytes) -> Vec<Discovered> {
    match parse_models(body) {
        Ok(entries) => entries
            .into_iter()
            .map(|entry| Discovered { id: entry.id, description: entry.raw })
            .collect(),
        Err(error) => {
            tracing::warn!(upstream, %error, "the model list cannot be read");
            Vec::new()
        }
    }
}
