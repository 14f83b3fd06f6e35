//! A request in all its detail: what happened when, how its stream came, what it was.
//!
//! Must not know: how it was kept, or how pictures are drawn.

use super::said::{self, Said, View, said};
use super::{date, tone};
use crate::admin::AdminState;
use crate::admin::access::{Action, Deed, Right};
use crate::admin::charts::{Bar, Chunk, Kind, Strip, strip, waterfall};
use crate::admin::history::shown;
use crate::admin::pages::{Form, Frame, Shown};
use crate::admin::refusal::{Refusal, broken, refusal};
use crate::history::recent::{RecentAttempt, RecentRequest};
use crate::human;
use crate::types::{ChunkKind, UsageSource};
use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize, Serializer};
use std::time::Duration;
use tokio::task::spawn_blocking;

#[derive(Template, Serialize)]
#[template(path = "request.html")]
struct RequestPage {
    #[serde(skip)]
    frame: Frame,
    #[serde(serialize_with = "plain")]
    request: RecentRequest,
    #[serde(skip)]
    waterfall: String,
    #[serde(skip)]
    strip: Option<Strip>,
    #[serde(skip)]
    facts: Vec<Fact>,
    #[serde(skip)]
    said: Said,
    #[serde(skip)]
    view: View,
    /// Where its trace can be looked at.
    #[serde(skip)]
    trace: Option<String>,
}

/// What stands in the address.
#[derive(Deserialize)]
pub(in crate::admin) struct Asked {
    view: Option<String>,
}

struct Fact {
    name: &'static str,
    value: String,
    href: Option<String>,
}

fn plain<S: Serializer>(request: &RecentRequest, to: S) -> Result<S::Ok, S::Error> {
    shown::whole_request(request).serialize(to)
}

/// The page.
pub(in crate::admin) async fn show(
    State(state): State<AdminState>,
    form: Form,
    frame: Frame,
    Path(id): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(Asked { view }) = asked?;
    let view = if view.as_deref() == Some("raw") { View::Raw } else { View::Chat };
    let id = id.strip_suffix(".json").unwrap_or(&id).to_owned();
    let page = spawn_blocking(move || made(&state, frame, (&id, view, form))).await;
    let page = page.map_err(|error| broken(error.to_string()))?;
    let gone = "no request of this id is kept; it may have made room for newer ones";
    Ok(Shown(form, page.ok_or_else(|| refusal(StatusCode::NOT_FOUND, gone))?).into_response())
}

fn made(
    state: &AdminState,
    frame: Frame,
    (id, view, form): (&str, View, Form),
) -> Option<RequestPage> {
    let request = state.history.recent().find(id)?;
    let total = request.duration.as_secs_f64();
    let strip = chunks(&request).map(|chunks| strip(&chunks, total));
    // As JSON, nothing of it is told.
    let may_see = form == Form::Html && frame.visitor.may(Right::Content);
    let said = if may_see { said(state, &request, view) } else { Said::Hidden };
    if let Said::Captured(_) = said {
        state.access.note(&frame.visitor, Deed::of(Action::Look).about(id));
    }
    Some(RequestPage {
        waterfall: waterfall(&bars(&request), total),
        facts: facts(&request, &frame.base),
        trace: trace(state, &request),
        said,
        view,
        strip,
        frame,
        request,
    })
}

/// Where the trace of `request` can be looked at, if it was kept.
fn trace(state: &AdminState, request: &RecentRequest) -> Option<String> {
    let page = state.installation.traces.as_ref()?;
    request.kept.map(|_| page.of(&request.trace_id))
}

/// What took which part of the time.
fn bars(request: &RecentRequest) -> Vec<Bar> {
    let lookup = request.cache.as_ref().and_then(|cache| cache.lookup);
    let first = request.attempts.first().map(|attempt| attempt.began);
    let until = lookup.map(|(began, _)| began).or(first).unwrap_or(request.duration);
    let mut bars = vec![bar("parse + key", (Duration::ZERO, until), Kind::Own, String::new())];
    if let (Some((began, took)), Some(cache)) = (lookup, &request.cache) {
        let note = cache.status.label().to_owned();
        bars.push(bar("cache", (began, began + took), Kind::Own, note));
    }
    let many = request.attempts.len() > 1;
    for (attempt, number) in request.attempts.iter().zip(1_usize..) {
        bars.extend(attempt_bars(request, attempt, many.then_some(number)));
    }
    bars
}

fn attempt_bars(
    request: &RecentRequest,
    attempt: &RecentAttempt,
    number: Option<usize>,
) -> Vec<Bar> {
    let ended = attempt.ended.unwrap_or(request.duration);
    let took = human::seconds(ended.saturating_sub(attempt.began).as_secs_f64());
    let name = match number {
        Some(number) => format!("{}  attempt {number}", attempt.upstream),
        None => attempt.upstream.to_string(),
    };
    let (kind, note) = match attempt.error {
        Some(error) => (Kind::Bad, format!("{} · {took}", error.label())),
        None => (Kind::Good, took),
    };
    let mut bars = vec![bar(&name, (attempt.began, ended), kind, note)];
    if attempt.error.is_some() && number.is_some_and(|number| number < request.attempts.len()) {
        return bars;
    }
    let part = |name: &str, from: Duration, to: Duration, note: String| {
        bar(name, (from, to), Kind::Part, note)
    };
    let lasts =
        |from: Duration, to: Duration| human::seconds(to.saturating_sub(from).as_secs_f64());
    if let Some(connected) =
        attempt.connected.filter(|at| *at > attempt.began + Duration::from_millis(1))
    {
        bars.push(part("connect", attempt.began, connected, lasts(attempt.began, connected)));
    }
    if let Some(first) = request.first_token {
        bars.push(part("first token", attempt.began, first, lasts(attempt.began, first)));
        if let Some(last) = request.last_chunk {
            let tokens = request.usage.map_or_else(String::new, |usage| {
                format!("{} tokens · ", human::count(usage.output))
            });
            bars.push(part("stream", first, last, format!("{tokens}{}", lasts(first, last))));
        }
    } else if let Some(first_byte) = attempt.first_byte {
        bars.push(part("first byte", attempt.began, first_byte, lasts(attempt.began, first_byte)));
    }
    bars
}

