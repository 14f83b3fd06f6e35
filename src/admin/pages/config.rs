//! The configuration that holds, with who said what; and a place to have another one checked.
//!
//! Must not know: how a configuration is read.

use super::{Form as Wanted, Frame, Shown};
use crate::admin::access::Right;
use crate::admin::effective::{ConfigEntry, ConfigFault, ConfigOrigin};
use crate::admin::refusal::Refusal;
use crate::admin::{AdminState, settings};
use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Template, Serialize)]
#[template(path = "config.html")]
struct ConfigPage {
    #[serde(skip)]
    frame: Frame,
    file: String,
    entries: Vec<ConfigEntry>,
    #[serde(skip)]
    filter: Filter,
    #[serde(skip)]
    candidate: Option<Candidate>,
}

/// Which settings are shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::admin) struct Filter {
    /// Part of a path.
    q: String,
    /// Any text: only those that somebody has said.
    said: Option<String>,
}

/// A text that was checked, and what is wrong with it.
struct Candidate {
    text: String,
    faults: Vec<ConfigFault>,
}

/// A text to be checked.
#[derive(Deserialize)]
pub(in crate::admin) struct Pasted {
    toml: String,
}

/// A part of the configuration: `[server]`, or one `[[upstream]]`.
struct Section<'a> {
    name: String,
    entries: Vec<&'a ConfigEntry>,
}

/// The page.
pub(in crate::admin) async fn page(
    State(state): State<AdminState>,
    form: Wanted,
    frame: Frame,
    Query(filter): Query<Filter>,
) -> Response {
    Shown(form, ConfigPage::of(&state, frame, filter, None)).into_response()
}

/// The page with what is wrong with the text that was sent.
pub(in crate::admin) async fn check(
    State(state): State<AdminState>,
    frame: Frame,
    Form(Pasted { toml }): Form<Pasted>,
) -> Result<Response, Refusal> {
    let faults = settings::faults(&state, toml.clone()).await?;
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let candidate = Some(Candidate { text: toml, faults });
    let page = ConfigPage::of(&state, frame, Filter::default(), candidate);
    Ok((status, Shown(Wanted::Html, page)).into_response())
}

impl ConfigPage {
    fn of(state: &AdminState, frame: Frame, filter: Filter, candidate: Option<Candidate>) -> Self {
        let effective = &state.installation.config.effective;
        let q = filter.q.trim();
        let is_shown = |entry: &&ConfigEntry| {
            let is_said = filter.said.is_none() || entry.origin != ConfigOrigin::Default;
            is_said && entry.path.contains(q)
        };
        let entries = effective.entries.iter().filter(is_shown).cloned().collect();
        Self { file: effective.file.clone(), entries, frame, filter, candidate }
    }

    fn may_check(&self) -> bool {
        self.frame.visitor.may(Right::Administer)
    }

    fn pasted(&self) -> &str {
        self.candidate.as_ref().map_or("", |candidate| &candidate.text)
    }

    /// Settings by the table they are in, in their order.
    fn sections(&self) -> Vec<Section<'_>> {
        let mut sections: Vec<Section<'_>> = Vec::new();
        for entry in &self.entries {
            let name = entry.path.split('.').next().unwrap_or_default();
            match sections.last_mut().filter(|section| section.name == name) {
                Some(section) => section.entries.push(entry),
                None => sections.push(Section { name: name.to_owned(), entries: vec![entry] }),
            }
        }
        sections
    }
}

impl Section<'_> {
    /// As it is headed in a file, with the name that it gives itself.
    fn heading(&self) -> String {
        let Some((kind, _)) = self.name.split_once('[') else { return format!("[{}]", self.name) };
        let own = |entry: &&&ConfigEntry| {
            let key = entry.path.rsplit('.').next();
            matches!(key, Some("name" | "alias")) && entry.path.matches('.').count() == 1
        };
        let named = self.entries.iter().find(own).and_then(|entry| entry.value.as_ref()?.as_str());
        format!("[[{kind}]] {}", named.unwrap_or_default())
    }

    fn key<'a>(&self, entry: &'a ConfigEntry) -> &'a str {
        entry.path.strip_prefix(&self.name).map_or("", |key| key.trim_start_matches('.'))
    }
}

/// As a file says it: texts in a list keep their quotes.
fn said(entry: &ConfigEntry) -> String {
    let is_secret_of = |suffix: &str| entry.path.ends_with(suffix);
    match &entry.value {
        None => "••••••••".to_owned(),
        Some(Value::String(name)) if is_secret_of("_env") => format!("set by env {name}"),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.is_empty() => "[]".to_owned(),
        Some(Value::Array(items)) => {
            let items: Vec<_> = items.iter().map(Value::to_string).collect();
            items.join(", ")
        }
        Some(other) => other.to_string(),
    }
}

fn tone(entry: &ConfigEntry) -> &'static str {
    match entry.origin {
        ConfigOrigin::Default => "",
        ConfigOrigin::Line(_) => "good",
        ConfigOrigin::Variable(_) | ConfigOrigin::Flag(_) | ConfigOrigin::Found => "doubt",
    }
}
