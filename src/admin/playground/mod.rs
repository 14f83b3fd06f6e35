//! A prompt sent through the proxy's own listener, as any caller sends one: it is routed,
//! measured, judged and traced like theirs.
//!
//! | file | owns |
//! |---|---|
//! | `prompt` | what is asked, and the request that asks it |
//!
//! Must not know: how the proxy serves it. Nothing is sent anywhere else.

mod prompt;

pub(super) use prompt::Prompt;

use crate::admin::AdminState;
use crate::admin::access::{Action, Deed, Right, Visitor};
use crate::admin::history::shown;
use crate::admin::refusal::{Refusal, broken, read, refusal};
use crate::protocol::clean_text;
use crate::replay::client::{Client, KeepAnswers, Patience, Seen, Target};
use crate::replay::{CountedBy, Failure};
use crate::types::{Random, RequestId};
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

/// Prompts under way at once.
const AT_ONCE: usize = 4;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long what the proxy measured may take to be known, and how often it is looked for.
const SETTLE: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(10);
/// The longest name that is told to the audit, in characters.
const LONGEST_NAME: usize = 256;

/// The way in that every caller takes. Cloning shares its turns.
#[derive(Clone)]
pub struct Playground {
    proxy: SocketAddr,
    turns: Arc<Semaphore>,
}

/// What came of a prompt. Times are in seconds, as the caller saw them; what was not measured,
/// or may not be seen, is null.
#[derive(Serialize)]
pub(super) struct Played {
    pub(super) request_id: String,
    pub(super) trace_id: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) failure: Option<Failure>,
    pub(super) text: Option<String>,
    /// The body as it came, at most 256 KiB of it.
    pub(super) raw: Option<String>,
    pub(super) finish_reason: Option<String>,
    pub(super) ttft_seconds: Option<f64>,
    pub(super) total_seconds: Option<f64>,
    pub(super) tokens_in: Option<u64>,
    pub(super) tokens_out: Option<u64>,
    pub(super) tokens_counted_by: Option<CountedBy>,
    pub(super) tokens_per_second: Option<f64>,
    /// Whether what was said may be seen.
    pub(super) may_see_content: bool,
    /// The same as the proxy measured it, as in `/api/v1/requests/{id}`.
    pub(super) measured: Option<Value>,
}

impl Playground {
    /// One whose prompts go to the proxy at `proxy`.
    pub fn at(proxy: SocketAddr) -> Self {
        Self { proxy, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Where clients of this machine connect.
    pub(super) fn proxy(&self) -> SocketAddr {
        self.proxy
    }
}

/// `POST /api/v1/playground`
pub(super) async fn play(
    State(state): State<AdminState>,
    visitor: Visitor,
    prompt: Result<Json<Prompt>, JsonRejection>,
) -> Result<Json<Played>, Refusal> {
    played(&state, &visitor, &read(prompt)?).await.map(Json)
}

/// Sends it and waits for its answer. Whoever leaves ends it.
///
/// # Errors
/// When it makes no request, or too many are under way.
pub(super) async fn played(
    state: &AdminState,
    visitor: &Visitor,
    prompt: &Prompt,
) -> Result<Played, Refusal> {
    let Playground { proxy, turns } = &state.installation.playground;
    let random = Random::from_system();
    let id = RequestId::mint(|| random.next_u64());
    let wrong = |why| refusal(StatusCode::BAD_REQUEST, why);
    let outgoing = prompt.outgoing(&id).map_err(wrong)?;
    let busy = |_| {
        let why = format!("{AT_ONCE} prompts are under way already; try again when one has ended");
        refusal(StatusCode::TOO_MANY_REQUESTS, why)
    };
    let _turn = turns.try_acquire().map_err(busy)?;
    let target = Target::parse(&format!("http://{proxy}"));
    let target = target.map_err(|error| broken(error.to_string()))?;
    let roots = rustls::RootCertStore::empty();
    let client = Client::new(&target, roots, KeepAnswers::Raw);
    let client = client.map_err(|error| broken(error.to_string()))?;
    let patience =
        Patience { timeout: PATIENCE, leaves_after: None, cut: CancellationToken::new() };
    let began = Instant::now();
    let seen = client.send(&outgoing, &patience).await;
    let measured = measured(state, &id).await;
    let played = Played::of(&id, (began, seen), visitor, measured);
    let detail = serde_json::json!({
        "model": clean_text(prompt.model(), LONGEST_NAME),
        "status": played.status,
    });
    state.access.note(visitor, Deed::of(Action::Play).about(id.as_str()).with(detail));
    Ok(played)
}

/// What the proxy measured, which is known soon after the answer's end.
async fn measured(state: &AdminState, id: &RequestId) -> Option<Value> {
    let mut looks = interval(LOOK);
    let looked = async {
        loop {
            looks.tick().await;
            if let Some(found) = state.history.recent().find(id.as_str()) {
                return found;
            }
        }
    };
    timeout(SETTLE, looked).await.ok().as_ref().map(shown::whole_request)
}

impl Played {
    fn of(
        id: &RequestId,
        (began, seen): (Instant, Seen),
        visitor: &Visitor,
        measured: Option<Value>,
    ) -> Self {
        let may_see_content = visitor.may(Right::Content);
        let sent = seen.sent.unwrap_or(began);
        let since = |then: Instant| then.saturating_duration_since(sent).as_secs_f64();
        let writing = seen.first_token.map_or_else(
            || since(seen.last),
            |first| seen.last.saturating_duration_since(first).as_secs_f64(),
        );
        let (tokens_in, tokens_out, counted) = match seen.tokens {
            Some((input, output, by)) => (Some(input), Some(output), Some(by)),
            None => (None, None, None),
        };
        let rate = tokens_out.map(|tokens| tokens as f64 / writing).filter(|_| writing > 0.0);
        let trace_id = measured.as_ref().and_then(|told| told["trace_id"].as_str());
        let raw = seen.raw.filter(|_| may_see_content);
        let answer = seen.answer.filter(|_| may_see_content);
        Self {
            request_id: id.to_string(),
            trace_id: trace_id.map(str::to_owned),
            status: seen.status,
            failure: seen.failure,
            finish_reason: answer.as_ref().and_then(|answer| answer.finish.clone()),
            text: answer.map(|answer| answer.text),
            raw: raw.map(|raw| String::from_utf8_lossy(&raw).into_owned()),
            ttft_seconds: seen.first_token.map(since),
            total_seconds: seen.status.map(|_| since(seen.last)),
            tokens_in,
            tokens_out,
            tokens_counted_by: counted,
            tokens_per_second: rate,
            may_see_content,
            measured,
        }
    }
}
