//! How the installation is, the level of logs, and who did what.
//!
//! Must not know: how any of it is found out.

use super::{Form, Frame, Shown};
use crate::admin::AdminState;
use crate::admin::access::Right;
use crate::admin::refusal::Refusal;
use crate::admin::system::{Process, Queue, System, system};
use crate::human;
use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Events of the audit on the page; programs get all there are.
const EVENTS: usize = 50;

#[derive(Template, Serialize)]
#[template(path = "system.html")]
struct SystemPage {
    #[serde(skip)]
    frame: Frame,
    #[serde(flatten)]
    system: System,
    #[serde(skip)]
    audit: Vec<Value>,
    #[serde(skip)]
    notice: Option<&'static str>,
}

/// What has just been done.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::admin) struct Done {
    done: String,
}

/// The page.
pub(in crate::admin) async fn page(
    State(state): State<AdminState>,
    form: Form,
    frame: Frame,
    Query(Done { done }): Query<Done>,
) -> Result<Response, Refusal> {
    let mut audit = Vec::new();
    if frame.visitor.may(Right::Administer) {
        audit = state.access.audit().told();
        audit.truncate(EVENTS);
    }
    let system = system(&state).await?;
    let notice = (done == "level").then_some("The level of logs was changed.");
    Ok(Shown(form, SystemPage { frame, system, audit, notice }).into_response())
}

impl SystemPage {
    fn may_act(&self) -> bool {
        self.frame.visitor.may(Right::Act)
    }

    fn may_administer(&self) -> bool {
        self.frame.visitor.may(Right::Administer)
    }

    /// What was lost, in a sentence.
    fn sentence(&self) -> String {
        let dropped: u64 = self.system.queues.iter().map(|queue| queue.dropped).sum();
        let up = human::seconds(self.system.uptime_seconds.round());
        match dropped {
            0 => format!("Up for {up}; nothing was lost."),
            _ => format!("Up for {up}; queues have lost {}.", human::count(dropped)),
        }
    }

    fn facts(&self) -> Vec<(&'static str, String, String)> {
        let Process { memory_bytes, memory_peak_bytes, cpu_seconds, .. } = &self.system.process;
        let process = &self.system.process;
        let unknown = || human::UNKNOWN.to_owned();
        let bytes = |value: &Option<u64>| value.map_or_else(unknown, human::bytes);
        let count = |value: &Option<u64>| value.map_or_else(unknown, human::count);
        let exact = |value: &Option<u64>| value.map_or_else(String::new, |v| format!("{v} bytes"));
        let share = cpu_seconds.map(|cpu| cpu / self.system.uptime_seconds.max(1.0));
        vec![
            ("Memory", bytes(memory_bytes), exact(memory_bytes)),
            ("At most", bytes(memory_peak_bytes), exact(memory_peak_bytes)),
            (
                "CPU",
                match (cpu_seconds, share) {
                    (Some(cpu), Some(share)) => {
                        format!("{}, {} of a core", human::seconds(*cpu), human::share(share))
                    }
                    _ => unknown(),
                },
                cpu_seconds.map_or_else(String::new, |cpu| format!("{cpu} s")),
            ),
            ("Threads", count(&process.threads), String::new()),
            (
                "Open files",
                format!("{} of {}", count(&process.open_files), count(&process.open_files_limit)),
                String::new(),
            ),
            ("Process", process.id.to_string(), String::new()),
        ]
    }

    fn traces_said(&self) -> String {
        let ago = |seconds: Option<f64>| seconds.map(|s| human::seconds(s.round()));
        let traces = &self.system.traces;
        match (traces.exported, &traces.error, ago(traces.sent_seconds_ago)) {
            (false, ..) => "go nowhere: no receiver is configured".to_owned(),
            (true, Some(error), _) => format!("are lost: {error}"),
            (true, None, Some(ago)) => format!("left {ago} ago"),
            (true, None, None) => "none has had to leave yet".to_owned(),
        }
    }

    fn scrapes_said(&self) -> String {
        match self.system.metrics_read_seconds_ago {
            Some(ago) => format!("read {} ago", human::seconds(ago.round())),
            None => "nobody reads them".to_owned(),
        }
    }
}

impl Queue {
    fn waiting_said(&self) -> String {
        self.waiting_bytes.map_or_else(|| human::UNKNOWN.to_owned(), human::bytes)
    }
}

fn text<'v>(event: &'v Value, name: &str) -> &'v str {
    event[name].as_str().unwrap_or_default()
}

/// What else there is to say of an event.
fn detail(event: &Value) -> String {
    match &event["detail"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        detail => detail.to_string(),
    }
}

fn tone(event: &Value) -> &'static str {
    match text(event, "result") {
        "done" => "good",
        "refused" => "doubt",
        _ => "bad",
    }
}
