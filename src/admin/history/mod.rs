//! What programs ask of the past: the recent requests, one of them, sums over time.
//!
//! Owns the words of questions. Nothing here says what was asked or answered. Must not know: how
//! anything is kept.

pub(super) mod shown;

use crate::admin::AdminState;
use crate::admin::refusal::{Refusal, broken, refusal};
use crate::history::recent::{Filter, MissedSlo, Place, Seq};
use crate::history::rollup::{Period, Step};
use crate::observe::OriginKind;
use crate::types::{CacheStatus, ErrorType, Operation, Outcome};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::task::spawn_blocking;

/// Requests of one answer, and how many there are if nobody says.
const MOST: usize = 1_000;
const USUAL: usize = 100;
/// How far back sums go if nobody says.
const HOUR: Duration = Duration::from_secs(3_600);

/// Which requests are listed. Dates are RFC 3339, durations such as `1500ms`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    model: Option<String>,
    upstream: Option<String>,
    key: Option<String>,
    /// One outcome, or some with commas between them.
    outcome: Option<String>,
    error: Option<String>,
    /// `5xx`
    status: Option<String>,
    operation: Option<String>,
    stream: Option<bool>,
    cache: Option<String>,
    origin: Option<String>,
    min_duration: Option<String>,
    max_duration: Option<String>,
    min_ttft: Option<String>,
    max_ttft: Option<String>,
    from: Option<String>,
    to: Option<String>,
    /// Part of an id.
    q: Option<String>,
    /// The name of an objective that was missed, or `any`.
    slo_missed: Option<String>,
    before: Option<u64>,
    after: Option<u64>,
    limit: Option<usize>,
    facets: Option<bool>,
}

/// The recent requests that are wanted, the latest first, and if asked for how many there are
/// of which kind.
pub(super) async fn list(
    State(state): State<AdminState>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let Query(wanted) = wanted.map_err(|error| refused(error.body_text()))?;
    let place = Place { before: wanted.before.map(Seq), after: wanted.after.map(Seq) };
    let (limit, facets) = (wanted.limit.unwrap_or(USUAL).min(MOST), wanted.facets == Some(true));
    let filter = wanted.filter().map_err(refused)?;
    let history = Arc::clone(&state.history);
    // Looking through a million requests has no place on a thread that pages share.
    let found = spawn_blocking(move || {
        let recent = history.recent();
        let facets = facets.then(|| recent.facets(&filter));
        (recent.page(&filter, place, limit), facets, recent.status())
    });
    let (page, facets, status) = found.await.map_err(|error| broken(error.to_string()))?;
    Ok(Json(json!({
        "requests": page.requests.iter().map(shown::request).collect::<Vec<_>>(),
        "next": page.next.map(|Seq(seq)| seq),
        "newest": page.newest.map(|Seq(seq)| seq),
        "facets": facets.as_ref().map(shown::facets),
        "held": {
            "requests": status.requests,
            "bytes": status.bytes,
            "evicted": status.evicted,
            "since": status.since.map(shown::date),
        },
    })))
}

/// All that is known of one recent request.
pub(super) async fn show(
    State(state): State<AdminState>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let found = state.history.recent().find(&id);
    let found = found.as_ref().map(shown::whole_request).map(Json);
    found.ok_or_else(|| refusal(StatusCode::NOT_FOUND, "there is no such request any more"))
}

/// Of whom and of when sums are told.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    /// All models if left out.
    model: Option<String>,
    /// How far back, such as `6h`.
    range: Option<String>,
}

