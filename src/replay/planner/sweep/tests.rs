//! Searches on simulated targets.

use super::*;
use crate::replay::Turns;
use crate::replay::planner::PlanInput;
use crate::replay::planner::tests::{options, planned_of};
use crate::types::Random;

/// A search on a target that keeps its objectives up to exactly that rate.
fn search(settings: SweepSettings, mut result: impl FnMut(f64) -> StageResult) -> (Knee, u32) {
    let mut sweep = Sweep::new(settings);
    let (mut last, mut stages) = (None, 0);
    while let Some(stage) = sweep.next(last) {
        assert!((settings.from..=settings.to).contains(&stage.from) && stage.from == stage.to);
        stages += 1;
        last = Some(result(stage.from));
    }
    assert_eq!(sweep.next(last), None, "it stays at its end");
    (sweep.knee().unwrap(), stages)
}

fn up_to(knee: f64) -> impl FnMut(f64) -> StageResult {
    move |rate| if rate <= knee { StageResult::Kept } else { StageResult::Missed }
}

#[test]
fn the_knee_is_found_between_two_rates_that_are_close() {
    for knee in [10.0, 11.3, 47.0, 80.0, 333.0, 499.0] {
        let (found, stages) = search(SweepSettings::between(10.0, 500.0), up_to(knee));
        let Knee::Between(kept, missed) = found else { unreachable!("{found:?}") };
        assert!(kept <= knee && knee < missed && missed <= kept * 1.05, "{found:?}");
        assert!(stages <= 20, "{stages} stages");
    }
}

#[test]
fn a_range_without_the_knee_says_so() {
    let settings = SweepSettings::between(10.0, 500.0);
    assert_eq!(search(settings, up_to(1e6)).0, Knee::AtLeast(500.0));
    assert_eq!(search(settings, up_to(9.0)), (Knee::Below(10.0), 2));
}

#[test]
fn one_hiccup_does_not_end_the_rise() {
    let mut seen = 0;
    let hiccup = |rate: f64| {
        seen += 1;
        if seen == 2 { StageResult::Missed } else { up_to(80.0)(rate) }
    };
    let (found, _) = search(SweepSettings::between(10.0, 500.0), hiccup);
    assert!(matches!(found, Knee::Between(kept, _) if kept > 76.0), "{found:?}");
}

#[test]
fn a_generator_that_cannot_keep_up_is_not_taken_for_the_target() {
    let weak = |rate: f64| if rate > 100.0 { StageResult::Invalid } else { StageResult::Kept };
    let (found, _) = search(SweepSettings::between(40.0, 500.0), weak);
    assert_eq!(found, Knee::GeneratorLimit { kept: Some(90.0), at: 135.0 });
}

#[test]
fn a_stage_without_a_result_is_repeated() {
    let mut sweep = Sweep::new(SweepSettings::between(10.0, 500.0));
    let first = sweep.next(None);
    assert_eq!(sweep.next(None), first);
    assert_eq!(sweep.knee(), None);
}

#[test]
fn each_stage_has_a_warm_up_and_chance_and_prompts_of_its_own() {
    let mut sweep = Sweep::new(SweepSettings::between(10.0, 500.0));
    let each = PlanOptions {
        warm_up: Micros(5_000_000),
        turns: Turns::Ordered,
        ..options(Schedule::Recorded { speed: 1.0 })
    };
    let stage = sweep.next(None).unwrap();
    let first = sweep.options(&each, stage, 0);
    let Schedule::Open { arrival: Arrival::Poisson, stages } = &first.schedule else {
        unreachable!()
    };
    let lasts: Vec<_> = stages.iter().map(|stage| (stage.from, stage.lasts.0)).collect();
    assert_eq!(lasts, [(10.0, 5_000_000), (10.0, 30_000_000)]);
    let stage = sweep.next(Some(StageResult::Kept)).unwrap();
    let second = sweep.options(&each, stage, 350);
    assert_ne!(first.seed, second.seed);
    assert_eq!((second.skip, second.turns), (350, Turns::Ordered));
}

/// Whether the 95th percentile of the time in a queue with one server (M/M/1, 100 requests a
/// second on average) stays below 0.15 s: true up to 100 - ln 20 / 0.15 = 80 requests a second.
fn queue_keeps(plan: &crate::replay::Plan, random: &Random) -> StageResult {
    let mut idle_from = 0.0_f64;
    let mut times = Vec::new();
    for request in &plan.requests {
        let at = request.at.unwrap().seconds();
        let uniform = (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        idle_from = idle_from.max(at) - (1.0 - uniform).ln() / 100.0;
        if request.at.unwrap() >= plan.head.options.warm_up {
            times.push(idle_from - at);
        }
    }
    times.sort_by(f64::total_cmp);
    let p95 = times[times.len() * 95 / 100];
    if p95 <= 0.15 { StageResult::Kept } else { StageResult::Missed }
}

#[test]
fn the_knee_of_a_queue_is_found_within_10_percent() {
    let knee = 100.0 - 20.0_f64.ln() / 0.15;
    let mut worst = 0.0_f64;
    for seed in 0..8 {
        let random = Random::seeded(seed);
        let lasts = Micros(60_000_000);
        let settings = SweepSettings { lasts, ..SweepSettings::between(10.0, 400.0) };
        let mut sweep = Sweep::new(settings);
        let warm_up = Micros(10_000_000);
        let each = PlanOptions {
            warm_up,
            seed: seed * 1_000,
            ..options(Schedule::Recorded { speed: 1.0 })
        };
        let (mut last, mut sent) = (None, 0);
        while let Some(stage) = sweep.next(last) {
            let plan = planned_of(&[PlanInput::default()], &sweep.options(&each, stage, sent));
            sent += plan.requests.len() as u64;
            last = Some(queue_keeps(&plan, &random));
        }
        let Some(Knee::Between(kept, missed)) = sweep.knee() else { unreachable!() };
        let off = ((kept * missed).sqrt() / knee - 1.0).abs();
        worst = worst.max(off);
    }
    assert!(worst < 0.1, "{worst}");
}
