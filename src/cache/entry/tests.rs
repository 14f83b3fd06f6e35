//! Entries in memory and as bytes.

use super::*;
use crate::types::{ChunkKind, Random, UsageSource};
use std::sync::Arc;

const LIFE: Life = Life { fresh: Duration::from_secs(60), stale: Duration::from_secs(30) };
const SECOND: Duration = Duration::from_secs(1);

fn text(random: &Random, longest: u64) -> String {
    (0..random.below(longest)).map(|_| char::from(b'a' + random.below(26) as u8)).collect()
}

fn some<V>(random: &Random, value: V) -> Option<V> {
    (random.below(2) == 1).then_some(value)
}

/// Any answer: no frames, empty frames, many frames, every option there or not.
fn any_answer(random: &Random) -> Answer {
    let frame = |_| Frame {
        bytes: text(random, 90).into(),
        after: Duration::from_nanos(random.next_u64() >> random.below(64)),
        kind: [ChunkKind::Other, ChunkKind::Generated][random.below(2) as usize],
    };
    let source = UsageSource::ALL[random.below(UsageSource::ALL.len() as u64) as usize];
    Answer {
        status: random.next_u64() as u16,
        content_type: some(random, HeaderValue::from_static("text/event-stream")),
        frames: (0..random.below(20)).map(frame).collect(),
        usage: some(random, Usage { input: random.next_u64(), output: 7, source }),
        cost: some(random, NanoUsd(random.next_u64())),
        model: some(random, text(random, 30)),
        events: random.below(500),
        took: Duration::from_nanos(random.below(1 << 40)),
    }
}

fn any_entry(random: &Random, now: Instant) -> Entry {
    let tags = CacheTags {
        model: text(random, 20).into(),
        route: "/v1/chat/completions".into(),
        namespace: text(random, 20).into(),
        key: text(random, 20).into(),
        tenant: Arc::default(),
    };
    Entry::new(key(random), tags, any_answer(random), (LIFE, now))
}

fn key(random: &Random) -> CacheKey {
    CacheKey(std::array::from_fn(|_| random.next_u64() as u8))
}

fn assert_same(one: &Entry, other: &Entry, now: Instant) {
    assert!(one.key == other.key && one.tags == other.tags && one.answer == other.answer);
    assert_eq!((one.life(), one.age(now)), (other.life(), other.age(now)));
}

#[test]
fn an_entry_ages_from_fresh_to_stale_to_gone() {
    let now = Instant::now();
    let entry = any_entry(&Random::seeded(1), now);
    let after = |seconds: u64| entry.freshness(now + SECOND * seconds as u32);
    assert_eq!(after(0), Freshness::Fresh { left: LIFE.fresh });
    assert_eq!(after(59), Freshness::Fresh { left: SECOND });
    assert_eq!(after(60), Freshness::Stale { by: Duration::ZERO });
    assert_eq!(after(89), Freshness::Stale { by: SECOND * 29 });
    assert_eq!(after(90), Freshness::Gone);
    assert_eq!(entry.age(now - SECOND), Duration::ZERO);
    assert_eq!(entry.of_use_for(now + SECOND * 70), SECOND * 20);
    assert_eq!(entry.of_use_for(now + SECOND * 90), Duration::ZERO);
}

#[test]
fn an_entry_that_may_not_be_stale_is_gone_at_once() {
    let now = Instant::now();
    let life = Life { fresh: SECOND, stale: Duration::ZERO };
    let answer = any_answer(&Random::seeded(1));
    let entry = Entry::new(CacheKey([0; 32]), CacheTags::default(), answer, (life, now));
    assert_eq!(entry.freshness(now + SECOND), Freshness::Gone);
}

#[test]
fn a_stream_is_told_by_its_type() {
    let of = |kind: Option<&'static str>| {
        let content_type = kind.map(HeaderValue::from_static);
        Answer { content_type, ..any_answer(&Random::seeded(1)) }.is_stream()
    };
    assert!(of(Some("text/event-stream")) && of(Some("Text/Event-Stream; charset=utf-8")));
    assert!(!of(Some("application/json")) && !of(Some("text")) && !of(None));
}

#[test]
fn an_entry_does_not_keep_the_buffer_that_its_pieces_came_from() {
    let now = Instant::now();
    let buffer = Bytes::from(vec![7; 1 << 20]);
    let (bytes, after) = (buffer.slice(10..20), Duration::ZERO);
    let frame = Frame { bytes, after, kind: ChunkKind::Other };
    let answer = Answer { frames: vec![frame; 2], ..any_answer(&Random::seeded(2)) };
    let entry = Entry::new(CacheKey([0; 32]), CacheTags::default(), answer, (LIFE, now));
    assert!(buffer.is_unique());
    assert_eq!(entry.answer.frames[1].bytes, [7; 10][..]);
    assert!(entry.weight() < 1024);
}

#[test]
fn the_weight_covers_the_body_and_each_frame() {
    let now = Instant::now();
    let weigh = |frames: usize, length: usize| {
        let (bytes, after) = (vec![0; length].into(), Duration::ZERO);
        let frame = Frame { bytes, after, kind: ChunkKind::Other };
        let answer = Answer { frames: vec![frame; frames], ..any_answer(&Random::seeded(2)) };
        Entry::new(CacheKey([0; 32]), CacheTags::default(), answer, (LIFE, now)).weight()
    };
    assert_eq!(weigh(1, 1000) - weigh(1, 0), 1000);
    assert_eq!(weigh(11, 0) - weigh(1, 0), 10 * size_of::<Frame>() as u64);
}

