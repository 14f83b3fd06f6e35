//! The admin listener: pages, metrics, health. Its own socket, its own server (axum).
//!
//! Must not know: pingora, or anything that would let a page slow the traffic.

mod access;
mod alerts;
mod assets;
mod cache;
mod capture;
mod charts;
mod effective;
mod health;
mod history;
mod installation;
mod keys;
mod listener;
mod openapi;
mod pages;
mod playground;
mod profile;
mod reference;
mod refusal;
mod replay;
mod routing;
mod scrapes;
mod settings;
mod system;
mod telemetry;
mod weights;

pub use access::{Access, AccessSettings, AdminTls, HostName, MetricsAccess, Role, UserSettings};
pub use assets::Assets;
pub use capture::CaptureControl;
pub use effective::{ConfigControl, ConfigEntry, ConfigFault, ConfigOrigin, EffectiveConfig};
pub use health::Readiness;
pub use installation::Installation;
pub use pages::Trials;
pub use playground::Playground;
pub use profile::Profiling;
pub use replay::ReplayControl;
pub use scrapes::Scrapes;

use crate::alert::AlertBook;
use crate::cache::Cache;
use crate::history::History;
use crate::identity::KeyDesk;
use crate::observe::{LevelSwitch, Observer, Sampler};
use crate::types::Clock;
use crate::upstream::{Catalog, Edits, Upstream};
use crate::webhook::Webhooks;
use access::Routes;
use arc_swap::ArcSwap;
use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use listener::{AdminListener, Peer};
use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Nothing but our own files; no framing, no foreign forms.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; \
     form-action 'self'";

/// What pages are made of. Cloning shares it.
#[derive(Clone)]
pub struct AdminState {
    /// Who may see and do what.
    pub access: Arc<Access>,
    /// Open requests and the metrics.
    pub observer: Arc<Observer>,
    /// Figures of the last minute.
    pub sampler: Arc<Sampler>,
    /// The models there are.
    pub catalog: Arc<ArcSwap<Catalog>>,
    /// The upstreams there are.
    pub upstreams: Vec<Arc<Upstream>>,
    /// What was said of their shares.
    pub edits: Arc<Edits>,
    /// Whether traffic is welcome.
    pub readiness: Readiness,
    /// Time.
    pub clock: Clock,
    /// The level of logs.
    pub level: LevelSwitch,
    /// Whose turn it is to profile.
    pub profiling: Profiling,
    /// Whose turn it is to try caches that there could be.
    pub trials: Trials,
    /// Answers that need not be asked for again.
    pub cache: Arc<Cache>,
    /// What is written down; `None` where nothing is.
    pub capture: Option<CaptureControl>,
    /// What was captured, sent again; `None` where there is no directory for it.
    pub replay: Option<ReplayControl>,
    /// The pages' own files.
    pub assets: Assets,
    /// When the metrics were read last.
    pub scrapes: Scrapes,
    /// Past requests, each and in sums.
    pub history: Arc<History>,
    /// What is known beside the traffic.
    pub installation: Installation,
    /// What is wrong.
    pub alerts: Arc<AlertBook>,
    /// Who outside is told of it.
    pub webhooks: Webhooks,
    /// Who may call.
    pub keys: Arc<KeyDesk>,
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
    let listener = AdminListener::new(socket, state.access.server_config());
    let router = guarded(state).into_make_service_with_connect_info::<Peer>();
    Ok(async move {
        let server = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = server.await {
            tracing::error!(%error, "the admin listener failed");
        }
    })
}

/// What there is. What each of it needs stands in `access/rights.rs`.
fn routes() -> Routes {
    for_programs(for_people(Routes::default()))
}

