//! The side that hears another's answer.
//!
//! Must not know: how the leader gets it.

use super::log::Read;
use super::state::{Flight, Phase, Seat};
use super::{FlightEnd, FlightHead, Flights, Leader};
use crate::cache::entry::Frame;
use std::sync::Arc;

/// Hears the head, then every chunk from the first, then the end, at its own speed.
/// Dropped, it leaves.
pub struct Follower {
    flights: Arc<Flights>,
    flight: Arc<Flight>,
    seat: Seat,
    place: Place,
}

/// How far a follower is.
#[derive(Clone, Copy)]
enum Place {
    /// It has heard nothing.
    Waiting,
    /// It has heard the head and this many chunks.
    Listening(u64),
    /// It has heard a final word.
    Done,
}

/// What a follower hears. All but the head and chunks are final.
pub enum Heard {
    /// The answer begins.
    Head(Arc<FlightHead>),
    /// The next part of its body.
    Chunk(Frame),
    /// It is complete.
    End(Arc<FlightEnd>),
    /// The leader has failed before this follower heard the head: this one leads now.
    Leads(Leader),
    /// Nothing will be shared with this follower, and it has heard nothing: it has to ask for
    /// itself.
    Alone,
    /// The answer breaks off after what was heard. Also what follows a final word.
    Broken,
    /// The answer goes on, but what comes next is not held any more.
    Lagged,
}

/// What a follower finds when it looks.
enum Found {
    Heard(Heard),
    /// Nothing yet.
    Nothing,
    /// It is on this flight now.
    Moved(Arc<Flight>),
}

impl Follower {
    pub(super) fn new(flights: Arc<Flights>, flight: Arc<Flight>, seat: Seat) -> Self {
        Self { flights, flight, seat, place: Place::Waiting }
    }

    /// What comes next. Cancel safe: dropped while it waits, nothing is lost.
    pub async fn next(&mut self) -> Heard {
        loop {
            let flight = Arc::clone(&self.flight);
            // Counts from here on, also what is rung before it is first polled.
            let news = flight.news.notified();
            match self.look() {
                Found::Heard(heard) => return heard,
                Found::Moved(successor) => self.flight = successor,
                Found::Nothing => tokio::select! {
                    () = self.seat.bell.notified() => {}
                    () = news => {}
                },
            }
        }
    }

    fn look(&mut self) -> Found {
        match self.place {
            Place::Waiting => self.look_for_head(),
            Place::Listening(chunks) => self.look_for_chunk(chunks),
            Place::Done => Found::Heard(Heard::Broken),
        }
    }

    fn look_for_head(&mut self) -> Found {
        let mut state = self.flight.state.lock();
        match (&state.phase, &state.head) {
            (Phase::Failed(Some(successor)), _) => return Found::Moved(Arc::clone(successor)),
            (Phase::Failed(None), _) => {}
            (Phase::Nominated(seat), _) if *seat == self.seat.number => {
                state.take_over(self.seat.number);
                drop(state);
                self.place = Place::Done;
                let leader = Leader::new(Arc::clone(&self.flights), Arc::clone(&self.flight));
                return Found::Heard(Heard::Leads(leader));
            }
            (_, None) => return Found::Nothing,
            (_, Some(head)) if state.log.has_its_beginning() => {
                let head = Arc::clone(head);
                state.begin_listening(self.seat.number);
                self.place = Place::Listening(0);
                return Found::Heard(Heard::Head(head));
            }
            (_, Some(_)) => {}
        }
        drop(state);
        self.end_with(Heard::Alone)
    }

    fn look_for_chunk(&mut self, chunks: u64) -> Found {
        let state = self.flight.state.lock();
        let last = match (state.log.read(chunks), &state.phase) {
            (Read::Chunk(chunk), _) => {
                self.place = Place::Listening(chunks + 1);
                return Found::Heard(Heard::Chunk(chunk));
            }
            (Read::Lagged, _) => Heard::Lagged,
            (Read::UpToDate, Phase::Landed(end)) => Heard::End(Arc::clone(end)),
            (Read::UpToDate, Phase::Failed(_)) => Heard::Broken,
            (Read::UpToDate, Phase::Led | Phase::Nominated(_)) => return Found::Nothing,
        };
        drop(state);
        self.end_with(last)
    }

    fn end_with(&mut self, last: Heard) -> Found {
        self.leave();
        Found::Heard(last)
    }

    fn leave(&mut self) {
        match std::mem::replace(&mut self.place, Place::Done) {
            Place::Waiting => self.stop_waiting(),
            Place::Listening(_) => {
                self.flight.state.lock().stop_listening();
                self.tell_if_last();
            }
            Place::Done => {}
        }
    }

    fn stop_waiting(&mut self) {
        // Held throughout, so that no leader fails meanwhile and moves this seat once more.
        let flights = Arc::clone(&self.flights);
        let mut shard = flights.shard(&self.flight.key);
        loop {
            let mut state = self.flight.state.lock();
            if let Phase::Failed(Some(successor)) = &state.phase {
                let successor = Arc::clone(successor);
                drop(state);
                self.flight = successor;
                continue;
            }
            state.stop_waiting(self.seat.number);
            if matches!(state.phase, Phase::Failed(_)) {
                flights.forget(&mut shard, &self.flight);
            }
            break;
        }
        drop(shard);
        self.tell_if_last();
    }

    fn tell_if_last(&self) {
        if self.flight.state.lock().followers() == 0 {
            self.flight.deserted.notify_one();
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.leave();
    }
}
