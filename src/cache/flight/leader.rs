//! The side that asks the upstream.
//!
//! Must not know: what followers do with what they hear.

use super::state::{Flight, Phase, Succession};
use super::{FlightEnd, FlightHead, Flights};
use crate::cache::entry::Frame;
use std::sync::Arc;

/// Tells followers of an answer as it comes. Dropped before [`Leader::land`], it has failed:
/// followers that have not heard the head choose another leader, the others hear that it
/// broke.
pub struct Leader {
    flights: Arc<Flights>,
    flight: Arc<Flight>,
    /// What becomes of the flight when this is dropped.
    succession: Succession,
}

impl Leader {
    pub(super) fn new(flights: Arc<Flights>, flight: Arc<Flight>) -> Self {
        Self { flights, flight, succession: Succession::HandOver }
    }

    /// The head of the answer, before all chunks. Only the first one counts.
    pub fn head(&mut self, head: FlightHead) {
        self.flight.state.lock().head.get_or_insert(Arc::new(head));
        self.flight.news.notify_waiters();
    }

    /// A chunk of the body. Empty ones are not passed on.
    pub fn push(&mut self, chunk: Frame) {
        if chunk.bytes.is_empty() {
            return;
        }
        {
            let mut state = self.flight.state.lock();
            state.log.push(chunk);
            if state.followers() == 0 {
                state.log.nobody_reads();
            }
        }
        self.flight.news.notify_waiters();
    }

    /// Whether somebody listens or waits.
    pub fn has_followers(&self) -> bool {
        self.flight.state.lock().followers() > 0
    }

    /// Whether all of the answer so far is held, so that it can be kept.
    pub fn holds_everything(&self) -> bool {
        self.flight.state.lock().log.is_whole()
    }

    /// Returns when nobody listens or waits: at once where nobody ever did. For a leader whose
    /// own client has left. Cancel safe.
    pub async fn until_followers_gone(&self) {
        // The bell stays rung until somebody hears it, so none is missed in between.
        while self.has_followers() {
            self.flight.deserted.notified().await;
        }
    }

    /// This answer is the leader's own, but the next one may be good for others: another
    /// follower leads.
    pub fn decline(self) {}

    /// No such answer can be shared: all followers go alone.
    pub fn alone(mut self) {
        self.succession = Succession::None;
    }

    /// The answer is complete. `keep` is given all of it, unless it was too large to be held,
    /// and runs before the flight is forgotten: a newcomer finds the one or the other.
    ///
    /// Without a head this is a failure.
    pub fn land(self, end: FlightEnd, keep: impl FnOnce(Vec<Frame>)) {
        let frames = {
            let mut state = self.flight.state.lock();
            if state.head.is_none() {
                return;
            }
            state.phase = Phase::Landed(Arc::new(end));
            state.log.whole()
        };
        self.flight.news.notify_waiters();
        if let Some(frames) = frames {
            keep(frames);
        }
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        let Self { flights, flight, succession } = self;
        let mut shard = flights.shard(&flight.key);
        let mut state = flight.state.lock();
        if matches!(state.phase, Phase::Landed(_)) {
            flights.forget(&mut shard, flight);
            return;
        }
        match state.fail(flight.key, *succession, &flights.room) {
            Some(successor) => drop(shard.insert(flight.key, successor)),
            None => flights.forget(&mut shard, flight),
        }
        drop(state);
        drop(shard);
        flight.news.notify_waiters();
    }
}
