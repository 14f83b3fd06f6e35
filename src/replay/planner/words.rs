//! What a user types, as a schedule.
//!
//! | words | mean |
//! |---|---|
//! | none, or `speed` `2x` | as recorded, or twice as fast |
//! | `turns` `free`, `ordered`, `paced` | a turn does not wait; waits for the one before; waits as long after it as its client did |
//! | `rate` `50/s` | 50 requests a second; also `3000/min` |
//! | `ramp` `50/s..200/s over 5m` | a rate that rises or falls |
//! | `steps` `10,20,40/s each 1m` | one rate after the other |
//! | `arrival` `poisson`, `constant`, `gamma:0.5` | how those are spread; independent callers (`poisson`) unless said |
//! | `concurrency` `32`, or `8,16,32 each 500` | so many at a time, 500 requests each |
//! | `think` `2s` | how long each of those waits between an answer and its next request |
//! | `sweep` `10..500/s each 30s` | the highest rate in between that keeps the objectives |
//! | `duration`, `requests` | where it ends; what a capture lacks is taken from its beginning again |
//! | `warm_up` `30s` | comes before that, and does not count |
//!
//! Must not know: the command line, or how instants are made from a schedule.

mod grammar;
#[cfg(test)]
mod tests;

use crate::replay::planner::SweepSettings;
use crate::replay::{Arrival, ClosedStage, Limits, PlanOptions, Repeat, Schedule, Stage, Turns};
use crate::types::Micros;
use grammar::Flag;

/// What a user types. `None` is what was not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduleWords {
    /// `2x`, or `2`.
    pub speed: Option<String>,
    /// `free`, `ordered` or `paced`.
    pub turns: Option<String>,
    /// `50/s`.
    pub rate: Option<String>,
    /// `constant`, `poisson`, or `gamma:` with a shape.
    pub arrival: Option<String>,
    /// `50/s..200/s over 5m`.
    pub ramp: Option<String>,
    /// `10,20,40/s each 1m`.
    pub steps: Option<String>,
    /// `32`, or `8,16,32 each 500`.
    pub concurrency: Option<String>,
    /// `500ms`.
    pub think: Option<String>,
    /// `10..500/s each 30s`.
    pub sweep: Option<String>,
    /// `5m`.
    pub duration: Option<String>,
    /// Requests in all.
    pub requests: Option<u64>,
    /// `30s`.
    pub warm_up: Option<String>,
    /// What all chance comes from; 0 unless said.
    pub seed: Option<u64>,
}

/// What a user wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// One run.
    Run(PlanOptions),
    /// A search, whose runs are made with [`Sweep::options`](super::Sweep::options).
    Sweep {
        /// What is searched.
        settings: SweepSettings,
        /// What all its runs have in common. Their schedule is the search's.
        each: PlanOptions,
    },
}

/// Why words make no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// One of them cannot be read.
    #[error("--{flag}: `{given}` is not {wanted}")]
    Unreadable {
        /// Which.
        flag: &'static str,
        /// What was typed.
        given: String,
        /// What would do.
        wanted: &'static str,
    },
    /// Two of them contradict each other.
    #[error("--{0} and --{1} do not go together: {2}")]
    Together(&'static str, &'static str, &'static str),
    /// One of them needs another one.
    #[error("--{0} needs {1}")]
    Alone(&'static str, &'static str),
}

const SPEED: Flag = Flag("speed", "a factor such as 2x, above 0 and up to 10000x");
const TURNS: Flag = Flag("turns", "`free`, `ordered` or `paced`");
const RATE: Flag = Flag("rate", "a rate such as 50/s or 3000/min, above 0 and up to 1000000/s");
const ARRIVAL: Flag =
    Flag("arrival", "`constant`, `poisson`, or `gamma:` with a shape from 0.01 to 1000");
const RAMP: Flag = Flag("ramp", "two rates and a time such as 50/s..200/s over 5m");
const STEPS: Flag = Flag("steps", "rates and a time such as 10,20,40/s each 1m");
const CONCURRENCY: Flag =
    Flag("concurrency", "a number from 1 to 100000, or some of them such as 8,16,32 each 500");
const THINK: Flag = Flag("think", "a time such as 500ms, up to 365d");
const SWEEP: Flag = Flag("sweep", "two rates, the lower one first, and a time: 10..500/s each 30s");
const DURATION: Flag = Flag("duration", "a time such as 5m, above 0s and up to 365d");
const REQUESTS: Flag = Flag("requests", "a number above 0");
const WARM_UP: Flag = Flag("warm-up", "a time such as 30s, up to 365d");

/// How long a stage of a search lasts unless it is said.
const SWEEP_STAGE: Micros = Micros(30_000_000);

