//! The list of requests: live, filtered by its address, with counts of what could be asked for
//! next, page by page.
//!
//! Must not know: how requests are kept.

use super::wanted::Wanted;
use super::{date, tone};
use crate::admin::AdminState;
use crate::admin::history::shown;
use crate::admin::pages::quoting::visible;
use crate::admin::pages::{Form, Frame, Shown};
use crate::admin::refusal::{Refusal, broken, refusal};
use crate::history::recent::{Facet, Facets, RecentRequest, Seq};
use crate::human;
use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Serialize, Serializer};
use std::fmt::Write;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Requests of a page.
const PAGE: usize = 100;
/// Requests of an export.
const EXPORT: usize = 10_000;
/// Values of a facet that are shown.
const VALUES: usize = 8;

#[derive(Template, Serialize)]
#[template(path = "requests.html")]
struct RequestsPage {
    #[serde(skip)]
    frame: Frame,
    #[serde(skip)]
    wanted: Wanted,
    #[serde(skip)]
    problem: Option<String>,
    matching: u64,
    #[serde(skip)]
    facets: Vec<ShownFacet>,
    #[serde(serialize_with = "values")]
    requests: Vec<RecentRequest>,
    /// The page after this one: `before` of its address.
    next: Option<u64>,
    held: u64,
}

/// What could be asked for next.
struct ShownFacet {
    name: &'static str,
    param: &'static str,
    values: Vec<ShownValue>,
}

struct ShownValue {
    value: Arc<str>,
    count: String,
    query: String,
    here: bool,
}

fn values<S: Serializer>(requests: &[RecentRequest], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(requests.iter().map(shown::request))
}

