//! Single-flight for streams: of those who ask the same at the same time one asks the
//! upstream, and the others hear its answer as it comes.
//!
//! ```text
//!            head       push, push …       land
//! Leads ──────┬────────────┬────────────────┬───▶ kept, then forgotten here
//!             ▼            ▼                ▼
//! Follows    Head   Chunk, Chunk …         End
//! ```
//!
//! A leader that fails before a follower has heard the head hands over to the one that has
//! waited the longest. Owns who leads and who follows. Must not know: what an answer means,
//! which answers may be shared, or where they come from and go.

mod follower;
mod leader;
mod log;
mod state;
#[cfg(test)]
mod stress;
#[cfg(test)]
mod tests;

pub use follower::{Follower, Heard};
pub use leader::Leader;

use crate::cache::entry;
use crate::types::{CacheKey, NanoUsd, Usage};
use http::HeaderValue;
use log::Room;
use parking_lot::{Mutex, MutexGuard};
use state::Flight;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A power of two.
const SHARDS: usize = 16;

/// The bounds on what flights take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlightLimits {
    /// Bytes of an answer that are held for those who are behind. A larger answer goes to
    /// the followers it has, as fast as they are, and to no further ones.
    pub log_bytes: usize,
    /// Such bytes of all answers together.
    pub logs_bytes: usize,
    /// Flights at a time.
    pub flights: usize,
    /// Followers of one flight.
    pub followers: usize,
}

/// The head of a response, as far as it may be shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlightHead {
    /// The status.
    pub status: u16,
    /// Its `Content-Type`.
    pub content_type: Option<HeaderValue>,
    /// Its `Content-Length`.
    pub length: Option<u64>,
}

impl FlightHead {
    /// Whether the body is a stream of events.
    pub fn is_stream(&self) -> bool {
        entry::is_stream(self.content_type.as_ref())
    }
}

/// What was learnt of an answer that came to its proper end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlightEnd {
    /// The tokens that were counted for it.
    pub usage: Option<Usage>,
    /// What they cost.
    pub cost: Option<NanoUsd>,
    /// The model, as the upstream named it.
    pub model: Option<String>,
    /// The events of the stream; 0 where the body is none.
    pub events: u64,
}

/// What a request is to do.
pub enum Boarding<F> {
    /// The answer is there: it came between the caller's look-up and this.
    There(F),
    /// Ask the upstream, and share the answer.
    Leads(Leader),
    /// Listen to whoever asks already.
    Follows(Follower),
    /// Ask the upstream and share nothing: there is no room.
    Alone,
}

/// The requests that are being answered now.
pub struct Flights {
    shards: Box<[Mutex<Shard>]>,
    /// Flights in all shards.
    count: AtomicUsize,
    room: Arc<Room>,
    limits: FlightLimits,
}

type Shard = HashMap<CacheKey, Arc<Flight>>;

impl Flights {
    /// None so far.
    pub fn new(limits: FlightLimits) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        let room = Arc::new(Room::new(limits.log_bytes, limits.logs_bytes));
        Self { shards, count: AtomicUsize::new(0), room, limits }
    }

    /// Follows whoever asks the same, or else leads. `there` looks once more for an answer
    /// where nobody asks: one that landed since the last look has been kept by now. It runs
    /// under a lock and has to be quick.
    pub fn board<F>(
        self: &Arc<Self>,
        key: CacheKey,
        there: impl FnOnce() -> Option<F>,
    ) -> Boarding<F> {
        let mut shard = self.shard(&key);
        if let Some(flight) = shard.get(&key) {
            let seat = flight.state.lock().board(&self.limits);
            return match seat {
                Some(seat) => {
                    Boarding::Follows(Follower::new(Arc::clone(self), Arc::clone(flight), seat))
                }
                None => Boarding::Alone,
            };
        }
        if let Some(found) = there() {
            return Boarding::There(found);
        }
        if !self.reserve() {
            return Boarding::Alone;
        }
        let flight = Arc::new(Flight::first(key, Arc::clone(&self.room)));
        shard.insert(key, Arc::clone(&flight));
        Boarding::Leads(Leader::new(Arc::clone(self), flight))
    }

    /// Flights now.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether nobody is being answered.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lock order: a shard, then a flight in it.
    fn shard(&self, key: &CacheKey) -> MutexGuard<'_, Shard> {
        // The key is a hash: any of its bytes is as good as another.
        self.shards[usize::from(key.0[0]) % SHARDS].lock()
    }

    fn reserve(&self) -> bool {
        let more = |count| (count < self.limits.flights).then_some(count + 1);
        self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Takes `flight` out of its shard, where another may fly under its key by now.
    fn forget(&self, shard: &mut Shard, flight: &Arc<Flight>) {
        if shard.get(&flight.key).is_some_and(|known| Arc::ptr_eq(known, flight)) {
            shard.remove(&flight.key);
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
