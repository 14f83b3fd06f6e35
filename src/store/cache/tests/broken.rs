//! Whatever becomes of the files, the cache serves within 5 s, and what it gives is right.

use super::*;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

/// A cache with so many entries in more than one generation, closed.
fn filled(directory: &Directory) -> u64 {
    let cache = directory.cache();
    let numbers = 0..40;
    let items = numbers.clone().map(|number| item(number, 50_000)).collect::<Vec<_>>();
    cache.put(&items).unwrap();
    cache.maintain().unwrap();
    assert!(cache.usage().generations > 1, "{:?}", cache.usage());
    numbers.end
}

/// The databases' files in a cache, the oldest first.
fn databases(cache: &Path) -> Vec<PathBuf> {
    let numbers = generation::Generation::numbers(cache).unwrap();
    numbers.iter().map(|number| cache.join(format!("g{number}")).join("db")).collect()
}

/// Opens it, reads all there is and writes. What is given has to be right, all the time.
fn serves(directory: &Directory, numbers: u64) -> Condition {
    let begin = Instant::now();
    let OpenedCache { cache, condition } = directory.open();
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    for number in 0..numbers {
        // An error is honest, and the last of its kind.
        if let Ok(Some(found)) = cache.get(&key(number)) {
            assert!(found.value == value(number, 50_000), "entry {number}");
        }
    }
    cache.put(&[item(1_000, 50_000)]).unwrap();
    cache.maintain().unwrap();
    assert!(found(&cache, 1_000).unwrap() == value(1_000, 50_000));
    condition
}

#[test]
fn a_cache_cut_anywhere_still_serves() {
    for round in 0..8 {
        let directory = Directory::new();
        let numbers = filled(&directory);
        let path = &databases(&directory.0.join(CACHE))[usize::from(round % 2 == 0)];
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() * round / 8).unwrap();
        serves(&directory, numbers);
    }
}

#[test]
fn a_cache_with_flipped_bits_still_serves() {
    for round in 0..8 {
        let directory = Directory::new();
        let numbers = filled(&directory);
        let path = &databases(&directory.0.join(CACHE))[usize::from(round % 2 == 0)];
        let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let place = file.metadata().unwrap().len() * round / 8;
        let mut bytes = [0; 64];
        let length = file.read_at(&mut bytes, place).unwrap();
        file.write_at(&bytes.map(|byte| byte ^ 0x24)[..length], place).unwrap();
        serves(&directory, numbers);
    }
}

#[test]
fn a_broken_cache_is_moved_aside_and_only_the_last_one_stays() {
    let directory = Directory::new();
    for _ in 0..3 {
        let numbers = filled(&directory);
        let path = databases(&directory.0.join(CACHE))[0].clone();
        fs::write(path.with_file_name("conf"), [0xff; 64]).unwrap();
        fs::write(path, b"not a database").unwrap();
        let condition = serves(&directory, numbers);
        let Condition::Recreated { moved_to, why } = condition else { panic!("{condition:?}") };
        let broken = databases(&moved_to);
        assert!(broken[0].is_file() && !why.is_empty());
        let aside = moved_to.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(directory.names("cache.broken-"), [aside]);
    }
}

#[test]
fn a_generation_that_was_half_removed_is_no_reason_to_lose_the_others() {
    let directory = Directory::new();
    let numbers = filled(&directory);
    let half = directory.0.join(CACHE).join("g0.gone");
    fs::create_dir(&half).unwrap();
    fs::write(half.join("db"), b"half").unwrap();
    // And one that somebody who was thought to be gone has made.
    let late = directory.0.join(CACHE).join("g7");
    fs::create_dir(&late).unwrap();
    fs::write(late.join("snap.0000"), b"snapshot").unwrap();
    assert_eq!(serves(&directory, numbers), Condition::Fine);
    assert!(!half.exists() && !late.exists());
}

