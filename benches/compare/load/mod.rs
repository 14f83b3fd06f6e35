//! The load: requests over kept-alive HTTP/1.1, every answer checked byte for byte.
//! Knows an address and the expected bytes; knows nothing of what listens there.

mod closed;
mod connection;
mod open;
mod steady;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

pub use closed::closed_loop;
pub use connection::{Connection, Exchange, Failure};
pub use open::open_loop;
pub use steady::steady_loop;

use crate::Result;
use crate::answers::Answer;

/// What is sent once and what must come back.
pub struct Call {
    /// A whole HTTP/1.1 request.
    pub request: Vec<u8>,
    /// The body that answers it.
    pub answer: Arc<Answer>,
}

/// What all connections of a load send, by turns and over again.
pub struct Calls {
    calls: Vec<Call>,
    begun: AtomicUsize,
}

/// Calls that many tasks share.
pub type SharedCalls = Arc<Calls>;

impl Calls {
    /// These, of which there is at least one.
    pub fn new(calls: Vec<Call>) -> SharedCalls {
        Arc::new(Self { calls, begun: AtomicUsize::default() })
    }

    /// The one whose turn it is.
    pub fn next(&self) -> &Call {
        &self.calls[self.begun.fetch_add(1, Ordering::Relaxed) % self.calls.len()]
    }
}

/// What came of many requests.
#[derive(Default)]
pub struct Tally {
    /// Requests sent, failed ones included.
    pub requests: u64,
    /// Body parts (documents, events) that should have arrived.
    pub parts_expected: u64,
    /// Body parts that arrived whole and in order.
    pub parts: u64,
    /// From the intended instant to the first whole part, one for each success.
    pub latencies: Vec<Duration>,
    /// Failed requests by reason.
    pub failures: BTreeMap<String, u64>,
}

impl Tally {
    fn add(&mut self, exchange: Exchange, expected: &Answer) {
        self.requests += 1;
        self.parts_expected += expected.parts() as u64;
        self.parts += exchange.parts as u64;
        match exchange.result {
            Ok(latency) => self.latencies.push(latency),
            Err(failure) => *self.failures.entry(failure.to_string()).or_default() += 1,
        }
    }

    fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.parts_expected += other.parts_expected;
        self.parts += other.parts;
        self.latencies.extend(other.latencies);
        for (reason, count) in other.failures {
            *self.failures.entry(reason).or_default() += count;
        }
    }
}

/// Opens `count` connections to `address`.
///
/// # Errors
/// When one cannot be opened.
pub async fn connect(address: SocketAddr, count: usize) -> Result<Vec<Connection>> {
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        connections.push(Connection::open(address).await?);
    }
    Ok(connections)
}

/// Waits for every connection's task and gathers what they did.
async fn gather(mut tasks: JoinSet<(Connection, Tally)>) -> Result<(Vec<Connection>, Tally)> {
    let (mut connections, mut total) = (Vec::with_capacity(tasks.len()), Tally::default());
    while let Some(task) = tasks.join_next().await {
        let (connection, tally) = task?;
        connections.push(connection);
        total.merge(tally);
    }
    Ok((connections, total))
}
