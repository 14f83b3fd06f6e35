//! Plans of all schedules.

use super::*;
use crate::replay::{Arrival, Cancellations, Turns};

const SECOND: u64 = 1_000_000;

/// Requests at these seconds, of no conversation.
fn at(seconds: &[f64]) -> Vec<PlanInput> {
    let input = |second: &f64| PlanInput {
        received: Micros((1e9 + second * 1e6) as u64),
        ..PlanInput::default()
    };
    seconds.iter().map(input).collect()
}

fn turn(second: u64, session: u64, turn: u32, lasts: u64) -> PlanInput {
    PlanInput {
        received: Micros(7 * SECOND + second * SECOND),
        session: Some(session),
        turn,
        duration: Some(Micros(lasts * SECOND)),
        client_left_after: None,
    }
}

pub(super) fn options(schedule: Schedule) -> PlanOptions {
    PlanOptions { seed: 7, ..PlanOptions::new(schedule) }
}

pub(super) fn planned_of(inputs: &[PlanInput], options: &PlanOptions) -> Plan {
    plan(CaptureInputs { requests: inputs, digest: "d1" }, options).unwrap()
}

fn constant(rate: f64, seconds: u64) -> Schedule {
    let stage = Stage { from: rate, to: rate, lasts: Micros(seconds * SECOND) };
    Schedule::Open { arrival: Arrival::Constant, stages: vec![stage] }
}

fn refused(inputs: &[PlanInput], options: &PlanOptions) -> PlanError {
    plan(CaptureInputs { requests: inputs, digest: "d1" }, options).unwrap_err()
}

fn instants(plan: &Plan) -> Vec<f64> {
    plan.requests.iter().map(|request| request.at.unwrap().seconds()).collect()
}

fn exchanges(plan: &Plan) -> Vec<u64> {
    plan.requests.iter().map(|request| request.exchange).collect()
}

#[test]
fn a_recorded_schedule_is_sent_as_it_came_and_twice_as_fast() {
    let inputs = at(&[4.0, 0.0, 1.0, 1.0]);
    let plan = planned_of(&inputs, &options(Schedule::Recorded { speed: 1.0 }));
    assert_eq!(instants(&plan), [0.0, 1.0, 1.0, 4.0]);
    assert_eq!(exchanges(&plan), [1, 2, 3, 0]);
    let numbers: Vec<_> = plan.requests.iter().map(|request| request.number).collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
    let fast = planned_of(&inputs, &options(Schedule::Recorded { speed: 2.0 }));
    assert_eq!(instants(&fast), [0.0, 0.5, 0.5, 2.0]);
    assert_eq!(fast.head.captured, 4);
    assert_eq!(fast.head.capture, "d1");
}

#[test]
fn a_capture_that_is_repeated_keeps_its_pace_and_does_not_drift() {
    let inputs = at(&[0.0, 1.0, 2.0]);
    let limits = Limits { requests: Some(100_000), duration: None };
    let looped =
        PlanOptions { repeat: Repeat::Loop, limits, ..options(Schedule::Recorded { speed: 3.0 }) };
    let plan = planned_of(&inputs, &looped);
    assert_eq!(plan.requests.len(), 100_000);
    let exact = |number: u64| Micros((number as f64 * 1e6 / 3.0).round() as u64);
    assert!(plan.requests.iter().all(|request| request.at == Some(exact(request.number))));

    let endless = PlanOptions { limits: Limits::default(), ..looped.clone() };
    assert_eq!(refused(&inputs, &endless), PlanError::Endless);
    let at_once = at(&[3.0, 3.0]);
    assert_eq!(refused(&at_once, &looped), PlanError::NoPace);
    let two = Limits { requests: Some(2), duration: None };
    let enough = PlanOptions { limits: two, ..looped };
    assert_eq!(instants(&planned_of(&at_once, &enough)), [0.0, 0.0]);
}

#[test]
fn a_constant_rate_is_met_to_the_microsecond() {
    let inputs = at(&[0.0]);
    let looped = PlanOptions { repeat: Repeat::Loop, ..options(constant(30.0, 3_600)) };
    let plan = planned_of(&inputs, &looped);
    assert_eq!(plan.requests.len(), 108_000);
    let exact = |number: u64| Micros(number * SECOND / 30);
    assert!(plan.requests.iter().all(|request| request.at == Some(exact(request.number))));
}

#[test]
fn a_capture_that_ends_early_ends_the_plan_and_its_schedule() {
    let inputs = at(&[0.0; 90]);
    let plan = planned_of(&inputs, &options(constant(30.0, 60)));
    assert_eq!(plan.requests.len(), 90);
    assert_eq!(plan.head.options.schedule, constant(30.0, 3));

    let stage = Stage { from: 30.0, to: 30.0, lasts: Micros(60 * SECOND) };
    let poisson = options(Schedule::Open { arrival: Arrival::Poisson, stages: vec![stage] });
    let plan = planned_of(&inputs, &poisson);
    let schedule = plan.head.options.schedule.clone();
    let looped = PlanOptions { repeat: Repeat::Loop, schedule, ..poisson };
    assert_eq!(planned_of(&inputs, &looped).requests, plan.requests);
}

