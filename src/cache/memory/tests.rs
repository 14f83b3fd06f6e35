//! Both ways of choosing who leaves, held to the same promises.

use super::*;
use crate::cache::entry::{Answer, Frame, Life};
use crate::types::{CacheTags, ChunkKind, Random};
use std::thread;
use std::time::Duration;

const BOTH: [Eviction; 2] = [Eviction::Lru, Eviction::TinyLfu];
const MEBIBYTE: u64 = 1024 * 1024;
const LIFE: Life = Life { fresh: Duration::from_secs(60), stale: Duration::from_secs(30) };

fn key(number: u64) -> CacheKey {
    // Spread like the hash that a key is.
    let random = Random::seeded(number);
    let mut key = [0; 32];
    key.chunks_mut(8).for_each(|part| part.copy_from_slice(&random.next_u64().to_le_bytes()));
    CacheKey(key)
}

fn entry(number: u64, length: usize, now: Instant) -> Arc<Entry> {
    let model = if number.is_multiple_of(2) { "even" } else { "odd" };
    let tags = CacheTags { model: model.into(), ..CacheTags::default() };
    let (bytes, after) = (vec![number as u8; length].into(), Duration::ZERO);
    let answer = Answer {
        status: 200,
        content_type: None,
        frames: vec![Frame { bytes, after, kind: ChunkKind::Other }],
        usage: None,
        cost: None,
        model: None,
        events: 0,
        took: Duration::ZERO,
    };
    Arc::new(Entry::new(key(number), tags, answer, (LIFE, now)))
}

#[test]
fn what_was_put_is_given_until_it_is_gone() {
    for eviction in BOTH {
        let (tier, now) = (MemoryTier::new(MEBIBYTE, eviction), Instant::now());
        assert!(tier.get(&key(1), now).is_none());
        let put = entry(1, 100, now);
        assert_eq!(tier.put(Arc::clone(&put)), Admission::Kept);
        assert_eq!(tier.usage(), MemoryUsage { entries: 1, bytes: put.weight() });
        for age in [0, 60, 89] {
            let found = tier.get(&key(1), now + Duration::from_secs(age));
            assert!(Arc::ptr_eq(&found.unwrap(), &put), "the entry itself, not a copy");
        }
        assert!(tier.get(&key(1), now + Duration::from_secs(90)).is_none());
        assert_eq!(tier.usage(), MemoryUsage::default(), "{eviction:?}");
        assert_eq!(tier.counts(), MemoryCounts { expired: 1, ..MemoryCounts::default() });
    }
}

#[test]
fn an_entry_takes_the_place_of_an_older_one() {
    for eviction in BOTH {
        let (tier, now) = (MemoryTier::new(MEBIBYTE, eviction), Instant::now());
        tier.put(entry(1, 100, now));
        let newer = entry(1, 5000, now);
        tier.put(Arc::clone(&newer));
        assert!(Arc::ptr_eq(&tier.get(&key(1), now).unwrap(), &newer));
        assert_eq!(tier.usage(), MemoryUsage { entries: 1, bytes: newer.weight() });
        assert_eq!(tier.counts(), MemoryCounts::default());
    }
}

#[test]
fn an_entry_above_its_part_of_the_capacity_is_refused() {
    for eviction in BOTH {
        let (tier, now) = (MemoryTier::new(MEBIBYTE, eviction), Instant::now());
        assert_eq!(tier.largest(), MEBIBYTE / 64);
        let room = (tier.largest() - entry(1, 0, now).weight()) as usize;
        assert_eq!(tier.put(entry(1, room + 1, now)), Admission::TooLarge);
        assert_eq!(tier.put(entry(1, room, now)), Admission::Kept);
        assert!(tier.get(&key(1), now).is_some());
        assert_eq!(tier.counts().refused, 1);
    }
}

#[test]
fn the_capacity_holds_at_every_moment() {
    for (eviction, capacity) in BOTH
        .into_iter()
        .zip([MEBIBYTE; 2])
        .chain([(Eviction::Lru, 80 * MEBIBYTE), (Eviction::TinyLfu, 80 * MEBIBYTE)])
    {
        let (tier, now, random) =
            (MemoryTier::new(capacity, eviction), Instant::now(), Random::seeded(1));
        for number in 0..600 {
            // Many small ones, then large ones that need the room of many.
            let most = if number < 500 { tier.largest() / 20 } else { tier.largest() - 2000 };
            tier.put(entry(number, random.below(most) as usize, now));
            tier.get(&key(random.below(number + 1)), now);
            assert!(tier.usage().bytes <= capacity, "{eviction:?} {:?}", tier.usage());
        }
        if capacity == MEBIBYTE {
            assert!(tier.counts().evicted > 0);
            assert!(tier.usage().bytes > capacity / 2, "{eviction:?} {:?}", tier.usage());
        }
    }
}

