//! What came of a replay, in every form.
//!
//! Must not know: how a form is made.

use super::{control, run_id, shown};
use crate::admin::AdminState;
use crate::admin::refusal::{Refusal, broken, refusal};
use crate::replay::desk::Desk;
use crate::replay::experiment::ExperimentRecord;
use crate::replay::outcome::RunId;
use crate::replay::report::{
    ReportInput, html, json as as_json, junit, markdown, page_policy, report_of,
};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::task::spawn_blocking;

/// What it is and how far it is; its report beside it once a run has ended.
pub(in crate::admin) async fn show(
    State(state): State<AdminState>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let desk = control(&state)?.desk;
    let id = run_id(&id)?;
    let standing = desk.standing(&id);
    let (record, report) =
        read(desk, id, |input| as_json(input).map_err(|e| e.to_string())).await?;
    let mut answer = shown(&record, standing);
    let report = report.map(|text| serde_json::from_str::<Value>(&text)).transpose();
    answer["report"] = report.map_err(|error| broken(error.to_string()))?.into();
    Ok(Json(answer))
}

/// The report as a file: `report.html`, `.json`, `.md` or `.xml`.
pub(in crate::admin) async fn file(
    State(state): State<AdminState>,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let (kind, form): (&'static str, Form) = match name.as_str() {
        "report.html" => ("text/html; charset=utf-8", |i| html(i).map_err(|e| e.to_string())),
        "report.json" => ("application/json", |i| as_json(i).map_err(|e| e.to_string())),
        "report.xml" => ("application/xml", |i| junit(i).map_err(|e| e.to_string())),
        "report.md" => ("text/markdown; charset=utf-8", |i| Ok(markdown(i))),
        _ => return Err(refusal(StatusCode::NOT_FOUND, "a report is html, json, xml or md")),
    };
    let (_, report) = read(control(&state)?.desk, run_id(&id)?, form).await?;
    let text = report.ok_or_else(|| refusal(StatusCode::CONFLICT, "no run of it has ended yet"))?;
    let mut response = ([(header::CONTENT_TYPE, kind)], text).into_response();
    if let Ok(policy) = HeaderValue::try_from(format!("{}; frame-ancestors 'none'", page_policy()))
        && name == "report.html"
    {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

type Form = fn(&ReportInput) -> Result<String, String>;

/// The record, and its report in a form; reading samples takes its time.
async fn read(
    desk: Desk,
    id: RunId,
    form: Form,
) -> Result<(ExperimentRecord, Option<String>), Refusal> {
    let read = spawn_blocking(move || {
        let missing = || refusal(StatusCode::NOT_FOUND, "there is no such replay");
        let record = ExperimentRecord::load(desk.root(), &id).map_err(|_| missing())?;
        let input = report_of(&record, desk.root()).map_err(|error| broken(error.to_string()))?;
        let text = input.map(|input| form(&input)).transpose().map_err(broken)?;
        Ok((record, text))
    });
    read.await.map_err(|error| broken(error.to_string()))?
}
