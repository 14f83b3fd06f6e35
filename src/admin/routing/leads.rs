//! What a request for a model meets: its targets, and what is set for them and for the model.
//!
//! Must not know: what was asked for, beside the model and the operation.

use crate::admin::AdminState;
use crate::cache::{CacheScope, CacheWhen, Sampled};
use crate::capture::CaptureMode;
use crate::observe::{Goodput, Indicator, SloSettings};
use crate::types::{NanoUsd, Operation};
use crate::upstream::{Endpoint, Matched, Model, Serves, StreamUsage, Target, Timeouts};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A model, by which of its names it was found, and what its requests meet.
#[derive(Serialize)]
pub(in crate::admin) struct Lead {
    pub(in crate::admin) model: String,
    /// `name`, `alias` or `pattern`.
    pub(in crate::admin) matched: &'static str,
    pub(in crate::admin) pattern: Option<String>,
    pub(in crate::admin) targets: Vec<Way>,
    pub(in crate::admin) cache: Option<Value>,
    pub(in crate::admin) capture: Option<Value>,
    /// US dollars for a million tokens, in and out; null where none is known.
    pub(in crate::admin) price: Option<[f64; 2]>,
    pub(in crate::admin) objectives: Vec<Promise>,
}

/// One target.
#[derive(Serialize)]
pub(in crate::admin) struct Way {
    pub(in crate::admin) upstream: String,
    /// What the upstream is asked for.
    pub(in crate::admin) model: String,
    pub(in crate::admin) weight: u32,
    /// Of the requests, 0 to 1, whose first attempt goes here.
    pub(in crate::admin) share: f64,
    pub(in crate::admin) protocol: &'static str,
    /// How one of its endpoints is chosen.
    pub(in crate::admin) balance: &'static str,
    pub(in crate::admin) endpoints: Vec<Place>,
    /// Whose key it gets: `upstream`, `caller` or `none`.
    pub(in crate::admin) key: &'static str,
    /// In seconds.
    pub(in crate::admin) timeouts: Limits,
    /// Whether streams are asked for their token counts.
    pub(in crate::admin) include_usage: bool,
    /// Whether replays need a word of consent.
    pub(in crate::admin) production: bool,
}

/// One endpoint.
#[derive(Serialize)]
pub(in crate::admin) struct Place {
    pub(in crate::admin) url: String,
    pub(in crate::admin) weight: u32,
    /// Estimated, of what it works on now.
    pub(in crate::admin) outstanding_tokens: u64,
}

/// Limits on an attempt, in seconds.
#[derive(Serialize)]
pub(in crate::admin) struct Limits {
    pub(in crate::admin) connect: f64,
    pub(in crate::admin) first_byte: f64,
    pub(in crate::admin) first_token: f64,
    pub(in crate::admin) idle: f64,
    pub(in crate::admin) total: f64,
}

/// An objective that judges the request.
#[derive(Serialize)]
pub(in crate::admin) struct Promise {
    pub(in crate::admin) slo: String,
    pub(in crate::admin) kind: &'static str,
    /// 0 to 1.
    pub(in crate::admin) objective: f64,
    pub(in crate::admin) ttft_seconds: Option<f64>,
    pub(in crate::admin) tpot_seconds: Option<f64>,
    pub(in crate::admin) latency_seconds: Option<f64>,
}

impl Lead {
    /// What a request meets that was taken for one to `model`.
    pub(super) fn to(state: &AdminState, model: &Model, by: Matched, operation: Operation) -> Self {
        let (matched, pattern) = match by {
            Matched::Name => ("name", None),
            Matched::Alias => ("alias", None),
            Matched::Pattern(pattern) => ("pattern", Some(pattern)),
        };
        let per_million = |tokens: NanoUsd| (tokens * 1_000_000).dollars();
        let price = [per_million(model.price.input), per_million(model.price.output)];
        let objectives = state.observer.slos().about(&model.name, operation);
        Self {
            matched,
            pattern,
            targets: model
                .targets
                .iter()
                .zip(model.shares())
                .map(|(target, share)| Way::of(state, target, share))
                .collect(),
            cache: cache(state, &model.name),
            capture: capture(state, &model.name),
            price: (price != [0.0, 0.0]).then_some(price),
            objectives: objectives.into_iter().map(Promise::of).collect(),
            model: model.name.clone(),
        }
    }
}

