//! The instants of a schedule with a rate of its own.
//!
//! By time rescaling: requests come one a unit of a clock that runs as fast as the rate is high
//! (evenly, or with gaps of some distribution with mean 1), and that clock is turned back into
//! time by inverting the integral of the rate. A ramp is therefore met exactly, and Poisson
//! arrivals remain a Poisson process (Daley and Vere-Jones, Theorem 7.4.I). Must not know: what
//! is sent.

use crate::replay::chance::{Chance, Stream};
use crate::replay::{Arrival, Stage};
use crate::types::Micros;
use std::collections::VecDeque;

/// The highest rate, in requests a second: more than one a microsecond has no instants.
pub(super) const MAX_RATE: f64 = 1e6;
/// The longest stage, and the most of them.
const MAX_STAGE: Micros = Micros(365 * 24 * 3_600 * 1_000_000);
const MAX_STAGES: usize = 10_000;
/// Shapes of the gamma distribution that are of use.
pub(super) const SHAPES: (f64, f64) = (0.01, 1_000.0);

/// When a request comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrived {
    /// Since the schedule began, rounded down.
    pub(super) at: Micros,
    /// The stage it belongs to.
    pub(super) stage: u32,
}

/// The instants of a schedule, in order.
pub(super) struct Arrivals {
    arrival: Arrival,
    chance: Chance,
    /// The stages that are not over, each with the requests and the time before it.
    stages: VecDeque<Placed>,
    /// Requests due until now, a real number.
    due: f64,
    peeked: Option<Arrived>,
    began: Began,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Began {
    No,
    Yes,
}

struct Placed {
    number: u32,
    stage: Stage,
    due_before: f64,
    time_before: u64,
}

/// Why `stages` make no schedule.
pub(super) fn check_stages(arrival: Arrival, stages: &[Stage]) -> Result<(), &'static str> {
    let is_rate = |rate: f64| (0.0..=MAX_RATE).contains(&rate);
    if stages.is_empty() || stages.len() > MAX_STAGES {
        return Err("a schedule has from 1 to 10,000 stages");
    }
    if stages.iter().any(|stage| stage.lasts > MAX_STAGE) {
        return Err("a stage lasts up to 365 days");
    }
    if stages.iter().any(|stage| !is_rate(stage.from) || !is_rate(stage.to)) {
        return Err("a rate is from 0 to 1,000,000 requests a second");
    }
    match arrival {
        Arrival::Gamma { shape } if !(SHAPES.0..=SHAPES.1).contains(&shape) => {
            Err("the shape of gamma arrivals is from 0.01 to 1,000")
        }
        _ => Ok(()),
    }
}

impl Arrivals {
    /// Those of `stages`, which make a schedule.
    pub(super) fn new(arrival: Arrival, stages: &[Stage], seed: u64) -> Self {
        let (mut due_before, mut time_before) = (0.0, 0_u64);
        let mut placed = VecDeque::with_capacity(stages.len());
        for (number, stage) in (0..).zip(stages) {
            placed.push_back(Placed { number, stage: *stage, due_before, time_before });
            due_before += due(stage);
            time_before = time_before.saturating_add(stage.lasts.0);
        }
        let chance = Chance::new(seed, Stream::Arrivals);
        Self { arrival, chance, stages: placed, due: 0.0, peeked: None, began: Began::No }
    }

    /// The next one.
    pub(super) fn peek(&mut self) -> Option<Arrived> {
        self.peeked = self.next();
        self.peeked
    }

    fn advance(&mut self) {
        let gap = match (self.arrival, self.began) {
            // Evenly: the first one at once.
            (Arrival::Constant, Began::No) => 0.0,
            (Arrival::Constant, Began::Yes) => 1.0,
            (Arrival::Poisson, _) => self.chance.exponential(),
            (Arrival::Gamma { shape }, _) => self.chance.gamma(shape),
        };
        self.began = Began::Yes;
        self.due += gap;
    }
}

impl Iterator for Arrivals {
    type Item = Arrived;

    fn next(&mut self) -> Option<Arrived> {
        if let Some(peeked) = self.peeked.take() {
            return Some(peeked);
        }
        self.advance();
        loop {
            let placed = self.stages.front()?;
            let rest = self.due - placed.due_before;
            if rest < due(&placed.stage) {
                let at = placed.time_before.saturating_add(time_until(&placed.stage, rest));
                return Some(Arrived { at: Micros(at), stage: placed.number });
            }
            self.stages.pop_front();
        }
    }
}

/// Requests of a stage, a real number: the integral of its rate. Exact where that is a whole
/// number.
fn due(stage: &Stage) -> f64 {
    (stage.from + stage.to) * stage.lasts.0 as f64 / 2e6
}

/// Microseconds from the beginning of `stage` until `requests` are due, rounded down: solves
/// `from t + (to - from) t² / (2 lasts) = requests` in the form that loses no digits.
fn time_until(stage: &Stage, requests: f64) -> u64 {
    let slope = (stage.to - stage.from) / stage.lasts.seconds();
    // Not below 0 but for rounding at the very end of a ramp down to nothing.
    let speed = (stage.from * stage.from + 2.0 * slope * requests).max(0.0).sqrt();
    let time = 2e6 * requests / (stage.from + speed);
    // Nothing over nothing: the very beginning of a ramp from 0.
    if time.is_nan() { 0 } else { (time as u64).min(stage.lasts.0.saturating_sub(1)) }
}

#[cfg(test)]
mod tests;
