//! The server's life: what its requests share, and how it starts and stops.
//!
//! Must not know: paths, bodies.

use super::limiter::Limiter;
use super::refusal::Refusal;
use super::routes;
use super::stats::Stats;
use super::text::mix;
use super::wire::{Connection, WireListener};
use crate::sim::SimSettings;
use crate::types::Clock;
use axum::http::StatusCode;
use std::future::IntoFuture;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How long answers under way may go on after a stop.
const GRACE: Duration = Duration::from_secs(5);

/// Serves on `listener` until `stop` is cancelled: HTTP/1.1, and HTTP/2 with prior knowledge.
///
/// After the stop no connection is accepted, idle ones close, stalled answers break off, and
/// answers under way have five seconds to end before their connections are cut. Dropping the
/// future cuts all connections at once.
///
/// # Errors
/// None today: failures to accept are borne with, after a pause.
pub async fn serve(
    listener: TcpListener,
    settings: SimSettings,
    stop: CancellationToken,
) -> io::Result<()> {
    let cut = CancellationToken::new();
    let _cut_on_exit = cut.clone().drop_guard();
    let app = routes::router(Arc::new(Server::new(settings, stop.clone())));
    let closing = {
        let (stop, cut) = (stop.clone(), cut.clone());
        async move {
            tokio::select! { () = stop.cancelled() => {}, () = cut.cancelled() => {} }
        }
    };
    let wires = WireListener::new(listener, cut.clone());
    let server = axum::serve(wires, app.into_make_service_with_connect_info::<Connection>())
        .with_graceful_shutdown(closing);
    let mut serving = pin!(server.into_future());
    let overdue = async {
        stop.cancelled().await;
        sleep(GRACE).await;
    };
    tokio::select! {
        ended = &mut serving => return ended,
        () = overdue => tracing::debug!("answers still under way are cut"),
    }
    cut.cancel();
    serving.await
}

/// What all requests of one server share.
pub(super) struct Server {
    pub(super) settings: SimSettings,
    pub(super) stats: Arc<Stats>,
    pub(super) stop: CancellationToken,
    limiter: Option<Limiter>,
    requests: AtomicU64,
    clock: Clock,
}

/// What is particular to one inference request: its own chance, and its id.
pub(super) struct Draw {
    pub(super) rng: fastrand::Rng,
    pub(super) id: u64,
}

impl Server {
    fn new(settings: SimSettings, stop: CancellationToken) -> Self {
        let clock = Clock::system();
        Self {
            limiter: settings.rate_limit.map(|limit| Limiter::new(limit, clock.now())),
            stats: Arc::default(),
            requests: AtomicU64::new(0),
            settings,
            stop,
            clock,
        }
    }

    /// Numbers an inference request; equal seeds and numbers give equal draws.
    pub(super) fn draw(&self) -> Draw {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let id = mix(self.settings.seed, number);
        Draw { rng: fastrand::Rng::with_seed(id), id }
    }

    /// Lets an inference request pass the rate limit and the error rate.
    pub(super) fn admit(&self, draw: &mut Draw) -> Result<(), Refusal> {
        if let Some(limiter) = &self.limiter {
            limiter.admit(self.clock.now()).map_err(Refusal::RateLimited)?;
        }
        if self.settings.error_rate.strikes(&mut draw.rng) {
            return Err(Refusal::Injected(StatusCode::INTERNAL_SERVER_ERROR));
        }
        Ok(())
    }

    /// Lets a request pass whose model is served here.
    pub(super) fn know(&self, model: &str) -> Result<(), Refusal> {
        let known = self.settings.models.iter().any(|name| name.as_str() == model);
        if known { Ok(()) } else { Err(Refusal::UnknownModel(model.to_owned())) }
    }

    /// Seconds since 1970, for `created`.
    pub(super) fn unix_seconds(&self) -> u64 {
        let date = self.clock.date_of(self.clock.now());
        date.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}
