//! Figures and verdicts from samples that were made up.

use super::*;
use crate::replay::{
    Arrival, CountedBy, Failure, Metric, Phase, PlanHead, PlanOptions, Quantity, Sample, Schedule,
    Shard, Statistic, Validity,
};
use crate::types::Micros;

const MS: u64 = 1_000;
const SECOND: u64 = 1_000 * MS;

/// A streamed answer of 11 tokens, sent at its instant.
fn sample(number: u64, intended: u64, ttft: u64, latency: u64) -> Sample {
    let at = |after: u64| Some(Micros(intended + after));
    Sample {
        number,
        phase: Phase::Measured,
        streamed: true,
        intended: Micros(intended),
        sent: at(0),
        lag: Micros(0),
        connecting: Micros(0),
        headers: at(ttft),
        first_byte: at(ttft),
        first_token: at(ttft),
        last: at(latency),
        gaps: vec![Micros((latency - ttft) / 10); 10],
        status: Some(200),
        failure: None,
        tokens_in: Some(5),
        tokens_out: Some(11),
        tokens_by: Some(CountedBy::Target),
        bytes: 100,
        answer: None,
    }
}

fn failed(number: u64, intended: u64, failure: Failure, status: Option<u16>) -> Sample {
    let mut sample = sample(number, intended, MS, 2 * MS);
    sample.failure = Some(failure);
    sample.status = status;
    sample
}

/// 10 a second.
fn steady(requests: u64) -> Vec<Sample> {
    (0..requests).map(|n| sample(n, n * 100 * MS, 200 * MS, SECOND)).collect()
}

fn tally(samples: &[Sample], objectives: Objectives) -> Tally {
    let mut tally = Tally::new(objectives);
    samples.iter().for_each(|sample| tally.record(sample));
    tally
}

fn plan(schedule: Schedule) -> PlanHead {
    let options = PlanOptions::new(schedule);
    PlanHead { version: 1, options, capture: String::new(), captured: 9, shard: None }
}

fn open() -> PlanHead {
    plan(Schedule::Open { arrival: Arrival::Poisson, stages: Vec::new() })
}

fn head(shard: Option<Shard>) -> RunHead {
    RunHead {
        version: 1,
        id: RunId::parse(&format!("run-{}", shard.map_or(9, |shard| shard.index))).unwrap(),
        began: Micros(0),
        target: "http://h".into(),
        program: "transom".into(),
        plan: PlanHead { shard, ..open() },
        plan_digest: String::new(),
        objectives: Objectives::default(),
        model: None,
        timeout: Micros(SECOND),
        in_flight: 100,
    }
}

fn value(figures: &Figures, quantity: Quantity, statistic: Statistic) -> f64 {
    figures.values.get(&Metric { quantity, statistic }).copied().unwrap_or(f64::NAN)
}

fn near(value: f64, expected: f64) {
    assert!((value / expected - 1.0).abs() < 0.002, "{value} {expected}");
}

fn reasons(plan: &PlanHead, samples: &[Sample]) -> Vec<String> {
    match judge(plan, &tally(samples, Objectives::default())) {
        Validity::Valid => Vec::new(),
        Validity::Invalid(reasons) => reasons,
    }
}

#[test]
fn every_metric_is_read_off() {
    let figures = Figures::of(&tally(&steady(101), Objectives::default()));
    near(value(&figures, Quantity::Ttft, Statistic::P50), 0.2);
    near(value(&figures, Quantity::TtftFromSend, Statistic::Mean), 0.2);
    near(value(&figures, Quantity::Latency, Statistic::P99), 1.0);
    near(value(&figures, Quantity::LatencyFromSend, Statistic::P90), 1.0);
    near(value(&figures, Quantity::InterChunk, Statistic::P95), 0.08);
    near(value(&figures, Quantity::Tpot, Statistic::P50), 0.08);
    // The last one is sent after 10 s and takes one more.
    assert_eq!(figures.window, Micros(11 * SECOND));
    near(value(&figures, Quantity::OutputTokens, Statistic::Total), 101.0);
    near(value(&figures, Quantity::Goodput, Statistic::Total), 101.0 / 11.0);
    near(value(&figures, Quantity::SendRate, Statistic::Total), 10.0);
    assert_eq!(value(&figures, Quantity::Failures, Statistic::Total), 0.0);
    assert_eq!(figures.values.len(), 6 * 5 + 4);
    let written = serde_json::to_string(&figures).unwrap();
    let read: Figures = serde_json::from_str(&written).unwrap();
    assert!(read.values.keys().eq(figures.values.keys()));
    near(value(&read, Quantity::Ttft, Statistic::P95), 0.2);
}