#[test]
fn a_head_and_its_capture_give_the_plan_again() {
    let inputs: Vec<_> = (0..40)
        .map(|n| PlanInput {
            client_left_after: Some(Micros(n)),
            ..turn(n * n % 31, n % 7, n as u32, 1)
        })
        .collect();
    let rate = |from, to| Stage { from, to, lasts: Micros(9 * SECOND) };
    let open = |arrival, stages| Schedule::Open { arrival, stages };
    let stages = vec![ClosedStage { concurrency: 3, requests: 25 }];
    for schedule in [
        Schedule::Recorded { speed: 3.0 },
        Schedule::Sessions { speed: 0.7 },
        open(Arrival::Constant, vec![rate(7.0, 7.0)]),
        open(Arrival::Poisson, vec![rate(1.0, 3.0), rate(5.0, 5.0)]),
        open(Arrival::Gamma { shape: 0.4 }, vec![rate(9.0, 2.0)]),
        Schedule::Closed { stages, think: Micros(5) },
    ] {
        let plain = options(schedule);
        let limits = Limits { requests: Some(17), duration: Some(Micros(7 * SECOND)) };
        let warm_up = Micros(SECOND / 2);
        let limited =
            PlanOptions { limits, warm_up, repeat: Repeat::Loop, skip: 3, ..plain.clone() };
        let (cancellations, turns) = (Cancellations::None, Turns::Ordered);
        let ordered = PlanOptions { cancellations, turns, ..plain.clone() };
        for options in [plain, limited, ordered] {
            let plan = planned_of(&inputs, &options);
            assert_eq!(planned_of(&inputs, &plan.head.options), plan, "{options:?}");
        }
    }
}

#[test]
fn limits_count_what_comes_after_the_warm_up() {
    let inputs = at(&[0.0]);
    let schedule = || PlanOptions {
        repeat: Repeat::Loop,
        warm_up: Micros(10 * SECOND),
        ..options(constant(10.0, 60))
    };
    let by_count = Limits { requests: Some(7), duration: None };
    let plan = planned_of(&inputs, &PlanOptions { limits: by_count, ..schedule() });
    assert_eq!(plan.requests.len(), 100 + 7);
    let by_time = Limits { requests: None, duration: Some(Micros(5 * SECOND)) };
    let plan = planned_of(&inputs, &PlanOptions { limits: by_time, ..schedule() });
    assert_eq!(plan.requests.len(), 100 + 50);
    let all = PlanOptions { warm_up: Micros(60 * SECOND), ..schedule() };
    assert_eq!(refused(&inputs, &all), PlanError::OnlyWarmUp(600));
}

#[test]
fn turns_follow_one_another_as_their_client_did() {
    // Session 5: answered at 3 s, read until 10 s. Session 6 has one request.
    let inputs = [turn(0, 5, 0, 3), turn(2, 6, 0, 1), turn(10, 5, 1, 2), turn(11, 5, 2, 1)];
    let plan = planned_of(&inputs, &options(Schedule::Sessions { speed: 2.0 }));
    let seen: Vec<_> = plan.requests.iter().map(|it| (it.at, it.session, it.after_turn)).collect();
    let half = |seconds: u64| Some(Micros(seconds * SECOND / 2));
    assert_eq!(
        seen,
        [
            (half(0), Some(5), None),
            (half(2), Some(6), None),
            (None, Some(5), half(7)),
            // It was asked before the turn before had been answered.
            (None, Some(5), half(0)),
        ]
    );
}

#[test]
fn turns_that_were_received_in_disorder_are_sent_in_order() {
    let inputs = [turn(0, 5, 1, 0), turn(1, 6, 0, 0), turn(2, 5, 0, 0)];
    let ordered =
        PlanOptions { turns: Turns::Ordered, ..options(Schedule::Recorded { speed: 1.0 }) };
    let plan = planned_of(&inputs, &ordered);
    assert_eq!(exchanges(&plan), [2, 1, 0]);
    assert_eq!(instants(&plan), [0.0, 1.0, 2.0]);
    assert!(plan.requests.iter().all(|request| request.session.is_some()));
    let free = planned_of(&inputs, &options(Schedule::Recorded { speed: 1.0 }));
    assert_eq!(exchanges(&free), [0, 1, 2]);
    assert!(free.requests.iter().all(|request| request.session.is_none()));
}

#[test]
fn a_conversation_that_is_repeated_is_another_one() {
    let inputs = [turn(0, 5, 0, 1), turn(4, 5, 1, 1)];
    let schedule = Schedule::Sessions { speed: 1.0 };
    let limits = Limits { requests: Some(4), duration: None };
    let looped = PlanOptions { repeat: Repeat::Loop, limits, ..options(schedule) };
    let plan = planned_of(&inputs, &looped);
    let [a, b, c, d] = plan.requests[..] else { unreachable!() };
    assert_eq!((a.session, c.session), (b.session, d.session));
    assert_ne!(a.session, c.session);
    // The seam is as long as the mean gap.
    assert_eq!((c.at, d.at), (Some(Micros(8 * SECOND)), None));
}

