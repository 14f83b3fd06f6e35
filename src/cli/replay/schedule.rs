//! When requests are sent, as it is typed.
//!
//! Must not know: how words become a schedule.

use crate::replay::ScheduleWords;

#[derive(clap::Args)]
pub(super) struct Schedule {
    /// As recorded, so many times as fast: 2x
    #[arg(long)]
    speed: Option<String>,
    /// Whether a turn of a conversation waits for the one before: free, ordered, or paced
    #[arg(long)]
    turns: Option<String>,
    /// At a rate: 50/s
    #[arg(long)]
    rate: Option<String>,
    /// How a rate is spread: poisson, constant, or gamma:0.5
    #[arg(long)]
    arrival: Option<String>,
    /// A rate that rises or falls: "50/s..200/s over 5m"
    #[arg(long)]
    ramp: Option<String>,
    /// One rate after the other: "10,20,40/s each 1m"
    #[arg(long)]
    steps: Option<String>,
    /// So many at a time: 32, or "8,16,32 each 500"
    #[arg(long)]
    concurrency: Option<String>,
    /// How long each of those waits before its next request
    #[arg(long)]
    think: Option<String>,
    /// Where it ends; a capture that is shorter begins anew
    #[arg(long)]
    duration: Option<String>,
    /// How many requests there are
    #[arg(long)]
    requests: Option<u64>,
    /// What comes first and does not count: 30s
    #[arg(long)]
    warm_up: Option<String>,
    /// What all chance comes from
    #[arg(long)]
    seed: Option<u64>,
}

impl Schedule {
    pub(super) fn words(&self, sweep: Option<String>) -> ScheduleWords {
        ScheduleWords {
            speed: self.speed.clone(),
            turns: self.turns.clone(),
            rate: self.rate.clone(),
            arrival: self.arrival.clone(),
            ramp: self.ramp.clone(),
            steps: self.steps.clone(),
            concurrency: self.concurrency.clone(),
            think: self.think.clone(),
            sweep,
            duration: self.duration.clone(),
            requests: self.requests,
            warm_up: self.warm_up.clone(),
            seed: self.seed,
        }
    }
}
