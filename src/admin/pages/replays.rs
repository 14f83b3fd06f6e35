//! Replays: what there is, one to begin, how far it is, and what came of it.
//!
//! Must not know: how a replay is carried out, or how a report comes about.

use super::{Form as Wanted, Frame, Shown};
use crate::admin::AdminState;
use crate::admin::refusal::{Refusal, broken};
use crate::admin::replay::{self, Begun};
use crate::human;
use crate::replay::experiment::{Ending, ExperimentRecord, Question, Standing};
use crate::replay::report::{Parts, parts};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

#[derive(Template, Serialize)]
#[template(path = "replays.html")]
struct ReplaysPage {
    #[serde(skip)]
    frame: Frame,
    #[serde(skip)]
    problem: Option<String>,
    #[serde(skip)]
    wanted: BTreeMap<String, String>,
    upstreams: Vec<String>,
    models: Vec<String>,
    replays: Vec<Row>,
}

/// A replay in the list.
#[derive(Serialize)]
struct Row {
    id: String,
    began: String,
    question: &'static str,
    targets: Vec<String>,
    runs: usize,
    state: &'static str,
    why: Option<String>,
}

#[derive(Template)]
#[template(path = "replay.html")]
struct ReplayPage {
    frame: Frame,
    row: Row,
    standing: Option<Standing>,
    parts: Option<Parts>,
}

/// The list, and the form that begins one. What stands in the query is in the form already.
pub(in crate::admin) async fn list(
    State(state): State<AdminState>,
    form: Wanted,
    frame: Frame,
    Query(wanted): Query<BTreeMap<String, String>>,
) -> Result<Response, Refusal> {
    Ok(Shown(form, page(&state, frame, wanted, None).await?).into_response())
}

async fn page(
    state: &AdminState,
    frame: Frame,
    wanted: BTreeMap<String, String>,
    problem: Option<String>,
) -> Result<ReplaysPage, Refusal> {
    let replays = replay::records_of(state).await?;
    let replays = replays.iter().map(|(record, standing)| Row::of(record, standing.is_some()));
    let upstreams = state.upstreams.iter().map(|upstream| upstream.settings.name.clone());
    let models = state.catalog.load();
    let models = models.models().iter().map(|model| model.name.clone());
    Ok(ReplaysPage {
        frame,
        problem,
        wanted,
        upstreams: upstreams.collect(),
        models: models.collect(),
        replays: replays.collect(),
    })
}

/// Begins what the form says, and leads to it; or shows the form again with what is wrong.
pub(in crate::admin) async fn begin(
    State(state): State<AdminState>,
    frame: Frame,
    Form(wanted): Form<BTreeMap<String, String>>,
) -> Result<Response, Refusal> {
    let order = serde_json::from_value(order(&wanted)).map_err(|error| error.to_string());
    let problem = match order {
        Ok(order) => match replay::begun(&state, &frame.visitor, order).await? {
            Begun::Now(record) => {
                let there = format!("{}/replays/{}", frame.base, record.id);
                return Ok(Redirect::to(&there).into_response());
            }
            Begun::Refused(_, why) => why,
        },
        Err(why) => why,
    };
    let page = page(&state, frame, wanted, Some(problem)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Shown(Wanted::Html, page)).into_response())
}

/// One of them.
pub(in crate::admin) async fn show(
    State(state): State<AdminState>,
    frame: Frame,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    if let Some(id) = id.strip_suffix(".json") {
        return Ok(Redirect::to(&format!("{}/api/v1/replays/{id}", frame.base)).into_response());
    }
    let (record, standing, report) = replay::report_on(&state, &id).await?;
    let page = ReplayPage {
        frame,
        row: Row::of(&record, standing.is_some()),
        standing,
        parts: report.as_ref().map(parts),
    };
    let html = page.render().map_err(|error| broken(error.to_string()))?;
    let headers =
        [(header::CACHE_CONTROL, "no-store"), (header::CONTENT_TYPE, "text/html; charset=utf-8")];
    Ok((headers, html).into_response())
}

/// Stops one, and leads back to it.
pub(in crate::admin) async fn stop(
    State(state): State<AdminState>,
    frame: Frame,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    replay::stopped(&state, &frame.visitor, &id)?;
    Ok(Redirect::to(&format!("{}/replays/{id}", frame.base)).into_response())
}

