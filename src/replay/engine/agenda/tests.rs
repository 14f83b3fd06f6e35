//! What is due when, with the time given.

use super::*;
use crate::replay::{Arrival, ClosedStage, PlanHead, PlanOptions, Shard, Stage};

const MS: u64 = 1_000;

fn plan(schedule: Schedule, requests: Vec<Planned>) -> Plan {
    let options = PlanOptions::new(schedule);
    let head = PlanHead { version: 1, options, capture: String::new(), captured: 1, shard: None };
    Plan { head, requests }
}

fn planned(number: u64, at: Option<u64>) -> Planned {
    Planned {
        number,
        exchange: number,
        at: at.map(|at| Micros(at * MS)),
        stage: 0,
        session: None,
        after_turn: None,
        leaves_after: None,
    }
}

fn open(at: &[u64]) -> Plan {
    let requests = at.iter().enumerate().map(|(n, at)| planned(n as u64, Some(*at))).collect();
    plan(Schedule::Open { arrival: Arrival::Constant, stages: Vec::<Stage>::new() }, requests)
}

fn closed(stages: &[(u32, u64)], think: u64) -> Plan {
    let stages: Vec<_> =
        stages.iter().map(|(c, r)| ClosedStage { concurrency: *c, requests: *r }).collect();
    let of = stages.iter().enumerate().flat_map(|(n, stage)| (0..stage.requests).map(move |_| n));
    let requests = of
        .enumerate()
        .map(|(number, stage)| Planned { stage: stage as u32, ..planned(number as u64, None) });
    let requests = requests.collect();
    plan(Schedule::Closed { stages, think: Micros(think * MS) }, requests)
}

/// An agenda whose requests need no making ready, and a clock.
struct Played {
    agenda: Agenda<()>,
    now: u64,
}

impl Played {
    fn of(plan: &Plan, limit: u32) -> Self {
        Self { agenda: Agenda::new(plan, limit), now: 0 }
    }

    fn step(&mut self) -> Step<()> {
        loop {
            match self.agenda.step(Some(Micros(self.now * MS))) {
                Step::Prepare(due) => self.agenda.ready(due, (), 1),
                step => return step,
            }
        }
    }

    /// The places of all that is sent at `now`.
    fn sent(&mut self, now: u64) -> Vec<usize> {
        self.now = now;
        let mut sent = Vec::new();
        while let Step::Send(due, ()) = self.step() {
            sent.push(due.index);
        }
        sent
    }

    fn finished(&mut self, index: usize, now: u64) {
        self.agenda.finished(index, Micros(now * MS));
    }
}

#[test]
fn an_open_schedule_is_kept_whatever_comes_back() {
    let mut played = Played::of(&open(&[0, 10, 10, 30]), 100);
    assert_eq!(played.sent(0), [0]);
    assert_eq!(played.step(), Step::WaitUntil(Micros(10 * MS)));
    assert_eq!(played.sent(15), [1, 2]);
    assert_eq!(played.sent(30), [3]);
    assert_eq!(played.step(), Step::Wait);
    (0..4).for_each(|index| played.finished(index, 99));
    assert_eq!(played.step(), Step::End);
    assert!(played.agenda.left_out().is_empty());
}

#[test]
fn nothing_is_sent_before_the_run_begins() {
    let mut agenda = Agenda::<()>::new(&open(&[0]), 1);
    let Step::Prepare(due) = agenda.step(None) else { panic!("it is made ready") };
    agenda.ready(due, (), 0);
    assert_eq!(agenda.step(None), Step::WaitUntil(Micros(0)));
    assert_eq!(agenda.step(Some(Micros(0))), Step::Send(due, ()));
}

#[test]
fn requests_are_made_ready_ahead_of_time_but_not_right_before_an_instant() {
    let at: Vec<u64> = (0..1_000).map(|n| 10 + n).collect();
    let mut agenda = Agenda::<()>::new(&open(&at), 1_000);
    let mut ahead = 0;
    while let Step::Prepare(due) = agenda.step(Some(Micros(0))) {
        agenda.ready(due, (), 1);
        ahead += 1;
    }
    assert_eq!(ahead, AHEAD);
    let Step::Send(..) = agenda.step(Some(Micros(10 * MS))) else { panic!("it is due") };
    let close = Micros(11 * MS - 100);
    assert_eq!(agenda.step(Some(close)), Step::WaitUntil(Micros(11 * MS)));
    assert!(matches!(agenda.step(Some(Micros(10 * MS))), Step::Prepare(_)));
}

#[test]
fn a_full_generator_holds_requests_back_and_counts_them_once() {
    let mut played = Played::of(&open(&[0, 1, 2]), 1);
    assert_eq!(played.sent(5), [0]);
    assert!(played.sent(6).is_empty());
    assert_eq!(played.agenda.held_back(), 1);
    played.finished(0, 7);
    assert_eq!(played.sent(7), [1]);
    assert_eq!(played.agenda.held_back(), 2);
}

#[test]
fn a_turn_waits_for_the_one_before_and_then_its_gap() {
    let turn = |number, at, after: Option<u64>| Planned {
        session: Some(7),
        after_turn: after.map(|after| Micros(after * MS)),
        ..planned(number, at)
    };
    let requests = vec![
        turn(0, Some(0), None),
        turn(1, None, Some(50)),
        planned(2, Some(20)),
        turn(3, Some(800), Some(1)),
    ];
    let mut played = Played::of(&plan(Schedule::Sessions { speed: 1.0 }, requests), 100);
    assert_eq!(played.sent(400), [0, 2]);
    played.finished(2, 450);
    played.finished(0, 450);
    assert_eq!(played.step(), Step::WaitUntil(Micros(500 * MS)));
    assert_eq!(played.sent(500), [1]);
    played.finished(1, 600);
    assert!(played.sent(799).is_empty(), "not before its own instant");
    assert_eq!(played.sent(800), [3]);
}

#[test]
fn a_closed_schedule_keeps_its_concurrency_and_thinks() {
    let mut played = Played::of(&closed(&[(2, 3), (4, 4), (1, 2)], 10), 100);
    assert_eq!(played.sent(0), [0, 1]);
    played.finished(1, 100);
    assert!(played.sent(109).is_empty());
    // With it all of the first stage is sent. The next one has more lanes: they begin.
    assert_eq!(played.sent(110), [2, 3, 4]);
    played.finished(0, 120);
    assert_eq!(played.sent(130), [5]);
    played.finished(2, 140);
    assert_eq!(played.sent(150), [6]);
    // The last stage has one lane: the others end first.
    for (index, next) in [(3, vec![]), (4, vec![]), (5, vec![]), (6, vec![7]), (7, vec![8])] {
        played.finished(index, 200);
        assert_eq!(played.sent(210), next, "after {index}");
    }
    played.finished(8, 300);
    assert_eq!(played.step(), Step::End);
}

#[test]
fn a_shard_has_its_share_of_the_lanes() {
    let mut plan = closed(&[(5, 9)], 0);
    plan.head.shard = Some(Shard { index: 1, of: 2 });
    assert_eq!(Played::of(&plan, 100).sent(0), [0, 1]);
}

#[test]
fn a_stopped_agenda_says_what_was_left_out() {
    let mut played = Played::of(&open(&[0, 10, 20]), 100);
    assert_eq!(played.sent(0), [0]);
    played.agenda.stop();
    assert_eq!(played.step(), Step::End);
    assert_eq!(played.agenda.left_out(), [1, 2]);
}