#[test]
fn a_stall_is_seen_from_the_intended_instant_and_hidden_from_the_sending() {
    // 10 a second for 60 s; from 20 s on nothing is sent for 10 s, as by a generator that
    // waits for answers.
    let samples = steady(600).into_iter().map(|mut sample| {
        let intended = sample.intended.0;
        if (20 * SECOND..30 * SECOND).contains(&intended) {
            sample.sent = Some(Micros(30 * SECOND));
            sample.first_token = Some(Micros(30 * SECOND + 200 * MS));
            sample.last = Some(Micros(31 * SECOND));
        }
        sample
    });
    let figures = Figures::of(&tally(&samples.collect::<Vec<_>>(), Objectives::default()));
    assert!(value(&figures, Quantity::Latency, Statistic::P95) > 7.0);
    near(value(&figures, Quantity::LatencyFromSend, Statistic::P95), 1.0);
}

#[test]
fn what_timed_out_counts_with_the_time_it_was_waited_for() {
    let mut samples = steady(90);
    for number in 90..100 {
        let mut timed_out = failed(number, number * 100 * MS, Failure::Timeout, None);
        (timed_out.first_token, timed_out.gaps) = (None, Vec::new());
        timed_out.last = Some(Micros(number * 100 * MS + 30 * SECOND));
        samples.push(timed_out);
    }
    samples.push(failed(100, 0, Failure::ServerError, Some(500)));
    let figures = Figures::of(&tally(&samples, Objectives::default()));
    near(value(&figures, Quantity::Latency, Statistic::P95), 30.0);
    near(value(&figures, Quantity::Ttft, Statistic::P95), 30.0);
    near(value(&figures, Quantity::Latency, Statistic::P50), 1.0);
    near(value(&figures, Quantity::Failures, Statistic::Total), 11.0 / 101.0);
}

#[test]
fn goodput_has_failures_in_its_denominator_and_no_cancelled_ones() {
    let objectives = Objectives {
        ttft: Some(Micros(200 * MS)),
        tpot: Some(Micros(80 * MS)),
        latency: Some(Micros(SECOND)),
    };
    let mut samples = steady(6);
    samples.push(sample(6, 0, 201 * MS, SECOND));
    samples.push(sample(7, 0, 10 * MS, SECOND));
    samples.push(sample(8, 0, 200 * MS, SECOND + MS));
    samples.push(failed(9, 0, Failure::RateLimited, Some(429)));
    samples.push(failed(10, 0, Failure::Cancelled, Some(200)));
    samples.push(Sample::not_sent(11, Phase::Measured, Micros(0)));
    let figures = Figures::of(&tally(&samples, objectives));
    assert_eq!((figures.requests, figures.succeeded, figures.good), (12, 9, 6));
    assert_eq!(figures.good_share, Some(0.6));
    // A plain answer has no first token to be late.
    let mut plain = sample(0, 0, MS, SECOND);
    (plain.streamed, plain.first_token) = (false, None);
    assert_eq!(tally(&[plain], objectives).good, 1);
}

#[test]
fn the_warm_up_counts_for_nothing() {
    let mut samples = steady(10);
    samples[0].phase = Phase::WarmUp;
    samples[0].failure = Some(Failure::Connect);
    let figures = Figures::of(&tally(&samples, Objectives::default()));
    assert_eq!((figures.warm_up, figures.requests, figures.failures.len()), (1, 9, 0));
}

#[test]
fn a_generator_that_lags_is_invalid() {
    let late = |lag: u64, latency: u64| {
        let requests = (0..1_000).map(|n| sample(n, n * 100 * MS, 10 * MS, latency));
        let requests = requests.map(|mut sample| {
            // The last of 98 is on time, two of a hundred are not.
            let is_late = sample.number % 100 >= 98;
            sample.lag = Micros(if is_late { lag } else { 0 });
            sample
        });
        reasons(&open(), &requests.collect::<Vec<_>>())
    };
    assert!(late(9 * MS, 20 * MS).is_empty());
    let told = late(15 * MS, 20 * MS);
    assert!(told[0].contains("more than 15.0 ms late, where 10.0 ms are allowed"), "{told:?}");
    assert!(late(15 * MS, 2 * SECOND).is_empty(), "1 % of the median is 20 ms");
}

#[test]
fn a_rate_that_is_off_is_invalid_but_for_closed_schedules() {
    let mut samples = steady(101);
    for sample in &mut samples {
        sample.lag = Micros(sample.intended.0 / 50);
    }
    let told = reasons(&open(), &samples);
    assert!(told[1].contains("off by 2.0 %: 9.80 requests a second"), "{told:?}");
    let closed = plan(Schedule::Closed { stages: Vec::new(), think: Micros(0) });
    assert_eq!(reasons(&closed, &samples).len(), 1);
    assert!(reasons(&open(), &steady(101)).is_empty());
}

/// 20 a second for 5 s. Those of the first second waited 900 ms for their connections.
fn slow_to_accept() -> Vec<Sample> {
    let mut samples: Vec<_> = (0..100).map(|n| sample(n, n * 50 * MS, 20 * MS, SECOND)).collect();
    for sample in &mut samples[..20] {
        sample.connecting = Micros(900 * MS);
        sample.sent = sample.sent.map(|sent| Micros(sent.0 + 900 * MS));
    }
    samples
}

