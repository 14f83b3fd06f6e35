//! What became of every request: the figures behind `GET /sim/stats`.
//!
//! Each request that arrives gets one [`Ticket`] and ends in exactly one way, so for every
//! operation `received = open + finished + refused + broken + left`. Requests for the stats
//! themselves are not counted, and health probes apart. Must not know: HTTP, faults.

use crate::types::Operation;
use serde_json::{Map, Value, json};
use std::array;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its answer was handed over whole.
    Finished,
    /// It was answered with an error status.
    Refused,
    /// Its answer was spoilt by a fault.
    Broken,
    /// The client (or, past the grace of a stop, the server) closed before the end.
    Left,
}

/// The counters of one server.
#[derive(Default)]
pub(super) struct Stats {
    operations: [Counters; Operation::ALL.len()],
    probes: AtomicU64,
}

#[derive(Default)]
struct Counters {
    received: AtomicU64,
    ends: [AtomicU64; 4],
    tokens_in: AtomicU64,
    tokens_out: AtomicU64,
}

/// One request being served; dropped before [`Ticket::end`], it counts as left.
pub(super) struct Ticket {
    stats: Arc<Stats>,
    operation: Operation,
    ended: Option<End>,
}

impl Stats {
    /// Counts a request in.
    pub(super) fn receive(self: &Arc<Self>, operation: Operation) -> Ticket {
        let ticket = Ticket { stats: Arc::clone(self), operation, ended: None };
        ticket.counters().received.fetch_add(1, Relaxed);
        ticket
    }

    /// Counts a health probe.
    pub(super) fn probe(&self) {
        self.probes.fetch_add(1, Relaxed);
    }

    /// All figures so far.
    pub(super) fn to_json(&self) -> Value {
        let operations: Map<String, Value> = Operation::ALL
            .into_iter()
            .map(|operation| {
                (operation.label().to_owned(), self.operations[operation.index()].to_json())
            })
            .collect();
        json!({ "requests": operations, "probes": self.probes.load(Relaxed) })
    }
}

impl Counters {
    fn to_json(&self) -> Value {
        // Ends first: a request that arrives and ends meanwhile must not make `open` negative.
        let [finished, refused, broken, left] = array::from_fn(|end| self.ends[end].load(Relaxed));
        let received = self.received.load(Relaxed);
        json!({
            "received": received,
            "open": received.saturating_sub(finished + refused + broken + left),
            "finished": finished,
            "refused": refused,
            "broken": broken,
            "left": left,
            "tokens_in": self.tokens_in.load(Relaxed),
            "tokens_out": self.tokens_out.load(Relaxed),
        })
    }
}

impl Ticket {
    /// Prompt tokens of a request that was understood.
    pub(super) fn tokens_in(&self, tokens: u64) {
        self.counters().tokens_in.fetch_add(tokens, Relaxed);
    }

    /// Generated tokens handed over.
    pub(super) fn tokens_out(&self, tokens: u64) {
        self.counters().tokens_out.fetch_add(tokens, Relaxed);
    }

    /// Settles how the request ended. The first end stands.
    pub(super) fn end(&mut self, end: End) {
        if self.ended.is_none() {
            self.ended = Some(end);
            self.counters().ends[end as usize].fetch_add(1, Relaxed);
        }
    }

    fn counters(&self) -> &Counters {
        &self.stats.operations[self.operation.index()]
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.end(End::Left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_ends_once_and_the_sum_closes() {
        let stats = Arc::new(Stats::default());
        let open = stats.receive(Operation::Chat);
        drop(stats.receive(Operation::Chat));
        let mut finished = stats.receive(Operation::Chat);
        finished.end(End::Finished);
        finished.end(End::Broken);
        drop(finished);

        let chat = stats.to_json()["requests"]["chat"].clone();
        let figure = |name: &str| chat[name].as_u64().unwrap();
        assert_eq!(figure("received"), 3);
        assert_eq!([figure("open"), figure("finished"), figure("left")], [1, 1, 1]);
        assert_eq!([figure("refused"), figure("broken")], [0, 0]);
        drop(open);
    }
}
