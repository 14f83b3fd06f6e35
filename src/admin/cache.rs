//! What operators ask of the response cache: how it is doing, and to forget something.
//!
//! Owns the form of both answers, and the line that says who purged what. Must not know: how
//! a tier counts or forgets.

use crate::admin::AdminState;
use crate::admin::access::{Access, Action, Deed, Visitor};
use crate::admin::refusal::{Refusal, read, refusal};
use crate::cache::{Completeness, Purged, TierStatus};
use crate::observe::{Metrics, NOT_STORED};
use crate::types::{BypassReason, CacheKey, CacheTags, Purge};
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// How each tier is, and what the cache has saved since the process began; what cannot be
/// told is null.
pub(super) async fn stats(State(state): State<AdminState>) -> Json<Value> {
    Json(stats_of(&state))
}

/// The same, for whoever shows it.
pub(super) fn stats_of(state: &AdminState) -> Value {
    let metrics = state.observer.metrics();
    let totals = metrics.cache_totals();
    let reasons = BypassReason::ALL.iter().zip(totals.bypassed);
    let bypassed: Map<String, Value> =
        reasons.map(|(reason, times)| (reason.label().to_owned(), times.into())).collect();
    let reasons = NOT_STORED.iter().zip(totals.not_stored);
    let not_stored: Map<String, Value> =
        reasons.map(|(reason, times)| ((*reason).to_owned(), times.into())).collect();
    let tiers: Vec<Value> = state.cache.tiers().iter().map(|tier| shown(tier, metrics)).collect();
    json!({
        "tiers": tiers,
        "saved": {
            "seconds": totals.saved_nanoseconds as f64 / 1e9,
            "tokens": totals.saved_tokens,
            "usd": totals.saved_cost.dollars(),
        },
        "collapsed": totals.collapsed,
        "bypassed": bypassed,
        "not_stored": not_stored,
    })
}

fn shown(status: &TierStatus, metrics: &Metrics) -> Value {
    let counts = metrics.cache().counts(status.tier);
    json!({
        "tier": status.tier.label(),
        "state": status.state.label(),
        "entries": status.entries,
        "bytes": status.bytes,
        "capacity_bytes": status.capacity,
        "hits": counts.hits,
        "misses": counts.misses,
        "stale": counts.stale,
        "evictions": counts.evictions,
        "dropped": counts.dropped,
        "failures": counts.failures,
    })
}

/// What to purge: `{"all": true}`, `{"entry": "<64 hex digits>"}`, or some of the others,
/// all of which have to fit.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    pub(super) all: Option<bool>,
    pub(super) entry: Option<String>,
    pub(super) model: Option<String>,
    pub(super) route: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) key: Option<String>,
    pub(super) tenant: Option<String>,
}

/// Forgets what the body says.
pub(super) async fn purge(
    State(state): State<AdminState>,
    visitor: Visitor,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let purged = purged(&state, &visitor, read(wanted)?).await?;
    Ok(Json(json!({
        "memory": purged.memory,
        "disk": purged.disk,
        "redis": purged.redis,
        "complete": purged.completeness == Completeness::Complete,
    })))
}

/// Forgets what is wanted, and writes down who did.
pub(super) async fn purged(
    state: &AdminState,
    visitor: &Visitor,
    wanted: Wanted,
) -> Result<Purged, Refusal> {
    let what = wanted.read().map_err(|why| refusal(StatusCode::BAD_REQUEST, why))?;
    let purged = state.cache.purge(what.clone()).await;
    audit(&state.access, visitor, &what, &purged);
    Ok(purged)
}

