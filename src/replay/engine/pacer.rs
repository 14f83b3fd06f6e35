//! The thread that lets requests go on time.
//!
//! It sleeps on a condition until the next instant: the system's timers wake it within some
//! 60 µs, where those of tokio round up to the next millisecond. Must not know: how a request
//! is sent.

use super::agenda::{Agenda, Due, Step};
use crate::replay::Plan;
use crate::replay::request::{NotReplayable, Outgoing, Requests};
use crate::types::Micros;
use parking_lot::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// A request that can be sent, or why it cannot.
pub(super) type Prepared = Result<Outgoing, NotReplayable>;

/// Lets requests go.
pub(super) struct Pacer {
    agenda: Mutex<Agenda<Prepared>>,
    changed: Condvar,
    begins: Instant,
    /// The capture's number of each request of the plan.
    exchanges: Vec<u64>,
}

impl Pacer {
    pub(super) fn new(plan: &Plan, limit: u32, begins: Instant) -> Self {
        let exchanges = plan.requests.iter().map(|planned| planned.exchange).collect();
        let agenda = Mutex::new(Agenda::new(plan, limit));
        Self { agenda, changed: Condvar::new(), begins, exchanges }
    }

    /// Calls `send` with each request at its instant, until all are through or it is stopped.
    pub(super) fn run(&self, requests: &dyn Requests, mut send: impl FnMut(Due, Prepared)) {
        let mut agenda = self.agenda.lock();
        loop {
            let now = Instant::now().checked_duration_since(self.begins).map(Micros::from);
            match agenda.step(now) {
                Step::Prepare(due) => {
                    drop(agenda);
                    let prepared = self.prepare(requests, due.index);
                    let bytes = prepared.as_ref().map_or(0, |outgoing| outgoing.body.len());
                    agenda = self.agenda.lock();
                    agenda.ready(due, prepared, bytes);
                }
                Step::Send(due, prepared) => {
                    drop(agenda);
                    send(due, prepared);
                    agenda = self.agenda.lock();
                }
                Step::WaitUntil(at) => {
                    self.changed.wait_until(&mut agenda, self.begins + Duration::from(at));
                }
                Step::Wait => self.changed.wait(&mut agenda),
                Step::End => return,
            }
        }
    }

    /// A request that was sent is through.
    pub(super) fn finished(&self, index: usize) {
        let now = Micros::from(self.begins.elapsed());
        self.agenda.lock().finished(index, now);
        self.changed.notify_one();
    }

    /// Nothing more is sent.
    pub(super) fn stop(&self) {
        self.agenda.lock().stop();
        self.changed.notify_one();
    }

    /// The places in the plan of what was not sent.
    pub(super) fn left_out(&self) -> Vec<usize> {
        self.agenda.lock().left_out()
    }

    /// Requests that had to wait because too many were in flight.
    pub(super) fn held_back(&self) -> u64 {
        self.agenda.lock().held_back()
    }

    fn prepare(&self, requests: &dyn Requests, index: usize) -> Prepared {
        let exchange = self.exchanges.get(index).copied();
        let none = || NotReplayable::Other("the plan has no such request".to_owned());
        requests.outgoing(exchange.ok_or_else(none)?)
    }
}
