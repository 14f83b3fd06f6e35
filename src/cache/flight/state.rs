//! A flight as its leader and its followers see it, and the steps between its phases.
//!
//! ```text
//! Led ──land──▶ Landed
//!  │ fail                       a new flight with those who have not heard the head
//!  ├──────────▶ Failed ───────▶ Nominated ──the longest waiting takes over──▶ Led …
//!  └──────────▶ Failed          nobody takes over: those who wait go alone
//! ```
//!
//! Must not know: how flights are found by their keys, or how anybody waits.

use super::log::{Log, Room};
use super::{FlightEnd, FlightHead, FlightLimits};
use crate::types::CacheKey;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Notify;

/// Hand-overs that may fail before those who still wait go alone.
const MOST_HAND_OVERS: u8 = 2;

/// An exchange with the upstream and those who hear it.
pub(super) struct Flight {
    pub(super) key: CacheKey,
    pub(super) state: Mutex<State>,
    /// Rung for all when there is more to hear.
    pub(super) news: Notify,
    /// Rung for the leader when the last follower has left.
    pub(super) deserted: Notify,
}

/// What changes about a flight.
pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) head: Option<Arc<FlightHead>>,
    pub(super) log: Log,
    /// Followers that have not heard the head, the longest waiting first.
    waiting: BTreeMap<SeatNumber, Arc<Notify>>,
    /// Followers that have.
    listening: usize,
    next_seat: SeatNumber,
    /// Hand-overs that led to this leader.
    hand_overs: u8,
}

type SeatNumber = u64;

/// Where a flight is.
pub(super) enum Phase {
    /// Its leader is at work.
    Led,
    /// The follower on this seat is to lead.
    Nominated(SeatNumber),
    /// The answer is complete.
    Landed(Arc<FlightEnd>),
    /// No more will come. Those who wait for the head are on the next flight, if there is one.
    Failed(Option<Arc<Flight>>),
}

/// A follower's place in the queue, and its own bell.
pub(super) struct Seat {
    pub(super) number: SeatNumber,
    pub(super) bell: Arc<Notify>,
}

/// Who may go on when a leader does not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Succession {
    /// The follower that has waited the longest.
    HandOver,
    /// Nobody: each for itself.
    None,
}

impl Flight {
    /// A flight with a leader and without followers.
    pub(super) fn first(key: CacheKey, room: Arc<Room>) -> Self {
        Self::with(
            key,
            State {
                phase: Phase::Led,
                head: None,
                log: Log::new(room),
                waiting: BTreeMap::new(),
                listening: 0,
                next_seat: 0,
                hand_overs: 0,
            },
        )
    }

    fn with(key: CacheKey, state: State) -> Self {
        Self { key, state: Mutex::new(state), news: Notify::new(), deserted: Notify::new() }
    }
}

impl State {
    /// A seat for a newcomer, if it can hear all of the answer.
    pub(super) fn board(&mut self, limits: &FlightLimits) -> Option<Seat> {
        let is_open = !matches!(self.phase, Phase::Failed(_)) && self.log.is_whole();
        if !is_open || self.followers() >= limits.followers {
            return None;
        }
        let (number, bell) = (self.next_seat, Arc::<Notify>::default());
        self.next_seat += 1;
        self.waiting.insert(number, Arc::clone(&bell));
        Some(Seat { number, bell })
    }

    /// Followers now.
    pub(super) fn followers(&self) -> usize {
        self.waiting.len() + self.listening
    }

    /// The follower on `seat` hears the head.
    pub(super) fn begin_listening(&mut self, seat: SeatNumber) {
        self.waiting.remove(&seat);
        self.listening += 1;
    }

    /// The follower that was nominated leads from now on.
    pub(super) fn take_over(&mut self, seat: SeatNumber) {
        self.waiting.remove(&seat);
        self.phase = Phase::Led;
    }

    /// A follower that has heard the head leaves.
    pub(super) fn stop_listening(&mut self) {
        self.listening = self.listening.saturating_sub(1);
        self.after_a_leave();
    }

    /// A follower that has not heard the head leaves. If it was to lead, the next one is.
    pub(super) fn stop_waiting(&mut self, seat: SeatNumber) {
        self.waiting.remove(&seat);
        self.after_a_leave();
        if matches!(self.phase, Phase::Nominated(nominee) if nominee == seat) {
            self.phase = match self.waiting.first_key_value() {
                Some((next, bell)) => {
                    bell.notify_one();
                    Phase::Nominated(*next)
                }
                None => Phase::Failed(None),
            };
        }
    }

    /// The leader gives up. Returns the flight that takes the place of `self`, if any.
    pub(super) fn fail(
        &mut self,
        key: CacheKey,
        succession: Succession,
        room: &Arc<Room>,
    ) -> Option<Arc<Flight>> {
        let waiting = std::mem::take(&mut self.waiting);
        let may_hand_over = succession == Succession::HandOver && self.hand_overs < MOST_HAND_OVERS;
        let nominee = waiting.keys().next().filter(|_| may_hand_over);
        let successor = nominee.copied().map(|nominee| {
            Arc::new(Flight::with(
                key,
                Self {
                    phase: Phase::Nominated(nominee),
                    head: None,
                    log: Log::new(Arc::clone(room)),
                    waiting,
                    listening: 0,
                    next_seat: self.next_seat,
                    hand_overs: self.hand_overs + 1,
                },
            ))
        });
        self.phase = Phase::Failed(successor.clone());
        successor
    }

    fn after_a_leave(&mut self) {
        if self.followers() == 0 {
            self.log.nobody_reads();
        }
    }
}
