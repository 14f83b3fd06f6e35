//! Many requests on many threads that come, fail and leave at random.
//!
//! Whatever they do: every follower hears a final word, what it hears is the beginning of one
//! leader's answer, and nothing is left behind.

use super::tests::{chunk, end, head};
use super::*;
use crate::cache::entry::Frame;
use crate::types::Random;
use bytes::Bytes;
use std::time::Duration;
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;

const REQUESTS: u64 = 8000;
const KEYS: u64 = 40;
const CHUNKS: u64 = 12;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Fate {
    Led,
    LedAfterAnother,
    Alone,
    Heard,
    Broke,
    Lagged,
    Left,
}

async fn request(flights: Arc<Flights>, number: u64) -> Fate {
    let random = Random::seeded(number);
    for _ in 0..random.below(40) {
        yield_now().await;
    }
    let key = CacheKey([random.below(KEYS) as u8; 32]);
    match flights.board(key, || None::<()>) {
        Boarding::There(()) | Boarding::Alone => Fate::Alone,
        Boarding::Leads(leader) => {
            lead(leader, number, &random).await;
            Fate::Led
        }
        Boarding::Follows(follower) => follow(follower, number, &random).await,
    }
}

/// Each chunk names its leader and its number.
async fn lead(mut leader: Leader, number: u64, random: &Random) {
    for _ in 0..random.below(4) {
        yield_now().await;
    }
    match random.below(10) {
        0 | 1 => return leader.decline(),
        2 => return leader.alone(),
        3 | 4 => return,
        _ => {}
    }
    let its_client_has_left = random.below(10) == 0;
    yield_now().await;
    leader.head(head());
    for at in 0..CHUNKS {
        if random.below(40) == 0 {
            return;
        }
        leader.push(chunk(Bytes::from(format!("{number}:{at}"))));
        if its_client_has_left {
            // It goes on for the others alone.
            tokio::select! {
                () = leader.until_followers_gone() => return,
                () = yield_now() => {}
            }
        } else if random.below(3) > 0 {
            yield_now().await;
        }
    }
    leader.land(end(), |frames| assert_eq!(frames.len() as u64, CHUNKS));
}

async fn follow(mut follower: Follower, number: u64, random: &Random) -> Fate {
    let mut of: Option<String> = None;
    let mut chunks = 0;
    loop {
        let heard = match random.below(4) {
            0 => match timeout(Duration::ZERO, follower.next()).await {
                Ok(heard) => heard,
                Err(_) if random.below(10) == 0 => return Fate::Left,
                Err(_) => continue,
            },
            _ => follower.next().await,
        };
        match heard {
            Heard::Head(_) => assert_eq!(chunks, 0),
            Heard::Chunk(Frame { bytes, .. }) => {
                let text = String::from_utf8(bytes.to_vec()).unwrap();
                let (leader, at) = text.split_once(':').unwrap();
                assert_eq!(at, chunks.to_string());
                assert_eq!(of.get_or_insert(leader.into()), leader);
                chunks += 1;
            }
            Heard::End(_) => {
                assert_eq!(chunks, CHUNKS);
                return Fate::Heard;
            }
            Heard::Leads(leader) => {
                assert_eq!(chunks, 0);
                lead(leader, number, random).await;
                return Fate::LedAfterAnother;
            }
            Heard::Alone => {
                assert_eq!(chunks, 0);
                return Fate::Alone;
            }
            Heard::Broken => return Fate::Broke,
            Heard::Lagged => return Fate::Lagged,
        }
    }
}

async fn storm(limits: FlightLimits) -> HashMap<Fate, u64> {
    let flights = Arc::new(Flights::new(limits));
    let mut requests = JoinSet::new();
    for number in 0..REQUESTS {
        requests.spawn(request(Arc::clone(&flights), number));
    }
    let all = timeout(Duration::from_secs(60), requests.join_all()).await;
    let all = all.expect("somebody waits for ever");
    assert!(flights.is_empty());
    assert!(flights.shards.iter().all(|shard| shard.lock().is_empty()));
    let mut fates = HashMap::new();
    all.into_iter().for_each(|fate| *fates.entry(fate).or_default() += 1);
    fates
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_follower_hears_a_final_word() {
    let limits =
        FlightLimits { log_bytes: 1 << 20, logs_bytes: 1 << 30, flights: 100, followers: 10_000 };
    let fates = storm(limits).await;
    // All but lagging happens.
    for fate in [Fate::Led, Fate::LedAfterAnother, Fate::Alone, Fate::Heard, Fate::Broke] {
        assert!(fates.contains_key(&fate), "{fate:?} in {fates:?}");
    }
    assert!(!fates.contains_key(&Fate::Lagged));
}

#[tokio::test]
async fn every_follower_hears_a_final_word_on_one_thread() {
    let limits =
        FlightLimits { log_bytes: 1 << 20, logs_bytes: 1 << 30, flights: 100, followers: 10_000 };
    let fates = storm(limits).await;
    assert!(fates.contains_key(&Fate::Heard), "{fates:?}");
}
