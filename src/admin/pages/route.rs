//! Which way a request would take, and why.
//!
//! Must not know: how a way is found.

use super::quoting::shell;
use super::{Form, Frame, Shown};
use crate::admin::AdminState;
use crate::admin::refusal::Refusal;
use crate::admin::routing::{self, Answer, Asked, Lead, LeadsTo, Promise, Way};
use crate::human;
use crate::types::Operation;
use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use std::net::SocketAddr;

#[derive(Template, Serialize)]
#[template(path = "route.html")]
struct RoutePage {
    #[serde(skip)]
    frame: Frame,
    answer: Option<Answer>,
    #[serde(skip)]
    problem: Option<String>,
    #[serde(skip)]
    models: Vec<String>,
    #[serde(skip)]
    keys: Vec<String>,
    /// Where clients of this machine connect.
    #[serde(skip)]
    proxy: SocketAddr,
}

/// The page; with an answer where a question stands in the query.
pub(in crate::admin) async fn page(
    State(state): State<AdminState>,
    form: Form,
    frame: Frame,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(asked) = asked?;
    let (answer, problem) = match asked.is_a_question().then(|| routing::answer(&state, asked)) {
        Some(Ok(answer)) => (Some(answer), None),
        Some(Err(refusal)) => (None, Some(refusal.why().to_owned())),
        None => (None, None),
    };
    let models = state.catalog.load();
    let models = models.models().iter().map(|model| model.name.clone()).collect();
    let keys = state.installation.keys.to_vec();
    let proxy = state.installation.playground.proxy();
    Ok(Shown(form, RoutePage { frame, answer, problem, models, keys, proxy }).into_response())
}

impl RoutePage {
    fn said(&self, name: &str) -> &str {
        let said = self.answer.as_ref().map(|answer| match name {
            "model" => answer.model.as_str(),
            "method" => answer.method.as_str(),
            "key" => answer.key.as_deref().unwrap_or_default(),
            _ => answer.path.as_str(),
        });
        said.unwrap_or(if name == "path" { Operation::Chat.route() } else { "" })
    }

    fn curl(&self) -> String {
        let Some(answer) = &self.answer else { return String::new() };
        let key = if answer.needs_key { " -H \"Authorization: Bearer $KEY\"" } else { "" };
        let url = shell(&format!("http://{}{}", self.proxy, answer.path));
        if answer.method == "GET" {
            return format!("curl {url}{key}");
        }
        let body = serde_json::json!({
            "model": answer.model,
            "messages": [{ "role": "user", "content": "Hello" }],
        });
        let body = shell(&body.to_string());
        format!("curl {url} -H 'content-type: application/json'{key} -d {body}")
    }
}

impl Lead {
    /// By which of its names it was found, in words.
    fn why(&self) -> String {
        match (self.matched, &self.pattern) {
            ("pattern", Some(pattern)) => format!("the alias {pattern} stands for that name"),
            ("alias", _) => "that is one of its aliases".to_owned(),
            _ => "that is its name".to_owned(),
        }
    }

    fn price_said(&self) -> String {
        let said =
            |[input, output]: [f64; 2]| format!("${input} in, ${output} out, for a million tokens");
        self.price.map_or_else(|| "none is known".to_owned(), said)
    }
}

impl Way {
    fn share_said(&self) -> String {
        human::brief(&human::share(self.share))
    }

    fn key_said(&self) -> &'static str {
        match self.key {
            "upstream" => "the upstream's own",
            "caller" => "the caller's, as it came",
            _ => "none",
        }
    }

    fn balance_said(&self) -> &'static str {
        match (self.endpoints.len(), self.balance) {
            (1, _) => "the only one",
            (_, "round_robin") => "in turn, by weight",
            _ => "the less loaded of two random ones",
        }
    }

    fn limits_said(&self) -> Vec<(&'static str, String)> {
        let of = &self.timeouts;
        [
            ("connect", of.connect),
            ("first byte", of.first_byte),
            ("first token", of.first_token),
            ("idle", of.idle),
            ("total", of.total),
        ]
        .map(|(name, limit)| (name, human::brief(&human::seconds(limit))))
        .into()
    }
}

impl Promise {
    fn said(&self) -> String {
        let share = human::brief(&human::share(self.objective));
        let limits = [
            ("ttft", self.ttft_seconds),
            ("tpot", self.tpot_seconds),
            ("latency", self.latency_seconds),
        ];
        let limits = limits.into_iter().filter_map(|(name, limit)| {
            let within = format!("within {}", human::brief(&human::seconds(limit?)));
            Some(if name == self.kind { within } else { format!("{name} {within}") })
        });
        format!("{share} {} {}", self.kind, limits.collect::<Vec<_>>().join(", "))
    }
}

fn cache_said(cache: &Option<Value>) -> String {
    let Some(cache) = cache else { return "its answers are not cached".to_owned() };
    let ttl = cache["ttl_seconds"].as_f64().unwrap_or_default();
    let scope = match cache["scope"].as_str() {
        Some("global") => "for everybody",
        Some("tenant") => "for the keys of one tenant",
        _ => "for one key",
    };
    let when = if cache["when"] == "asked" { ", where the caller asks for it" } else { "" };
    format!("answers are kept for {}, {scope}{when}", human::brief(&human::seconds(ttl)))
}

fn capture_said(capture: &Option<Value>) -> String {
    let Some(capture) = capture else { return "it is not captured".to_owned() };
    let share = human::brief(&human::share(capture["sessions"].as_f64().unwrap_or(1.0)));
    format!("{share} of conversations, {}", capture["mode"].as_str().unwrap_or_default())
}
