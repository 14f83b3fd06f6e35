//! Closed loop: every connection sends its next request when the last is answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{Connection, SharedCalls, Tally, gather};
use crate::Result;

/// Keeps every connection busy for `duration`, then lets the last answers arrive.
/// A latency here is the time of service under full load, not what a user would see.
///
/// # Errors
/// When a task dies.
pub async fn closed_loop(
    connections: Vec<Connection>,
    calls: &SharedCalls,
    duration: Duration,
) -> Result<(Vec<Connection>, Tally)> {
    let deadline = Instant::now() + duration;
    let mut tasks = JoinSet::new();
    for mut connection in connections {
        let calls = Arc::clone(calls);
        tasks.spawn(async move {
            let mut tally = Tally::default();
            loop {
                let now = Instant::now();
                if now >= deadline {
                    return (connection, tally);
                }
                let call = calls.next();
                tally.add(connection.exchange(call, now).await, &call.answer);
            }
        });
    }
    gather(tasks).await
}
