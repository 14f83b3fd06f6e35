//! What users type.

use super::*;

fn said(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn words() -> ScheduleWords {
    ScheduleWords::default()
}

/// What is wanted of a capture of 1,000 requests.
fn run(words: &ScheduleWords) -> PlanOptions {
    match words.read(1_000).unwrap() {
        Wanted::Run(options) => options,
        sweep @ Wanted::Sweep { .. } => unreachable!("{sweep:?}"),
    }
}

fn refused(words: &ScheduleWords) -> String {
    words.read(1_000).unwrap_err().to_string()
}

fn seconds(seconds: u64) -> Micros {
    Micros(seconds * 1_000_000)
}

fn stages(words: &ScheduleWords) -> Vec<(f64, f64, f64)> {
    let Schedule::Open { stages, .. } = run(words).schedule else { unreachable!() };
    stages.iter().map(|stage| (stage.from, stage.to, stage.lasts.seconds())).collect()
}

#[test]
fn without_a_word_a_capture_is_sent_as_it_was_recorded_once() {
    let options = run(&words());
    assert_eq!(options.schedule, Schedule::Recorded { speed: 1.0 });
    assert_eq!((options.repeat, options.turns, options.seed), (Repeat::Once, Turns::Free, 0));
    assert_eq!(options.limits, Limits::default());
}

#[test]
fn a_speed_is_a_factor() {
    for (text, speed) in [("2x", 2.0), ("0.5", 0.5), (" 10x ", 10.0)] {
        let options = run(&ScheduleWords { speed: said(text), ..words() });
        assert_eq!(options.schedule, Schedule::Recorded { speed });
    }
    for text in ["0x", "-1", "fast", "", "x", "inf", "1e3", "10001"] {
        let told = refused(&ScheduleWords { speed: said(text), ..words() });
        assert_eq!(
            told,
            format!("--speed: `{text}` is not a factor such as 2x, above 0 and up to 10000x")
        );
    }
    let paced = ScheduleWords { speed: said("2x"), turns: said("paced"), ..words() };
    assert_eq!(run(&paced).schedule, Schedule::Sessions { speed: 2.0 });
    assert_eq!(run(&paced).turns, Turns::Ordered);
    let ordered = ScheduleWords { turns: said("ordered"), rate: said("5/s"), ..words() };
    assert_eq!(run(&ordered).turns, Turns::Ordered);
    assert!(
        refused(&ScheduleWords { turns: said("all"), ..words() }).starts_with("--turns: `all`")
    );
}

#[test]
fn a_rate_sends_the_capture_once_or_as_long_or_as_often_as_is_said() {
    let even =
        |rate: &str| ScheduleWords { rate: said(rate), arrival: said("constant"), ..words() };
    assert_eq!(stages(&even("50/s")), [(50.0, 50.0, 20.0)]);
    assert_eq!(run(&even("50/s")).repeat, Repeat::Once);
    assert_eq!(stages(&even("3000/min")), [(50.0, 50.0, 20.0)]);
    assert_eq!(stages(&even("1800/h")), [(0.5, 0.5, 2_000.0)]);

    let timed = ScheduleWords { duration: said("5m"), ..even("50") };
    assert_eq!(stages(&timed), [(50.0, 50.0, 300.0)]);
    assert_eq!(run(&timed).repeat, Repeat::Loop);
    assert_eq!(run(&timed).limits.duration, Some(seconds(300)));
    let counted = ScheduleWords { requests: Some(4_000), ..even("50/s") };
    assert_eq!(stages(&counted), [(50.0, 50.0, 80.0)]);
    assert_eq!((run(&counted).repeat, run(&counted).limits.requests), (Repeat::Loop, Some(4_000)));
    for text in ["0/s", "50/d", "/s", "1000001/s", "-3/s", "nan"] {
        assert!(refused(&even(text)).starts_with("--rate: "), "{text}");
    }
}

#[test]
fn as_many_requests_are_sent_as_were_wanted_whatever_chance_says() {
    use crate::replay::planner::{CaptureInputs, PlanInput, plan};
    for arrival in ["constant", "poisson", "gamma:0.02", "gamma:400"] {
        for requests in [1, 10, 2_000] {
            for seed in 0..20 {
                let wanted = run(&ScheduleWords {
                    rate: said("30/s"),
                    arrival: said(arrival),
                    requests: Some(requests),
                    seed: Some(seed),
                    ..words()
                });
                let inputs = [PlanInput::default()];
                let capture = CaptureInputs { requests: &inputs, digest: "" };
                let sent = plan(capture, &wanted).unwrap().requests.len() as u64;
                assert_eq!(sent, requests, "{arrival}");
            }
        }
    }
}

#[test]
fn arrivals_are_those_of_independent_callers_unless_said() {
    let arrival_of = |text: Option<&str>| {
        let words =
            ScheduleWords { rate: said("5/s"), arrival: text.map(str::to_owned), ..words() };
        match run(&words).schedule {
            Schedule::Open { arrival, .. } => arrival,
            _ => unreachable!(),
        }
    };
    assert_eq!(arrival_of(None), Arrival::Poisson);
    assert_eq!(arrival_of(Some("constant")), Arrival::Constant);
    assert_eq!(arrival_of(Some("gamma:0.5")), Arrival::Gamma { shape: 0.5 });
    for text in ["gamma", "gamma:0", "gamma:2000", "uniform", "poisson:1"] {
        let words = ScheduleWords { rate: said("5/s"), arrival: said(text), ..words() };
        assert!(refused(&words).starts_with("--arrival: "), "{text}");
    }
}

#[test]
fn ramps_and_steps_say_how_long_they_are() {
    let ramp = |text| ScheduleWords { ramp: said(text), ..words() };
    assert_eq!(stages(&ramp("50/s..200/s over 5m")), [(50.0, 200.0, 300.0)]);
    assert_eq!(stages(&ramp("60..0/min over 90s")), [(1.0, 0.0, 90.0)]);
    let by_duration = ScheduleWords { duration: said("10s"), ..ramp("0..5/s") };
    assert_eq!(stages(&by_duration), [(0.0, 5.0, 10.0)]);
    assert_eq!(refused(&ramp("5..9/s")), "--ramp needs a time: `… each 1m`, `… over 5m`");
    let twice = ScheduleWords { duration: said("10s"), ..ramp("5..9/s over 1m") };
    let told = "--duration and --ramp do not go together: it says already how long it lasts";
    assert_eq!(refused(&twice), told);
    for text in ["5/s over 1m", "0..0/s over 1m", "5..x over 1m", "5..9/s over soon", "..9 over 1m"]
    {
        assert!(refused(&ramp(text)).starts_with("--ramp: "), "{text}");
    }

    let steps = |text| ScheduleWords { steps: said(text), ..words() };
    let expected = [(10.0, 10.0, 60.0), (20.0, 20.0, 60.0), (40.0, 40.0, 60.0)];
    assert_eq!(stages(&steps("10,20,40/s each 1m")), expected);
    let parted = ScheduleWords { duration: said("3m"), ..steps("10/s, 20/s, 40") };
    assert_eq!(stages(&parted), expected);
    assert_eq!(run(&steps("10,20/s each 1m")).repeat, Repeat::Loop);
    for text in ["10,,40/s each 1m", "0,10/s each 1m", " each 1m", "10,20/s each 0s"] {
        assert!(refused(&steps(text)).starts_with("--steps: "), "{text}");
    }
}

#[test]
fn a_warm_up_comes_first_at_the_rate_that_follows() {
    let warm = |words| ScheduleWords { warm_up: said("30s"), ..words };
    let rate = warm(ScheduleWords { rate: said("50/s"), duration: said("1m"), ..words() });
    assert_eq!(stages(&rate), [(50.0, 50.0, 30.0), (50.0, 50.0, 60.0)]);
    assert_eq!(run(&rate).warm_up, seconds(30));
    assert_eq!(run(&rate).limits.duration, Some(seconds(60)));
    let ramp = warm(ScheduleWords { ramp: said("0..9/s over 1m"), ..words() });
    assert_eq!(stages(&ramp)[0], (9.0, 9.0, 30.0));
    assert_eq!(run(&warm(words())).warm_up, seconds(30));
}

#[test]
fn concurrency_parts_the_requests_among_its_stages() {
    let closed = |text: &str| ScheduleWords { concurrency: said(text), ..words() };
    let stages = |words: &ScheduleWords| match run(words).schedule {
        Schedule::Closed { stages, think } => {
            let stages: Vec<_> = stages.iter().map(|it| (it.concurrency, it.requests)).collect();
            (stages, think)
        }
        _ => unreachable!(),
    };
    assert_eq!(stages(&closed("32")), (vec![(32, 1_000)], Micros(0)));
    assert_eq!(stages(&closed("8,16,32")).0, [(8, 334), (16, 333), (32, 333)]);
    assert_eq!(stages(&closed("8, 16 each 500")).0, [(8, 500), (16, 500)]);
    let thinking = ScheduleWords { think: said("500ms"), requests: Some(9), ..closed("2") };
    assert_eq!(stages(&thinking), (vec![(2, 9)], Micros(500_000)));
    for text in ["0", "1.5", "8,", "100001", "8 each 0", "eight"] {
        assert!(refused(&closed(text)).starts_with("--concurrency: "), "{text}");
    }
    let twice = ScheduleWords { requests: Some(9), ..closed("2 each 4") };
    assert!(refused(&twice).starts_with("--requests and --concurrency do not go together"));
}

#[test]
fn a_sweep_is_a_search_between_two_rates() {
    let sweep = |text: &str| ScheduleWords { sweep: said(text), ..words() };
    let warm = ScheduleWords { warm_up: said("5s"), ..sweep("10..500/s each 45s") };
    let Wanted::Sweep { settings, each } = warm.read(1_000).unwrap() else { unreachable!() };
    let expected = SweepSettings { lasts: seconds(45), ..SweepSettings::between(10.0, 500.0) };
    assert_eq!(settings, expected);
    assert_eq!((each.warm_up, each.repeat), (seconds(5), Repeat::Loop));
    let Wanted::Sweep { settings, .. } = sweep("1..2/s").read(1_000).unwrap() else {
        unreachable!()
    };
    assert_eq!(settings.lasts, seconds(30));
    for text in ["500..10/s", "0..10/s", "10/s"] {
        assert!(refused(&sweep(text)).starts_with("--sweep: "), "{text}");
    }
}

#[test]
fn words_that_do_not_go_together_are_refused_with_the_reason() {
    let base = words();
    let told = [
        (
            ScheduleWords { rate: said("5/s"), steps: said("5/s each 1m"), ..base.clone() },
            "--rate and --steps do not go together: each is a schedule of its own",
        ),
        (
            ScheduleWords { rate: said("5/s"), speed: said("2x"), ..base.clone() },
            "--speed and --rate do not go together: a speed is that of the recorded times",
        ),
        (
            ScheduleWords { arrival: said("poisson"), ..base.clone() },
            "--arrival needs a rate: --rate, --ramp, --steps or --sweep",
        ),
        (
            ScheduleWords { arrival: said("poisson"), concurrency: said("2"), ..base.clone() },
            "--arrival and --concurrency do not go together: a request is sent when another one \
             is answered",
        ),
        (
            ScheduleWords { think: said("1s"), rate: said("5/s"), ..base.clone() },
            "--think needs --concurrency",
        ),
        (
            ScheduleWords { turns: said("paced"), rate: said("5/s"), ..base.clone() },
            "--turns and --rate do not go together: `paced` is the recorded pace; `ordered` goes \
             with every schedule",
        ),
        (
            ScheduleWords { duration: said("1m"), concurrency: said("2"), ..base.clone() },
            "--duration and --concurrency do not go together: how many requests that would be is \
             up to the target; say --requests",
        ),
        (
            ScheduleWords { requests: Some(5), sweep: said("1..2/s"), ..base.clone() },
            "--requests and --sweep do not go together: it ends when it has found the rate; a \
             stage lasts `each` so long",
        ),
        (
            ScheduleWords { requests: Some(0), ..base.clone() },
            "--requests: `0` is not a number above 0",
        ),
        (
            ScheduleWords { duration: said("soon"), ..base },
            "--duration: `soon` is not a time such as 5m, above 0s and up to 365d",
        ),
    ];
    for (words, expected) in told {
        assert_eq!(refused(&words), expected);
    }
}
