//! Upstreams: how each endpoint does, who gets which share of the traffic, and forms that change
//! that.
//!
//! | file | owns |
//! |---|---|
//! | `shares` | models, their targets, and the forms |
//! | `health` | upstreams and their endpoints |
//!
//! Must not know: how a share is changed, or how attempts are counted.

mod health;
mod shares;

use super::{Form as Wanted, Frame, Shown};
use crate::admin::AdminState;
use crate::admin::access::Right;
use crate::admin::refusal::{Refusal, refusal};
use crate::admin::weights::{self, Unchanged, Word};
use crate::history::endpoints::Ended;
use crate::human;
use askama::Template;
use axum::Form;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use health::{EndpointRow, Health, STRETCH, UpstreamRow};
use serde::{Deserialize, Serialize};
use shares::ModelShares;
use std::collections::BTreeMap;

/// Models that are shown with their forms; the others by name.
const MOST_SHOWN: usize = 50;

#[derive(Template, Serialize)]
#[template(path = "upstreams.html")]
struct UpstreamsPage {
    #[serde(skip)]
    frame: Frame,
    #[serde(skip)]
    asked: Asked,
    #[serde(skip)]
    problem: Option<Problem>,
    sentence: String,
    /// Whether changes outlive the process.
    changes_are_kept: bool,
    models: Vec<ModelShares>,
    upstreams: Vec<UpstreamRow>,
}

/// What stands in the address.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::admin) struct Asked {
    /// The only model that is to be shown.
    model: Option<String>,
    /// What was done just now.
    did: Option<String>,
}

/// Why a change was not made, and what insists on it.
struct Problem {
    why: String,
    /// The form once more; empty where nothing helps.
    anyway: Vec<(String, String)>,
}

/// The page.
pub(in crate::admin) async fn page(
    State(state): State<AdminState>,
    form: Wanted,
    frame: Frame,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(asked) = asked?;
    Ok(Shown(form, made(&state, frame, asked, None)).into_response())
}

/// The same, for programs.
pub(in crate::admin) async fn json(state: State<AdminState>, frame: Frame) -> Response {
    Shown(Wanted::Json, made(&state.0, frame, Asked::default(), None)).into_response()
}

