//! The first page: every model and upstream with the figures of the last minute.
//!
//! Must not know: how figures are measured. What was not measured is shown as a dash, not
//! as a zero or a hundred percent.

use crate::admin::AdminState;
use crate::observe::{LiveFigures, ModelFigures, Quantiles};
use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

const NOT_MEASURED: &str = "–";
/// Below this share of successes a model's row is marked.
const WORRYING: f64 = 0.99;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    version: &'static str,
    sentence: String,
    window: String,
    models: Vec<ModelRow>,
    upstreams: Vec<UpstreamRow>,
    open_requests: usize,
}

struct ModelRow {
    name: String,
    state: &'static str,
    requests: u64,
    per_second: String,
    success: String,
    first_token_p50: String,
    first_token_p95: String,
    duration_p95: String,
    tokens_per_second: String,
    in_flight: i64,
}

struct UpstreamRow {
    name: String,
    state: &'static str,
    endpoints: String,
}

/// The page.
pub(super) async fn page(State(state): State<AdminState>) -> Response {
    let figures = state.sampler.figures(state.clock.now());
    let upstreams = upstream_rows(&state);
    let page = Overview {
        version: env!("CARGO_PKG_VERSION"),
        sentence: sentence(&figures, &upstreams),
        window: format!("{:.0} s", figures.covers_seconds),
        models: figures.models.iter().map(model_row).collect(),
        upstreams,
        open_requests: state.observer.open_requests(),
    };
    match page.render() {
        Ok(html) => ([(header::CACHE_CONTROL, "no-store")], Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the overview cannot be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The same as JSON; what was not measured is null.
pub(super) async fn json(State(state): State<AdminState>) -> Json<Value> {
    let figures = state.sampler.figures(state.clock.now());
    let seconds = |q: Option<Quantiles>| q.map(|q| json!({ "p50": q.p50, "p95": q.p95 }));
    let model = |model: &ModelFigures| {
        json!({
            "model": model.name,
            "requests_total": model.requests_total,
            "requests_per_second": model.requests_per_second,
            "success_ratio": model.success_ratio,
            "time_to_first_token_seconds": seconds(model.first_token),
            "duration_seconds": seconds(model.duration),
            "output_tokens_per_second": model.tokens_per_second,
            "in_flight": model.in_flight,
        })
    };
    let upstream = |row: UpstreamRow| json!({ "upstream": row.name, "state": row.state });
    Json(json!({
        "covers_seconds": figures.covers_seconds,
        "models": figures.models.iter().map(model).collect::<Vec<_>>(),
        "upstreams": upstream_rows(&state).into_iter().map(upstream).collect::<Vec<_>>(),
        "open_requests": state.observer.open_requests(),
    }))
}

fn sentence(figures: &LiveFigures, upstreams: &[UpstreamRow]) -> String {
    let down: Vec<&str> =
        upstreams.iter().filter(|u| u.state == "down").map(|u| u.name.as_str()).collect();
    let failing: Vec<&str> =
        figures.models.iter().filter(|m| is_worrying(m)).map(|m| m.name.as_str()).collect();
    match (upstreams.is_empty(), down.is_empty(), failing.is_empty()) {
        (true, _, _) => "No upstream is configured.".to_owned(),
        (_, false, _) => format!("Not answering: {}.", down.join(", ")),
        (_, _, false) => format!("Failing requests: {}.", failing.join(", ")),
        _ if figures.models.is_empty() => "No model has been found yet.".to_owned(),
        _ => "All models answer.".to_owned(),
    }
}

fn is_worrying(model: &ModelFigures) -> bool {
    model.success_ratio.is_some_and(|ratio| ratio < WORRYING)
}

fn model_row(model: &ModelFigures) -> ModelRow {
    let p50 = |q: Option<Quantiles>| seconds(q.map(|q| q.p50));
    let p95 = |q: Option<Quantiles>| seconds(q.map(|q| q.p95));
    ModelRow {
        name: model.name.clone(),
        state: match model.success_ratio {
            None => "quiet",
            Some(_) if is_worrying(model) => "failing",
            Some(_) => "fine",
        },
        requests: model.requests_total,
        per_second: format!("{:.1}", model.requests_per_second),
        success: or_dash(model.success_ratio.map(|ratio| format!("{:.1} %", ratio * 100.0))),
        first_token_p50: p50(model.first_token),
        first_token_p95: p95(model.first_token),
        duration_p95: p95(model.duration),
        tokens_per_second: format!("{:.0}", model.tokens_per_second),
        in_flight: model.in_flight,
    }
}

fn upstream_rows(state: &AdminState) -> Vec<UpstreamRow> {
    let metrics = state.observer.metrics();
    let row = |upstream: &std::sync::Arc<crate::upstream::Upstream>| UpstreamRow {
        name: upstream.settings.name.clone(),
        state: match metrics.upstream_up(upstream.index).map(prometheus::IntGauge::get) {
            Some(1) => "up",
            _ => "down",
        },
        endpoints: upstream.endpoints.iter().map(|e| &*e.authority).collect::<Vec<_>>().join(", "),
    };
    state.upstreams.iter().map(row).collect()
}

fn seconds(value: Option<f64>) -> String {
    or_dash(value.map(|seconds| {
        if seconds < 1.0 { format!("{:.0} ms", seconds * 1e3) } else { format!("{seconds:.1} s") }
    }))
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| NOT_MEASURED.to_owned())
}
