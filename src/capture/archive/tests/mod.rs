//! Archives as their users see them.

mod disk_full;
mod erasing;
mod indexed;
mod keeping;
mod killed;
mod reading;
mod sealed;
mod worker;

use super::*;
use crate::capture::segment::made::{is_whole, numbered};
use crate::capture::segment::{IndexEntry, Indexed, Part};
use crate::capture::{CaptureSettings, Retention};
use crate::types::{Clock, Random, Secret};
use std::fs;
use std::time::{Duration, Instant};

const MASTER: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A directory that goes with the value.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let number = Random::from_system().next_u64();
        Self(std::env::temp_dir().join(format!("transom-archive-{number:016x}")))
    }

    fn archive(&self) -> Archive {
        Archive::open(&self.0, None).unwrap()
    }

    fn sealed(&self) -> Archive {
        Archive::open(&self.0, Some(&master(MASTER))).unwrap()
    }

    /// The names of the files, sorted.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn master(digits: &str) -> MasterKey {
    MasterKey(Secret::new(digits))
}

const fn roll(bytes: u64) -> Roll {
    Roll { bytes, age: Duration::from_secs(600) }
}

/// Writes the exchanges with these numbers, of 200 random bytes each, into blocks of three, and
/// segments of about a dozen. Returns all that is listed then.
fn fill(archive: &Archive, numbers: impl IntoIterator<Item = u64>) -> Vec<Indexed> {
    let mut writer = Writer::open(archive.clone(), roll(4_000)).unwrap();
    for (at, number) in numbers.into_iter().enumerate() {
        writer.append(&numbered(number, 200), Instant::now()).unwrap();
        if at % 3 == 2 {
            writer.flush().unwrap();
        }
    }
    writer.roll().unwrap();
    // There may be segments of another key before.
    archive.entries(Filter::all()).unwrap().filter_map(Result::ok).collect()
}

/// The numbers of all records, each of which is whole.
fn numbers(archive: &Archive) -> Vec<u64> {
    let exchanges = archive.exchanges(Filter::all()).unwrap().map(|it| it.unwrap().1);
    exchanges.map(|exchange| is_whole(&exchange).expect("whole")).collect()
}

/// Waits until it is so.
fn until(mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(10), "it never was");
        std::thread::yield_now();
    }
}