/// The order that a form makes: what was left empty was not said.
fn order(form: &BTreeMap<String, String>) -> Value {
    let said = |name: &str| form.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let text = |name: &str| said(name).map(Value::from);
    let number =
        |name: &str| said(name).map(|text| text.parse::<u64>().map_or(text.into(), Value::from));
    let decimal =
        |name: &str| said(name).map(|text| text.parse::<f64>().map_or(text.into(), Value::from));
    let object = |members: Vec<(&str, Option<Value>)>| {
        let said = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(said.collect::<Map<_, _>>())
    };
    let to = |side: &str| {
        let target = said(&format!("{side}_to"))?;
        let (kind, name) = target.split_once(':').unwrap_or((target, ""));
        Some(object(vec![
            ("proxy", (kind == "proxy").then_some(Value::Bool(true))),
            ("upstream", (kind == "upstream").then(|| name.into())),
            ("url", (kind == "url").then(|| text(&format!("{side}_url"))).flatten()),
            ("model", text(&format!("{side}_model"))),
        ]))
    };
    let question = said("question").unwrap_or("run");
    let schedule = ["speed", "rate", "concurrency", "duration", "warm_up"];
    let mut schedule: Vec<_> = schedule.into_iter().map(|name| (name, text(name))).collect();
    schedule.push(("requests", number("requests")));
    schedule.push(("sweep", text("sweep").filter(|_| question == "sweep")));
    object(vec![
        ("question", Some(question.into())),
        ("a", to("a")),
        ("b", to("b").filter(|_| question == "compare")),
        (
            "capture",
            Some(object(vec![
                ("since", text("since")),
                ("model", text("model")),
                ("session", text("session")),
                ("request_id", text("request_id")),
                ("key", text("key")),
            ])),
        ),
        ("schedule", Some(object(schedule))),
        (
            "good",
            Some(object(vec![("ttft", text("good_ttft")), ("latency", text("good_latency"))])),
        ),
        ("runs", number("runs")),
        ("answers", said("answers").map(|_| Value::Bool(true))),
        ("max_tokens", number("max_tokens")),
        ("max_cost_usd", decimal("max_cost_usd")),
        ("yes", said("yes").map(|_| json!(true))),
    ])
}

impl Row {
    fn of(record: &ExperimentRecord, is_running: bool) -> Self {
        let began = UNIX_EPOCH + Duration::from(record.began);
        let (state, why) = match (&record.ending, is_running) {
            (_, true) => ("running", None),
            (Some(Ending::Done), _) => ("done", None),
            (Some(Ending::Stopped(why)), _) => ("stopped", Some(why.clone())),
            (Some(Ending::Failed(why)), _) => ("failed", Some(why.clone())),
            (None, _) => ("interrupted", Some("the process ended before it did".to_owned())),
        };
        Self {
            id: record.id.to_string(),
            began: humantime::format_rfc3339_seconds(began).to_string(),
            question: match record.question {
                Question::Run => "run",
                Question::Compare { .. } => "compare",
                Question::Calibrate { .. } => "calibrate",
                Question::Sweep { .. } => "sweep",
            },
            targets: record.arms.iter().map(|arm| arm.target.clone()).collect(),
            runs: record.arms.iter().map(|arm| arm.runs.len()).sum(),
            state,
            why,
        }
    }

    fn tone(&self) -> &'static str {
        match self.state {
            "done" => "good",
            "failed" | "interrupted" => "bad",
            "stopped" => "doubt",
            _ => "",
        }
    }
}

impl ReplaysPage {
    /// What stands in a field.
    fn said(&self, name: &str) -> &str {
        self.wanted.get(name).map_or("", String::as_str)
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.said(name) == value
    }
}

impl ReplayPage {
    /// How far the run under way is, from 0 to 120.
    fn level(&self) -> f64 {
        let current = self.standing.and_then(|standing| standing.current);
        let share = current.map_or(0.0, |(_, now)| now.done as f64 / now.planned.max(1) as f64);
        (share * 1200.0).round() / 10.0
    }

    fn progress(&self) -> String {
        let Some(standing) = self.standing else { return String::new() };
        let runs = match standing.of {
            Some(of) => format!("Run {} of {of}", (standing.ended + 1).min(of)),
            None => format!("Run {}", standing.ended + 1),
        };
        let Some((_, now)) = standing.current else { return format!("{runs} begins") };
        let p95 = now
            .p95
            .map_or_else(|| human::UNKNOWN.to_owned(), |p95| human::seconds(p95.as_secs_f64()));
        format!(
            "{runs}: {} of {} requests, {}/s, p95 {p95}, {} failed",
            human::count(now.done),
            human::count(now.planned),
            human::number(now.rate),
            human::count(now.failed)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_empty_was_not_said() {
        let form = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let made = order(&form(&[
            ("question", "compare"),
            ("a_to", "upstream:vllm"),
            ("b_to", "url"),
            ("b_url", "http://h:1"),
            ("rate", " 20/s "),
            ("duration", ""),
            ("runs", "5"),
            ("answers", "on"),
            ("max_tokens", "many"),
        ]));
        assert_eq!(
            made,
            json!({
                "question": "compare", "a": { "upstream": "vllm" }, "b": { "url": "http://h:1" },
                "capture": {}, "schedule": { "rate": "20/s" }, "good": {}, "runs": 5,
                "answers": true, "max_tokens": "many",
            })
        );
    }
}
