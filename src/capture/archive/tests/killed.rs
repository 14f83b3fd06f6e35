//! A capture that is killed, again and again.
//!
//! This test runs itself as another process, which captures until it is killed.

use super::*;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

/// Where the other process captures to; set for that process alone.
const DIRECTORY: &str = "TRANSOM_TEST_CAPTURE_DIRECTORY";
/// Where it begins to count.
const FIRST: &str = "TRANSOM_TEST_CAPTURE_FIRST";
const SELF: &str = "capture::archive::tests::killed::a_capture_that_is_killed_a_hundred_times_has_every_record_that_was_flushed";
const KILLS: u64 = 100;
/// Numbers for each process, more than it will come to.
const NUMBERS: u64 = 1_000_000;

/// Captures until it is killed, and says which numbers can be read.
fn capture(directory: PathBuf, first: u64) {
    let seal = first / NUMBERS % 2 == 1;
    let settings = CaptureSettings {
        keep: Retention { bytes: u64::MAX, age: Duration::MAX },
        roll: roll(400_000),
        encryption: seal.then(|| master(MASTER)),
        ..CaptureSettings::default()
    };
    let mut next = first;
    let hook: CaptureHook = Box::new(move |event| {
        if let CaptureEvent::Written(records) = event {
            let mut out = std::io::stdout();
            for number in next..next + records {
                writeln!(out, "request-{number}").and_then(|()| out.flush()).unwrap();
            }
            next += records;
        }
    });
    let (handle, _thread) =
        CaptureWorker::start(&directory, &settings, Clock::system(), hook).unwrap();
    for number in first.. {
        // A large one now and then takes long enough to be written to be killed within.
        let most = if number % 16 == 15 { 300_000 } else { 4_000 };
        let bytes = Random::seeded(number).below(most) as usize;
        while handle.usage().queued > 3_000_000 {
            std::thread::yield_now();
        }
        handle.submit(&numbered(number, bytes), handle.reserve(bytes as u64).unwrap());
    }
}

/// Runs the other process for a while. Returns the numbers that it said can be read.
fn run_and_kill(directory: &Directory, first: u64, chance: &Random) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", SELF, "--nocapture", "--test-threads", "1"])
        .env(DIRECTORY, &directory.0)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let number = |line: String| line.strip_prefix("request-")?.parse().ok();
    // At any moment, from before it has begun to long after.
    let lines_before = chance.below(20);
    let mut said: Vec<u64> = Vec::new();
    while (said.len() as u64) < lines_before
        && let Some(line) = lines.next()
    {
        said.extend(number(line.unwrap()));
    }
    let moment = Instant::now() + Duration::from_micros(chance.below(2_000));
    while Instant::now() < moment {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // A line may be cut as well; what comes after it was never said.
    said.extend(lines.map_while(|line| number(line.ok()?)).collect::<Vec<u64>>());
    said
}

#[test]
fn a_capture_that_is_killed_a_hundred_times_has_every_record_that_was_flushed() {
    let asked = [DIRECTORY, FIRST].map(std::env::var_os);
    if let [Some(directory), Some(first)] = asked {
        return capture(directory.into(), first.to_str().unwrap().parse().unwrap());
    }
    let directory = Directory::new();
    crate::capture::segment::create_directory(&directory.0).unwrap();
    let chance = Random::from_system();
    let mut said = std::collections::BTreeSet::new();
    for round in 0..KILLS {
        said.extend(run_and_kill(&directory, round * NUMBERS, &chance));
    }
    assert!(!said.is_empty());
    let archive = directory.sealed();
    for report in archive.verify().unwrap() {
        assert_eq!((report.bad_frames, &report.condition), (0, &SegmentCondition::Readable));
    }
    // As the next writer finds it.
    drop(Writer::open(archive.clone(), roll(400_000)).unwrap());
    assert!(archive.verify().unwrap().iter().all(|it| it.torn + it.bad_frames == 0));
    let read: std::collections::BTreeSet<u64> = numbers(&archive).into_iter().collect();
    let lost: Vec<_> = said.difference(&read).collect();
    assert!(lost.is_empty(), "{} of {} flushed records are lost: {lost:?}", lost.len(), said.len());
    // What was not said has no gaps, either: each process wrote one number after the other.
    for round in 0..KILLS {
        let numbers: Vec<_> = read.range(round * NUMBERS..(round + 1) * NUMBERS).collect();
        assert!((round * NUMBERS..).zip(numbers).all(|(wanted, number)| wanted == *number));
    }
}