/// What happened to a model or to all, step by step and in all; what is not known is null.
pub(super) async fn sums(
    State(state): State<AdminState>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let Query(Asked { model, range }) = asked.map_err(|error| refused(error.body_text()))?;
    let range = range.map(|range| duration(&range)).transpose().map_err(refused)?;
    let now = state.clock.date();
    let period = Period::last(range.unwrap_or(HOUR), now);
    let (history, step) = (Arc::clone(&state.history), Step::suited_to(&period, now));
    // It reads from a disk.
    let found = spawn_blocking(move || {
        let rollups = history.rollups();
        let series = rollups.series(model.as_deref(), &period, step)?;
        let total = rollups.total(model.as_deref(), &period)?;
        Ok((model, series, total, rollups.status()))
    });
    let found = found.await.map_err(|error| broken(error.to_string()))?;
    let unavailable = |error: crate::history::rollup::Unavailable| {
        refusal(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    };
    let (model, series, total, status) = found.map_err(unavailable)?;
    Ok(Json(json!({
        "model": model,
        "step_seconds": series.step.length().as_secs(),
        "points": series.points.iter().map(shown::point).collect::<Vec<_>>(),
        "total": total.as_ref().map(shown::tally),
        "models": shown::texts(&state.history.rollups().models()),
        "unsaved_requests": status.unsaved,
        "dropped_requests": status.dropped,
        "failed_saves": status.failures,
    })))
}

impl Wanted {
    fn filter(self) -> Result<Filter, String> {
        let outcomes = self.outcome.as_deref().unwrap_or_default();
        let outcomes = outcomes.split(',').filter(|word| !word.is_empty()).map(|word| {
            let mut known = Outcome::ALL.into_iter();
            known.find(|outcome| outcome.label() == word).ok_or_else(|| unknown("outcome", word))
        });
        let date = |text: Option<String>, other: SystemTime| text.map_or(Ok(other), |t| date(&t));
        let is_dated = self.from.is_some() || self.to.is_some();
        let forever = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        let ended = date(self.from, SystemTime::UNIX_EPOCH)?..date(self.to, forever)?;
        Ok(Filter {
            model: self.model,
            upstream: self.upstream,
            key: self.key,
            outcomes: outcomes.collect::<Result<_, _>>()?,
            error: one("error", self.error, ErrorType::all(), ErrorType::label)?,
            status_class: self.status.as_deref().map(status_class).transpose()?,
            operation: one("operation", self.operation, Operation::ALL, Operation::label)?,
            streamed: self.stream,
            cache: one("cache", self.cache, CacheStatus::LABELS, |label| label)?.map(str::to_owned),
            origin: one("origin", self.origin, OriginKind::ALL, OriginKind::label)?,
            duration: within(self.min_duration, self.max_duration)?,
            first_token: within(self.min_ttft, self.max_ttft)?,
            ended: is_dated.then_some(ended),
            text: self.q,
            slo: self.slo_missed.map(|name| match &*name {
                "any" => MissedSlo::Any,
                _ => MissedSlo::Named(name),
            }),
            measured: false,
        })
    }
}

/// The one of `all` that `word` names.
fn one<T>(
    what: &str,
    word: Option<String>,
    all: impl IntoIterator<Item = T>,
    label: impl Fn(T) -> &'static str,
) -> Result<Option<T>, String>
where
    T: Copy,
{
    let Some(word) = word else { return Ok(None) };
    let found = all.into_iter().find(|each| label(*each) == word);
    found.map(Some).ok_or_else(|| unknown(what, &word))
}

fn unknown(what: &str, word: &str) -> String {
    format!("`{what}`: there is no {word:?}")
}

fn status_class(text: &str) -> Result<u16, String> {
    let digit = text.strip_suffix("xx").and_then(|digit| digit.parse().ok());
    digit
        .filter(|digit| (1..=5).contains(digit))
        .ok_or_else(|| "`status` is one such as 5xx".into())
}

fn within(min: Option<String>, max: Option<String>) -> Result<Option<Range<Duration>>, String> {
    if min.is_none() && max.is_none() {
        return Ok(None);
    }
    let min = min.map_or(Ok(Duration::ZERO), |text| duration(&text))?;
    // Nothing that was measured is longer; what was not measured is.
    let longest = Duration::from_micros(u64::MAX - 1);
    Ok(Some(min..max.map_or(Ok(longest), |text| duration(&text))?))
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| format!("{text:?} is no duration such as 1500ms"))
}

fn date(text: &str) -> Result<SystemTime, String> {
    let wrong = |_| format!("{text:?} is no date such as 2026-01-01T00:00:00Z");
    humantime::parse_rfc3339(text).map_err(wrong)
}

fn refused(why: impl Into<String>) -> Refusal {
    refusal(StatusCode::BAD_REQUEST, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused() {
        let wanted = |text: &str| {
            let wanted: Wanted = serde_json::from_str(text).map_err(|error| error.to_string())?;
            wanted.filter()
        };
        for text in [
            r#"{"outcome":"success,odd"}"#,
            r#"{"error":"odd"}"#,
            r#"{"status":"600"}"#,
            r#"{"status":"9xx"}"#,
            r#"{"min_ttft":"soon"}"#,
            r#"{"from":"yesterday"}"#,
            r#"{"cache":"warm"}"#,
            r#"{"colour":"red"}"#,
        ] {
            assert!(wanted(text).is_err(), "{text}");
        }
        let filter = wanted(r#"{"outcome":"timeout,success","status":"5xx","min_ttft":"2s"}"#);
        let filter = filter.unwrap();
        assert_eq!(filter.outcomes, [Outcome::Timeout, Outcome::Success]);
        assert_eq!(filter.status_class, Some(5));
        assert_eq!(filter.first_token.unwrap().start, Duration::from_secs(2));
        assert_eq!(wanted("{}"), Ok(Filter::default()));
    }
}
