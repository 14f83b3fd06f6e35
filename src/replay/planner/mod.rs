//! From a capture to the plan of a run.
//!
//! | file | owns |
//! |---|---|
//! | `source` | the captured requests in the order of sending, once or over and over |
//! | `arrivals` | the instants of schedules with a rate of their own |
//! | `words` | what a user types, as a schedule |
//! | `sweep` | the search for the highest rate that a target bears |
//! | `shard`, `barrier` | parts for several workers, and the instant at which all of them begin |
//! | `file` | a plan on disk, and its digest |
//!
//! Every instant is computed from the beginning of the run, never from the request before, so
//! that nothing adds up. Must not know: how requests are sent, or what is in them.

mod arrivals;
mod barrier;
mod file;
mod shard;
mod source;
mod sweep;
#[cfg(test)]
mod tests;
mod words;

pub use barrier::{BarrierError, StartAt};
pub use file::PlanFileError;
pub use shard::ShardError;
pub use sweep::{Knee, StageResult, Sweep, SweepSettings};
pub use words::{ScheduleWords, Wanted, WordsError};

use crate::capture::Exchange;
use crate::replay::{
    ClosedStage, Limits, Plan, PlanHead, PlanOptions, Planned, Repeat, Schedule, Stage,
};
use crate::types::Micros;
use arrivals::{Arrivals, check_stages};
use source::{Due, Source};

/// The version of plans that is made and read here.
const VERSION: u32 = 1;
/// Most requests of a plan: about a gigabyte of it.
const MAX_REQUESTS: usize = 10_000_000;

/// What a plan needs to know of a captured request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanInput {
    /// When it was received, on any clock that all requests of the capture share.
    pub received: Micros,
    /// Its conversation: a number that all turns share.
    pub session: Option<u64>,
    /// Which turn of it this is.
    pub turn: u32,
    /// How long it took to its last byte. Without that, waits between turns are taken from
    /// one request to the next.
    pub duration: Option<Micros>,
    /// When its client left, since it was received.
    pub client_left_after: Option<Micros>,
}

/// The requests of a capture.
#[derive(Clone, Copy, Debug)]
pub struct CaptureInputs<'a> {
    /// In any order; a plan names them by their place in here.
    pub requests: &'a [PlanInput],
    /// BLAKE3 of the capture's requests, in hexadecimal.
    pub digest: &'a str,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// Nothing to send.
    #[error("the capture holds no requests")]
    EmptyCapture,
    /// The schedule ends before the first request.
    #[error("the schedule ends before a single request is sent")]
    EmptyPlan,
    /// Nothing would be measured.
    #[error("all {0} requests fall into the warm-up, and none would be measured")]
    OnlyWarmUp(usize),
    /// It would not fit into memory.
    #[error("the plan has more than {MAX_REQUESTS} requests; limit it by requests or by time")]
    TooLong,
    /// A capture is repeated at its own pace for ever.
    #[error("repeating a capture at its own pace needs a limit of requests or of time")]
    Endless,
    /// A capture cannot be repeated at its own pace.
    #[error("all requests of the capture have the same time, so it has no pace to repeat it at")]
    NoPace,
    /// A number of the schedule makes no sense.
    #[error("{0}")]
    Schedule(&'static str),
}

/// Makes the plan of a run. The same arguments give the same plan on every machine.
///
/// # Errors
/// When there would be nothing to send or to measure, or no end to it.
pub fn plan(capture: CaptureInputs<'_>, options: &PlanOptions) -> Result<Plan, PlanError> {
    if capture.requests.is_empty() {
        return Err(PlanError::EmptyCapture);
    }
    check(&options.schedule)?;
    let source = Source::new(capture.requests, options);
    let mut made_with = options.clone();
    let requests = match &options.schedule {
        Schedule::Recorded { speed } | Schedule::Sessions { speed } => {
            paced(source, *speed, options)?
        }
        Schedule::Closed { stages, .. } => closed(source, stages, options)?,
        Schedule::Open { arrival, stages } => {
            let mut arrivals = Arrivals::new(*arrival, stages, options.seed);
            let requests = open(source, &mut arrivals, options)?;
            if let Schedule::Open { stages, .. } = &mut made_with.schedule {
                end_with(stages, requests.last(), arrivals.next());
            }
            requests
        }
    };
    if requests.is_empty() {
        return Err(PlanError::EmptyPlan);
    }
    if requests.iter().all(|request| request.at.is_some_and(|at| at < options.warm_up)) {
        return Err(PlanError::OnlyWarmUp(requests.len()));
    }
    let head = PlanHead {
        version: VERSION,
        options: made_with,
        capture: capture.digest.to_owned(),
        captured: capture.requests.len() as u64,
        shard: None,
    };
    Ok(Plan { head, requests })
}

/// The capture's own pace, faster or slower.
fn paced(source: Source<'_>, speed: f64, options: &PlanOptions) -> Result<Vec<Planned>, PlanError> {
    if options.repeat == Repeat::Loop && options.limits == Limits::default() {
        return Err(PlanError::Endless);
    }
    let (has_pace, pass) = (source.has_pace(), source.first_pass());
    let follows_turns = matches!(options.schedule, Schedule::Sessions { .. });
    let scaled = |time: Micros| Micros((time.0 as f64 / speed).round() as u64);
    let mut gather = Gather::new(options);
    for due in source {
        let expected = scaled(due.offset);
        let mut request = Planned { at: Some(expected), ..planned(&due) };
        if let (true, Some(wait)) = (follows_turns, due.after_turn) {
            (request.at, request.after_turn) = (None, Some(scaled(wait)));
        }
        if !gather.takes(request, expected)? {
            break;
        }
        if gather.requests.len() > pass && !has_pace {
            return Err(PlanError::NoPace);
        }
    }
    Ok(gather.requests)
}

