//! Steady: requests at a fixed rate, whatever the answers do. Whoever has to wait shows it,
//! also those that were to be sent in the meantime.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{Connection, SharedCalls, Tally, gather};
use crate::Result;
use crate::pace::Pacer;

/// Sends `rate` requests a second for `duration`, evenly and by turns over the connections.
/// Latencies count from the intended instants.
///
/// # Errors
/// When a task dies.
pub async fn steady_loop(
    connections: Vec<Connection>,
    calls: &SharedCalls,
    (rate, duration): (u32, Duration),
    pacer: &Arc<Pacer>,
) -> Result<(Vec<Connection>, Tally)> {
    let step = Duration::from_secs(1) / rate;
    let lap = step * u32::try_from(connections.len())?;
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for (index, mut connection) in connections.into_iter().enumerate() {
        let (calls, pacer) = (Arc::clone(calls), Arc::clone(pacer));
        let mut intended = begin + step * u32::try_from(index)?;
        tasks.spawn(async move {
            let mut tally = Tally::default();
            while intended < begin + duration {
                pacer.until(intended).await;
                let call = calls.next();
                tally.add(connection.exchange(call, intended).await, &call.answer);
                intended += lap;
            }
            (connection, tally)
        });
    }
    gather(tasks).await
}
