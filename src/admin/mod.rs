//! The admin listener: pages, metrics, health. Its own socket, its own server (axum).
//!
//! Must not know: pingora, or anything that would let a page slow the traffic.

mod assets;
mod charts;
mod cache;
mod capture;
mod health;
mod history;
mod overview;
mod pages;
mod profile;
mod replay;
mod telemetry;

pub use assets::Assets;
pub use capture::CaptureControl;
pub use health::Readiness;
pub use profile::Profiling;
pub use replay::ReplayControl;

use crate::cache::Cache;
use crate::history::History;
use crate::observe::{LevelSwitch, Observer, Sampler};
use crate::types::Clock;
use crate::upstream::{Catalog, Upstream};
use arc_swap::ArcSwap;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::{get, post};
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Nothing but our own files; no framing, no foreign forms.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; \
     form-action 'self'";

/// What pages are made of. Cloning shares it.
#[derive(Clone)]
pub struct AdminState {
    /// Open requests and the metrics.
    pub observer: Arc<Observer>,
    /// Figures of the last minute.
    pub sampler: Arc<Sampler>,
    /// The models there are.
    pub catalog: Arc<ArcSwap<Catalog>>,
    /// The upstreams there are.
    pub upstreams: Vec<Arc<Upstream>>,
    /// Whether traffic is welcome.
    pub readiness: Readiness,
    /// Time.
    pub clock: Clock,
    /// The level of logs.
    pub level: LevelSwitch,
    /// Whose turn it is to profile.
    pub profiling: Profiling,
    /// Answers that need not be asked for again.
    pub cache: Arc<Cache>,
    /// What is written down; `None` where nothing is.
    pub capture: Option<CaptureControl>,
    /// What was captured, sent again; `None` where there is no directory for it.
    pub replay: Option<ReplayControl>,
    /// The pages' own files.
    pub assets: Assets,
    /// Past requests, each and in sums.
    pub history: Arc<History>,
}

/// Serves the admin pages on `socket` until `stop`.
///
/// # Errors
/// When the socket cannot be used.
pub fn serve(
    socket: TcpListener,
    state: AdminState,
    stop: CancellationToken,
) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let socket = tokio::net::TcpListener::from_std(socket)?;
    // Whoever changes something is named in the log.
    let router = router(state).into_make_service_with_connect_info::<SocketAddr>();
    Ok(async move {
        let server = axum::serve(socket, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = server.await {
            tracing::error!(%error, "the admin listener failed");
        }
    })
}

fn router(state: AdminState) -> Router {
    Router::new()
        .route("/", get(overview::page))
        .route("/slo", get(pages::slo::page))
        .route("/slo.json", get(pages::slo::page))
        .route("/captures", get(pages::captures::page))
        .route("/captures.json", get(pages::captures::page))
        .route("/replays", get(pages::replays::list).post(pages::replays::begin))
        .route("/replays.json", get(pages::replays::list))
        .route("/replays/{id}", get(pages::replays::show))
        .route("/replays/{id}/stop", post(pages::replays::stop))
        .route("/theme", post(pages::theme))
        .route("/api/v1/live", get(pages::live::live))
        .route("/api/v1/overview", get(overview::json))
        .route("/api/v1/slo", get(telemetry::slo))
        .route("/api/v1/log", get(telemetry::level).put(telemetry::set_level))
        .route("/api/v1/cache", get(cache::stats))
        .route("/api/v1/cache/purge", post(cache::purge))
        .route("/api/v1/captures", get(capture::status))
        .route("/api/v1/captures/exchanges", get(capture::list))
        .route("/api/v1/captures/erase", post(capture::erase))
        .route("/api/v1/replays", get(replay::list).post(replay::begin))
        .route("/api/v1/replays/{id}", get(replay::show))
        .route("/api/v1/replays/{id}/progress", get(replay::progress))
        .route("/api/v1/replays/{id}/stop", post(replay::stop))
        .route("/api/v1/replays/{id}/{file}", get(replay::file))
        .route("/api/v1/history", get(history::sums))
        .route("/api/v1/requests", get(history::list))
        .route("/api/v1/requests/{id}", get(history::show))
        .route("/metrics", get(telemetry::metrics))
        .route("/debug/pprof/profile", get(profile::cpu))
        .route("/debug/pprof/heap", get(profile::heap))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/assets/{file}", get(assets::file))
        .layer(axum::middleware::map_response(secure))
        .with_state(state)
}

async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let pairs = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in pairs {
        // A report has a policy of its own.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
