//! Where a request would go, and why: decided by what decides it for requests, and nothing is
//! sent.
//!
//! | file | owns |
//! |---|---|
//! | `leads` | what a model's requests meet |
//!
//! Must not know: how a request is served.

mod leads;

pub(super) use leads::{Lead, Promise, Way};

use crate::admin::AdminState;
use crate::admin::refusal::{Refusal, refusal};
use crate::error::Fault;
use crate::pipeline::model_of;
use crate::protocol::{clean_text, recognise};
use crate::types::Operation;
use crate::upstream::{Catalog, Matched};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

/// The longest text of a question that is repeated, in characters.
const LONGEST: usize = 256;
/// Longer names than this are like none.
const LONGEST_NAME: usize = 64;
/// Models that are suggested at most.
const SUGGESTED: usize = 3;

/// The request that is asked about.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    /// As the body names it.
    model: Option<String>,
    /// `/v1/chat/completions` if left out.
    path: Option<String>,
    /// `POST` if left out.
    method: Option<String>,
    /// What the caller's key is called.
    key: Option<String>,
}

impl Asked {
    /// Whether anything is asked.
    pub(super) fn is_a_question(&self) -> bool {
        [&self.model, &self.path, &self.method].iter().any(|text| text.is_some())
    }
}

/// What would become of it.
#[derive(Serialize)]
pub(super) struct Answer {
    pub(super) model: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) key: Option<String>,
    /// The language it would be understood in.
    pub(super) dialect: &'static str,
    pub(super) operation: &'static str,
    /// Whether callers have to show a key.
    pub(super) needs_key: bool,
    pub(super) leads_to: LeadsTo,
}

/// Where it would go.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum LeadsTo {
    /// To a model.
    Model(Box<Lead>),
    /// Nowhere: Transom lists the models itself.
    Listing { models: usize },
    /// As it is to the first upstream.
    PassThrough { upstream: Option<String>, endpoints: Vec<String> },
    /// Nowhere: its caller would be told so.
    Refused { status: u16, code: Option<&'static str>, error: String, suggestions: Vec<String> },
}

/// `GET /api/v1/route`
pub(super) async fn show(
    State(state): State<AdminState>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Answer>, Refusal> {
    let Query(asked) = asked?;
    Ok(Json(answer(&state, asked)?))
}

/// What would become of the request.
///
/// # Errors
/// When its method is none.
pub(super) fn answer(state: &AdminState, asked: Asked) -> Result<Answer, Refusal> {
    let said = |text: Option<String>| text.filter(|text| !text.is_empty());
    let path = said(asked.path).unwrap_or_else(|| Operation::Chat.route().to_owned());
    let method = said(asked.method).unwrap_or_else(|| "POST".to_owned());
    let parsed: Result<Method, _> = method.parse();
    let no_method = |_| refusal(StatusCode::BAD_REQUEST, "`method` is none, such as POST");
    let (dialect, operation) = recognise(&parsed.map_err(no_method)?, &path);
    let (model, key) = (asked.model.unwrap_or_default(), said(asked.key));
    let leads_to = leads_to(state, (&model, key.as_deref()), operation);
    Ok(Answer {
        model: clean_text(&model, LONGEST),
        method: clean_text(&method, LONGEST),
        path: clean_text(&path, LONGEST),
        key: key.map(|key| clean_text(&key, LONGEST)),
        dialect: dialect.label(),
        operation: operation.label(),
        needs_key: !state.installation.keys.is_empty(),
        leads_to,
    })
}

/// In the order in which a request meets it: key, list of models, model.
fn leads_to(
    state: &AdminState,
    (model, key): (&str, Option<&str>),
    operation: Operation,
) -> LeadsTo {
    let (keys, catalog) = (&state.installation.keys, state.catalog.load());
    if !keys.is_empty() && key.is_some_and(|key| !keys.iter().any(|known| known == key)) {
        return refused(&Fault::Unauthorized, Vec::new());
    }
    match operation {
        Operation::Models => LeadsTo::Listing { models: catalog.models().len() },
        Operation::PassThrough => {
            let first = state.upstreams.first();
            let endpoints = first.map(|upstream| upstream.settings.endpoints.iter());
            LeadsTo::PassThrough {
                upstream: first.map(|upstream| upstream.settings.name.clone()),
                endpoints: endpoints.into_iter().flatten().map(|e| e.url()).collect(),
            }
        }
        Operation::Chat | Operation::TextCompletion | Operation::Embeddings => {
            match model_of(&catalog, model) {
                Ok(found) => {
                    let by = catalog.look_up(model).map_or(Matched::Name, |(_, by)| by);
                    LeadsTo::Model(Box::new(Lead::to(state, &found, by, operation)))
                }
                Err(fault) => refused(&fault, like(model, &catalog)),
            }
        }
    }
}

fn refused(fault: &Fault, suggestions: Vec<String>) -> LeadsTo {
    let (status, code) = (fault.status(), fault.code());
    LeadsTo::Refused { status, code, error: fault.to_string(), suggestions }
}

/// The names of models that `asked` may have been meant to be, the likeliest first.
fn like(asked: &str, catalog: &Catalog) -> Vec<String> {
    if asked.len() > LONGEST_NAME {
        return Vec::new();
    }
    let asked = asked.to_lowercase();
    let far = asked.chars().count().div_ceil(2);
    let names = catalog.models().iter().flat_map(|model| {
        let plain = model.aliases.iter().filter(|alias| !alias.contains(['*', '?']));
        std::iter::once(&model.name).chain(plain)
    });
    let names = names.filter(|name| name.len() <= LONGEST_NAME);
    let distance = |name: &String| strsim::damerau_levenshtein(&asked, &name.to_lowercase());
    let mut near: Vec<_> = names.map(|name| (distance(name), name)).collect();
    near.retain(|(distance, name)| *distance <= far || name.to_lowercase().contains(&asked));
    near.sort();
    near.into_iter().take(SUGGESTED).map(|(_, name)| name.clone()).collect()
}
