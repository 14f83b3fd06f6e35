//! When each token of an answer is due.
//!
//! Deadlines are absolute, counted from the end of the request, so a late timer delays one
//! token and not those after it. Must not know: what is sent.

use super::knobs::Knobs;
use crate::sim::Spread;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep, sleep_until};

/// The schedule of one answer; the same random source gives the same schedule.
pub(super) struct Pace {
    due: Instant,
    gap: Spread,
    rng: fastrand::Rng,
    /// Made for the first token that has to be waited for.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    /// The first token is due one `ttft` after now.
    pub(super) fn start(knobs: &Knobs, mut rng: fastrand::Rng) -> Self {
        let due = Instant::now() + knobs.ttft.draw(&mut rng);
        Self { due, gap: knobs.itl, rng, timer: None }
    }

    /// Ready once the next token is due.
    pub(super) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.due <= Instant::now() {
            return Poll::Ready(());
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(self.due)));
        if timer.deadline() != self.due {
            timer.as_mut().reset(self.due);
        }
        timer.as_mut().poll(cx)
    }

    /// Moves on to the token after.
    pub(super) fn advance(&mut self) {
        self.due += self.gap.draw(&mut self.rng);
    }

    /// When the last of `tokens` tokens is due.
    pub(super) fn end_of(mut self, tokens: u64) -> Instant {
        for _ in 1..tokens {
            self.advance();
        }
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{SimSettings, Spread};
    use axum::http::HeaderMap;
    use std::future::poll_fn;
    use std::time::Duration;

    fn pace(ttft: &str, itl: &str, seed: u64) -> Pace {
        let read = |text: &str| -> Spread { text.parse().unwrap() };
        let settings = SimSettings { ttft: read(ttft), itl: read(itl), ..SimSettings::default() };
        let knobs = Knobs::of(&settings, &HeaderMap::new()).unwrap();
        Pace::start(&knobs, fastrand::Rng::with_seed(seed))
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_come_on_time_and_a_late_one_does_not_delay_the_next() {
        let (started, mut pace) = (Instant::now(), pace("200", "10", 1));
        let mut next = async || {
            poll_fn(|cx| pace.poll_due(cx)).await;
            pace.advance();
            started.elapsed().as_millis()
        };
        assert_eq!([next().await, next().await], [200, 210]);
        tokio::time::sleep(Duration::from_millis(25)).await;
        assert_eq!([next().await, next().await, next().await], [235, 235, 240]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_is_when_the_last_token_is_due() {
        let started = Instant::now();
        let end = |tokens| (pace("200", "10", 1).end_of(tokens) - started).as_millis();
        assert_eq!([end(1), end(2), end(11)], [200, 210, 300]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_seed_gives_one_schedule() {
        let end = |seed| pace("~200", "5..50", seed).end_of(20);
        assert_eq!(end(7), end(7));
        assert_ne!(end(7), end(8));
    }
}
