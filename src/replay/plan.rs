//! What a run is going to do, written down before it begins: which request is sent at which
//! instant of one clock that starts at zero.
//!
//! Must not know: how a plan is made, or what becomes of it.

use crate::types::Micros;
use serde::{Deserialize, Serialize};

/// What a run is going to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What it was made with.
    pub head: PlanHead,
    /// The requests: in the order of their instants, or in the order of sending where that
    /// depends on the target.
    pub requests: Vec<Planned>,
}

/// What a plan was made with. The same head and the same capture give the same plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanHead {
    /// The version of this format: 1.
    pub version: u32,
    /// The rest of it. An even schedule ends where the plan does, if that is earlier.
    pub options: PlanOptions,
    /// BLAKE3 of the capture's requests, in hexadecimal.
    pub capture: String,
    /// The requests that the capture holds.
    pub captured: u64,
    /// Which part of a plan for several workers this is.
    pub shard: Option<Shard>,
}

/// What a plan is made with, besides the capture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanOptions {
    /// When requests are sent.
    pub schedule: Schedule,
    /// What all chance comes from.
    pub seed: u64,
    /// The first part of the schedule that does not count.
    pub warm_up: Micros,
    /// Where it ends, if that is before the schedule does.
    pub limits: Limits,
    /// What happens at the end of the capture.
    pub repeat: Repeat,
    /// Requests of the capture that the first pass leaves out, so that one plan can go on where
    /// another one ended.
    pub skip: u64,
    /// Whether clients leave as the recorded ones did.
    pub cancellations: Cancellations,
    /// Whether a turn waits for the one before. [`Schedule::Sessions`] always does.
    pub turns: Turns,
}

impl PlanOptions {
    /// Those of a plain plan: the whole schedule counts, and sends the capture once, with the
    /// seed 0.
    pub fn new(schedule: Schedule) -> Self {
        Self {
            schedule,
            seed: 0,
            warm_up: Micros(0),
            limits: Limits::default(),
            repeat: Repeat::default(),
            skip: 0,
            cancellations: Cancellations::default(),
            turns: Turns::default(),
        }
    }
}

/// Where a plan ends. The warm-up comes on top of both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Most requests. Of a closed schedule: all of them, as nobody knows when they are sent.
    pub requests: Option<u64>,
    /// Nothing is sent at this time or later. Without effect on a closed schedule.
    pub duration: Option<Micros>,
}

/// What happens at the end of the capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// The plan ends.
    #[default]
    Once,
    /// It begins anew, with conversations of their own, until the schedule ends.
    Loop,
}

/// Whether clients leave as the recorded ones did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancellations {
    /// They do.
    #[default]
    AsRecorded,
    /// They stay until the end.
    None,
}

/// Whether a turn of a conversation waits for the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turns {
    /// It is sent when it is due.
    #[default]
    Free,
    /// It is not sent before the one before is through.
    Ordered,
}

/// A part of a plan for several workers. All parts begin at the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Counted from 0.
    pub index: u32,
    /// Of how many.
    pub of: u32,
}

/// When requests are sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Schedule {
    /// As they came, `speed` times as fast.
    Recorded {
        /// 2 is twice as fast.
        speed: f64,
    },
    /// At a rate that may change from one stage to the next.
    Open {
        /// How requests are spread.
        arrival: Arrival,
        /// One after the other.
        stages: Vec<Stage>,
    },
    /// As many as that at a time, each sending its next request when it has its answer.
    Closed {
        /// Requests at a time, one stage after the other.
        stages: Vec<ClosedStage>,
        /// How long each one waits between an answer and its next request.
        think: Micros,
    },
    /// The turns of a conversation one after the other, conversations as they began,
    /// `speed` times as fast.
    Sessions {
        /// 2 is twice as fast.
        speed: f64,
    },
}

/// How the requests of an open schedule are spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Arrival {
    /// Evenly.
    Constant,
    /// As independent callers do.
    Poisson,
    /// In bursts, with gaps of a gamma distribution; 1 is as `Poisson`, less is burstier.
    Gamma {
        /// Its shape.
        shape: f64,
    },
}

/// A part of an open schedule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Requests a second at its beginning.
    pub from: f64,
    /// And at its end: the same, or a ramp.
    pub to: f64,
    /// How long it is.
    pub lasts: Micros,
}

/// A part of a closed schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedStage {
    /// Requests at a time.
    pub concurrency: u32,
    /// Requests it sends in all.
    pub requests: u64,
}

/// A request of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Its place in the whole plan, from 0; the same in a shard.
    pub number: u64,
    /// The request of the capture that it repeats, from 0.
    pub exchange: u64,
    /// When it is sent; `None` where that depends on the target.
    pub at: Option<Micros>,
    /// The stage of the schedule, from 0.
    pub stage: u32,
    /// Its conversation, if it may not be sent before the turn that comes before it is
    /// through: a number that all turns share.
    pub session: Option<u64>,
    /// How long to wait after that turn.
    pub after_turn: Option<Micros>,
    /// When the client leaves, since the request was sent, as the recorded one did.
    pub leaves_after: Option<Micros>,
}