#[test]
fn a_plan_can_go_on_where_another_one_ended() {
    let inputs = [turn(0, 5, 0, 1), turn(4, 5, 1, 1), turn(6, 5, 2, 1)];
    let skipping = PlanOptions { skip: 4, ..options(Schedule::Sessions { speed: 1.0 }) };
    let plan = planned_of(&inputs, &skipping);
    // The turn before is not in the plan, so there is none to wait for.
    assert_eq!(exchanges(&plan), [1, 2]);
    assert_eq!(plan.requests[0].at, Some(Micros(0)));
    assert_eq!(plan.requests[1].after_turn, Some(Micros(SECOND)));
}

#[test]
fn a_closed_schedule_has_no_instants_and_as_many_requests_as_it_says() {
    let inputs = at(&[0.0, 1.0, 2.0]);
    let stage = |concurrency, requests| ClosedStage { concurrency, requests };
    let schedule = Schedule::Closed { stages: vec![stage(2, 4), stage(8, 3)], think: Micros(0) };
    let looped = PlanOptions { repeat: Repeat::Loop, ..options(schedule.clone()) };
    let plan = planned_of(&inputs, &looped);
    assert!(plan.requests.iter().all(|request| request.at.is_none()));
    assert_eq!(exchanges(&plan), [0, 1, 2, 0, 1, 2, 0]);
    let stages: Vec<_> = plan.requests.iter().map(|request| request.stage).collect();
    assert_eq!(stages, [0, 0, 0, 0, 1, 1, 1]);
    assert_eq!(planned_of(&inputs, &options(schedule)).requests.len(), 3);
}

#[test]
fn clients_leave_as_recorded_unless_they_are_told_to_stay() {
    let mut inputs = at(&[0.0, 1.0]);
    inputs[1].client_left_after = Some(Micros(400));
    let mut recorded = options(Schedule::Recorded { speed: 4.0 });
    let leaves = |plan: Plan| plan.requests[1].leaves_after;
    // As late as recorded, whatever the speed: that is up to what the target has sent by then.
    assert_eq!(leaves(planned_of(&inputs, &recorded)), Some(Micros(400)));
    recorded.cancellations = Cancellations::None;
    assert_eq!(leaves(planned_of(&inputs, &recorded)), None);
}

#[test]
fn what_makes_no_plan_is_refused() {
    let one = at(&[0.0]);
    assert_eq!(refused(&[], &options(Schedule::Recorded { speed: 1.0 })), PlanError::EmptyCapture);
    let nothing = PlanOptions { repeat: Repeat::Loop, ..options(constant(0.0, 60)) };
    assert_eq!(refused(&one, &nothing), PlanError::EmptyPlan);
    for schedule in [
        Schedule::Recorded { speed: 0.0 },
        Schedule::Sessions { speed: f64::NAN },
        constant(f64::INFINITY, 1),
        constant(-1.0, 1),
        Schedule::Open { arrival: Arrival::Constant, stages: vec![] },
        Schedule::Closed { stages: vec![], think: Micros(0) },
    ] {
        assert!(matches!(refused(&one, &options(schedule)), PlanError::Schedule(_)));
    }
}

#[test]
fn a_plan_that_does_not_fit_into_memory_is_refused() {
    let plan = planned_of(&at(&[0.0]), &options(Schedule::Recorded { speed: 1.0 }));
    let mut gather = Gather { most: 2, ..Gather::new(&options(Schedule::Recorded { speed: 1.0 })) };
    let mut take = || gather.takes(plan.requests[0], Micros(0));
    assert_eq!((take(), take(), take()), (Ok(true), Ok(true), Err(PlanError::TooLong)));
}

#[test]
fn what_a_plan_needs_is_taken_from_an_exchange() {
    use crate::capture::{CallNote, CallerNote, Message, Session, Times};
    use std::time::Duration;
    let millis = |millis| Some(Duration::from_millis(millis));
    let times = Times {
        received: Duration::from_secs(1_800_000_000),
        last: millis(900),
        client_closed: millis(400),
        ..Times::default()
    };
    let mut exchange = Exchange {
        request_id: None,
        trace_id: None,
        session: Some(Session { id: "s-1".to_owned(), turn: 3 }),
        caller: CallerNote::default(),
        call: CallNote::default(),
        request: Message::default(),
        answer: None,
        attempts: Vec::new(),
        times,
        usage: None,
        cost: None,
        outcome: None,
        error: None,
        cache: None,
        redactions: Default::default(),
    };
    let input = PlanInput::of(&exchange);
    let expected = PlanInput {
        received: Micros(1_800_000_000 * SECOND),
        session: input.session,
        turn: 3,
        duration: Some(Micros(900_000)),
        client_left_after: Some(Micros(400_000)),
    };
    assert_eq!(input, expected);
    exchange.session = Some(Session { id: "s-2".to_owned(), turn: 3 });
    assert_ne!(PlanInput::of(&exchange).session, input.session);
    exchange.session = None;
    assert_eq!(PlanInput::of(&exchange).session, None);
}