fn for_people(routes: Routes) -> Routes {
    routes
        .route("/", get(pages::overview::page))
        .route("/overview.json", get(pages::overview::page))
        .route("/models", get(pages::models::list))
        .route("/models.json", get(pages::models::list))
        .route("/models/{name}", get(pages::models::show))
        .route("/requests", get(pages::requests::list))
        .route("/requests.json", get(pages::requests::list))
        .route("/requests.csv", get(pages::requests::rows_as_csv))
        .route("/requests.ndjson", get(pages::requests::rows_as_lines))
        .route("/requests/{id}", get(pages::requests::show))
        .route("/slo", get(pages::slo::page))
        .route("/slo.json", get(pages::slo::page))
        .route("/upstreams", get(pages::upstreams::page))
        .route("/upstreams.json", get(pages::upstreams::page))
        .route("/upstreams/weights", post(pages::upstreams::weigh))
        .route("/cache", get(pages::cache::page))
        .route("/cache.json", get(pages::cache::page))
        .route("/cache/purge", post(pages::cache::purge))
        .route("/cache/what-if", get(pages::cache::what_if))
        .route("/cache/what-if.json", get(pages::cache::what_if))
        .route("/captures", get(pages::captures::page))
        .route("/captures.json", get(pages::captures::page))
        .route("/replays", get(pages::replays::list).post(pages::replays::begin))
        .route("/replays.json", get(pages::replays::list))
        .route("/replays/{id}", get(pages::replays::show))
        .route("/replays/{id}/stop", post(pages::replays::stop))
        .route("/config", get(pages::config::page).post(pages::config::check))
        .route("/config.json", get(pages::config::page))
        .route("/route", get(pages::route::page))
        .route("/route.json", get(routing::show))
        .route("/playground", get(pages::playground::page).post(pages::playground::play))
        .route("/playground.json", get(pages::playground::page))
        .route("/system", get(pages::system::page))
        .route("/system.json", get(system::show))
        .route("/system/log", post(telemetry::choose_level))
        .route("/metrics-reference", get(pages::reference::page))
        .route("/metrics-reference.json", get(reference::show))
        .route("/alerts", get(pages::alerts::page))
        .route("/alerts.json", get(pages::alerts::page))
        .route("/alerts/test", post(pages::alerts::test))
        .route("/keys", get(pages::keys::page).post(pages::keys::make))
        .route("/keys.json", get(pages::keys::page))
        .route("/keys/revoke", post(pages::keys::revoke))
        .route("/keys/restore", post(pages::keys::restore))
        .route("/theme", post(pages::theme))
        .route("/sign-in", get(access::sign_in_page).post(access::sign_in))
        .route("/sign-out", get(access::sign_out_form).post(access::leave))
        .route("/assets/{file}", get(assets::file))
}

fn for_programs(routes: Routes) -> Routes {
    routes
        .route("/api/v1/live", get(pages::live::live))
        .route("/api/v1/overview", get(pages::overview::json))
        .route("/api/v1/slo", get(telemetry::slo))
        .route("/api/v1/log", get(telemetry::level).put(telemetry::set_level))
        .route("/api/v1/upstreams", get(pages::upstreams::json))
        .route("/api/v1/upstreams/weights", put(weights::change))
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
        .route("/api/v1/alerts", get(pages::alerts::json))
        .route("/api/v1/alerts/alertmanager", post(alerts::receive))
        .route("/api/v1/webhooks/{name}/test", post(alerts::test))
        .route("/api/v1/keys", get(pages::keys::json).post(keys::make))
        .route("/api/v1/keys/{alias}", delete(keys::revoke))
        .route("/api/v1/keys/{alias}/restore", post(keys::restore))
        .route("/api/v1/history", get(history::sums))
        .route("/api/v1/requests", get(history::list))
        .route("/api/v1/requests/{id}", get(history::show))
        .route("/api/v1/config", get(settings::show))
        .route("/api/v1/config/check", post(settings::check))
        .route("/api/v1/route", get(routing::show))
        .route("/api/v1/playground", post(playground::play))
        .route("/api/v1/system", get(system::show))
        .route("/api/v1/support-bundle", get(system::bundle))
        .route("/api/v1/metrics-reference", get(reference::show))
        .route("/api/v1/openapi.json", get(openapi::document))
        .route("/api/v1/audit", get(access::audit))
        .route("/metrics", get(telemetry::metrics))
        .route("/debug/pprof/profile", get(profile::cpu))
        .route("/debug/pprof/heap", get(profile::heap))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
}

/// The routes behind their doors. The one in front changes the path, so it has to stand before
/// routes are looked for; the other needs to know the route.
fn guarded(state: AdminState) -> Router {
    let access = Arc::clone(&state.access);
    let door = from_fn_with_state(Arc::clone(&access), access::door);
    let routed = routes().into_router().layer(door).with_state(state);
    Router::new()
        .fallback_service(routed)
        .layer(from_fn_with_state(access, access::front))
        .layer(map_response(secure))
}

async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    // Without any referrer browsers send our own forms with `Origin: null` (Fetch §3.2).
    let pairs = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Without any, browsers would not say whose page a form is of (Fetch §3.2).
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in pairs {
        // A report has a policy of its own.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
