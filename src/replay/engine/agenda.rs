//! What is due when, and what has to wait for an answer first.
//!
//! Open schedules are due by their plan. A turn of a conversation is due when the one before is
//! through; a request of a closed schedule, when a lane is free. All of them end up in one queue
//! by their instants. Must not know: the time, threads, or what a request is.

#[cfg(test)]
mod tests;

use crate::replay::{Plan, Planned, Schedule};
use crate::types::Micros;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

/// Requests that are made ready ahead of time, and their bytes.
const AHEAD: usize = 64;
const AHEAD_BYTES: usize = 64 * 1024 * 1024;
/// Closer to the next instant than this, nothing that can wait is begun.
const MARGIN: Micros = Micros(300);

/// A request and when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    /// When, since the run began.
    pub(super) at: Micros,
    /// Its place in the plan.
    pub(super) index: usize,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<T> {
    /// Make a request ready; then it is given to [`Agenda::ready`].
    Prepare(Due),
    /// Send it.
    Send(Due, T),
    /// Wait until then, or for a change.
    WaitUntil(Micros),
    /// Wait for a change.
    Wait,
    /// Nothing is left to do.
    End,
}

/// What is due when; `T` is a request that is ready.
pub(super) struct Agenda<T> {
    waiting: BinaryHeap<Reverse<Due>>,
    ready: BTreeMap<Due, (T, usize)>,
    ready_bytes: usize,
    turns: Turns,
    lanes: Option<Lanes>,
    /// By place in the plan.
    begun: Vec<bool>,
    in_flight: u32,
    limit: u32,
    held_back: u64,
    /// The one that was counted last.
    held: Option<usize>,
    stopped: bool,
}

/// The turns of conversations.
#[derive(Default)]
struct Turns {
    /// By the one before.
    next: HashMap<usize, Turn>,
}

#[derive(Clone, Copy)]
struct Turn {
    index: usize,
    at: Micros,
    after: Micros,
}

/// A closed schedule.
struct Lanes {
    think: Micros,
    /// Requests that wait for no other, and how many may be at it with each.
    order: Vec<(usize, u32)>,
    next: usize,
    busy: u32,
}

impl<T> Agenda<T> {
    /// The agenda of `plan`, with at most `limit` requests in flight.
    pub(super) fn new(plan: &Plan, limit: u32) -> Self {
        let (turns, firsts) = Turns::of(&plan.requests);
        let mut agenda = Self {
            waiting: BinaryHeap::new(),
            ready: BTreeMap::new(),
            ready_bytes: 0,
            turns,
            lanes: None,
            begun: vec![false; plan.requests.len()],
            in_flight: 0,
            limit: limit.max(1),
            held_back: 0,
            held: None,
            stopped: false,
        };
        let firsts = firsts.into_iter().filter_map(|i| Some((i, plan.requests.get(i)?)));
        if let Schedule::Closed { think, .. } = plan.head.options.schedule {
            let lanes =
                |planned: &Planned| plan.head.concurrency(planned.stage).unwrap_or(1).max(1);
            let order = firsts.map(|(index, planned)| (index, lanes(planned))).collect();
            agenda.lanes = Some(Lanes { think, order, next: 0, busy: 0 });
            agenda.fill_lanes(Micros(0));
        } else {
            let due = |(index, planned): (usize, &Planned)| {
                Reverse(Due { at: planned.at.unwrap_or_default(), index })
            };
            agenda.waiting = firsts.map(due).collect();
        }
        agenda
    }

    /// What to do at `now`; `None` is before the run begins.
    pub(super) fn step(&mut self, now: Option<Micros>) -> Step<T> {
        if self.stopped {
            return Step::End;
        }
        let first = self.ready.first_key_value().map(|(due, _)| *due);
        if let Some(Reverse(next)) = self.waiting.peek().copied() {
            let is_first = first.is_none_or(|first| next < first);
            let is_room = self.ready.len() < AHEAD && self.ready_bytes < AHEAD_BYTES;
            let is_time = first.zip(now).is_none_or(|(first, now)| first.at.0 > now.0 + MARGIN.0);
            if is_first || is_room && is_time {
                self.waiting.pop();
                return Step::Prepare(next);
            }
        }
        match first {
            Some(due) if now.is_some_and(|now| due.at <= now) => self.send(due),
            Some(due) => Step::WaitUntil(due.at),
            None if self.in_flight == 0 => Step::End,
            None => Step::Wait,
        }
    }

    /// The request of a [`Step::Prepare`], which takes so many bytes.
    pub(super) fn ready(&mut self, due: Due, request: T, bytes: usize) {
        self.ready_bytes += bytes;
        self.ready.insert(due, (request, bytes));
    }

    /// A request that was sent is through, since `now`.
    pub(super) fn finished(&mut self, index: usize, now: Micros) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let turn = self.turns.next.remove(&index);
        let think = self.lanes.as_mut().map_or(Micros(0), |lanes| {
            lanes.busy = lanes.busy.saturating_sub(1);
            lanes.think
        });
        match turn {
            Some(Turn { index, at, after }) => {
                if let Some(lanes) = &mut self.lanes {
                    lanes.busy += 1;
                }
                let at = at.max(Micros(now.0.saturating_add(after.max(think).0)));
                self.waiting.push(Reverse(Due { at, index }));
            }
            None => self.fill_lanes(Micros(now.0.saturating_add(think.0))),
        }
    }

    /// Nothing more is sent.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }

    /// The places in the plan of what was not sent.
    pub(super) fn left_out(&self) -> Vec<usize> {
        let begun = self.begun.iter().enumerate();
        begun.filter(|(_, begun)| !**begun).map(|(index, _)| index).collect()
    }

    /// Requests that were due and had to wait because too many were in flight.
    pub(super) fn held_back(&self) -> u64 {
        self.held_back
    }

    fn send(&mut self, due: Due) -> Step<T> {
        if self.in_flight >= self.limit {
            if self.held.replace(due.index) != Some(due.index) {
                self.held_back += 1;
            }
            return Step::Wait;
        }
        let Some((request, bytes)) = self.ready.remove(&due) else { return Step::Wait };
        self.ready_bytes = self.ready_bytes.saturating_sub(bytes);
        self.in_flight += 1;
        if let Some(begun) = self.begun.get_mut(due.index) {
            *begun = true;
        }
        Step::Send(due, request)
    }

    fn fill_lanes(&mut self, at: Micros) {
        let Some(lanes) = &mut self.lanes else { return };
        while let Some((index, concurrency)) = lanes.order.get(lanes.next).copied() {
            if lanes.busy >= concurrency {
                break;
            }
            lanes.busy += 1;
            lanes.next += 1;
            self.waiting.push(Reverse(Due { at, index }));
        }
    }
}

impl Turns {
    /// The turns that wait for another, and the places of the requests that do not.
    fn of(requests: &[Planned]) -> (Self, Vec<usize>) {
        let (mut turns, mut firsts) = (Self::default(), Vec::new());
        let mut last = HashMap::new();
        for (index, planned) in requests.iter().enumerate() {
            let before = planned.session.and_then(|session| last.insert(session, index));
            let Some(before) = before else {
                firsts.push(index);
                continue;
            };
            let (at, after) = (planned.at.unwrap_or_default(), planned.after_turn);
            turns.next.insert(before, Turn { index, at, after: after.unwrap_or_default() });
        }
        (turns, firsts)
    }
}
