//! The answers of several runs, put together request by request.
//!
//! Samples lie in the order in which requests ended, another one in every run, and all answers
//! of all runs may be more than fits into memory. So the runs are read from end to end as often
//! as it takes: each time the requests with the lowest numbers that fit are kept, whole, and the
//! next time those that come after. Nothing is left out. Must not know: where samples are kept,
//! or what answers say.

use super::{AnswerLadder, MOST_RUNS, Seen};
use crate::replay::{Failure, Phase, Sample};
use std::collections::BTreeMap;

/// Bytes of answers that are held at a time where nobody says otherwise: 256 MiB.
pub const ANSWERS_ROOM: usize = 256 * 1024 * 1024;

/// The samples of a run, which can be read more than once.
pub trait SampleSource {
    /// Why they cannot be read.
    type Error;

    /// All of them, in any order.
    ///
    /// # Errors
    /// When they cannot be read.
    fn samples(&self) -> Result<impl Iterator<Item = Result<Sample, Self::Error>>, Self::Error>;
}

impl AnswerLadder {
    /// Takes what the runs of A and those of B saw of each request that counts. At most `room`
    /// bytes of answers are held at a time, or those to one request, if they are more.
    ///
    /// # Errors
    /// When samples cannot be read.
    pub fn take_runs<S: SampleSource>(
        &mut self,
        a: &[S],
        b: &[S],
        room: usize,
    ) -> Result<(), S::Error> {
        let (a, b) = (&a[..a.len().min(MOST_RUNS)], &b[..b.len().min(MOST_RUNS)]);
        let mut from = Some(0);
        while let Some(first) = from {
            let mut window = Window::new(first, a.len() + b.len(), room);
            for (run, source) in a.iter().chain(b).enumerate() {
                for sample in source.samples()? {
                    window.put(run, sample?);
                }
            }
            for (number, row) in &window.rows {
                let (of_a, of_b) = row.seen.split_at(a.len());
                self.take(*number, of_a, of_b);
            }
            from = window.until;
        }
        Ok(())
    }
}

/// The requests from one number to another, with what every run saw of them.
struct Window {
    from: u64,
    /// The first number that found no room.
    until: Option<u64>,
    rows: BTreeMap<u64, Row>,
    runs: usize,
    room: usize,
    /// Bytes of all rows.
    held: usize,
}

/// One request.
struct Row {
    /// By run: those of A, then those of B.
    seen: Vec<Option<Seen>>,
    bytes: usize,
}

impl Window {
    fn new(from: u64, runs: usize, room: usize) -> Self {
        Self { from, until: None, rows: BTreeMap::new(), runs, room, held: 0 }
    }

    fn put(&mut self, run: usize, sample: Sample) {
        let number = sample.number;
        let is_outside = number < self.from || self.until.is_some_and(|until| number >= until);
        if is_outside || sample.phase == Phase::WarmUp {
            return;
        }
        let Some(seen) = Seen::of(sample) else { return };
        let row = self.rows.entry(number).or_insert_with(|| {
            let bytes = self.runs * size_of::<Option<Seen>>();
            self.held += bytes;
            Row { seen: vec![None; self.runs], bytes }
        });
        if let Some(place) = row.seen.get_mut(run).filter(|place| place.is_none()) {
            let bytes = seen.bytes();
            row.bytes += bytes;
            self.held += bytes;
            *place = Some(seen);
        }
        self.make_room();
    }

    /// Puts out the highest numbers. Whatever is below the last of them has lost nothing.
    fn make_room(&mut self) {
        while self.held > self.room && self.rows.len() > 1 {
            let Some((number, row)) = self.rows.pop_last() else { return };
            self.held -= row.bytes;
            self.until = Some(number);
        }
    }
}

impl Seen {
    /// What a sample says; `None` where the target had no chance to answer.
    pub fn of(sample: Sample) -> Option<Self> {
        let excused = [Failure::NotSent, Failure::Cancelled, Failure::Exhausted];
        let had_chance = !sample.failure.is_some_and(|failure| excused.contains(&failure));
        had_chance.then_some(Self { status: sample.status, answer: sample.answer })
    }

