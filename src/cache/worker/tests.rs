//! The thread as its users see it: nobody waits for it longer than they said.

use super::*;
use parking_lot::{Condvar, Mutex};
use std::collections::HashMap;

const HOUR: Duration = Duration::from_secs(3600);

/// A shelf in memory that can be made to fail, panic and hang.
#[derive(Clone, Default)]
struct Fake(Arc<(Mutex<Inside>, Condvar)>);

#[derive(Default)]
struct Inside {
    values: HashMap<CacheKey, ShelfPut>,
    /// Of each put its items; 0 for a read.
    batches: Vec<usize>,
    maintained: usize,
    mood: Mood,
    calls: usize,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Mood {
    #[default]
    Well,
    Fails,
    Panics,
    Hangs,
}

impl Fake {
    fn be(&self, mood: Mood) {
        self.0.0.lock().mood = mood;
        self.0.1.notify_all();
    }

    fn inside<T>(&self, look: impl FnOnce(&mut Inside) -> T) -> T {
        look(&mut self.0.0.lock())
    }

    fn call<T>(&self, work: impl FnOnce(&mut Inside) -> T) -> Result<T, ShelfError> {
        let mut inside = self.0.0.lock();
        inside.calls += 1;
        while inside.mood == Mood::Hangs {
            self.0.1.wait(&mut inside);
        }
        match inside.mood {
            Mood::Fails => Err(ShelfError("broken".to_owned())),
            Mood::Panics => panic!("broken"),
            Mood::Well | Mood::Hangs => Ok(work(&mut inside)),
        }
    }
}

impl Shelf for Fake {
    fn get(&mut self, key: &CacheKey) -> Result<Option<ShelfFound>, ShelfError> {
        let found =
            |put: &ShelfPut| ShelfFound { value: put.value.clone(), stored_for: put.waited };
        self.call(|inside| {
            inside.batches.push(0);
            inside.values.get(key).map(found)
        })
    }

    fn put(&mut self, items: &[ShelfPut]) -> Result<usize, ShelfError> {
        self.call(|inside| {
            inside.batches.push(items.len());
            inside.values.extend(items.iter().map(|item| (item.key, item.clone())));
            items.len()
        })
    }

    fn purge(&mut self, purge: &Purge) -> Result<u64, ShelfError> {
        self.call(|inside| {
            let before = inside.values.len();
            inside.values.retain(|key, put| !purge.matches(key, &put.tags));
            (before - inside.values.len()) as u64
        })
    }

    fn usage(&self) -> ShelfUsage {
        let entries = self.inside(|inside| inside.values.len() as u64);
        ShelfUsage { entries, bytes: 7 * entries, generations: 1, evicted: 0 }
    }

    fn maintain(&mut self) -> Result<(), ShelfError> {
        self.call(|inside| inside.maintained += 1)
    }
}

fn start(fake: &Fake, limits: ShelfLimits) -> (ShelfHandle, JoinHandle<()>) {
    ShelfWorker::start(Box::new(fake.clone()), limits).unwrap()
}

fn key(number: u8) -> CacheKey {
    CacheKey([number; 32])
}

fn put(handle: &ShelfHandle, number: u8, length: usize) {
    handle.put(key(number), CacheTags::default(), vec![number; length].into(), HOUR);
}

/// Waits until it is so.
fn until(mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(10), "it never was");
        thread::yield_now();
    }
}

fn patient() -> ShelfLimits {
    ShelfLimits { patience: Duration::from_secs(10), ..ShelfLimits::default() }
}

#[tokio::test]
async fn what_is_put_is_found_and_counted() {
    let fake = Fake::default();
    let (handle, _) = start(&fake, patient());
    put(&handle, 1, 10);
    until(|| handle.usage().entries == 1);
    let found = handle.get(&key(1)).await.unwrap();
    assert_eq!(found.value, vec![1; 10]);
    assert_eq!(handle.get(&key(2)).await, None);
    let counts = ShelfCounts { hits: 1, misses: 1, ..ShelfCounts::default() };
    assert_eq!(handle.counts(), counts);
    assert_eq!(handle.usage(), ShelfUsage { entries: 1, bytes: 7, generations: 1, evicted: 0 });
}

#[tokio::test]
async fn a_shelf_that_hangs_keeps_one_waiting_and_not_for_long() {
    let fake = Fake::default();
    let patience = Duration::from_millis(200);
    let (handle, thread) = start(&fake, ShelfLimits { patience, ..ShelfLimits::default() });
    fake.be(Mood::Hangs);
    let begin = Instant::now();
    for _ in 0..1_000 {
        assert_eq!(handle.get(&key(1)).await, None);
    }
    assert!(begin.elapsed() < 100 * patience, "{:?}", begin.elapsed());
    assert_eq!(handle.counts().late, 1_000);
    fake.be(Mood::Well);
    put(&handle, 1, 1);
    until(|| handle.usage().entries == 1);
    // Of all those it has heard of the one it hung in.
    assert_eq!(fake.inside(|inside| inside.batches.clone()), [0, 1]);
    // And they ask it again, if not at once.
    while handle.get(&key(1)).await.is_none() {
        assert!(begin.elapsed() < Duration::from_secs(30));
    }
    handle.stop();
    thread.join().unwrap();
}

