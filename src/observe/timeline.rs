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
    waiting: Duration,
}

impl Timeline {
    /// Begins at the moment the request head was read.
    pub const fn start(received: Instant) -> Self {
        Self { received, finished: None, waiting: Duration::ZERO }
    }

    /// Counts the time since `from` as waiting for the upstream or the client.
    pub fn waited_since(&mut self, from: Instant, now: Instant) {
        self.waiting += now.saturating_duration_since(from);
    }

    /// From received to finished; zero before the end.
    pub fn duration(&self) -> Duration {
        self.finished.map_or(Duration::ZERO, |end| end.saturating_duration_since(self.received))
    }

    /// What Transom itself took, up to `now`.
    pub fn overhead_until(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.received).saturating_sub(self.waiting)
    }

    /// What Transom itself took.
    pub fn overhead(&self) -> Duration {
        self.duration().saturating_sub(self.waiting)
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
        assert_eq!(timeline.overhead_until(at(10)), Duration::from_millis(3));
        timeline.finished = Some(at(12));
        assert_eq!(timeline.overhead(), Duration::from_millis(5));
    }
}
