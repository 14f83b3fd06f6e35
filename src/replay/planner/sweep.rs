//! The search for the highest rate that a target bears.
//!
//! The rate is raised by a factor until the objectives are missed; then the bracket is halved,
//! in proportion, until it is narrow enough. Requests keep coming at the rate whatever the
//! target does (an open loop), so that saturation shows as waiting and not as a lower rate.
//! Each stage is a run of its own, and the next one begins when nothing is under way any more:
//! what one stage has heaped up must not be held against the next. Chance alone can make a stage
//! miss (a collection of garbage, a burst), so a miss only counts when it happens twice in a
//! row. Must not know: what the objectives are.

use crate::replay::planner::words::warm;
use crate::replay::{Arrival, PlanOptions, Repeat, Schedule, Stage};
use crate::types::Micros;
use serde::{Deserialize, Serialize};

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepSettings {
    /// The rate to begin with, in requests a second: one that is surely borne.
    pub from: f64,
    /// The highest rate that is tried.
    pub to: f64,
    /// How long a stage is, in which some hundred requests should come.
    pub lasts: Micros,
    /// The factor from one stage to the next while nothing is missed; above 1.
    pub growth: f64,
    /// The search ends when the bracket's ends are within this factor of each other; above 1.
    pub precision: f64,
}

/// What became of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageResult {
    /// The objectives were kept.
    Kept,
    /// They were not.
    Missed,
    /// Nobody knows: the run is not valid.
    Invalid,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Knee {
    /// The first rate was kept, and the second one missed.
    Between(f64, f64),
    /// The highest rate that was to be tried was kept.
    AtLeast(f64),
    /// The lowest one was missed already.
    Below(f64),
    /// At this rate the runs were not valid: the generator is the limit, not the target.
    GeneratorLimit {
        /// The highest rate that was kept.
        kept: Option<f64>,
        /// The rate that could not be sent.
        at: f64,
    },
}

/// A search.
#[derive(Clone, Debug)]
pub struct Sweep {
    settings: SweepSettings,
    rate: f64,
    kept: Option<f64>,
    missed: Option<f64>,
    /// The result before, if it counts only when it comes again.
    doubted: Option<StageResult>,
    stages: u32,
    knee: Option<Knee>,
}

impl SweepSettings {
    /// From one rate to the other, by half as much each time, to within 5 %, in stages of 30 s.
    pub fn between(from: f64, to: f64) -> Self {
        Self { from, to, lasts: Micros(30_000_000), growth: 1.5, precision: 1.05 }
    }
}

impl Sweep {
    /// A search that has not begun. Factors too close to 1 to come to an end are raised.
    pub fn new(settings: SweepSettings) -> Self {
        let settings = SweepSettings {
            growth: settings.growth.max(1.05),
            precision: settings.precision.max(1.005),
            ..settings
        };
        let rate = settings.from;
        let (kept, missed) = (None, None);
        Self { settings, rate, kept, missed, doubted: None, stages: 0, knee: None }
    }

    /// The next stage; `None` when the knee was found. `last` is what became of the one before:
    /// `None` the first time, and where nothing did, which repeats it.
    pub fn next(&mut self, last: Option<StageResult>) -> Option<Stage> {
        if let (Some(result), None) = (last, self.knee) {
            self.learn(result);
        }
        if self.knee.is_some() {
            return None;
        }
        self.stages += 1;
        Some(Stage { from: self.rate, to: self.rate, lasts: self.settings.lasts })
    }

    /// What was found; `None` until [`Self::next`] returns `None`.
    pub fn knee(&self) -> Option<Knee> {
        self.knee
    }

    /// How the run of `stage` is planned: with a warm-up at its own rate, with a seed of its own,
    /// and with other requests than the stages before, whose prompts a target may remember.
    /// `sent` counts the requests of those.
    pub fn options(&self, each: &PlanOptions, stage: Stage, sent: u64) -> PlanOptions {
        let arrival = match each.schedule {
            Schedule::Open { arrival, .. } => arrival,
            _ => Arrival::Poisson,
        };
        let mut stages = vec![stage];
        warm(&mut stages, each.warm_up);
        PlanOptions {
            schedule: Schedule::Open { arrival, stages },
            seed: each.seed.wrapping_add(u64::from(self.stages)),
            repeat: Repeat::Loop,
            skip: each.skip.saturating_add(sent),
            ..each.clone()
        }
    }

    fn learn(&mut self, result: StageResult) {
        let is_certain = result == StageResult::Kept || self.doubted == Some(result);
        if !is_certain {
            self.doubted = Some(result);
            return;
        }
        self.doubted = None;
        match result {
            StageResult::Kept => self.kept = Some(self.rate),
            StageResult::Missed => self.missed = Some(self.rate),
            StageResult::Invalid => {
                self.knee = Some(Knee::GeneratorLimit { kept: self.kept, at: self.rate });
                return;
            }
        }
        self.go_on();
    }

    /// The next rate, or the end.
    fn go_on(&mut self) {
        let SweepSettings { to, growth, precision, .. } = self.settings;
        match (self.kept, self.missed) {
            (None, Some(missed)) => self.knee = Some(Knee::Below(missed)),
            (Some(kept), None) if kept >= to => self.knee = Some(Knee::AtLeast(kept)),
            (Some(kept), None) => self.rate = rounded(kept * growth).min(to),
            (Some(kept), Some(missed)) => {
                let middle = rounded((kept * missed).sqrt());
                if missed <= kept * precision || middle <= kept || middle >= missed {
                    self.knee = Some(Knee::Between(kept, missed));
                } else {
                    self.rate = middle;
                }
            }
            (None, None) => {}
        }
    }
}

/// To four digits: rates are read by people, and written as decimals.
fn rounded(rate: f64) -> f64 {
    let step = libm::pow(10.0, libm::log10(rate).floor() - 3.0);
    let steps = (rate / step).round();
    // Powers of ten are exact from 1 on, and so is what they divide: no tail of digits is left.
    if step < 1.0 { steps / step.recip().round() } else { steps * step }
}

#[cfg(test)]
mod tests;
