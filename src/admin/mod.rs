//! The admin listener: pages, metrics, health. Its own socket, its own server (axum).
//!
//! Must not know: pingora, or anything that would let a page slow the traffic.

mod assets;
mod health;
mod overview;

pub use health::Readiness;

use crate::observe::{Observer, Sampler};
use crate::types::Clock;
use crate::upstream::{Catalog, Upstream};
use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The Prometheus text format, as this process speaks it.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
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
    let router = router(state);
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
        .route("/api/v1/overview", get(overview::json))
        .route("/metrics", get(metrics))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/assets/{file}", get(assets::file))
        .layer(axum::middleware::map_response(secure))
        .with_state(state)
}

async fn metrics(State(state): State<AdminState>) -> Response {
    match state.observer.metrics().encode_text() {
        Ok(text) => ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be encoded");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let pairs = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in pairs {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
