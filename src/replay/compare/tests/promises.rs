//! What the comparison promises: few false alarms, and that it finds what is there.

use super::simulation::{Luck, Run, Server, TTFT, arms, runs};
use crate::replay::chance::{Chance, Stream};
use crate::replay::compare::{CompareSettings, Reach, calibrate, compare, runs_needed};
use crate::replay::{Validity, Verdict};

/// How many of `times` comparisons of 5 and 5 runs come to each verdict.
fn verdicts(server: Server, slower: f64, times: u64) -> impl Fn(Verdict) -> u64 {
    let settings = CompareSettings::default();
    let found: Vec<Verdict> = (0..times)
        .map(|seed| {
            let (a, b) = server.comparison(5, slower, seed);
            let figures = |runs: &[Run]| runs.iter().map(Run::figures).collect::<Vec<_>>();
            compare(&arms(&figures(&a), &figures(&b)), &settings).verdict
        })
        .collect();
    move |verdict| found.iter().filter(|one| **one == verdict).count() as u64
}

/// Short runs, so that the tests are quick.
const SERVER: Server =
    Server { noise: 0.05, luck: Luck::Normal, requests: 60, jitter: 0.05, failing: 0.0 };

/// 20,000 comparisons in each world give 3.3 to 4.7 %.
#[test]
fn a_server_beside_itself_raises_few_alarms() {
    let worlds = [
        Server { noise: 0.02, ..SERVER },
        Server { failing: 0.01, ..SERVER },
        Server { luck: Luck::HeavyTailed, ..SERVER },
    ];
    let alarms = worlds.map(|world| {
        let count = verdicts(world, 1.0, 200);
        count(Verdict::Regressed) + count(Verdict::Improved)
    });
    assert!(alarms.iter().sum::<u64>() <= 36, "{alarms:?} of 200 each");
}

/// What requests add to the luck of a run makes it 2 % in all.
const QUIET: Server = Server { noise: 0.0155, requests: 300, jitter: 0.02, ..SERVER };

#[test]
fn a_slowdown_of_5_percent_is_found_at_2_percent_of_noise() {
    let count = verdicts(QUIET, 1.05, 200);
    let found = count(Verdict::Regressed);
    assert!(found >= 170, "{found} of 200");
    assert_eq!(count(Verdict::Improved), 0);
}

#[test]
fn a_quiet_server_is_found_equivalent_to_itself() {
    let count = verdicts(Server { noise: 0.01, ..QUIET }, 1.0, 50);
    assert!(count(Verdict::Equivalent) >= 45, "{}", count(Verdict::Equivalent));
}

fn reach(runs: usize) -> Reach {
    Reach::simulated(runs, 0.05, 400, 1)
}

#[test]
fn the_power_grows_with_the_runs_and_with_the_change() {
    let of = |runs, shift| reach(runs).power(shift);
    assert!(of(3, 100.0) <= 0.0, "three runs find nothing");
    assert!(of(4, 2.5) < of(5, 2.5) && of(5, 1.0) < of(5, 2.5));
    assert!(of(5, 2.5) > 0.85 && of(5, 2.5) < 0.97, "{}", of(5, 2.5));
    assert!((of(5, 2.5) - of(5, -2.5)).abs() < 1e-12);
}

#[test]
fn the_runs_that_are_asked_for_are_enough_and_no_more() {
    let runs = runs_needed(2.0, 0.05, 0.9, reach).unwrap();
    assert!((5..9).contains(&runs), "{runs}");
    assert!(reach(runs).power(2.0) >= 0.9 && reach(runs - 1).power(2.0) < 0.9);
    assert_eq!(runs_needed(0.01, 0.05, 0.9, reach), None);
    assert_eq!(runs_needed(f64::INFINITY, 0.05, 0.9, reach), Some(4));
}

#[test]
fn the_smallest_change_is_one_that_is_found() {
    let shift = reach(5).smallest(0.8).unwrap();
    assert!((1.8..2.3).contains(&shift), "{shift}");
    assert!(reach(5).power(shift + 1e-9) >= 0.8 && reach(5).power(shift - 0.1) < 0.8);
    assert_eq!(reach(3).smallest(0.8), None);
}

#[test]
fn a_calibration_says_what_can_be_found() {
    let mut chance = Chance::new(5, Stream::Simulation);
    let values: Vec<f64> = (0..10).map(|_| (0.02 * chance.normal()).exp()).collect();
    let calm = calibrate(&runs(TTFT, &values), &CompareSettings::default());
    let floor = &calm.floors[0];
    assert!((0.01..0.03).contains(&floor.noise), "{}", floor.noise);
    assert!(floor.needed[0].runs <= floor.needed[1].runs && floor.needed[1].runs < Some(12));
    let found: Vec<f64> = floor.detectable.iter().filter_map(|one| one.change).collect();
    assert!(found.len() == 4 && found.is_sorted_by(|few, many| few > many), "{found:?}");
    assert!(calm.alarms <= 16, "{} of {}", calm.alarms, calm.deals);
    assert_eq!(calm.reasons, [""; 0]);

    let drifting: Vec<f64> = (0..10).map(|run| 1.0 + 0.005 * f64::from(run)).collect();
    let drifting = calibrate(&runs(TTFT, &drifting), &CompareSettings::default());
    assert!((drifting.floors[0].drift.each_run - 0.0049).abs() < 0.0002);
    assert!(drifting.reasons[0].contains("drifts by 0.49 % from run to run"));
}

#[test]
fn a_calibration_of_too_few_runs_says_so() {
    for few in [0, 1, 3] {
        let calibration = calibrate(&runs(TTFT, &vec![0.4; few]), &CompareSettings::default());
        assert_eq!(calibration.floors.len(), usize::from(few >= 2));
        assert!(calibration.reasons[0].contains("runs say little"));
        assert_eq!(calibration.alarms, 0);
    }
    let mut invalid = runs(TTFT, &[0.4; 10]);
    invalid[0].validity = Validity::Invalid(Vec::new());
    assert_eq!(calibrate(&invalid, &CompareSettings::default()).alarms, 0);
}
