//! Runs on disk, whole and broken.

use super::*;
use crate::replay::engine::Observer;
use crate::replay::outcome::{Objectives, Record};
use crate::replay::{Phase, PlanHead, Schedule};
use crate::types::Micros;
use std::os::unix::fs::PermissionsExt;

/// A directory of its own, removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
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

fn head(id: &str) -> RunHead {
    RunHead {
        version: 1,
        id: RunId::parse(id).unwrap(),
        began: Micros(5),
        target: "http://h".into(),
        program: "transom 0".into(),
        plan: PlanHead {
            version: 1,
            seed: 1,
            schedule: Schedule::Recorded { speed: 2.0 },
            warm_up: Micros(0),
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

fn records(number: u64) -> Vec<Record> {
    let record = |n| {
        let mut record = Record::not_sent(n, Phase::Measured, Micros(n));
        (record.sample.failure, record.sample.status) = (None, Some(200));
        record.sample.last = Some(Micros(n + 1_000));
        record.lag = Some(Micros(n % 7));
        record
    };
    (0..number).map(record).collect()
}

fn write(directory: &RunDirectory, records: &[Record]) -> SampleWriter {
    let mut writer = directory.sample_writer().unwrap();
    records.iter().for_each(|record| writer.sample(record).unwrap());
    writer
}

#[test]
fn a_run_is_read_as_it_was_written() {
    let scratch = Scratch::new("whole");
    let directory = RunDirectory::create(&scratch.0, &head("a")).unwrap();
    let records = records(500);
    drop(write(&directory, &records));
    let opened = RunDirectory::open(directory.path()).unwrap();
    assert_eq!(opened.head(), &head("a"));
    assert_eq!(opened.result().unwrap(), None, "it has not ended");
    let mut samples = opened.samples().unwrap();
    let read: Vec<_> = samples.by_ref().map(Result::unwrap).collect();
    assert_eq!(read, records);
    assert!(!samples.is_torn());
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
    let records = records(300);
    let mut writer = write(&directory, &records[..100]);
    writer.flush().unwrap();
    let path = directory.path().join(SAMPLES);
    let flushed = fs::read(&path).unwrap().len();
    let mut so_far = directory.samples().unwrap();
    assert_eq!(so_far.by_ref().filter(Result::is_ok).count(), 100, "while it grows");
    assert!(so_far.is_torn());
    records[100..].iter().for_each(|record| writer.sample(record).unwrap());
    drop(writer);
    let whole = fs::read(&path).unwrap();
    for length in flushed..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let mut samples = directory.samples().unwrap();
        let read: Vec<_> = samples.by_ref().map(Result::unwrap).collect();
        assert!(read.len() >= 100 && records.starts_with(&read), "{length}: {}", read.len());
        assert!(samples.is_torn(), "{length}");
    }
    let result = directory.recount(1_000).unwrap();
    assert_eq!(result.figures.requests, 1_000);
    assert!(matches!(result.validity, Validity::Invalid(_)), "700 have no sample");
}

#[test]
fn files_are_their_owners_alone() {
    let scratch = Scratch::new("private");
    let directory = RunDirectory::create(&scratch.0, &head("a")).unwrap();
    drop(write(&directory, &records(1)));
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(directory.path().to_owned()), 0o700);
    for name in [RUN, SAMPLES] {
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