impl ScheduleWords {
    /// What is wanted of a capture with so many requests.
    ///
    /// # Errors
    /// When a word cannot be read, or does not go with another one.
    pub fn read(&self, captured: u64) -> Result<Wanted, WordsError> {
        self.check_companions()?;
        let lasts = self.duration.as_deref().map(|text| DURATION.time(text)).transpose()?;
        if self.requests == Some(0) {
            return Err(REQUESTS.unreadable("0"));
        }
        let turns = self.turns.as_deref().unwrap_or("free");
        if !["free", "ordered", "paced"].contains(&turns) {
            return Err(TURNS.unreadable(turns));
        }
        let told = Told { words: self, captured, lasts };
        let schedule = told.schedule()?;
        let is_limited = lasts.is_some() || self.requests.is_some();
        let has_end = matches!(schedule, Schedule::Open { .. } | Schedule::Closed { .. });
        // At a rate, and without another word, a capture is sent once.
        let repeats = is_limited || (has_end && self.rate.is_none());
        let mut options = PlanOptions {
            seed: self.seed.unwrap_or(0),
            warm_up: told.warm_up()?,
            limits: Limits { requests: self.requests, duration: lasts },
            repeat: if repeats { Repeat::Loop } else { Repeat::Once },
            turns: if turns == "free" { Turns::Free } else { Turns::Ordered },
            ..PlanOptions::new(schedule)
        };
        if let Some(text) = &self.sweep {
            let settings = told.sweep(text)?;
            options.limits = Limits::default();
            return Ok(Wanted::Sweep { settings, each: options });
        }
        if let Schedule::Open { stages, .. } = &mut options.schedule {
            warm(stages, options.warm_up);
        }
        Ok(Wanted::Run(options))
    }

    /// That there is one kind of schedule, and nothing that only goes with another kind.
    fn check_companions(&self) -> Result<(), WordsError> {
        let kinds = [
            ("rate", self.rate.is_some()),
            ("ramp", self.ramp.is_some()),
            ("steps", self.steps.is_some()),
            ("concurrency", self.concurrency.is_some()),
            ("sweep", self.sweep.is_some()),
        ];
        let mut said = kinds.iter().filter(|(_, is_said)| *is_said).map(|(name, _)| *name);
        let (kind, other) = (said.next(), said.next());
        if let (Some(kind), Some(other)) = (kind, other) {
            return Err(WordsError::Together(kind, other, "each is a schedule of its own"));
        }
        let is_paced = self.turns.as_deref() == Some("paced");
        let closed = kind == Some("concurrency");
        match kind {
            Some(kind) if self.speed.is_some() => {
                Err(WordsError::Together("speed", kind, "a speed is that of the recorded times"))
            }
            Some(kind) if is_paced => {
                let why = "`paced` is the recorded pace; `ordered` goes with every schedule";
                Err(WordsError::Together("turns", kind, why))
            }
            None if self.arrival.is_some() => {
                Err(WordsError::Alone("arrival", "a rate: --rate, --ramp, --steps or --sweep"))
            }
            Some("concurrency") if self.arrival.is_some() => {
                let why = "a request is sent when another one is answered";
                Err(WordsError::Together("arrival", "concurrency", why))
            }
            Some("concurrency") if self.duration.is_some() => {
                let why = "how many requests that would be is up to the target; say --requests";
                Err(WordsError::Together("duration", "concurrency", why))
            }
            Some("sweep") if self.duration.is_some() || self.requests.is_some() => {
                let other = if self.duration.is_some() { "duration" } else { "requests" };
                let why = "it ends when it has found the rate; a stage lasts `each` so long";
                Err(WordsError::Together(other, "sweep", why))
            }
            _ if self.think.is_some() && !closed => {
                Err(WordsError::Alone("think", "--concurrency"))
            }
            _ => Ok(()),
        }
    }
}

/// Puts a warm-up before the rest, at the rate that the rest begins with.
pub(super) fn warm(stages: &mut Vec<Stage>, warm_up: Micros) {
    let rate = stages.first().map(|first| if first.from > 0.0 { first.from } else { first.to });
    if let (Some(rate), true) = (rate, warm_up > Micros(0)) {
        stages.insert(0, Stage { from: rate, to: rate, lasts: warm_up });
    }
}

/// Words of one kind, with what they are about.
struct Told<'a> {
    words: &'a ScheduleWords,
    captured: u64,
    lasts: Option<Micros>,
}

