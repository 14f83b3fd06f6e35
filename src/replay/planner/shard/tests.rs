//! Parts of plans.

use super::*;
use crate::replay::planner::PlanInput;
use crate::replay::planner::tests::{options, planned_of};
use crate::replay::{PlanOptions, Planned, Repeat, Turns};
use crate::types::{Micros, Random};
use std::collections::{BTreeMap, BTreeSet};

fn of(workers: u32) -> NonZeroU32 {
    NonZeroU32::new(workers).unwrap()
}

/// A capture of some conversations and some requests of none.
fn capture(random: &Random) -> Vec<PlanInput> {
    let sessions = 1 + random.below(60);
    let input = |_| PlanInput {
        received: Micros(random.below(1_000_000_000)),
        session: (random.below(4) > 0).then(|| random.below(sessions)),
        turn: random.below(5) as u32,
        duration: Some(Micros(random.below(1_000_000))),
        client_left_after: None,
    };
    (0..1 + random.below(400)).map(input).collect()
}

#[test]
fn all_parts_together_are_the_plan() {
    let random = Random::seeded(1);
    for case in 0..200 {
        let schedule = match case % 2 {
            0 => Schedule::Sessions { speed: 2.0 },
            _ => Schedule::Recorded { speed: 0.5 },
        };
        let turns = if case % 4 == 1 { Turns::Free } else { Turns::Ordered };
        let plan = planned_of(&capture(&random), &PlanOptions { turns, ..options(schedule) });
        let workers = 1 + random.below(9) as u32;
        let parts = plan.shard(of(workers)).unwrap();
        assert_eq!(parts.len(), workers as usize);

        let mut union: Vec<Planned> = parts.iter().flat_map(|it| it.requests.clone()).collect();
        union.sort_by_key(|request| request.number);
        assert_eq!(union, plan.requests);
        let mut homes: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
        for (index, part) in parts.iter().enumerate() {
            let shard = Some(Shard { index: index as u32, of: workers });
            assert_eq!(part.head, PlanHead { shard, ..plan.head.clone() });
            assert!(part.requests.is_sorted_by_key(|request| request.number));
            for session in part.requests.iter().filter_map(|request| request.session) {
                homes.entry(session).or_default().insert(index);
            }
        }
        assert!(homes.values().all(|homes| homes.len() == 1), "a conversation has one worker");
    }
}

#[test]
fn workers_get_about_as_much_as_one_another() {
    let inputs: Vec<_> = (0..10_000)
        .map(|number| PlanInput {
            received: Micros(number * 1_000),
            session: (number % 2 == 0).then_some(number / 4),
            ..PlanInput::default()
        })
        .collect();
    let ordered =
        PlanOptions { turns: Turns::Ordered, ..options(Schedule::Recorded { speed: 1.0 }) };
    let parts = planned_of(&inputs, &ordered).shard(of(8)).unwrap();
    for part in parts {
        assert!((1_150..1_350).contains(&part.requests.len()), "{}", part.requests.len());
    }
}

#[test]
fn a_part_says_how_many_requests_at_a_time_it_sends() {
    let stage = |concurrency| ClosedStage { concurrency, requests: 50 };
    let stages = vec![stage(32), stage(5)];
    let schedule = Schedule::Closed { stages, think: Micros(0) };
    let looped = PlanOptions { repeat: Repeat::Loop, ..options(schedule) };
    let plan = planned_of(&[PlanInput::default()], &looped);
    assert_eq!((plan.head.concurrency(1), plan.head.concurrency(2)), (Some(5), None));
    let parts = plan.shard(of(3)).unwrap();
    let shares = |stage| parts.iter().map(|part| part.head.concurrency(stage).unwrap()).collect();
    let (first, second): (Vec<_>, Vec<_>) = (shares(0), shares(1));
    assert_eq!((first, second), (vec![11, 11, 10], vec![2, 2, 1]));

    let refused = plan.shard(of(6)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "stage 1 has 5 requests at a time, which 6 workers cannot share"
    );
    assert_eq!(parts[0].shard(of(2)), Err(ShardError::IsPart));
    assert_eq!(plan.shard(NonZeroU32::MAX), Err(ShardError::TooMany));
}
