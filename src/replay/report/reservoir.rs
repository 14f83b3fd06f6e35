//! A bounded part of a run's requests, for pictures.
//!
//! Which ones is decided by a hash of their numbers: the same requests are shown of every run
//! of a plan, in whatever order they ended, and parts of shards can be put together. Failures
//! are few and matter, so they have room of their own. Must not know: how they are drawn.

use crate::replay::{Failure, Phase, Sample};
use crate::types::{Micros, Random};
use std::collections::BTreeMap;

/// Failures that are kept beside the others.
const FAILURES: usize = 256;

/// What a picture shows of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dot {
    /// Its place in the plan.
    pub number: u64,
    /// The part of the run that it belongs to.
    pub phase: Phase,
    /// When the plan says that it is sent.
    pub intended: Micros,
    /// What came of it.
    pub fate: Fate,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// An answer. Times are from the intended instant.
    Answered {
        /// To the first generated output; `None` where there was none.
        ttft: Option<Micros>,
        /// To the last byte.
        latency: Micros,
    },
    /// None, or not all of it.
    Failed(Failure),
}

/// At most so many requests of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservoir {
    room: usize,
    /// By the hash of their numbers; those with the greatest are put out.
    answered: BTreeMap<(u64, u64), Dot>,
    failed: BTreeMap<(u64, u64), Dot>,
}

impl Reservoir {
    /// Room for that many answered requests, and for 256 failures.
    pub fn new(room: usize) -> Self {
        Self { room, answered: BTreeMap::new(), failed: BTreeMap::new() }
    }

    /// Takes a request, as far as it was sent: one that was not, or that its client left as
    /// planned, is not shown.
    pub fn add(&mut self, sample: &Sample) {
        let fate = match (sample.failure, sample.last) {
            (Some(Failure::Cancelled | Failure::NotSent), _) | (None, None) => return,
            (Some(failure), _) => Fate::Failed(failure),
            (None, Some(last)) => Fate::Answered {
                ttft: sample.first_token.map(|first| first.since(sample.intended)),
                latency: last.since(sample.intended),
            },
        };
        let (number, phase, intended) = (sample.number, sample.phase, sample.intended);
        self.put(Dot { number, phase, intended, fate });
    }

    /// Takes all of another one, as of another shard of the same run.
    pub fn merge(&mut self, other: &Self) {
        for dot in other.iter() {
            self.put(*dot);
        }
    }

    /// What is kept, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = &Dot> {
        self.answered.values().chain(self.failed.values())
    }

    /// What is kept, in the order of the plan's instants.
    pub fn dots(&self) -> Vec<Dot> {
        let mut dots: Vec<Dot> = self.iter().copied().collect();
        dots.sort_by_key(|dot| (dot.intended, dot.number));
        dots
    }

    fn put(&mut self, dot: Dot) {
        let (kept, room) = match dot.fate {
            Fate::Answered { .. } => (&mut self.answered, self.room),
            Fate::Failed(_) => (&mut self.failed, FAILURES),
        };
        // As chance as it looks, and the same everywhere.
        let hash = Random::seeded(dot.number).next_u64();
        kept.insert((hash, dot.number), dot);
        if kept.len() > room {
            kept.pop_last();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(number: u64, failure: Option<Failure>) -> Sample {
        let at = |offset| Some(Micros(number * 10 + offset));
        Sample {
            number,
            phase: Phase::Measured,
            streamed: true,
            intended: Micros(number * 10),
            sent: at(1),
            lag: Micros(1),
            connecting: Micros(0),
            headers: at(2),
            first_byte: at(3),
            first_token: at(4),
            last: at(9),
            gaps: Vec::new(),
            status: Some(200),
            failure,
            tokens_in: None,
            tokens_out: None,
            tokens_by: None,
            bytes: 0,
            answer: None,
        }
    }

    fn filled(numbers: impl Iterator<Item = u64>) -> Reservoir {
        let mut reservoir = Reservoir::new(50);
        numbers.for_each(|number| reservoir.add(&sample(number, None)));
        reservoir
    }

    #[test]
    fn it_keeps_the_same_requests_in_whatever_order_they_came() {
        let kept = filled(0..1000);
        assert_eq!(kept, filled((0..1000).rev()));
        assert_eq!(kept.dots().len(), 50);
        assert!(kept.dots().is_sorted_by_key(|dot| dot.intended));
    }

    #[test]
    fn shards_put_together_are_the_whole() {
        let mut whole = filled((0..1000).filter(|number| number % 3 == 0));
        whole.merge(&filled((0..1000).filter(|number| number % 3 != 0)));
        assert_eq!(whole, filled(0..1000));
    }

    #[test]
    fn it_takes_from_everywhere() {
        let early = filled(0..1000).dots().iter().filter(|dot| dot.number < 500).count();
        assert!((15..=35).contains(&early), "{early} of 50 in the first half");
    }

    #[test]
    fn failures_have_room_of_their_own_and_planned_departures_are_none() {
        let mut reservoir = filled(0..1000);
        reservoir.add(&sample(2000, Some(Failure::Timeout)));
        reservoir.add(&sample(2001, Some(Failure::Cancelled)));
        reservoir.add(&sample(2002, Some(Failure::NotSent)));
        let failed = reservoir.dots().into_iter().filter(|dot| dot.number >= 2000);
        let failed: Vec<_> = failed.map(|dot| (dot.number, dot.fate)).collect();
        assert_eq!(failed, [(2000, Fate::Failed(Failure::Timeout))]);
    }

    #[test]
    fn without_room_nothing_is_kept() {
        let mut reservoir = Reservoir::new(0);
        reservoir.add(&sample(1, None));
        assert!(reservoir.dots().is_empty());
    }
}