impl Told<'_> {
    fn schedule(&self) -> Result<Schedule, WordsError> {
        let words = self.words;
        if let Some(text) = &words.concurrency {
            return self.closed(text);
        }
        let arrival = words.arrival.as_deref().map_or(Ok(Arrival::Poisson), arrival)?;
        let stages = if let Some(text) = &words.rate {
            let rate = RATE.rate(text).filter(|rate| *rate > 0.0);
            let rate = rate.ok_or_else(|| RATE.unreadable(text))?;
            vec![Stage { from: rate, to: rate, lasts: self.time_of(rate, arrival) }]
        } else if let Some(text) = &words.ramp {
            self.ramp(text)?
        } else if let Some(text) = &words.steps {
            self.steps(text)?
        } else if let Some(text) = &words.sweep {
            let SweepSettings { from, lasts, .. } = self.sweep(text)?;
            vec![Stage { from, to: from, lasts }]
        } else {
            let speed = words.speed.as_deref().map_or(Ok(1.0), speed)?;
            if words.turns.as_deref() == Some("paced") {
                return Ok(Schedule::Sessions { speed });
            }
            return Ok(Schedule::Recorded { speed });
        };
        Ok(Schedule::Open { arrival, stages })
    }

    /// How long it takes to send what is wanted at that rate: a little longer than on average
    /// where chance decides, so that it is sent. The plan ends with its last request.
    fn time_of(&self, rate: f64, arrival: Arrival) -> Micros {
        if let Some(lasts) = self.lasts {
            return lasts;
        }
        let requests = self.words.requests.unwrap_or(self.captured) as f64;
        let shape = match arrival {
            Arrival::Constant => f64::INFINITY,
            Arrival::Poisson => 1.0,
            Arrival::Gamma { shape } => shape,
        };
        // A sum of gamma gaps exceeds this with probability exp(-40) (Boucheron, Lugosi and
        // Massart, Concentration Inequalities, 2013, section 2.4).
        let longest = requests + (80.0 * requests / shape).sqrt() + 40.0 / shape;
        Micros((longest * 1e6 / rate).ceil() as u64)
    }

    fn ramp(&self, text: &str) -> Result<Vec<Stage>, WordsError> {
        let (rates, lasts) = RAMP.timed(text, " over ")?;
        let (from, to) = RAMP.range(rates).ok_or_else(|| RAMP.unreadable(text))?;
        if from == 0.0 && to == 0.0 {
            return Err(RAMP.unreadable(text));
        }
        let lasts = self.one_time("ramp", lasts)?;
        Ok(vec![Stage { from, to, lasts }])
    }

    fn steps(&self, text: &str) -> Result<Vec<Stage>, WordsError> {
        let (rates, each) = STEPS.timed(text, " each ")?;
        let rates = STEPS.rates(rates).ok_or_else(|| STEPS.unreadable(text))?;
        let whole = self.lasts.map(|lasts| Micros(lasts.0 / rates.len() as u64));
        let lasts = match (each, whole) {
            (None, Some(part)) => part,
            (each, _) => self.one_time("steps", each)?,
        };
        Ok(rates.into_iter().map(|rate| Stage { from: rate, to: rate, lasts }).collect())
    }

    /// The time that was said, with the schedule or as its duration.
    fn one_time(&self, flag: &'static str, said: Option<Micros>) -> Result<Micros, WordsError> {
        match (said, self.lasts) {
            (Some(_), Some(_)) => {
                Err(WordsError::Together("duration", flag, "it says already how long it lasts"))
            }
            (Some(time), None) | (None, Some(time)) => Ok(time),
            (None, None) => Err(WordsError::Alone(flag, "a time: `… each 1m`, `… over 5m`")),
        }
    }

    fn closed(&self, text: &str) -> Result<Schedule, WordsError> {
        let think = self.words.think.as_deref().map_or(Ok(Micros(0)), |text| THINK.any_time(text));
        let (counts, each) = CONCURRENCY.counts(text)?;
        if let (Some(_), Some(_)) = (each, self.words.requests) {
            let why = "it says already how many requests there are";
            return Err(WordsError::Together("requests", "concurrency", why));
        }
        // All of them, parted evenly: the first stages one more where that does not come out.
        let all = self.words.requests.unwrap_or(self.captured);
        let parts = counts.len() as u64;
        let part = |index: u64| each.unwrap_or(all / parts + u64::from(index < all % parts));
        let stages = (0..).zip(counts);
        let stages = stages
            .map(|(index, concurrency)| ClosedStage { concurrency, requests: part(index) })
            .collect();
        Ok(Schedule::Closed { stages, think: think? })
    }

    fn sweep(&self, text: &str) -> Result<SweepSettings, WordsError> {
        let (rates, lasts) = SWEEP.timed(text, " each ")?;
        let range = SWEEP.range(rates).filter(|(from, to)| 0.0 < *from && from < to);
        let (from, to) = range.ok_or_else(|| SWEEP.unreadable(text))?;
        Ok(SweepSettings {
            lasts: lasts.unwrap_or(SWEEP_STAGE),
            ..SweepSettings::between(from, to)
        })
    }

    fn warm_up(&self) -> Result<Micros, WordsError> {
        self.words.warm_up.as_deref().map_or(Ok(Micros(0)), |text| WARM_UP.any_time(text))
    }
}

fn speed(text: &str) -> Result<f64, WordsError> {
    let speed = grammar::number(text.trim().trim_end_matches('x'));
    let speed = speed.filter(|speed| *speed > 0.0 && *speed <= 10_000.0);
    speed.ok_or_else(|| SPEED.unreadable(text))
}

fn arrival(text: &str) -> Result<Arrival, WordsError> {
    use crate::replay::planner::arrivals::SHAPES;
    let known = match text.trim().split_once(':') {
        None if text.trim() == "constant" => Some(Arrival::Constant),
        None if text.trim() == "poisson" => Some(Arrival::Poisson),
        Some(("gamma", shape)) => grammar::number(shape)
            .filter(|shape| (SHAPES.0..=SHAPES.1).contains(shape))
            .map(|shape| Arrival::Gamma { shape }),
        _ => None,
    };
    known.ok_or_else(|| ARRIVAL.unreadable(text))
}