impl Wanted {
    fn read(self) -> Result<Purge, &'static str> {
        let Self { all, entry, model, route, namespace, key, tenant } = self;
        let tags = [&model, &route, &namespace, &key, &tenant];
        if tags.iter().any(|tag| tag.as_deref() == Some("")) {
            return Err("a name must not be empty: to purge regardless of it, leave it out");
        }
        let is_tagged = tags.iter().any(|tag| tag.is_some());
        match (all, entry, is_tagged) {
            (Some(true), None, false) => Ok(Purge::All),
            (None, Some(entry), false) => {
                digest(&entry).map(Purge::Entry).ok_or("`entry` must be 64 hexadecimal digits")
            }
            (None, None, true) => Ok(Purge::Tagged(CacheTags {
                model: model.unwrap_or_default().into(),
                route: route.unwrap_or_default().into(),
                namespace: namespace.unwrap_or_default().into(),
                key: key.unwrap_or_default().into(),
                tenant: tenant.unwrap_or_default().into(),
            })),
            _ => Err("say either `all`: true, or `entry`, or some of `model`, `route`, \
                      `namespace`, `key` and `tenant`"),
        }
    }
}

/// Says what was purged, by whom, and how many answers that were.
fn audit(access: &Access, visitor: &Visitor, what: &Purge, purged: &Purged) {
    let (what, entry, tags) = match what {
        Purge::All => ("all", None, CacheTags::default()),
        Purge::Entry(key) => ("entry", Some(key.to_string()), CacheTags::default()),
        Purge::Tagged(tags) => ("tagged", None, tags.clone()),
    };
    let CacheTags { model, route, namespace, key, tenant } = &tags;
    let named = [
        ("entry", entry.as_deref().unwrap_or_default()),
        ("model", model),
        ("route", route),
        ("namespace", namespace),
        ("key", key),
        ("tenant", tenant),
    ];
    let given = named.into_iter().filter(|(_, value)| !value.is_empty());
    let mut detail: Map<String, Value> =
        given.map(|(name, value)| (name.to_owned(), value.into())).collect();
    detail.insert("memory".into(), purged.memory.into());
    detail.insert("disk".into(), purged.disk.into());
    detail.insert("redis".into(), purged.redis.into());
    detail.insert("complete".into(), (purged.completeness == Completeness::Complete).into());
    access.note(visitor, Deed::of(Action::CachePurge).about(what).with(detail.into()));
}

fn digest(hex: &str) -> Option<CacheKey> {
    let mut key = [0; 32];
    let digits = hex.as_bytes();
    if digits.len() != 2 * key.len() {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(CacheKey(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Purge, String> {
        let wanted: Wanted = serde_json::from_str(text).map_err(|error| error.to_string())?;
        wanted.read().map_err(str::to_owned)
    }

    #[test]
    fn everything_one_entry_or_what_has_all_tags_can_be_purged() {
        assert_eq!(read(r#"{"all":true}"#), Ok(Purge::All));
        let hex = "00ff".repeat(16);
        let key = CacheKey(std::array::from_fn(|at| if at % 2 == 0 { 0 } else { 0xff }));
        assert_eq!(read(&format!(r#"{{"entry":"{hex}"}}"#)), Ok(Purge::Entry(key)));
        let shouted = hex.to_uppercase();
        assert_eq!(read(&format!(r#"{{"entry":"{shouted}"}}"#)), Ok(Purge::Entry(key)));
        let tags = CacheTags { model: "m".into(), key: "k".into(), ..CacheTags::default() };
        assert_eq!(read(r#"{"model":"m","key":"k"}"#), Ok(Purge::Tagged(tags)));
        let tags = CacheTags {
            route: "/v1/embeddings".into(),
            namespace: "n".into(),
            tenant: "t".into(),
            ..CacheTags::default()
        };
        let named = r#"{"route":"/v1/embeddings","namespace":"n","tenant":"t"}"#;
        assert_eq!(read(named), Ok(Purge::Tagged(tags)));
    }

    #[test]
    fn what_could_mean_more_than_was_meant_is_refused() {
        let no_digits = format!(r#"{{"entry":"{}"}}"#, "+0".repeat(32));
        for text in [
            "{}",
            "[]",
            "null",
            r#"{"all":false}"#,
            r#"{"all":1}"#,
            r#"{"all":true,"model":"m"}"#,
            r#"{"all":false,"model":"m"}"#,
            r#"{"entry":"00","key":"k"}"#,
            r#"{"entry":""}"#,
            r#"{"model":""}"#,
            r#"{"model":"m","key":""}"#,
            r#"{"modle":"m"}"#,
            &no_digits,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
