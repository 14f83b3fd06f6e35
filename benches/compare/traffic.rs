//! What each case sends, and at what pace.
//! Knows no proxy, and nothing of how a measurement is taken.

use std::sync::Arc;
use std::time::Duration;

use crate::Result;
use crate::answers::{Asked, Drawn};
use crate::cli::{Case, Plan};
use crate::load::{self, Call, Calls, Connection, SharedCalls, Tally};
use crate::pace::Pacer;

/// Events of a B5 warm-up stream: long enough for all streams to be open at once.
const WARM_UP_EVENTS: usize = 25;

/// Events of a B6 stream.
const BURST: usize = 200;

/// Events of a stream that misses: few, so that a connection is soon free again.
const MISSED: usize = 5;

const KIB: usize = 1024;

/// Lengths of the answers on disk, by turns: evenly over the orders of magnitude.
const LENGTHS: [usize; 5] = [KIB, 3 * KIB, 10 * KIB, 30 * KIB, 100 * KIB];

/// The load of every case, made once.
pub struct Traffic {
    plan: Plan,
    pacer: Arc<Pacer>,
    reply: SharedCalls,
    stream: SharedCalls,
    warm_up_stream: SharedCalls,
    small: SharedCalls,
    large: SharedCalls,
    burst: SharedCalls,
    stored: SharedCalls,
    missed: SharedCalls,
}

/// When requests are sent.
enum Pace {
    /// Each when the one before it is answered, for this long.
    Closed(Duration),
    /// So many a second, for this long.
    Steady(u32, Duration),
    /// One on each connection, the starts spread over this long.
    Open(Duration),
}

/// Which part of a measurement the load is for.
#[derive(Clone, Copy)]
pub enum Phase {
    /// What comes before the clocks are read.
    WarmUp,
    /// What is measured.
    Measured,
}

impl Traffic {
    /// The load of `plan`.
    pub fn new(plan: &Plan) -> Self {
        let lasting = plan.warm_up + plan.measure;
        // Some more than are sent, so that none comes twice.
        let misses = (lasting.as_secs_f64() * f64::from(plan.calm_rate)) as u32 + 100;
        Self {
            plan: plan.clone(),
            pacer: Arc::new(Pacer::start()),
            reply: same(Asked::Reply, Drawn::Anew),
            stream: same(Asked::Stream(plan.events), Drawn::Anew),
            warm_up_stream: same(Asked::Stream(WARM_UP_EVENTS), Drawn::Anew),
            small: same(Asked::Document(KIB), Drawn::Greedily),
            large: same(Asked::Document(100 * KIB), Drawn::Greedily),
            burst: same(Asked::Burst(BURST), Drawn::Greedily),
            stored: different(plan.entries, LENGTHS.map(Asked::Document)),
            missed: different(misses, [Asked::Stream(MISSED)]),
        }
    }

    /// Connections of `case`.
    pub fn connections(&self, case: Case) -> usize {
        match case {
            Case::B5 => self.plan.streams,
            _ => self.plan.connections,
        }
    }

    /// How many answers the warm-up of `case` leaves in a cache that is to have them all.
    pub fn stored(&self, case: Case) -> Option<u32> {
        (case == Case::B6Disk).then_some(self.plan.entries)
    }

    /// Applies the load of `case`.
    ///
    /// # Errors
    /// When a task dies.
    pub async fn drive(
        &self,
        case: Case,
        phase: Phase,
        connections: Vec<Connection>,
    ) -> Result<(Vec<Connection>, Tally)> {
        let (calls, pace) = self.load(case, phase);
        match pace {
            Pace::Closed(time) => load::closed_loop(connections, calls, time).await,
            Pace::Steady(rate, time) => {
                load::steady_loop(connections, calls, (rate, time), &self.pacer).await
            }
            Pace::Open(ramp) => load::open_loop(connections, calls, ramp, &self.pacer).await,
        }
    }

    fn load(&self, case: Case, phase: Phase) -> (&SharedCalls, Pace) {
        let Plan { rate, captured_rate, calm_rate, fill_rate, .. } = self.plan;
        // One start per millisecond.
        let ramp = Duration::from_millis(self.plan.streams as u64);
        let time = match phase {
            Phase::WarmUp => self.plan.warm_up,
            Phase::Measured => self.plan.measure,
        };
        match (case, phase) {
            (Case::B2 | Case::B8 | Case::B9Most, _) => (&self.reply, Pace::Closed(time)),
            (Case::B5, Phase::WarmUp) => (&self.warm_up_stream, Pace::Open(ramp / 4)),
            (Case::B5, Phase::Measured) => (&self.stream, Pace::Open(ramp)),
            (Case::B6Small, _) => (&self.small, Pace::Closed(time)),
            (Case::B6Large, _) => (&self.large, Pace::Closed(time)),
            (Case::B6Stream, _) => (&self.burst, Pace::Closed(time)),
            (Case::B6Disk, Phase::WarmUp) => {
                let each_once = Duration::from_secs(1) / fill_rate * self.plan.entries;
                (&self.stored, Pace::Steady(fill_rate, each_once))
            }
            (Case::B6Disk, Phase::Measured) => (&self.stored, Pace::Steady(calm_rate, time)),
            (Case::Miss, _) => (&self.missed, Pace::Steady(calm_rate, time)),
            (Case::B9, _) => (&self.reply, Pace::Steady(captured_rate, time)),
            (Case::B10, _) => (&self.reply, Pace::Steady(rate, time)),
        }
    }
}

/// The same request every time.
fn same(asked: Asked, drawn: Drawn) -> SharedCalls {
    Calls::new(vec![Call { request: asked.request(drawn), answer: Arc::new(asked.answer()) }])
}

/// `count` requests of which no two are equal, for each kind of answer by turns.
fn different<const N: usize>(count: u32, kinds: [Asked; N]) -> SharedCalls {
    let answers = kinds.map(|asked| (asked, Arc::new(asked.answer())));
    let by_turns = answers.iter().cycle().zip(0..count);
    let calls = by_turns.map(|((asked, answer), seed)| Call {
        request: asked.request(Drawn::Seeded(seed)),
        answer: Arc::clone(answer),
    });
    Calls::new(calls.collect())
}