impl Way {
    fn of(state: &AdminState, target: &Target, share: f64) -> Self {
        let settings = &target.upstream.settings;
        let place = |endpoint: &Arc<Endpoint>| Place {
            url: endpoint.settings.url(),
            weight: endpoint.share.weight(),
            outstanding_tokens: endpoint.outstanding_tokens(),
        };
        let Timeouts { connect, first_byte, first_token, idle, total } = settings.timeouts;
        Self {
            upstream: settings.name.clone(),
            model: target.model.to_string(),
            weight: target.share.weight(),
            share,
            protocol: settings.protocol.label(),
            balance: settings.balance.label(),
            endpoints: target.upstream.endpoints.iter().map(place).collect(),
            key: match (&settings.api_key, state.installation.keys.is_empty()) {
                (Some(_), _) => "upstream",
                (None, true) => "caller",
                // Keys that are ours are nobody else's business.
                (None, false) => "none",
            },
            timeouts: Limits {
                connect: connect.as_secs_f64(),
                first_byte: first_byte.as_secs_f64(),
                first_token: first_token.as_secs_f64(),
                idle: idle.as_secs_f64(),
                total: total.as_secs_f64(),
            },
            include_usage: settings.stream_usage == StreamUsage::Ask,
            production: settings.serves == Serves::Production,
        }
    }
}

impl Promise {
    fn of(slo: SloSettings) -> Self {
        let limits = match slo.indicator {
            Indicator::Availability => Goodput::default(),
            Indicator::FirstToken(limit) => {
                Goodput { first_token: Some(limit), ..Goodput::default() }
            }
            Indicator::PerToken(limit) => Goodput { per_token: Some(limit), ..Goodput::default() },
            Indicator::Latency(limit) => Goodput { latency: Some(limit), ..Goodput::default() },
            Indicator::Goodput(limits) => limits,
        };
        let seconds = |limit: Option<Duration>| limit.map(|limit| limit.as_secs_f64());
        Self {
            kind: slo.indicator.word(),
            slo: slo.name,
            objective: slo.objective,
            ttft_seconds: seconds(limits.first_token),
            tpot_seconds: seconds(limits.per_token),
            latency_seconds: seconds(limits.latency),
        }
    }
}

fn cache(state: &AdminState, model: &str) -> Option<Value> {
    let route = state.cache.route(model)?;
    Some(json!({
        "when": match route.when {
            CacheWhen::Always => "always",
            CacheWhen::Asked => "asked",
        },
        "ttl_seconds": route.ttl.as_secs_f64(),
        "scope": match route.scope {
            CacheScope::Key => "key",
            CacheScope::Tenant => "tenant",
            CacheScope::Global => "global",
        },
        "sampled": match route.sampled {
            Sampled::Refuse => "refuse",
            Sampled::Allow { .. } => "allow",
        },
        "stale_while_revalidate_seconds": route.stale_while_revalidate.as_secs_f64(),
        "stale_if_error_seconds": route.stale_if_error.as_secs_f64(),
        "collapse_seconds": route.collapse.map(|wait| wait.as_secs_f64()),
    }))
}

fn capture(state: &AdminState, model: &str) -> Option<Value> {
    let route = state.capture.as_ref()?.recorder.route(model)?;
    Some(json!({
        "mode": match route.mode {
            CaptureMode::Full => "full",
            CaptureMode::Redacted => "redacted",
            CaptureMode::Shape => "shape",
        },
        "body_bytes": route.body,
        "sessions": route.sampling.sessions,
    }))
}
