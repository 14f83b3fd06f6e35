//! The disk tier as its users see it: what it gives is right, whatever happened to the files,
//! and it never takes more of the disk than it may.

mod broken;
mod dates;
mod space;

use super::*;
use crate::types::Random;
use std::sync::Arc;

const MIB: u64 = 1 << 20;
/// Less than anybody may choose, so that much more than it is quickly written.
const CAPACITY: u64 = 12 * MIB;
const HOUR: Duration = Duration::from_secs(3600);

/// A data directory that goes with the test.
pub(super) struct Directory(pub(super) PathBuf);

impl Directory {
    pub(super) fn new() -> Self {
        let number = Random::from_system().next_u64();
        Self(std::env::temp_dir().join(format!("transom-cache-{number:016x}")))
    }

    pub(super) fn open(&self) -> OpenedCache {
        let clock = Clock::system();
        DiskCache::open_at(&self.0, CAPACITY, clock, Moment::now(clock)).unwrap()
    }

    pub(super) fn cache(&self) -> DiskCache {
        self.open().cache
    }

    /// What the generations take, as `du` counts it, and what is left of former ones.
    pub(super) fn taken(&self) -> u64 {
        let Ok(entries) = fs::read_dir(self.0.join(CACHE)) else { return 0 };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        paths.filter_map(|path| super::space::taken(&path).ok()).sum()
    }

    /// The names in it that begin so.
    pub(super) fn names(&self, prefix: &str) -> Vec<String> {
        let names = fs::read_dir(&self.0).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(prefix)).collect()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

pub(super) fn key(number: u64) -> CacheKey {
    let mut bytes = [0; 32];
    // As evenly spread as a hash.
    for (part, chunk) in (1..).zip(bytes.chunks_mut(8)) {
        let spread = (number + part).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        chunk.copy_from_slice(&spread.to_be_bytes());
    }
    CacheKey(bytes)
}

pub(super) fn tags(model: &str) -> CacheTags {
    CacheTags { model: Arc::from(model), ..CacheTags::default() }
}

/// Bytes that do not compress and are another for every number.
pub(super) fn value(number: u64, length: usize) -> Bytes {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

pub(super) fn item(number: u64, length: usize) -> Put {
    let (key, tags, value) = (key(number), tags("chat"), value(number, length));
    Put { key, tags, value, waited: Duration::ZERO, keep: HOUR }
}

pub(super) fn found(cache: &DiskCache, number: u64) -> Option<Vec<u8>> {
    cache.get(&key(number)).unwrap().map(|found| found.value)
}

#[test]
fn a_value_of_any_length_comes_back_over_a_restart() {
    let directory = Directory::new();
    let lengths = [0, 1, 4095, 4096, 4097, 100_000, 300_000];
    let items: Vec<_> = (0..).zip(lengths).map(|(number, length)| item(number, length)).collect();
    let OpenedCache { cache, condition } = directory.open();
    assert_eq!(condition, Condition::New);
    assert_eq!(cache.put(&items), Ok(items.len()));
    for _ in 0..2 {
        for (number, length) in (0..).zip(lengths) {
            assert!(found(&cache, number).unwrap() == value(number, length), "{length} bytes");
        }
    }
    drop(cache);
    let OpenedCache { cache, condition } = directory.open();
    assert_eq!((condition, cache.usage().entries), (Condition::Fine, lengths.len() as u64));
    for (number, length) in (0..).zip(lengths) {
        assert!(found(&cache, number).unwrap() == value(number, length), "{length} bytes");
    }
    assert_eq!(found(&cache, 99), None);
}

#[test]
fn the_last_put_counts_also_within_one_batch() {
    let directory = Directory::new();
    let cache = directory.cache();
    let with = |value: Bytes| Put { value, ..item(1, 0) };
    let items = [with(value(7, 9_000)), with(value(8, 5_000))];
    assert_eq!(cache.put(&items), Ok(2));
    assert!(found(&cache, 1).unwrap() == value(8, 5_000));
    assert_eq!(cache.put(&[with(value(9, 10))]), Ok(1));
    assert!(found(&cache, 1).unwrap() == value(9, 10));
    assert_eq!(cache.usage().entries, 1);
}

#[test]
fn a_purge_removes_what_has_all_of_its_tags() {
    let directory = Directory::new();
    let cache = directory.cache();
    let entry = |number| {
        let tag = |kind: &str, of: u64| Arc::from(format!("{kind}-{of}"));
        let tags = CacheTags {
            model: tag("model", number % 2),
            route: tag("route", number % 3),
            namespace: tag("namespace", number % 5),
            key: tag("key", number % 7),
            tenant: tag("tenant", number % 11),
        };
        Put { tags, ..item(number, 50) }
    };
    let none = CacheTags::default();
    let purges: [(CacheTags, &dyn Fn(u64) -> bool); 6] = [
        (CacheTags { model: "model-1".into(), ..none.clone() }, &|n| n % 2 == 1),
        (CacheTags { route: "route-1".into(), ..none.clone() }, &|n| n % 3 == 1),
        (CacheTags { namespace: "namespace-1".into(), ..none.clone() }, &|n| n % 5 == 1),
        (CacheTags { key: "key-1".into(), ..none.clone() }, &|n| n % 7 == 1),
        (CacheTags { tenant: "tenant-1".into(), ..none.clone() }, &|n| n % 11 == 1),
        (CacheTags { model: "model-1".into(), tenant: "tenant-2".into(), ..none }, &|n| {
            n % 2 == 1 && n % 11 == 2
        }),
    ];
    let numbers = 0..600;
    for (tags, goes) in purges {
        cache.put(&numbers.clone().map(entry).collect::<Vec<_>>()).unwrap();
        let gone = numbers.clone().filter(|number| goes(*number)).count() as u64;
        assert_eq!(cache.purge(&Purge::Tagged(tags)), Ok(gone));
        assert_eq!(cache.usage().entries, 600 - gone);
        assert!(numbers.clone().all(|number| found(&cache, number).is_none() == goes(number)));
    }
}

#[test]
fn a_purge_is_for_good() {
    let directory = Directory::new();
    let cache = directory.cache();
    cache.put(&[item(1, 9_000), item(2, 9_000), item(3, 9_000)]).unwrap();
    assert_eq!(cache.purge(&Purge::Entry(key(1))), Ok(1));
    assert_eq!(cache.purge(&Purge::Entry(key(1))), Ok(0));
    drop(cache);
    let cache = directory.cache();
    assert_eq!(found(&cache, 1), None);
    assert!(found(&cache, 2).is_some());
    assert_eq!(cache.purge(&Purge::All), Ok(2));
    drop(cache);
    let cache = directory.cache();
    assert_eq!((found(&cache, 2), cache.usage().entries), (None, 0));
}

#[test]
fn only_the_owner_can_read_the_cache() {
    use std::os::unix::fs::PermissionsExt;
    let directory = Directory::new();
    let cache = directory.cache();
    cache.put(&[item(1, 300_000)]).unwrap();
    cache.maintain().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory.0.join(CACHE)), 0o700);
    for entry in fs::read_dir(directory.0.join(CACHE)).unwrap() {
        let generation = entry.unwrap().path();
        assert_eq!(mode(&generation), 0o700);
        assert_eq!(mode(&generation.join("db")), 0o600);
    }
}
