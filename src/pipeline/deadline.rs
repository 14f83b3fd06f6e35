//! One timer for all the deadlines of a request.
//!
//! Must not know: which deadline is which.

use std::pin::Pin;
use std::time::{Duration, Instant};
use tokio::time::{Sleep, sleep_until};

/// A deadline that is moved often and reached seldom. The timer is re-armed only when it
/// fires or when the deadline comes nearer, so moving it away with every chunk is free.
pub(super) struct Deadline {
    sleep: Pin<Box<Sleep>>,
    armed: Instant,
    due: Instant,
    latest: Instant,
}

impl Deadline {
    /// Due `total` from `now`, whatever it is moved to.
    pub(super) fn new(now: Instant, total: Duration) -> Self {
        let latest = now + total;
        Self { sleep: Box::pin(sleep_until(latest.into())), armed: latest, due: latest, latest }
    }

    /// Moves it to `limit` from `now`, or to the total deadline where that is sooner.
    pub(super) fn set(&mut self, now: Instant, limit: Duration) {
        self.due = self.latest.min(now + limit);
        if self.due < self.armed {
            self.arm();
        }
    }

    /// Whether it is the total deadline that comes first.
    pub(super) fn is_total(&self) -> bool {
        self.due == self.latest
    }

    /// Returns once it is reached. Safe to cancel.
    pub(super) async fn reached(&mut self) {
        loop {
            self.sleep.as_mut().await;
            if self.armed >= self.due {
                return;
            }
            self.arm();
        }
    }

    fn arm(&mut self) {
        self.armed = self.due;
        self.sleep.as_mut().reset(self.due.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn time_to_reach(deadline: &mut Deadline) -> Duration {
        let start = tokio::time::Instant::now();
        deadline.reached().await;
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_moved_away_fires_late_and_one_moved_near_fires_soon() {
        let now = tokio::time::Instant::now().into_std();
        let mut deadline = Deadline::new(now, Duration::from_secs(60));
        deadline.set(now, Duration::from_secs(2));
        deadline.set(now, Duration::from_secs(30));
        assert_eq!(time_to_reach(&mut deadline).await, Duration::from_secs(30));
        let now = tokio::time::Instant::now().into_std();
        deadline.set(now, Duration::from_secs(3));
        assert!(!deadline.is_total());
        assert_eq!(time_to_reach(&mut deadline).await, Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn the_total_is_never_passed() {
        let now = tokio::time::Instant::now().into_std();
        let mut deadline = Deadline::new(now, Duration::from_secs(5));
        deadline.set(now, Duration::from_secs(30));
        assert!(deadline.is_total());
        assert_eq!(time_to_reach(&mut deadline).await, Duration::from_secs(5));
    }
}