/// The page.
pub(in crate::admin) async fn list(
    State(state): State<AdminState>,
    form: Form,
    frame: Frame,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Refusal> {
    let wanted = read(wanted)?;
    // A million rows are looked at, which has no place on a thread that pages share.
    let page = spawn_blocking(move || made(&state, frame, wanted)).await;
    Ok(Shown(form, page.map_err(|error| broken(error.to_string()))?).into_response())
}

/// The same as CSV.
pub(in crate::admin) async fn rows_as_csv(
    State(state): State<AdminState>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Refusal> {
    let mut text = String::from(
        "received,request_id,model,upstream,outcome,status,error,duration_seconds,\
         time_to_first_token_seconds,tokens_in,tokens_out,cost_usd,cache,key\n",
    );
    for request in exported(state, wanted).await? {
        csv_line(&mut text, &request);
    }
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
}

/// The same as JSON lines.
pub(in crate::admin) async fn rows_as_lines(
    State(state): State<AdminState>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Refusal> {
    let requests = exported(state, wanted).await?;
    let lines: String =
        requests.iter().map(|request| format!("{}\n", shown::request(request))).collect();
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response())
}

async fn exported(
    state: AdminState,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Vec<RecentRequest>, Refusal> {
    let wanted = read(wanted)?;
    let filter = wanted.filter().map_err(|why| refusal(StatusCode::BAD_REQUEST, why))?;
    let found = spawn_blocking(move || {
        state.history.recent().page(&filter, wanted.place(), EXPORT).requests
    });
    found.await.map_err(|error| broken(error.to_string()))
}

fn read(wanted: Result<Query<Wanted>, QueryRejection>) -> Result<Wanted, Refusal> {
    let read = wanted.map_err(|error| refusal(StatusCode::BAD_REQUEST, error.body_text()));
    read.map(|Query(wanted)| wanted)
}

fn made(state: &AdminState, frame: Frame, wanted: Wanted) -> RequestsPage {
    let recent = state.history.recent();
    let held = recent.status().requests;
    let (filter, problem) = match wanted.filter() {
        Ok(filter) => (Some(filter), None),
        Err(why) => (None, Some(why)),
    };
    let facets = filter.as_ref().map(|filter| recent.facets(filter)).unwrap_or_default();
    let page = filter.map(|filter| recent.page(&filter, wanted.place(), PAGE));
    let next = page.as_ref().and_then(|page| page.next).map(|Seq(seq)| seq);
    RequestsPage {
        frame,
        problem: problem.map(|why| visible(&why)),
        matching: facets.matching,
        facets: told(&facets, &wanted),
        requests: page.map(|page| page.requests).unwrap_or_default(),
        next,
        held,
        wanted,
    }
}

fn told(facets: &Facets, wanted: &Wanted) -> Vec<ShownFacet> {
    let said = wanted.said();
    let facet = |(name, param, values): (&'static str, &'static str, &[Facet])| {
        let here = said.iter().find(|(said, _)| *said == param).map(|(_, value)| *value);
        let value = |facet: &Facet| {
            let is_here = here == Some(&*facet.value);
            let asked = (!is_here).then_some(&*facet.value);
            ShownValue {
                value: Arc::clone(&facet.value),
                count: human::count(facet.count),
                query: wanted.with(param, asked),
                here: is_here,
            }
        };
        ShownFacet { name, param, values: values.iter().take(VALUES).map(value).collect() }
    };
    let all: [(&'static str, &'static str, &[Facet]); 6] = [
        ("Model", "model", &facets.models),
        ("Outcome", "outcome", &facets.outcomes),
        ("Error", "error", &facets.errors),
        ("Upstream", "upstream", &facets.upstreams),
        ("Cache", "cache", &facets.caches),
        ("Key", "key", &facets.keys),
    ];
    let facets = all.into_iter().map(facet);
    facets.filter(|facet| facet.values.len() > 1 || facet.values.iter().any(|v| v.here)).collect()
}

/// A line of a table of a spreadsheet: quoted, and never a formula (OWASP, CSV injection).
fn csv_line(into: &mut String, request: &RecentRequest) {
    let upstream = request.attempts.last().map_or("", |attempt| &attempt.upstream);
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let cells = [
        date(request.received),
        request.request_id.clone(),
        request.model.to_string(),
        upstream.to_owned(),
        request.outcome.label().to_owned(),
        request.status.to_string(),
        request.error.map_or_else(String::new, |error| error.label().to_owned()),
        request.duration.as_secs_f64().to_string(),
        number(request.first_token.map(|time| time.as_secs_f64())),
        number(request.usage.map(|usage| usage.input as f64)),
        number(request.usage.map(|usage| usage.output as f64)),
        number(request.cost.map(|cost| cost.dollars())),
        request.cache.as_ref().map_or_else(String::new, |cache| cache.status.label().to_owned()),
        request.key.as_deref().unwrap_or_default().to_owned(),
    ];
    let cells: Vec<String> = cells.iter().map(|cell| cell_of(cell)).collect();
    writeln!(into, "{}", cells.join(",")).ok();
}

fn cell_of(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = text.replace('"', "\"\"");
    if is_formula { format!("\"'{text}\"") } else { format!("\"{text}\"") }
}

impl RequestsPage {
    fn said(&self, name: &str) -> &str {
        self.wanted
            .said()
            .into_iter()
            .find(|(said, _)| *said == name)
            .map_or("", |(_, value)| value)
    }

    /// The filters that have no field of their own in the form, to be sent along.
    fn others(&self) -> Vec<(&'static str, &str)> {
        const FIELDS: [&str; 5] = ["q", "model", "outcome", "min", "min_ttft"];
        let said = self.wanted.said().into_iter();
        said.filter(|(name, _)| !FIELDS.contains(name)).collect()
    }

    fn chips(&self) -> Vec<(String, String)> {
        let chip = |(name, value): (&'static str, &str)| {
            (visible(&format!("{name}: {value}")), self.wanted.with(name, None))
        };
        self.wanted.said().into_iter().map(chip).collect()
    }

    /// Whether there is nothing at all.
    fn is_empty(&self) -> bool {
        self.held == 0
    }

    fn query(&self) -> String {
        self.wanted.with("", None)
    }

    /// The address of the next page.
    fn further(&self) -> Option<String> {
        Some(format!("{}&before={}", self.query(), self.next?))
    }
}

fn seconds(time: Option<std::time::Duration>) -> String {
    time.map_or_else(|| human::UNKNOWN.to_owned(), |time| human::seconds(time.as_secs_f64()))
}

fn tokens(request: &RecentRequest) -> String {
    request.usage.map_or_else(
        || human::UNKNOWN.to_owned(),
        |usage| format!("{} → {}", human::count(usage.input), human::count(usage.output)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_of_a_table_is_a_formula() {
        assert_eq!(cell_of("=1+1"), "\"'=1+1\"");
        assert_eq!(cell_of("a\"b"), "\"a\"\"b\"");
    }
}
