//! When what happened, and how much of it was waiting for somebody else.
//!
//! Must not know: HTTP. Overhead is total time less the time spent waiting:
//!
//! ```text
//! received ──╫ read body ╫── parse ──╫ connect, send, wait ╫──╫ chunk ╫─ … ── finished
//!            └─ waiting ─┘ (overhead)└────── waiting ──────┘  └───────┘
//! ```
//!
//! One task drives a request, so waits never overlap and their union is their sum.

use std::time::{Duration, Instant};

/// Phases of one request.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// The request head was read.
    pub received: Instant,
    /// The last byte went out, or the request was given up.
    pub finished: Option<Instant>,
    waiting: Option<Duration>,
}

impl Timeline {
    /// Begins at the moment the request head was read.
    pub const fn start(received: Instant) -> Self {
        Self { received, finished: None, waiting: Some(Duration::ZERO) }
    }

    /// Counts the time since `from` as waiting for the upstream or the client.
    pub fn waited_since(&mut self, from: Instant, now: Instant) {
        let waited = now.saturating_duration_since(from);
        self.waiting = self.waiting.map(|waiting| waiting + waited);
    }

    /// Says that waits are not seen from here on, so that the overhead is not known: bytes
    /// that another engine moves both ways at once cannot be told from its own work.
    pub fn waits_are_unseen(&mut self) {
        self.waiting = None;
    }

    /// From received to finished; zero before the end.
    pub fn duration(&self) -> Duration {
        self.finished.map_or(Duration::ZERO, |end| end.saturating_duration_since(self.received))
    }

    /// What Transom itself took, up to `now`; `None` where it is not known.
    pub fn overhead_until(&self, now: Instant) -> Option<Duration> {
        let total = now.saturating_duration_since(self.received);
        self.waiting.map(|waiting| total.saturating_sub(waiting))
    }

    /// What Transom itself took; `None` where it is not known.
    pub fn overhead(&self) -> Option<Duration> {
        self.waiting.map(|waiting| self.duration().saturating_sub(waiting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overhead_is_what_is_left_of_the_total() {
        let t0 = Instant::now();
        let at = |ms| t0 + Duration::from_millis(ms);
        let mut timeline = Timeline::start(t0);
        timeline.waited_since(at(1), at(4));
        timeline.waited_since(at(5), at(9));
        assert_eq!(timeline.overhead_until(at(10)), Some(Duration::from_millis(3)));
        timeline.finished = Some(at(12));
        assert_eq!(timeline.overhead(), Some(Duration::from_millis(5)));
        timeline.waits_are_unseen();
        timeline.waited_since(at(0), at(1));
        assert_eq!(timeline.overhead(), None);
    }
}
