//! From what the shape allows to settings that make sense together.
//!
//! Every function reports what is wrong and goes on; what it returns is used only when
//! nothing was reported. Must not know: where anything was written.

mod admin;
mod cache;
mod capture;
mod models;
mod patterns;
mod secret;
mod server;
mod shared;
mod slo;
mod tracing;
mod unique;
mod upstreams;
mod webhook;

use super::env::Environment;
use super::format::{Digest, Text};
use super::path::Path;
use super::raw::{RawKey, RawLog, RawLogFormat, RawLogLevel, RawSettings};
use super::report::Report;
use super::settings::Settings;
use crate::admin::EffectiveConfig;
use crate::identity::KeySettings;
use crate::observe::{LogFormat, LogLevel, LogSettings};
use unique::Taken;

/// The settings that `raw` stands for, with the secrets it names.
pub(super) fn settings(raw: RawSettings, env: &Environment, report: &mut Report<'_>) -> Settings {
    let upstreams = upstreams::names(&raw.upstream, report);
    let models = slo::models(&raw.model);
    let cache = cache::settings(raw.cache, &models, env, report);
    let capture = capture::settings(raw.capture, &models, env, report);
    let server = server::settings(raw.server, report);
    Settings {
        effective: EffectiveConfig::default(),
        recent: admin::recent(&raw.admin, report),
        admin: admin::settings(raw.admin, server.admin, env, report),
        server,
        model_caches: cache::of_models(&raw.model, &cache, report),
        model_captures: capture::of_models(&raw.model, &capture, report),
        models: models::settings(raw.model, &upstreams, report),
        upstreams: upstreams::settings(raw.upstream, env, report),
        keys: keys(raw.key, report),
        slos: slo::settings(raw.slo, &models, report),
        webhooks: webhook::settings(raw.webhook, &models, env, report),
        tracing: tracing::settings(raw.tracing, env, report),
        cache,
        capture,
        log: log(&raw.log),
    }
}

fn keys(raw: Vec<RawKey>, report: &mut Report<'_>) -> Vec<KeySettings> {
    let (mut aliases, mut hashes) = (Taken::default(), Taken::default());
    let mut keys = Vec::new();
    for (index, key) in raw.into_iter().enumerate() {
        let path = Path::default().key("key").index(index);
        if let Some(alias) = &key.alias {
            aliases.claim(&alias.0.0, path.key("alias"), report);
        }
        if let Some(Text(Digest(hash))) = &key.sha256 {
            hashes.claim_unnamed(hash, path.key("sha256"), report);
        }
        if let (Some(Text(alias)), Some(Text(Digest(sha256)))) = (key.alias, key.sha256) {
            let tenant = key.tenant.map(|Text(tenant)| tenant.0);
            keys.push(KeySettings { alias: alias.0, sha256, tenant });
        }
    }
    keys
}

fn log(raw: &RawLog) -> LogSettings {
    LogSettings {
        format: match raw.format {
            RawLogFormat::Auto => LogFormat::Auto,
            RawLogFormat::Json => LogFormat::Json,
            RawLogFormat::Human => LogFormat::Human,
        },
        level: match raw.level {
            RawLogLevel::Error => LogLevel::Error,
            RawLogLevel::Warn => LogLevel::Warn,
            RawLogLevel::Info => LogLevel::Info,
            RawLogLevel::Debug => LogLevel::Debug,
        },
    }
}