/// Changes what the form says, and leads back; or says why not.
pub(in crate::admin) async fn weigh(
    State(state): State<AdminState>,
    frame: Frame,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Result<Response, Refusal> {
    let wanted = wanted(&fields)?;
    let done = weights::changed(&state, &frame.visitor, wanted).await;
    let (status, why, anyway) = match done {
        Ok(_) => {
            let did = fields.get("act").map_or("", String::as_str);
            let there = format!("{}/upstreams?did={did}#shares", frame.base);
            return Ok(Redirect::to(&there).into_response());
        }
        Err(Unchanged::Refused(status, why)) => (status, why, Vec::new()),
        Err(Unchanged::LastOne(why)) => {
            let again = fields.into_iter().filter(|(name, _)| name != "csrf").collect();
            (StatusCode::CONFLICT, why, again)
        }
    };
    let page = made(&state, frame, Asked::default(), Some(Problem { why, anyway }));
    Ok((status, Shown(Wanted::Html, page)).into_response())
}

/// What a form says. Its number counts unless only its slider was moved: a browser without
/// scripts does not keep the two alike.
fn wanted(fields: &BTreeMap<String, String>) -> Result<weights::Wanted, Refusal> {
    let said = |name: &str| fields.get(name).map(String::as_str);
    let (weight, state) = match said("act") {
        Some("weight") => {
            let number = said("weight").filter(|number| said("was") != Some(number));
            let weight = number.or(said("slider")).or(said("weight")).unwrap_or_default().trim();
            let unreadable = |_| refusal(StatusCode::BAD_REQUEST, "a weight is a whole number");
            (Some(weight.parse().map_err(unreadable)?), None)
        }
        Some("drain") => (None, Some(Word::Drained)),
        Some("enable") => (None, Some(Word::Enabled)),
        Some("reset") => (None, Some(Word::Reset)),
        _ => return Err(refusal(StatusCode::BAD_REQUEST, "say what is to be done")),
    };
    let text = |name: &str| said(name).map(str::to_owned);
    Ok(weights::Wanted {
        model: text("model"),
        upstream: text("upstream").unwrap_or_default(),
        served_as: text("served_as"),
        endpoint: text("endpoint"),
        weight,
        state,
        force: said("force").is_some(),
    })
}

fn made(state: &AdminState, frame: Frame, asked: Asked, problem: Option<Problem>) -> UpstreamsPage {
    let mut models = shares::shares(state);
    let upstreams = health::upstreams(state, &models);
    if let Some(only) = &asked.model {
        models.retain(|model| model.model == *only);
    }
    UpstreamsPage {
        sentence: sentence(&upstreams),
        changes_are_kept: state.edits.are_kept(),
        frame,
        asked,
        problem,
        models,
        upstreams,
    }
}

fn sentence(upstreams: &[UpstreamRow]) -> String {
    let endpoints = || upstreams.iter().flat_map(|upstream| &upstream.endpoints);
    let count = |health| endpoints().filter(|endpoint| endpoint.health == health).count();
    let (all, quiet) = (endpoints().count(), count(Health::Quiet));
    let (failing, partly) = (count(Health::Failing), count(Health::Partly));
    let are = |number: usize| if number == 1 { "is" } else { "are" };
    let mut sentence = match (all, failing, partly) {
        (0, _, _) => "No upstream is configured.".to_owned(),
        (1, 0, 0) if quiet == 0 => "The endpoint answers.".to_owned(),
        (_, 0, 0) if quiet == all => "No endpoint has been asked anything for a while.".to_owned(),
        (all, 0, 0) if quiet == 0 => format!("All {all} endpoints answer."),
        (all, 0, 0) => {
            format!("{} of {all} endpoints answer, the others have no traffic.", all - quiet)
        }
        (all, 0, partly) => format!("{partly} of {all} endpoints fail at times."),
        (all, failing, _) => format!("{failing} of {all} endpoints {} failing.", are(failing)),
    };
    let drained = endpoints().filter(|endpoint| endpoint.standing.drained).count();
    if drained > 0 {
        sentence.push_str(&format!(" {drained} {} drained.", are(drained)));
    }
    sentence
}

/// A figure of all upstreams together.
struct Tile {
    name: &'static str,
    said: String,
    exact: String,
    tone: &'static str,
}

impl UpstreamsPage {
    fn tiles(&self) -> Vec<Tile> {
        let endpoints = || self.upstreams.iter().flat_map(|upstream| &upstream.endpoints);
        let rate: f64 = endpoints().map(|endpoint| endpoint.attempts_per_second).sum();
        let in_flight: u64 = endpoints().map(|endpoint| endpoint.in_flight).sum();
        let tokens: u64 = endpoints().map(|endpoint| endpoint.outstanding_tokens).sum();
        let ended = endpoints().fold(Ended::default(), |sum, one| {
            sum.and(Ended { answered: one.answered, failed: one.failed })
        });
        let failed = ended.failed_share();
        let tile = |name, said: String, exact: String| Tile { name, said, exact, tone: "" };
        let said = failed.map_or_else(|| human::UNKNOWN.to_owned(), human::share);
        let exact = format!("{} of {}", ended.failed, ended.all());
        let tone = if failed.is_some_and(|share| share >= 0.01) { "doubt" } else { "" };
        vec![
            tile("Attempts a second", human::number(rate), human::exact(rate)),
            Tile { tone, ..tile("Failed, last hour", said, exact) },
            tile("In flight", human::count(in_flight), in_flight.to_string()),
            tile("Tokens outstanding", human::number(tokens as f64), tokens.to_string()),
        ]
    }

    fn may_act(&self) -> bool {
        self.frame.visitor.may(Right::Act)
    }

    /// Models that have their forms here.
    fn shown(&self) -> &[ModelShares] {
        self.models.get(..MOST_SHOWN).unwrap_or(&self.models)
    }

    /// The others.
    fn further(&self) -> &[ModelShares] {
        self.models.get(MOST_SHOWN..).unwrap_or_default()
    }

    /// An address to ask which models there are.
    fn any_endpoint(&self) -> &str {
        let endpoint = self.upstreams.first().and_then(|upstream| upstream.endpoints.first());
        endpoint.map_or("http://127.0.0.1:8000", |endpoint| &endpoint.url)
    }

    /// What was done just now. From the address, so it says nothing that could mislead.
    fn done(&self) -> Option<&'static str> {
        match self.asked.did.as_deref()? {
            "weight" => Some("The weight counts from the next request on."),
            "drain" => Some("Drained: it takes no new requests, and those it has go on."),
            "enable" => Some("It takes requests again."),
            "reset" => Some("It is as the file says again."),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&str, &str)]) -> Option<weights::Wanted> {
        let fields = fields.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        wanted(&fields.collect()).ok()
    }

    #[test]
    fn the_number_counts_unless_only_the_slider_was_moved() {
        let weight = |number: &str, slider: &str| {
            let fields = [("act", "weight"), ("was", "90"), ("weight", number), ("slider", slider)];
            read(&fields).and_then(|wanted| wanted.weight)
        };
        assert_eq!(weight("90", "10"), Some(10));
        assert_eq!(weight("20", "90"), Some(20));
        assert_eq!(weight("20", "10"), Some(20));
        assert_eq!(weight("90", "90"), Some(90));
        assert_eq!(weight("many", "90"), None);
        assert_eq!(weight("-1", "90"), None);
    }

    #[test]
    fn a_form_without_an_act_does_nothing() {
        assert!(read(&[("upstream", "u")]).is_none());
        let drain = read(&[("act", "drain"), ("upstream", "u"), ("model", "m")]).unwrap();
        assert_eq!((drain.state, drain.force), (Some(Word::Drained), false));
    }
}
