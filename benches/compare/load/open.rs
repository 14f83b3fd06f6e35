//! Open loop: every connection sends once, at an instant fixed beforehand, so that a
//! slow subject cannot slow down the load that measures it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{Connection, SharedCalls, Tally, gather};
use crate::Result;
use crate::answers::PERIOD;
use crate::pace::Pacer;

/// Sends one request on each connection, the starts spread over `ramp`.
///
/// # Errors
/// When a task dies.
pub async fn open_loop(
    connections: Vec<Connection>,
    calls: &SharedCalls,
    ramp: Duration,
    pacer: &Arc<Pacer>,
) -> Result<(Vec<Connection>, Tally)> {
    let count = connections.len();
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for (index, mut connection) in connections.into_iter().enumerate() {
        let (calls, pacer) = (Arc::clone(calls), Arc::clone(pacer));
        let intended = begin + start(index, count, ramp);
        tasks.spawn(async move {
            let mut tally = Tally::default();
            pacer.until(intended).await;
            let call = calls.next();
            tally.add(connection.exchange(call, intended).await, &call.answer);
            (connection, tally)
        });
    }
    gather(tasks).await
}

/// The start of one stream: evenly over the ramp, and, by steps of the golden ratio,
/// evenly over the event period too, so that the streams do not beat together.
fn start(index: usize, count: usize, ramp: Duration) -> Duration {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let along = index as f64 / count as f64;
    let phase = (index as f64 * GOLDEN).fract();
    ramp.mul_f64(along) + PERIOD.mul_f64(phase)
}
