//! When pages should look again: one stream of events for each that is in view.
//!
//! Must not know: what is on a page.

use crate::admin::AdminState;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::stream::{self, Stream};
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How often there may be something new.
const EVERY: Duration = Duration::from_secs(2);

/// A `tick` every two seconds.
pub(in crate::admin) async fn live(
    State(_): State<AdminState>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let events = stream::unfold(ticks, |mut ticks| async move {
        ticks.tick().await;
        // Browsers tell nobody of an event without data (HTML §9.2.6).
        Some((Ok(Event::default().event("tick").data("look")), ticks))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}
