//! What came of a replay, in every form.
//!
//! Must not know: how a form is made.

use super::{control, run_id, shown};
use crate::admin::AdminState;
use crate::admin::refusal::{Refusal, broken, refusal};
use crate::replay::experiment::{ExperimentRecord, Standing};
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
    let (record, standing, report) = report_on(&state, &id).await?;
    let mut answer = shown(&record, standing);
    let text = report.as_ref().map(as_json).transpose();
    let text = text.map_err(|error| broken(error.to_string()))?;
    let report = text.map(|text| serde_json::from_str::<Value>(&text)).transpose();
    answer["report"] = report.map_err(|error| broken(error.to_string()))?.into();
    Ok(Json(answer))
}

/// What it is, how far it is, and its report once a run has ended. Reading samples takes its time.
pub(in crate::admin) async fn report_on(
    state: &AdminState,
    id: &str,
) -> Result<(ExperimentRecord, Option<Standing>, Option<ReportInput>), Refusal> {
    let (desk, id) = (control(state)?.desk, run_id(id)?);
    let read = spawn_blocking(move || {
        let missing = || refusal(StatusCode::NOT_FOUND, "there is no such replay");
        let record = ExperimentRecord::load(desk.root(), &id).map_err(|_| missing())?;
        let report = report_of(&record, desk.root()).map_err(|error| broken(error.to_string()))?;
        Ok((record, desk.standing(&id), report))
    });
    read.await.map_err(|error| broken(error.to_string()))?
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
    let (_, _, report) = report_on(&state, &id).await?;
    let report =
        report.ok_or_else(|| refusal(StatusCode::CONFLICT, "no run of it has ended yet"))?;
    let text = form(&report).map_err(broken)?;
    let mut response = ([(header::CONTENT_TYPE, kind)], text).into_response();
    if let Ok(policy) = HeaderValue::try_from(format!("{}; frame-ancestors 'none'", page_policy()))
        && name == "report.html"
    {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

type Form = fn(&ReportInput) -> Result<String, String>;