#[test]
fn a_target_that_is_slow_to_accept_makes_no_run_invalid() {
    let mut samples = slow_to_accept();
    assert!(reasons(&open(), &samples).is_empty());
    // Nor does what setting them up costs the generator: without its first 60 ms the run is
    // shorter by 1.2 %.
    (samples[0].lag, samples[1].lag) = (Micros(60 * MS), Micros(9 * MS));
    let tally = tally(&samples, Objectives::default());
    near(tally.sent.span() / tally.intended.span(), 0.988);
    assert_eq!(judge(&open(), &tally), Validity::Valid);
    // The last ones may be as late.
    let mut samples = slow_to_accept();
    samples[99].lag = Micros(60 * MS);
    assert!(reasons(&open(), &samples).is_empty());
}

#[test]
fn a_generator_that_cannot_keep_the_rate_is_invalid_whatever_the_target_does() {
    let mut samples = slow_to_accept();
    for sample in &mut samples {
        sample.lag = Micros(sample.intended.0 / 50);
    }
    let told = reasons(&open(), &samples).concat();
    assert!(told.contains("off by 2.0 %: 19.61 requests a second"), "{told}");
    // One that falls behind only at last is too late with too many.
    let mut samples = slow_to_accept();
    for sample in &mut samples[80..] {
        sample.lag = Micros((sample.intended.0 - 4 * SECOND) / 4);
    }
    let told = reasons(&open(), &samples).concat();
    assert!(told.contains("The generator lagged"), "{told}");
}

#[test]
fn a_run_of_nothing_is_invalid() {
    assert!(reasons(&open(), &[])[0].contains("Nothing was measured"));
    let refused: Vec<_> = (0..9).map(|n| failed(n, n * MS, Failure::Connect, None)).collect();
    let told = reasons(&open(), &refused);
    assert!(told[0].contains("no request was answered (9 without a connection)"), "{told:?}");
    let errors: Vec<_> =
        (0..9).map(|n| failed(n, n * MS, Failure::ServerError, Some(500))).collect();
    assert!(reasons(&open(), &errors).is_empty(), "a failing target is a result");
}

#[test]
fn a_run_that_left_out_too_much_or_had_no_files_left_is_invalid() {
    let mut samples = steady(100);
    samples.push(Sample::not_sent(100, Phase::Measured, Micros(0)));
    assert!(reasons(&open(), &samples).is_empty(), "1 of 101 may be");
    samples.push(Sample::not_sent(101, Phase::Measured, Micros(0)));
    assert!(reasons(&open(), &samples)[0].contains("2 of 102 requests were not sent"));
    let mut samples = steady(100);
    samples[5].failure = Some(Failure::Exhausted);
    assert!(reasons(&open(), &samples)[0].contains("no files or ports left"));
}

fn shards() -> (Vec<Sample>, Vec<RunResult>) {
    let all: Vec<_> = (0..300).map(|n| sample(n, n * 10 * MS, n * MS, (n + 1) * 2 * MS)).collect();
    let run = |index: u32| {
        let part: Vec<_> =
            all.iter().filter(|r| r.number % 3 == u64::from(index)).cloned().collect();
        RunResult::of(head(Some(Shard { index, of: 3 })), tally(&part, Objectives::default()))
    };
    (all.clone(), (0..3).map(run).collect())
}

#[test]
fn shards_add_up_to_the_whole_run() {
    let (all, runs) = shards();
    let merged = merge(&runs).unwrap();
    assert_eq!(merged.tally, tally(&all, Objectives::default()));
    assert_eq!(merged.figures, Figures::of(&merged.tally));
    assert_eq!((merged.validity, merged.head.plan.shard), (Validity::Valid, None));
    let reversed: Vec<_> = runs.iter().rev().cloned().collect();
    assert_eq!(merge(&reversed).unwrap().head, merged.head);
}

#[test]
fn a_merged_run_is_valid_only_if_every_shard_is_there_and_is() {
    let (_, mut runs) = shards();
    runs[1].validity = Validity::Invalid(vec!["The generator lagged.".into()]);
    runs.pop();
    let Validity::Invalid(reasons) = merge(&runs).unwrap().validity else { panic!() };
    assert_eq!(reasons, ["Shard 1: The generator lagged.", "Shard 2 is missing."]);
}

#[test]
fn only_shards_of_one_run_are_merged() {
    let (_, runs) = shards();
    let error = |runs: &[RunResult]| merge(runs).unwrap_err();
    assert_eq!(error(&[]), MergeError::Nothing);
    let twice = [runs[0].clone(), runs[0].clone()];
    assert_eq!(error(&twice), MergeError::Twice("run-0".into(), "run-0".into()));
    let mut other = [runs[0].clone(), runs[1].clone()];
    other[1].head.plan.options.seed = 2;
    assert_eq!(error(&other), MergeError::Different("run-0".into(), "run-1".into()));
    let whole = RunResult::of(head(None), Tally::default());
    assert_eq!(error(&[whole]), MergeError::Whole("run-9".into()));
}
