//! Entries expire when they should, and no age is ever given as less than it is.

use super::*;
use std::cell::Cell;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// Two clocks that the test sets.
struct Clocks(Cell<Moment>);

impl Clocks {
    fn new() -> Self {
        let Moment { date, instant } = Moment::now(Clock::system());
        // A whole second, so that what is removed does not depend on when the test runs.
        Self(Cell::new(Moment { date: date / 1000 * 1000, instant }))
    }

    fn now(&self) -> Moment {
        self.0.get()
    }

    /// Time goes by.
    fn pass(&self, time: Duration) {
        let Moment { date, instant } = self.now();
        self.0.set(Moment { date: date + watch::millis(time), instant: instant + time });
    }

    /// Somebody sets the date.
    fn set_back(&self, time: Duration) {
        let now = self.now();
        self.0.set(Moment { date: now.date - watch::millis(time), ..now });
    }

    fn set_forward(&self, time: Duration) {
        let now = self.now();
        self.0.set(Moment { date: now.date + watch::millis(time), ..now });
    }

    fn open(&self, directory: &Directory) -> DiskCache {
        DiskCache::open_at(&directory.0, CAPACITY, Clock::system(), self.now()).unwrap().cache
    }

    /// As a process that was killed leaves it: nothing is written down at the end.
    fn kill(&self, cache: DiskCache) {
        cache.maintain_at(self.now()).unwrap();
        let generations = cache.state.lock().generations.take();
        generations.unwrap().close().unwrap();
    }

    fn put(&self, cache: &DiskCache, number: u64, keep: Duration) {
        cache.put_at(&[Put { keep, ..item(number, 5_000) }], self.now()).unwrap();
    }

    /// Maintains the cache until it has no more than so many `entries`.
    fn maintain(&self, cache: &DiskCache, entries: u64) {
        let begin = Instant::now();
        while cache.usage().entries > entries {
            assert!(begin.elapsed() < 10 * SECOND, "{:?}", cache.usage());
            cache.maintain_at(self.now()).unwrap();
        }
        cache.maintain_at(self.now()).unwrap();
        assert_eq!(cache.usage().entries, entries);
    }

    /// How long ago it was stored, if it is there.
    fn age(&self, cache: &DiskCache, number: u64) -> Option<Duration> {
        cache.get_at(&key(number), self.now()).unwrap().map(|found| found.stored_for)
    }
}

#[test]
fn entries_grow_old_and_expire_over_restarts() {
    let (directory, clocks) = (Directory::new(), Clocks::new());
    let cache = clocks.open(&directory);
    clocks.put(&cache, 1, HOUR);
    let waited = Put { waited: 5 * SECOND, ..item(2, 10) };
    cache.put_at(&[waited], clocks.now()).unwrap();
    clocks.pass(10 * SECOND);
    assert_eq!(clocks.age(&cache, 1), Some(10 * SECOND));
    assert_eq!(clocks.age(&cache, 2), Some(15 * SECOND));
    clocks.kill(cache);
    clocks.pass(HOUR - 11 * SECOND);
    let cache = clocks.open(&directory);
    assert_eq!(clocks.age(&cache, 1), Some(HOUR - SECOND));
    clocks.pass(SECOND);
    assert_eq!(clocks.age(&cache, 1), None);
}

#[test]
fn what_has_expired_is_removed() {
    let (directory, clocks) = (Directory::new(), Clocks::new());
    let cache = clocks.open(&directory);
    let item = |number| Put { keep: number as u32 * SECOND, ..item(number, 10) };
    cache.put_at(&(0..1_000).map(item).collect::<Vec<_>>(), clocks.now()).unwrap();
    assert_eq!(cache.usage().entries, 1_000);
    clocks.pass(Duration::from_millis(499_500));
    clocks.maintain(&cache, 500);
    // Stored again, it is kept for longer.
    clocks.put(&cache, 999, DAY);
    clocks.pass(HOUR);
    clocks.maintain(&cache, 1);
    assert_eq!(clocks.age(&cache, 999), Some(HOUR));
}