#[test]
fn the_least_recently_used_leaves_first() {
    let (tier, now) = (MemoryTier::new(MEBIBYTE, Eviction::Lru), Instant::now());
    let weight = entry(0, 10_000, now).weight();
    let fit = MEBIBYTE / weight;
    for number in 0..fit {
        tier.put(entry(number, 10_000, now));
    }
    assert!(tier.get(&key(0), now).is_some());
    tier.put(entry(fit, 10_000, now));
    assert!(tier.get(&key(0), now).is_some());
    assert!(tier.get(&key(1), now).is_none());
    assert_eq!(tier.counts().evicted, 1);
}

#[test]
fn a_purge_removes_what_it_matches_and_counts_it() {
    for (eviction, capacity) in [
        (Eviction::Lru, 4 * MEBIBYTE),
        (Eviction::Lru, 80 * MEBIBYTE),
        (Eviction::TinyLfu, 4 * MEBIBYTE),
    ] {
        let (tier, now) = (MemoryTier::new(capacity, eviction), Instant::now());
        for number in 0..100 {
            tier.put(entry(number, 100, now));
        }
        assert_eq!(tier.purge(&Purge::Entry(key(7))), 1);
        assert!(tier.get(&key(7), now).is_none());
        let even = CacheTags { model: "even".into(), ..CacheTags::default() };
        assert_eq!(tier.purge(&Purge::Tagged(even)), 50);
        assert!(tier.get(&key(8), now).is_none() && tier.get(&key(9), now).is_some());
        assert_eq!(tier.usage().entries, 49);
        assert_eq!(tier.purge(&Purge::All), 49);
        assert_eq!(tier.usage(), MemoryUsage::default());
        assert_eq!(tier.counts(), MemoryCounts::default());
    }
}

fn at_random(tier: &MemoryTier, seed: u64, now: Instant) {
    let random = Random::seeded(seed);
    for _ in 0..3000 {
        let (number, length) = (random.below(400), random.below(9000) as usize);
        match random.below(20) {
            0 => assert!(tier.purge(&Purge::Entry(key(number))) <= 1),
            1 => assert!(tier.get(&key(number), now + Duration::from_secs(90)).is_none()),
            2..=9 => assert_eq!(tier.put(entry(number, length, now)), Admission::Kept),
            _ => drop(tier.get(&key(number), now)),
        }
    }
}

#[test]
fn many_threads_keep_the_sums_right() {
    for eviction in BOTH {
        let (tier, now) = (MemoryTier::new(MEBIBYTE, eviction), Instant::now());
        thread::scope(|scope| {
            for seed in 0..4 {
                let tier = &tier;
                scope.spawn(move || at_random(tier, seed, now));
            }
        });
        let usage = tier.usage();
        let left = (0..400).filter_map(|number| tier.get(&key(number), now));
        let (entries, bytes) =
            left.fold((0, 0), |(entries, bytes), entry| (entries + 1, bytes + entry.weight()));
        assert_eq!(usage, MemoryUsage { entries, bytes }, "{eviction:?}");
        assert!(bytes <= MEBIBYTE);
    }
}

/// Numbers below `many`, the n-th drawn in proportion to 1 / n^0.9.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(many: u32) -> Self {
        let mut sum = 0.0;
        Self((1..=many).map(|n| (sum += f64::from(n).powf(-0.9), sum).1).collect())
    }

    fn draw(&self, random: &Random) -> u64 {
        let all = self.0.last().copied().unwrap_or(1.0);
        let at = random.below(1 << 53) as f64 / (1_u64 << 53) as f64 * all;
        self.0.partition_point(|sum| *sum < at) as u64
    }
}

fn hit_rate(eviction: Eviction) -> f64 {
    const MANY: u32 = 20_000;
    const ASKED: u32 = 100_000;
    let (zipf, random, now) = (Zipf::new(MANY), Random::seeded(42), Instant::now());
    // Room for 5 % of all answers.
    let capacity = u64::from(MANY / 20) * entry(0, 100, now).weight();
    let tier = MemoryTier::new(capacity, eviction);
    let mut hits = 0;
    for _ in 0..ASKED {
        let number = zipf.draw(&random);
        if tier.get(&key(number), now).is_some() {
            hits += 1;
        } else {
            tier.put(entry(number, 100, now));
        }
    }
    f64::from(hits) / f64::from(ASKED)
}

#[test]
fn tinylfu_beats_lru_by_several_points_on_zipf_traffic() {
    let (lru, tiny_lfu) = (hit_rate(Eviction::Lru), hit_rate(Eviction::TinyLfu));
    // 0.520 and 0.476 when this was written; `tiny_lfu` says why it is not more.
    assert!(tiny_lfu > lru + 0.03, "lru {lru:.3}, tinylfu {tiny_lfu:.3}");
}
