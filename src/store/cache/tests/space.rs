//! The capacity holds at every moment, and the newest and the wanted stay.

use super::*;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Even less than the others take.
const CAPACITY: u64 = 6 * MIB;

impl Directory {
    fn small(&self) -> DiskCache {
        let clock = Clock::system();
        DiskCache::open_at(&self.0, CAPACITY, clock, Moment::now(clock)).unwrap().cache
    }
}

/// Does `load` while the disk is looked at all the time. Returns the most that was taken.
fn most_taken(directory: &Directory, load: impl FnOnce()) -> u64 {
    let (most, done) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                most.fetch_max(directory.taken(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        load();
        done.store(true, Ordering::Relaxed);
    });
    most.into_inner()
}

/// Writes values of so many `keys`, 16 at a time, until they were `bytes` altogether.
fn write(cache: &DiskCache, keys: u64, bytes: u64, length: impl Fn(u64) -> usize) {
    let random = Random::seeded(7);
    let mut written = 0;
    while written < bytes {
        let one = |_| random.below(keys);
        let batch: Vec<_> = (0..16).map(one).map(|number| item(number, length(number))).collect();
        assert_eq!(cache.put(&batch), Ok(16));
        written += batch.iter().map(|put| put.value.len() as u64).sum::<u64>();
        let number = random.below(keys);
        if let Some(found) = found(cache, number) {
            assert!(found == value(number, length(number)));
        }
    }
    cache.maintain().unwrap();
}

#[test]
fn ten_times_the_capacity_never_takes_more_than_the_capacity() {
    let directory = Directory::new();
    let cache = directory.small();
    let most = most_taken(&directory, || {
        // Short and long values, often the same and never the same.
        write(&cache, 2_000, 4 * CAPACITY, |number| 100 * (1 + number as usize % 300));
        write(&cache, 1 << 40, 4 * CAPACITY, |number| 100 * (1 + number as usize % 300));
        write(&cache, 1 << 40, 2 * CAPACITY, |_| 60_000);
    });
    assert!(most <= CAPACITY, "{most} bytes");
    let usage = cache.usage();
    assert!(usage.evicted > usage.entries, "most of it had to go: {usage:?}");
    assert!(usage.bytes >= directory.taken() && usage.bytes <= CAPACITY, "{usage:?}");
    // It is not empty for that.
    assert!(usage.bytes > CAPACITY / 4 && usage.entries > 0, "{usage:?}");
}

#[test]
fn what_is_read_now_and_then_outlives_what_is_not() {
    let directory = Directory::new();
    let mut cache = directory.small();
    cache.put(&[item(1, 5_000), item(2, 5_000)]).unwrap();
    for round in 0..24 {
        let fresh = (0..16).map(|number| item(1_000 + 16 * round + number, 20_000));
        cache.put(&fresh.collect::<Vec<_>>()).unwrap();
        assert!(found(&cache, 1).unwrap() == value(1, 5_000), "round {round}");
        if round % 8 == 0 {
            drop(cache);
            cache = directory.small();
        }
    }
    assert_eq!(found(&cache, 2), None);
}

#[test]
fn a_value_that_is_a_large_part_of_the_capacity_is_left_out() {
    let directory = Directory::new();
    let cache = directory.small();
    let items = [item(1, 10), item(2, CAPACITY as usize / 8), item(3, 10)];
    assert_eq!(cache.put(&items), Ok(2));
    assert_eq!(found(&cache, 2), None);
    assert!(found(&cache, 1).is_some() && found(&cache, 3).is_some());
}

#[test]
fn a_capacity_that_was_lowered_holds_from_the_start() {
    let directory = Directory::new();
    let cache = directory.cache();
    write(&cache, 1 << 40, 8 * MIB, |_| 20_000);
    cache.put(&[item(1, 10)]).unwrap();
    drop(cache);
    let (lowered, clock) = (4 * MIB, Clock::system());
    assert!(directory.taken() > lowered);
    let opened = DiskCache::open_at(&directory.0, lowered, clock, Moment::now(clock)).unwrap();
    assert!(directory.taken() <= lowered, "{}", directory.taken());
    assert_eq!(opened.condition, Condition::Fine);
    assert!(found(&opened.cache, 1).is_some());
}

#[test]
fn purging_and_expiring_take_no_more_than_the_capacity() {
    let directory = Directory::new();
    let cache = directory.small();
    let most = most_taken(&directory, || {
        write(&cache, 1 << 40, 4 * MIB, |_| 1_000);
        let entries = cache.usage().entries;
        assert!(entries > 500);
        let gone = cache.purge(&Purge::Tagged(tags("chat"))).unwrap();
        assert!(gone > 0 && gone <= entries);
        assert_eq!(cache.usage().entries, 0);
    });
    assert!(most <= CAPACITY, "{most} bytes");
}
