//! How far a replay is, as it goes on: events of the server (WHATWG HTML §9.2).
//!
//! Must not know: who looks, or how often.

use super::{control, run_id};
use crate::admin::AdminState;
use crate::admin::refusal::Refusal;
use crate::replay::compare::Arm;
use crate::replay::experiment::Standing;
use axum::extract::{Path, State};
use axum::response::Sse;
use axum::response::sse::Event;
use futures_util::stream::{self, Stream};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often it is told.
const EVERY: Duration = Duration::from_millis(500);

/// `progress` events while the replay goes on, then one `end`.
pub(in crate::admin) async fn progress(
    State(state): State<AdminState>,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let (desk, id) = (control(&state)?.desk, run_id(&id)?);
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let events = stream::unfold(Some(ticks), move |ticks: Option<Interval>| {
        let (desk, id) = (desk.clone(), id.clone());
        async move {
            let mut ticks = ticks?;
            ticks.tick().await;
            Some(match desk.standing(&id) {
                Some(standing) => (Ok(told(&standing)), Some(ticks)),
                None => (Ok(Event::default().event("end").data(id.as_str())), None),
            })
        }
    });
    Ok(Sse::new(events))
}

fn told(standing: &Standing) -> Event {
    Event::default().event("progress").data(shown(standing).to_string())
}

/// Runs, and the requests of the run under way.
pub(super) fn shown(standing: &Standing) -> Value {
    let current = standing.current.map(|(arm, now)| {
        json!({
            "arm": match arm { Arm::A => "a", Arm::B => "b" },
            "planned": now.planned,
            "sent": now.sent,
            "done": now.done,
            "failed": now.failed,
            "rate": now.rate,
            "p95_seconds": now.p95.map(|p95| p95.as_secs_f64()),
            "elapsed_seconds": now.elapsed.as_secs_f64(),
        })
    });
    json!({ "runs_ended": standing.ended, "runs": standing.of, "current": current })
}