/// A rate of its own.
fn open(
    source: Source<'_>,
    arrivals: &mut Arrivals,
    options: &PlanOptions,
) -> Result<Vec<Planned>, PlanError> {
    let mut gather = Gather::new(options);
    for due in source {
        let Some(arrival) = arrivals.peek() else { break };
        let request = Planned { at: Some(arrival.at), stage: arrival.stage, ..planned(&due) };
        if !gather.takes(request, arrival.at)? {
            break;
        }
        // Only now: whoever comes after this looks at the first one that found no place.
        arrivals.next();
    }
    Ok(gather.requests)
}

/// As many as that at a time. Which request is sent when is the target's doing.
fn closed(
    mut source: Source<'_>,
    stages: &[ClosedStage],
    options: &PlanOptions,
) -> Result<Vec<Planned>, PlanError> {
    let mut gather = Gather::new(options);
    for (number, stage) in (0..).zip(stages) {
        for _ in 0..stage.requests {
            let Some(due) = source.next() else { return Ok(gather.requests) };
            if !gather.takes(Planned { stage: number, ..planned(&due) }, Micros(u64::MAX))? {
                return Ok(gather.requests);
            }
        }
    }
    Ok(gather.requests)
}

fn planned(due: &Due) -> Planned {
    Planned {
        number: 0,
        exchange: due.exchange,
        at: None,
        stage: 0,
        session: due.session,
        after_turn: None,
        leaves_after: due.leaves_after,
    }
}

/// Takes requests until a limit is reached.
struct Gather {
    requests: Vec<Planned>,
    /// How many there may be.
    most: usize,
    /// Those after the warm-up that may still come.
    left: u64,
    warm_up: Micros,
    end: Micros,
}

impl Gather {
    fn new(options: &PlanOptions) -> Self {
        let closed = matches!(options.schedule, Schedule::Closed { .. });
        let duration = options.limits.duration.filter(|_| !closed);
        Self {
            requests: Vec::new(),
            most: MAX_REQUESTS,
            left: options.limits.requests.unwrap_or(u64::MAX),
            warm_up: options.warm_up,
            end: duration.map_or(Micros(u64::MAX), |lasts| {
                Micros(options.warm_up.0.saturating_add(lasts.0))
            }),
        }
    }

    /// Whether `request`, which is expected to be sent `at`, still belongs to the plan.
    fn takes(&mut self, request: Planned, at: Micros) -> Result<bool, PlanError> {
        let beyond = at >= self.end && self.end != Micros(u64::MAX);
        if beyond || self.left == 0 {
            return Ok(false);
        }
        if self.requests.len() == self.most {
            return Err(PlanError::TooLong);
        }
        if at >= self.warm_up {
            self.left -= 1;
        }
        self.requests.push(Planned { number: self.requests.len() as u64, ..request });
        Ok(true)
    }
}

/// Where a plan ends before its schedule, in an even stage, lets the schedule end as well: when
/// the next request would have been sent. It then says what the plan does, and gives the same
/// plan again.
fn end_with(stages: &mut Vec<Stage>, last: Option<&Planned>, next: Option<arrivals::Arrived>) {
    let (Some(last), Some(next)) = (last, next) else { return };
    let before: u64 = stages.iter().take(next.stage as usize).map(|stage| stage.lasts.0).sum();
    let Some(stage) = stages.get_mut(next.stage as usize) else { return };
    let lasts = next.at.since(Micros(before));
    let is_between = last.at.is_some_and(|at| at < next.at) && lasts > Micros(0);
    if stage.from == stage.to && is_between {
        stage.lasts = lasts;
        stages.truncate(next.stage as usize + 1);
    }
}

fn check(schedule: &Schedule) -> Result<(), PlanError> {
    let why = match schedule {
        Schedule::Recorded { speed } | Schedule::Sessions { speed } => {
            let makes_sense = speed.is_finite() && *speed > 0.0;
            (!makes_sense).then_some("a speed is a number above 0")
        }
        Schedule::Open { arrival, stages } => check_stages(*arrival, stages).err(),
        Schedule::Closed { stages, .. } => {
            let is_idle = |stage: &ClosedStage| stage.concurrency == 0;
            let is_wrong = stages.is_empty() || stages.iter().any(is_idle);
            is_wrong.then_some("a closed schedule has stages with at least one request at a time")
        }
    };
    why.map_or(Ok(()), |why| Err(PlanError::Schedule(why)))
}

impl PlanInput {
    /// What a plan needs to know of `exchange`.
    pub fn of(exchange: &Exchange) -> Self {
        let session = exchange.session.as_ref();
        Self {
            received: exchange.times.received.into(),
            session: session.map(|session| session_number(&session.id)),
            turn: session.map_or(0, |session| session.turn),
            duration: exchange.times.last.map(Micros::from),
            client_left_after: exchange.times.client_closed.map(Micros::from),
        }
    }
}

/// A number that stands for a conversation: the first 8 bytes of the BLAKE3 of its name.
fn session_number(id: &str) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *blake3::hash(id.as_bytes()).as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// Spreads the bits of `number` (the finalizer of SplitMix64; Steele, Lea, Flood 2014). Plans
/// on disk depend on it.
fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
