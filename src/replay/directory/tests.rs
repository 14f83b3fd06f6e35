//! Runs on disk, whole and broken; others take theirs from here.
//!
//! Must not know: how a run is carried out.

use super::*;
use crate::replay::engine::Observer;
use crate::replay::outcome::Objectives;
use crate::replay::{Phase, PlanHead, PlanOptions, Planned, Sample, Schedule};
use crate::types::Micros;
use std::os::unix::fs::PermissionsExt;

/// A directory of its own, removed in the end.
pub(in crate::replay) struct Scratch(pub PathBuf);

impl Scratch {
    pub(in crate::replay) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("transom-runs-{}-{name}", std::process::id()));
        fs::remove_dir_all(&path).ok();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

pub(in crate::replay) fn head(id: &str) -> RunHead {
    RunHead {
        version: 1,
        id: RunId::parse(id).unwrap(),
        began: Micros(5),
        target: "http://h".into(),
        program: "transom 0".into(),
        plan: PlanHead {
            version: 1,
            options: PlanOptions::new(Schedule::Recorded { speed: 2.0 }),
            capture: "c".into(),
            captured: 9,
            shard: None,
        },
        plan_digest: "d".into(),
        objectives: Objectives { ttft: Some(Micros(7)), ..Objectives::default() },
        model: Some("m".into()),
        timeout: Micros(9),
        in_flight: 3,
    }
}

pub(in crate::replay) fn samples(number: u64) -> Vec<Sample> {
    let sample = |n| {
        let mut sample = Sample::not_sent(n, Phase::Measured, Micros(n));
        (sample.failure, sample.status) = (None, Some(200));
        sample.last = Some(Micros(n + 1_000));
        sample.lag = Micros(n % 7);
        sample
    };
    (0..number).map(sample).collect()
}

pub(in crate::replay) fn write(directory: &RunDirectory, samples: &[Sample]) -> SampleWriter {
    let mut writer = directory.sample_writer().unwrap();
    samples.iter().for_each(|sample| writer.sample(sample).unwrap());
    writer
}

#[test]
fn a_run_is_read_as_it_was_written() {
    let scratch = Scratch::new("whole");
    let directory = RunDirectory::create(&scratch.0, &head("a")).unwrap();
    let samples = samples(500);
    drop(write(&directory, &samples));
    let opened = RunDirectory::open(directory.path()).unwrap();
    assert_eq!(opened.head(), &head("a"));
    assert_eq!(opened.result().unwrap(), None, "it has not ended");
    let mut reader = opened.samples().unwrap();
    let read: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
    assert_eq!(read, samples);
    assert!(!reader.is_torn());
    let result = opened.recount(500).unwrap();
    opened.finish(&result).unwrap();
    assert_eq!(RunDirectory::open(directory.path()).unwrap().result().unwrap(), Some(result));
    assert!(RunDirectory::create(&scratch.0, &head("a")).is_err(), "no run is written over");
    RunDirectory::create(&scratch.0, &head("B")).unwrap();
    fs::create_dir(scratch.0.join("no-run")).unwrap();
    let ids = RunDirectory::list(&scratch.0).unwrap();
    assert_eq!(ids.iter().map(RunId::as_str).collect::<Vec<_>>(), ["B", "a"]);
}

#[test]
fn what_was_flushed_is_read_wherever_the_file_is_cut() {
    let scratch = Scratch::new("torn");
    let directory = RunDirectory::create(&scratch.0, &head("a")).unwrap();
    let samples = samples(300);
    let mut writer = write(&directory, &samples[..100]);
    writer.flush().unwrap();
    let path = directory.path().join(SAMPLES);
    let flushed = fs::read(&path).unwrap().len();
    let mut so_far = directory.samples().unwrap();
    assert_eq!(so_far.by_ref().filter(Result::is_ok).count(), 100, "while it grows");
    assert!(so_far.is_torn());
    samples[100..].iter().for_each(|sample| writer.sample(sample).unwrap());
    drop(writer);
    let whole = fs::read(&path).unwrap();
    for length in flushed..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let mut reader = directory.samples().unwrap();
        let read: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
        assert!(read.len() >= 100 && samples.starts_with(&read), "{length}: {}", read.len());
        assert!(reader.is_torn(), "{length}");
    }
    let result = directory.recount(1_000).unwrap();
    assert_eq!(result.figures.requests, 1_000);
    assert!(matches!(result.validity, Validity::Invalid(_)), "700 have no sample");
}

#[test]
fn a_run_that_was_killed_says_what_it_has_seen_and_does_not_count() {
    let scratch = Scratch::new("killed");
    let directory = RunDirectory::create(&scratch.0, &head("a")).unwrap();
    drop(write(&directory, &samples(100)));
    assert!(matches!(directory.result_so_far(), Err(DirectoryError::Plan(..))));
    let planned = Planned {
        number: 0,
        exchange: 0,
        at: None,
        stage: 0,
        session: None,
        after_turn: None,
        leaves_after: None,
    };
    let requests = (0..101).map(|number| Planned { number, ..planned }).collect();
    let plan = Plan { head: head("a").plan, requests };
    plan.write(File::create(directory.plan_path()).unwrap()).unwrap();
    let result = directory.result_so_far().unwrap();
    assert_eq!((result.figures.requests, result.figures.succeeded), (101, 100));
    let Validity::Invalid(why) = &result.validity else { panic!() };
    assert_eq!(why[0], "The run has not come to its end.");
    directory.finish(&directory.recount(100).unwrap()).unwrap();
    assert_eq!(directory.result_so_far().unwrap().validity, Validity::Valid);
}

#[test]
fn files_are_their_owners_alone() {
    let scratch = Scratch::new("private");
    let directory = RunDirectory::create(&scratch.0, &head("a")).unwrap();
    drop(write(&directory, &samples(1)));
    drop(directory.plan_file().unwrap());
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(directory.path().to_owned()), 0o700);
    for name in [RUN, PLAN, SAMPLES] {
        assert_eq!(mode(directory.path().join(name)), 0o600, "{name}");
    }
}

#[test]
fn what_is_no_run_or_another_version_is_refused() {
    let scratch = Scratch::new("other");
    assert!(matches!(RunDirectory::open(&scratch.0), Err(DirectoryError::Io(..))));
    fs::create_dir_all(&scratch.0).unwrap();
    fs::write(scratch.0.join(RUN), "{\"version\":2}").unwrap();
    let refused = RunDirectory::open(&scratch.0).unwrap_err().to_string();
    assert!(refused.ends_with("run.json has version 2; this program reads version 1"), "{refused}");
    fs::write(scratch.0.join(RUN), "{}").unwrap();
    assert!(matches!(RunDirectory::open(&scratch.0), Err(DirectoryError::Malformed(..))));
}