#[test]
fn a_cache_in_use_is_left_alone() {
    let directory = Directory::new();
    let first = directory.cache();
    first.put(&[item(1, 10)]).unwrap();
    let second = DiskCache::open(&directory.0, CAPACITY, Clock::system());
    assert!(matches!(second, Err(OpenError::InUse(path)) if path == directory.0));
    assert!(found(&first, 1).is_some());
}

#[test]
fn a_generation_that_another_program_has_open_is_left_alone() {
    let directory = Directory::new();
    filled(&directory);
    let database = databases(&directory.0.join(CACHE)).remove(0);
    let other = OpenOptions::new().read(true).open(&database).unwrap();
    other.try_lock().unwrap();
    let opened = DiskCache::open(&directory.0, CAPACITY, Clock::system());
    assert!(matches!(opened, Err(OpenError::InUse(_))), "{opened:?}");
    other.unlock().unwrap();
    assert_eq!(directory.open().condition, Condition::Fine);
    assert_eq!(directory.names("cache.broken-"), [""; 0]);
}

#[test]
fn a_cache_that_fails_while_it_runs_goes_on_empty_at_most_once_a_minute() {
    let directory = Directory::new();
    let cache = directory.cache();
    let begin = Moment::now(Clock::system());
    let after = |seconds| {
        let time = Duration::from_secs(seconds);
        Moment { date: begin.date + watch::millis(time), instant: begin.instant + time }
    };
    let fail = |now| -> Result<(), StoreError> {
        cache.with(now, |_| Err(StoreError::Panicked("broken page".to_owned())))
    };
    cache.put_at(&[item(1, 10)], begin).unwrap();
    assert!(fail(begin).is_err());
    // Empty, and at work.
    assert_eq!(cache.get_at(&key(1), after(1)), Ok(None));
    assert_eq!(cache.put_at(&[item(2, 10)], after(1)), Ok(1));
    assert!(fail(after(2)).is_err());
    // Without a database it has nothing, takes nothing and does not fail.
    assert_eq!(cache.get_at(&key(2), after(3)), Ok(None));
    assert_eq!(cache.put_at(&[item(3, 10)], after(3)), Ok(0));
    assert_eq!(fail(after(59)), Ok(()));
    assert_eq!(cache.usage(), CacheUsage::default());
    assert_eq!(cache.put_at(&[item(4, 10)], after(61)), Ok(1));
    assert!(cache.get_at(&key(4), after(61)).unwrap().is_some());
    assert_eq!(directory.names("cache.broken-").len(), 1);
}

#[test]
fn a_cache_that_the_system_refuses_to_write_is_not_kept() {
    let directory = Directory::new();
    let cache = directory.cache();
    let now = Moment::now(Clock::system());
    let full = StoreError::System("no space left on device".to_owned());
    let outcome: Result<(), StoreError> = cache.with(now, |_| Err(full.clone()));
    assert_eq!(outcome, Err(full));
    assert_eq!(directory.names("cache.broken-"), [""; 0]);
    assert_eq!(cache.put_at(&[item(1, 10)], now), Ok(1));
}

#[test]
fn a_broken_cache_that_cannot_be_moved_does_not_come_back() {
    let directory = Directory::new();
    let cache = directory.cache();
    let begin = Moment::now(Clock::system());
    let later = Moment { instant: begin.instant + MINUTE, date: begin.date + 60_000 };
    cache.put_at(&[item(1, 10)], begin).unwrap();
    let fail = |now| -> Result<(), StoreError> { cache.with(now, |_| Err(StoreError::Hung)) };
    assert_eq!(fail(begin), Err(StoreError::Hung));
    cache.put_at(&[item(2, 10)], begin).unwrap();
    assert_eq!(fail(begin), Err(StoreError::Hung));
    // As if the last one had stayed where it was.
    let aside = directory.names(BROKEN).remove(0);
    fs::rename(directory.0.join(aside), directory.0.join(CACHE)).unwrap();
    assert_eq!(cache.purge_at(&Purge::All, begin), Ok(0));
    assert_eq!(cache.get_at(&key(2), later), Ok(None));
    assert_eq!(cache.put_at(&[item(2, 10)], later), Ok(1));
}