fn bar(name: &str, (from, to): (Duration, Duration), kind: Kind, note: String) -> Bar {
    Bar { name: name.to_owned(), span: (from.as_secs_f64(), to.as_secs_f64()), note, kind }
}

/// The chunks of a stream, each with the time at which it came.
fn chunks(request: &RecentRequest) -> Option<Vec<Chunk>> {
    let strip = request.chunks.as_ref().filter(|strip| !strip.is_empty())?;
    let mut at = Duration::ZERO;
    let chunk = |note: crate::types::ChunkNote| {
        at += note.after;
        Chunk {
            at: at.as_secs_f64(),
            bytes: u64::from(note.length),
            generated: note.kind == ChunkKind::Generated,
        }
    };
    Some(strip.notes().map(chunk).collect())
}

fn facts(request: &RecentRequest, base: &str) -> Vec<Fact> {
    let fact = |name, value: String| Fact { name, value, href: None };
    let known = |name, value: Option<String>| value.map(|value| fact(name, value));
    let upstreams: Vec<&str> = request.attempts.iter().map(|attempt| &*attempt.upstream).collect();
    let tokens = request.usage.map(|usage| {
        let by = match usage.source {
            UsageSource::Upstream => "upstream's count",
            UsageSource::Estimated => "estimated",
            UsageSource::Cache => "counted when it was cached",
        };
        format!("{} in · {} out · {by}", human::count(usage.input), human::count(usage.output))
    });
    let answered = request.model_answered.clone();
    let facts = [
        known("Asked", request.model_asked.clone()),
        known("Sent", request.model_sent.as_deref().map(str::to_owned)),
        known("Answered", answered),
        known("Upstream", (!upstreams.is_empty()).then(|| upstreams.join(" → "))),
        known("Tokens", tokens),
        known("Cost", request.cost.map(|cost| format!("${:.6}", cost.dollars()))),
        known("Cache", request.cache.as_ref().map(|cache| cache.status.label().to_owned())),
        known("Key", request.key.as_deref().map(str::to_owned)),
        Some(fact(
            "Bytes",
            format!(
                "{} in · {} out",
                human::bytes(request.bytes_in),
                human::bytes(request.bytes_out)
            ),
        )),
        known("Missed", (!request.slo_missed.is_empty()).then(|| request.slo_missed.join(", "))),
        known("Kept", (!request.slo_met.is_empty()).then(|| request.slo_met.join(", "))),
        known("Trace", request.kept.map(|_| request.trace_id.to_string())),
        Some(Fact {
            name: "Model",
            value: request.model.to_string(),
            href: Some(format!("{base}/models/{}", request.model)),
        }),
    ];
    facts.into_iter().flatten().collect()
}

impl RequestPage {
    /// Whether the page has it as commands.
    fn can_be_copied(&self) -> bool {
        matches!(&self.said, Said::Captured(captured) if captured.again.is_some())
    }

    /// What came of it, in words for each objective.
    fn under(&self) -> String {
        let request = &self.request;
        let stream = if request.streamed { " · stream" } else { "" };
        let total = human::seconds(request.duration.as_secs_f64());
        let first = request.first_token.map_or_else(String::new, |first| {
            format!(" · first token {}", human::seconds(first.as_secs_f64()))
        });
        let own = request.overhead.map_or_else(String::new, |own| {
            format!(" · proxy's own time {}", human::seconds(own.as_secs_f64()))
        });
        format!(
            "{} {}{stream} · total {total}{first}{own}",
            request.method,
            request.operation.label()
        )
    }

    fn stream_said(&self) -> String {
        let Some(Strip { gaps: Some([p50, p99, longest]), stalls, .. }) = &self.strip else {
            return String::new();
        };
        let tokens = self
            .request
            .usage
            .map_or_else(String::new, |usage| format!("{} tokens · ", human::count(usage.output)));
        let rate = self
            .request
            .per_token
            .filter(|time| !time.is_zero())
            .map_or_else(String::new, |time| {
                format!("{} tok/s · ", human::number(1.0 / time.as_secs_f64()))
            });
        let merged = self.request.chunks.as_ref().map_or(0, |strip| strip.merged());
        let merged = if merged > 0 {
            format!(" · {} chunks at the end shown as one", human::count(merged))
        } else {
            String::new()
        };
        let stalled = match stalls.as_slice() {
            [] => String::new(),
            [(at, _)] => format!(" · stalled at {}", human::seconds(*at)),
            [(at, _), ..] => {
                format!(" · stalled {} times, first at {}", stalls.len(), human::seconds(*at))
            }
        };
        format!(
            "{tokens}{rate}inter-chunk p50 {}, p99 {} · largest gap {}{stalled}{merged}",
            human::seconds(*p50),
            human::seconds(*p99),
            human::seconds(*longest)
        )
    }

    fn retried(&self) -> Option<String> {
        match self.request.attempts.len() {
            0 | 1 => None,
            2 => Some("retried once".to_owned()),
            many => Some(format!("retried {} times", many - 1)),
        }
    }
}
