//! `[cache]`, and `cache` of each `[[model]]`
//!
//! Must not know: how answers are kept or found.

use super::{patterns, shared};
use crate::cache::{CacheScope, CacheSettings, CacheWhen, Eviction, RouteCache, Sampled};
use crate::config::env::Environment;
use crate::config::format::{Patience, Text};
use crate::config::path::Path;
use crate::config::raw::{
    RawCache, RawEviction, RawModel, RawModelCache, RawRouteCache, RawSampled, RawScope, RawWhen,
};
use crate::config::report::Report;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use wildmatch::WildMatch;

const LEAST_MEMORY: u64 = 1 << 20;
const LEAST_DISK: u64 = 16 << 20;

/// The validated section. `models` are the names of all models, none where they are to be
/// discovered.
pub(super) fn settings(
    raw: RawCache,
    models: &[String],
    env: &Environment,
    report: &mut Report<'_>,
) -> CacheSettings {
    let path = Path::default().key("cache");
    let (memory, disk) = (raw.memory.bytes(), raw.disk.bytes());
    if memory < LEAST_MEMORY {
        report.at(&path.key("memory"), "must be 1MiB or more");
    }
    if disk != 0 && disk < LEAST_DISK {
        report.at(&path.key("disk"), "must be 16MiB or more, or 0 for none");
    }
    CacheSettings {
        memory,
        policy: match raw.policy {
            RawEviction::Lru => Eviction::Lru,
            RawEviction::TinyLfu => Eviction::TinyLfu,
        },
        disk: (disk > 0).then_some(disk),
        redis: raw.redis.and_then(|redis| shared::settings(redis, env, &path.key("redis"), report)),
        models: patterns::of_models(raw.models, models, &path.key("models"), report),
        default: route(&raw.route, &RouteCache::default(), &path, report),
    }
}

/// How each of `models` is cached, by its name.
pub(super) fn of_models(
    models: &[RawModel],
    settings: &CacheSettings,
    report: &mut Report<'_>,
) -> BTreeMap<String, Option<RouteCache>> {
    let patterns: Vec<WildMatch> = settings.models.iter().map(|p| WildMatch::new(p)).collect();
    let mut caches = BTreeMap::new();
    for (index, model) in models.iter().enumerate() {
        let path = Path::default().key("model").index(index).key("cache");
        let own = match &model.cache {
            Some(RawModelCache::Switch(on)) => Some(on.then(|| settings.default.clone())),
            Some(RawModelCache::Route(raw)) => {
                Some(Some(route(raw, &settings.default, &path, report)))
            }
            None => None,
        };
        if let Some(Text(name)) = &model.name {
            let named = || patterns.iter().any(|pattern| pattern.matches(&name.0));
            let cache = own.unwrap_or_else(|| named().then(|| settings.default.clone()));
            caches.insert(name.0.clone(), cache);
        }
    }
    caches
}

/// What `raw` at `path` says, and `base` about the rest.
fn route(
    raw: &RawRouteCache,
    base: &RouteCache,
    path: &Path,
    report: &mut Report<'_>,
) -> RouteCache {
    let duration = |written: &Option<Text<_>>, base| written.as_ref().map_or(base, |Text(d)| *d);
    let ttl = duration(&raw.ttl, base.ttl);
    if ttl.is_zero() {
        report.at(&path.key("ttl"), "must be longer than 0s");
    }
    RouteCache {
        when: raw.when.map_or(base.when, |when| match when {
            RawWhen::Always => CacheWhen::Always,
            RawWhen::Asked => CacheWhen::Asked,
        }),
        ttl,
        scope: raw.scope.map_or(base.scope, |written| scope(written, path, report)),
        sampled: sampled(raw, base.sampled, path, report),
        stale_while_revalidate: duration(&raw.stale_while_revalidate, base.stale_while_revalidate),
        stale_if_error: duration(&raw.stale_if_error, base.stale_if_error),
        errors: duration(&raw.errors_ttl, base.errors),
        collapse: raw.collapse.as_ref().map_or(base.collapse, |Text(Patience(wait))| *wait),
        pace: raw.pace.as_ref().map_or(base.pace, |Text(pace)| *pace),
    }
}

fn scope(raw: RawScope, path: &Path, report: &mut Report<'_>) -> CacheScope {
    match raw {
        RawScope::Key => CacheScope::Key,
        RawScope::Global => CacheScope::Global,
        RawScope::Tenant => {
            let keys = Path::default().key("key");
            let tenant = |index| keys.index(index).key("tenant");
            if (0..report.count(&keys)).all(|index| report.count(&tenant(index)) == 0) {
                let words = "no [[key]] has a tenant, so there would be nobody to share with";
                report.at(&path.key("scope"), words);
            }
            CacheScope::Tenant
        }
    }
}

fn sampled(raw: &RawRouteCache, base: Sampled, path: &Path, report: &mut Report<'_>) -> Sampled {
    let inherited = match base {
        Sampled::Refuse => None,
        Sampled::Allow { variants } => Some(variants),
    };
    let allowed = match raw.sampled {
        Some(written) => written == RawSampled::Allow,
        None => inherited.is_some(),
    };
    if allowed {
        let variants = raw.variants.or(inherited).unwrap_or(NonZeroU32::MIN);
        return Sampled::Allow { variants };
    }
    if raw.variants.is_some() {
        report.at(&path.key("variants"), "there are variants only with sampled = \"allow\"");
    }
    Sampled::Refuse
}