#[tokio::test]
async fn a_shelf_that_fails_or_panics_is_a_shelf_that_misses() {
    let fake = Fake::default();
    let (handle, _) = start(&fake, patient());
    put(&handle, 1, 1);
    until(|| handle.usage().entries == 1);
    for (errors, mood) in [(1, Mood::Fails), (4, Mood::Panics)] {
        fake.be(mood);
        assert_eq!(handle.get(&key(1)).await, None);
        assert_eq!(handle.counts().errors, errors);
        // Once more for good measure, since a database may have been replaced.
        assert_eq!(handle.purge(Purge::All).await, None);
    }
    put(&handle, 2, 1);
    until(|| handle.counts().dropped == 1);
    fake.be(Mood::Well);
    assert!(handle.get(&key(1)).await.is_some());
}

#[tokio::test]
async fn what_does_not_fit_into_the_queue_is_dropped_and_counted() {
    let fake = Fake::default();
    let limits = ShelfLimits { queue_bytes: 4_000, queue_items: 8, ..patient() };
    let (handle, _) = start(&fake, limits);
    fake.be(Mood::Hangs);
    put(&handle, 0, 1);
    until(|| fake.inside(|inside| inside.calls == 1));
    // Items, and then bytes.
    (0..10).for_each(|_| put(&handle, 1, 1));
    assert_eq!(handle.counts().dropped, 2);
    fake.be(Mood::Well);
    until(|| fake.inside(|inside| inside.batches.iter().sum::<usize>() == 9));
    fake.be(Mood::Hangs);
    put(&handle, 0, 1);
    until(|| fake.inside(|inside| inside.calls >= 3));
    (0..3).for_each(|_| put(&handle, 2, 1_500));
    assert_eq!(handle.counts().dropped, 3);
    fake.be(Mood::Well);
    // There is room again.
    assert_eq!(handle.purge(Purge::Entry(key(2))).await, Some(1));
    put(&handle, 3, 3_000);
    until(|| fake.inside(|inside| inside.values.contains_key(&key(3))));
}

#[tokio::test]
async fn reads_overtake_writes_and_writes_gather() {
    let fake = Fake::default();
    let (handle, _) = start(&fake, patient());
    put(&handle, 1, 1);
    until(|| handle.usage().entries == 1);
    fake.be(Mood::Hangs);
    put(&handle, 0, 1);
    until(|| fake.inside(|inside| inside.calls >= 2));
    (0..200).for_each(|number| put(&handle, number, 1));
    let wanted = key(1);
    let reading = handle.get(&wanted);
    let found = tokio::join!(reading, async { fake.be(Mood::Well) }).0;
    assert_eq!(found.unwrap().value, vec![1]);
    until(|| handle.usage().entries == 200);
    let batches = fake.inside(|inside| inside.batches.clone());
    assert_eq!(batches, [1, 1, 0, 64, 64, 64, 8]);
}

#[tokio::test]
async fn a_purge_covers_what_was_put_before_it_and_nothing_after() {
    let fake = Fake::default();
    let (handle, _) = start(&fake, patient());
    fake.be(Mood::Hangs);
    (0..100).for_each(|number| put(&handle, number, 1));
    let purge = handle.purge(Purge::All);
    let later = async {
        put(&handle, 7, 1);
        fake.be(Mood::Well);
    };
    assert_eq!(tokio::join!(purge, later).0, Some(100));
    until(|| handle.usage().entries == 1);
    assert!(handle.get(&key(7)).await.is_some());
}

#[tokio::test]
async fn the_time_in_the_queue_is_part_of_the_age_and_of_the_time_to_keep() {
    let fake = Fake::default();
    let (handle, _) = start(&fake, patient());
    fake.be(Mood::Hangs);
    put(&handle, 0, 1);
    until(|| fake.inside(|inside| inside.calls == 1));
    let keep = Duration::from_millis(20);
    handle.put(key(1), CacheTags::default(), Bytes::new(), keep);
    put(&handle, 2, 1);
    let begin = Instant::now();
    until(|| begin.elapsed() > keep);
    fake.be(Mood::Well);
    until(|| fake.inside(|inside| inside.values.contains_key(&key(2))));
    let waited = handle.get(&key(2)).await.unwrap().stored_for;
    assert!(waited >= keep && waited < begin.elapsed(), "{waited:?}");
    assert_eq!(handle.get(&key(1)).await, None);
}

#[tokio::test]
async fn stopping_writes_what_is_queued() {
    let fake = Fake::default();
    let (handle, thread) = start(&fake, patient());
    fake.be(Mood::Hangs);
    (0..200).for_each(|number| put(&handle, number, 1));
    handle.stop();
    put(&handle, 201, 1);
    assert_eq!(handle.purge(Purge::All).await, None);
    fake.be(Mood::Well);
    thread.join().unwrap();
    let (values, maintained) = fake.inside(|inside| (inside.values.len(), inside.maintained));
    assert_eq!((values, maintained), (200, 1));
    assert_eq!(handle.counts().dropped, 1);
    assert_eq!(handle.get(&key(1)).await, None);
}

#[test]
fn the_thread_ends_with_the_last_handle() {
    let fake = Fake::default();
    let (handle, thread) = start(&fake, patient());
    let other = handle.clone();
    drop(handle);
    assert!(!thread.is_finished());
    drop(other);
    thread.join().unwrap();
}

#[test]
fn the_shelf_is_maintained_without_anybody_asking() {
    let fake = Fake::default();
    let (_handle, _) = start(&fake, patient());
    until(|| fake.inside(|inside| inside.maintained > 0));
}