#[test]
fn what_is_left_of_a_purged_entry_goes_when_it_would_have_expired() {
    let (directory, clocks) = (Directory::new(), Clocks::new());
    let cache = clocks.open(&directory);
    clocks.put(&cache, 1, HOUR);
    clocks.put(&cache, 2, HOUR);
    assert_eq!(cache.purge_at(&Purge::Tagged(tags("chat")), clocks.now()), Ok(2));
    // Stored again, and shorter, while there are pieces of the former.
    cache.put_at(&[Put { keep: DAY, ..item(2, 10) }], clocks.now()).unwrap();
    let rows = || cache.state.lock().generations.as_ref().unwrap().rows();
    let before = rows();
    clocks.pass(HOUR);
    cache.maintain_at(clocks.now()).unwrap();
    let found = cache.get_at(&key(2), clocks.now()).unwrap().unwrap();
    assert!(found.value == value(2, 10));
    assert_eq!(cache.usage().entries, 1);
    // Five pieces and a row of the one, four pieces and a row of the other.
    assert_eq!(before - rows(), 11);
}

#[test]
fn what_was_replaced_does_not_come_back_when_its_successor_expires() {
    let (directory, clocks) = (Directory::new(), Clocks::new());
    let cache = clocks.open(&directory);
    clocks.put(&cache, 1, DAY);
    // The next one is in another generation.
    let filling = (100..140).map(|number| item(number, 50_000)).collect::<Vec<_>>();
    cache.put_at(&filling, clocks.now()).unwrap();
    assert!(cache.usage().generations > 1);
    clocks.put(&cache, 1, SECOND);
    clocks.pass(2 * SECOND);
    assert_eq!(clocks.age(&cache, 1), None);
    cache.maintain_at(clocks.now()).unwrap();
    assert_eq!(clocks.age(&cache, 1), None);
}

#[test]
fn a_date_set_back_while_it_runs_drops_everything() {
    let (directory, clocks) = (Directory::new(), Clocks::new());
    let cache = clocks.open(&directory);
    clocks.put(&cache, 1, DAY);
    clocks.pass(10 * SECOND);
    clocks.set_back(SECOND);
    assert_eq!(clocks.age(&cache, 1), Some(9 * SECOND));
    clocks.set_back(2 * SECOND);
    assert_eq!(clocks.age(&cache, 1), None);
    assert_eq!(cache.usage().entries, 0);
    // From then on as before.
    clocks.put(&cache, 1, DAY);
    clocks.pass(SECOND);
    assert_eq!(clocks.age(&cache, 1), Some(SECOND));
}

#[test]
fn a_date_set_ahead_lets_entries_expire_early_and_back_again_drops_them() {
    let (directory, clocks) = (Directory::new(), Clocks::new());
    let cache = clocks.open(&directory);
    clocks.put(&cache, 1, HOUR);
    clocks.put(&cache, 2, DAY);
    clocks.set_forward(2 * HOUR);
    assert_eq!(clocks.age(&cache, 1), None);
    assert_eq!(clocks.age(&cache, 2), Some(2 * HOUR));
    clocks.set_back(2 * HOUR);
    assert_eq!(clocks.age(&cache, 2), None);
    assert_eq!(cache.usage().entries, 0);
}

#[test]
fn a_date_set_back_between_two_processes_drops_everything() {
    let (directory, clocks) = (Directory::new(), Clocks::new());
    let cache = clocks.open(&directory);
    clocks.put(&cache, 1, DAY);
    // A minute later the date is written down, though nothing was stored.
    clocks.pass(MINUTE);
    clocks.kill(cache);
    clocks.set_back(3 * SECOND);
    let cache = clocks.open(&directory);
    assert_eq!(clocks.age(&cache, 1), None);
    assert_eq!(cache.usage().entries, 0);
    clocks.put(&cache, 1, DAY);
    clocks.kill(cache);
    let cache = clocks.open(&directory);
    assert_eq!(clocks.age(&cache, 1), Some(Duration::ZERO));
}