    /// What it holds beside itself.
    fn bytes(&self) -> usize {
        self.answer.as_ref().map_or(0, |answer| {
            let tools = answer.tools.iter();
            let tools: usize =
                tools.map(|tool| size_of_val(tool) + tool.0.len() + tool.1.len()).sum();
            let finish = answer.finish.as_ref().map_or(0, String::len);
            answer.text.len() + tools + finish + answer.digest.len()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::AnswerText;
    use crate::replay::answers::{AnswerSettings, AnswersCompared};
    use crate::types::{Micros, Random};
    use std::cell::Cell;
    use std::convert::Infallible;

    /// A run in memory that counts how often it was read.
    struct Kept {
        samples: Vec<Sample>,
        reads: Cell<u32>,
    }

    impl SampleSource for Kept {
        type Error = Infallible;

        fn samples(&self) -> Result<impl Iterator<Item = Result<Sample, Infallible>>, Infallible> {
            self.reads.set(self.reads.get() + 1);
            Ok(self.samples.iter().cloned().map(Ok))
        }
    }

    /// 200 answers of a kilobyte in some order, of which every `other`th is another one.
    fn run(seed: u64, other: u64) -> Kept {
        let sample = |number: u64| {
            let word = if number.is_multiple_of(other) { "no " } else { "yes " };
            let text = word.repeat(1_000 / word.len());
            let digest = word.to_owned();
            let answer = AnswerText { text, digest, ..AnswerText::default() };
            Sample {
                failure: None,
                status: Some(200),
                answer: Some(answer),
                ..Sample::not_sent(number, Phase::Measured, Micros(0))
            }
        };
        let mut samples: Vec<_> = (0..200).map(sample).collect();
        let random = Random::seeded(seed);
        for at in (1..samples.len()).rev() {
            samples.swap(at, random.below(at as u64 + 1) as usize);
        }
        Kept { samples, reads: Cell::new(0) }
    }

    fn compared(a: &[Kept], b: &[Kept], room: usize) -> AnswersCompared {
        let mut ladder = AnswerLadder::new(AnswerSettings::default());
        let Ok(()) = ladder.take_runs(a, b, room);
        ladder.finish()
    }

    #[test]
    fn little_room_takes_longer_and_says_the_same() {
        let (a, b) = ([run(1, 201), run(2, 201)], [run(3, 5), run(4, 5)]);
        let at_once = compared(&a, &b, ANSWERS_ROOM);
        assert_eq!(a[0].reads.get(), 1);
        assert_eq!(at_once.comparison.pairs, 200 * 4);
        let text = at_once.comparison.rungs.iter().find(|rung| rung.name == "text").unwrap();
        assert!((text.differ - 0.2).abs() < 0.01, "{text:?}");
        for (room, reads) in [(200_000, 5..15), (1, 200..201)] {
            let before = b[1].reads.get();
            assert_eq!(compared(&a, &b, room), at_once);
            assert!(reads.contains(&(b[1].reads.get() - before)), "{}", b[1].reads.get());
        }
    }

    #[test]
    fn no_more_is_held_than_there_is_room_for() {
        let mut window = Window::new(0, 2, 50_000);
        for sample in run(1, 3).samples.into_iter().chain(run(2, 3).samples) {
            window.put(usize::from(window.rows.contains_key(&sample.number)), sample);
            assert!(window.held <= 50_000);
        }
        let rows: usize = window.rows.values().map(|row| row.bytes).sum();
        assert_eq!(rows, window.held);
    }

    #[test]
    fn what_does_not_count_is_not_compared() {
        let (a, mut b) = ([run(1, 201), run(2, 201)], [run(3, 201)]);
        for sample in &mut b[0].samples {
            match sample.number {
                0..50 => sample.phase = Phase::WarmUp,
                50..60 => sample.failure = Some(Failure::NotSent),
                60..70 => (sample.status, sample.failure) = (None, Some(Failure::Cancelled)),
                70 => (sample.status, sample.failure) = (None, Some(Failure::Connect)),
                _ => {}
            }
        }
        let compared = compared(&a, &b, ANSWERS_ROOM).comparison;
        assert_eq!(compared.pairs, (200 - 70) * 2);
        assert_eq!(compared.rungs[0].examples, [70], "no connection is the target's doing");
    }
}
