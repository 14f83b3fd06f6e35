//! What a report is made of.
//!
//! Owns plain values. Must not know: where runs are kept, or how a comparison comes about.

use super::{LagCounts, Reservoir, Study};
use crate::replay::{Comparison, Failure, Metric, PlanHead, Validity};
use crate::types::Micros;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// What a report is made of.
#[derive(Clone, Debug)]
pub struct ReportInput {
    /// What the whole is called, as in the name of its directory.
    pub id: String,
    /// When the first run began.
    pub began: SystemTime,
    /// The version of the program that ran it.
    pub program: String,
    /// What the plan was made with; all runs have it in common.
    pub plan: PlanHead,
    /// What ran.
    pub arms: Arms,
    /// What the runs were made to find out, where that is no comparison.
    pub study: Option<Study>,
}

/// What ran: one thing, or two that are compared.
#[derive(Clone, Debug)]
pub enum Arms {
    /// Nothing to compare with.
    One(Arm),
    /// Something and what it is compared with.
    Two {
        /// What is compared with.
        a: Arm,
        /// What it is about.
        b: Arm,
        /// What came of it.
        comparison: Box<Comparison>,
    },
}

/// Runs against one target.
#[derive(Clone, Debug)]
pub struct Arm {
    /// What its operator calls it.
    pub name: String,
    /// Where requests went, without secrets.
    pub target: String,
    /// In the order of time.
    pub runs: Vec<Run>,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Run {
    /// As in the name of its directory.
    pub id: String,
    /// Whether its figures mean anything.
    pub validity: Validity,
    /// Its figures, of the requests that count.
    pub figures: BTreeMap<Metric, f64>,
    /// Requests that count, however they ended.
    pub requests: u64,
    /// Those that were not answered whole, by reason; none is zero.
    pub failures: BTreeMap<Failure, u64>,
    /// Requests a second that the plan asked for; `None` where that depends on the target.
    pub intended_rate: Option<f64>,
    /// Some of its requests, for pictures.
    pub seen: Reservoir,
    /// How late its requests were sent.
    pub lag: SendLag,
}

/// How late requests of a run were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendLag {
    /// How many requests were how late.
    pub counts: LagCounts,
    /// The 99th percentile; `None` where nothing was sent.
    pub p99: Option<Micros>,
    /// From where on the run does not count; `None` where there is no limit.
    pub limit: Option<Micros>,
}

impl Arm {
    /// Its name and its address; the address alone where it has no other name.
    pub fn title(&self) -> String {
        let Self { name, target, .. } = self;
        if name == target { target.clone() } else { format!("{name}  {target}") }
    }
}

impl ReportInput {
    /// The comparison, if there is one.
    pub fn comparison(&self) -> Option<&Comparison> {
        match &self.arms {
            Arms::One(_) => None,
            Arms::Two { comparison, .. } => Some(comparison),
        }
    }

    /// One arm or two: A, then B.
    pub fn arms(&self) -> Vec<&Arm> {
        match &self.arms {
            Arms::One(arm) => vec![arm],
            Arms::Two { a, b, .. } => vec![a, b],
        }
    }
}

impl Run {
    /// Whether its figures mean anything.
    pub fn is_valid(&self) -> bool {
        self.validity == Validity::Valid
    }

    /// Why they do not.
    pub fn complaints(&self) -> &[String] {
        match &self.validity {
            Validity::Valid => &[],
            Validity::Invalid(why) => why,
        }
    }

    /// Requests that failed. One whose client left as planned, or that was not sent, did not.
    pub fn failed(&self) -> u64 {
        self.ended(|why| !is_excused(why))
    }

    /// Requests that were answered or failed.
    pub fn judged(&self) -> u64 {
        self.requests.saturating_sub(self.ended(is_excused))
    }

    fn ended(&self, how: impl Fn(Failure) -> bool) -> u64 {
        let ended = self.failures.iter().filter(|(why, _)| how(**why));
        ended.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

fn is_excused(why: Failure) -> bool {
    matches!(why, Failure::Cancelled | Failure::NotSent)
}