#[test]
fn any_entry_comes_back_as_it_went() {
    let random = Random::seeded(3);
    let then = Instant::now();
    for _ in 0..300 {
        let entry = any_entry(&random, then);
        let now = then + Duration::from_millis(random.below(60_000));
        let bytes = entry.encode(now);
        let back = Entry::decode(&bytes, &entry.key, Duration::ZERO, now).unwrap();
        assert_same(&entry, &back, now);
        // The decoded one may hold a little more: the table beside the body.
        assert!(back.weight() >= entry.weight());
    }
}

#[test]
fn the_time_in_a_tier_counts_towards_the_age() {
    let then = Instant::now();
    let entry = any_entry(&Random::seeded(4), then);
    let bytes = entry.encode(then + SECOND * 10);
    // The reader's monotonic clock has nothing to do with the writer's.
    let elsewhere = then + SECOND * 100_000;
    let back = Entry::decode(&bytes, &entry.key, SECOND * 20, elsewhere).unwrap();
    assert_eq!(back.age(elsewhere + SECOND), SECOND * 31);
    assert_eq!(back.freshness(elsewhere), Freshness::Fresh { left: SECOND * 30 });
    let back = Entry::decode(&bytes, &entry.key, Duration::MAX, elsewhere).unwrap();
    assert_eq!(back.freshness(elsewhere), Freshness::Gone);
}

#[test]
fn a_truncated_entry_is_an_error() {
    let random = Random::seeded(5);
    let now = Instant::now();
    for _ in 0..10 {
        let entry = any_entry(&random, now);
        let bytes = entry.encode(now);
        for length in 0..bytes.len() {
            assert!(Entry::decode(&bytes[..length], &entry.key, Duration::ZERO, now).is_err());
        }
    }
}

#[test]
fn a_flipped_byte_is_an_error() {
    let random = Random::seeded(6);
    let now = Instant::now();
    for _ in 0..10 {
        let entry = any_entry(&random, now);
        let mut bytes = entry.encode(now);
        for at in 0..bytes.len() {
            let flip = 1 + random.below(255) as u8;
            bytes[at] ^= flip;
            assert!(Entry::decode(&bytes, &entry.key, Duration::ZERO, now).is_err());
            bytes[at] ^= flip;
        }
    }
}

#[test]
fn bytes_with_a_right_sum_that_are_no_entry_are_an_error_at_worst() {
    let random = Random::seeded(7);
    let now = Instant::now();
    let entry = any_entry(&random, now);
    let whole = entry.encode(now);
    for _ in 0..5000 {
        let mut bytes = whole.clone();
        for _ in 0..=random.below(3) {
            let at = 40 + random.below(bytes.len() as u64 - 40) as usize;
            bytes[at] = random.next_u64() as u8;
        }
        let sum = crc32fast::hash(&bytes[8..]).to_le_bytes();
        bytes[4..8].copy_from_slice(&sum);
        // What it gives does not matter; that it returns does.
        drop(Entry::decode(&bytes, &entry.key, Duration::ZERO, now));
    }
}

#[test]
fn a_length_that_nothing_backs_reserves_nothing() {
    let now = Instant::now();
    let mut bytes = [&b"tce\x02"[..], &[0; 4 + 32], &[1], &u32::MAX.to_le_bytes()].concat();
    let sum = crc32fast::hash(&bytes[8..]).to_le_bytes();
    bytes[4..8].copy_from_slice(&sum);
    let decoded = Entry::decode(&bytes, &CacheKey([0; 32]), Duration::ZERO, now);
    assert_eq!(decoded.err(), Some(Undecodable::Malformed));
}

#[test]
fn the_reason_is_told() {
    let random = Random::seeded(8);
    let now = Instant::now();
    let entry = any_entry(&random, now);
    let mut bytes = entry.encode(now);
    let other = key(&random);
    let decode =
        |bytes: &[u8], key: &CacheKey| Entry::decode(bytes, key, Duration::ZERO, now).err();
    assert_eq!(decode(&bytes, &other), Some(Undecodable::OtherKey));
    assert_eq!(decode(b"", &entry.key), Some(Undecodable::Malformed));
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(decode(&bytes, &entry.key), Some(Undecodable::Damaged));
    bytes[3] = 1;
    assert_eq!(decode(&bytes, &entry.key), Some(Undecodable::Version));
}

#[test]
fn a_stream_of_events_becomes_small() {
    let now = Instant::now();
    let event = |at: u32| Frame {
        bytes: format!(
            "data: {{\"id\":\"c-1\",\"choices\":[{{\"delta\":{{\"content\":\"w{at}\"}}}}]}}\n\n"
        )
        .into(),
        after: Duration::from_millis(20) * at,
        kind: ChunkKind::Generated,
    };
    let answer = Answer { frames: (0..500).map(event).collect(), ..any_answer(&Random::seeded(9)) };
    let entry = Entry::new(CacheKey([0; 32]), CacheTags::default(), answer, (LIFE, now));
    assert!(entry.encode(now).len() as u64 * 6 < entry.weight());
}
