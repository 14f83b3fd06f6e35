//! Leaders and followers, one step after the other.

mod bounds;

use super::*;
use crate::cache::entry::Frame;
use crate::types::ChunkKind;
use bytes::Bytes;
use std::task::Poll;
use std::time::Duration;
use tokio::task::JoinSet;

const KEY: CacheKey = CacheKey([7; 32]);
const LIMITS: FlightLimits =
    FlightLimits { log_bytes: 10_000, logs_bytes: 1 << 30, flights: 8, followers: 1000 };

fn flights(limits: FlightLimits) -> Arc<Flights> {
    Arc::new(Flights::new(limits))
}

fn leads(flights: &Arc<Flights>) -> Leader {
    match flights.board(KEY, || None::<()>) {
        Boarding::Leads(leader) => leader,
        _ => panic!("somebody leads already"),
    }
}

fn follows(flights: &Arc<Flights>) -> Follower {
    match flights.board(KEY, || None::<()>) {
        Boarding::Follows(follower) => follower,
        _ => panic!("nobody to follow"),
    }
}

fn is_alone(flights: &Arc<Flights>) -> bool {
    matches!(flights.board(KEY, || None::<()>), Boarding::Alone)
}

pub(super) fn head() -> FlightHead {
    FlightHead { status: 200, content_type: None, length: None }
}

pub(super) fn end() -> FlightEnd {
    FlightEnd { usage: None, cost: None, model: Some("m".into()), events: 3 }
}

/// A chunk that came at once.
pub(super) fn chunk(bytes: Bytes) -> Frame {
    Frame { bytes, after: Duration::ZERO, kind: ChunkKind::Generated }
}

fn push(leader: &mut Leader, text: &str) {
    leader.push(chunk(Bytes::copy_from_slice(text.as_bytes())));
}

/// What is heard, as a word.
pub(super) fn word(heard: &Heard) -> String {
    match heard {
        Heard::Head(head) => format!("head {}", head.status),
        Heard::Chunk(chunk) => String::from_utf8_lossy(&chunk.bytes).into_owned(),
        Heard::End(end) => format!("end {}", end.events),
        Heard::Leads(_) => "leads".into(),
        Heard::Alone => "alone".into(),
        Heard::Broken => "broken".into(),
        Heard::Lagged => "lagged".into(),
    }
}

/// What there is to hear now, without waiting.
async fn hears(follower: &mut Follower) -> String {
    word(&hears_now(follower).await.expect("nothing to hear"))
}

/// `None` if there is nothing to hear now; the waiting is cancelled.
async fn hears_now(follower: &mut Follower) -> Option<Heard> {
    tokio::select! {
        biased;
        heard = follower.next() => Some(heard),
        () = std::future::ready(()) => None,
    }
}

async fn takes_over(follower: &mut Follower) -> Leader {
    match hears_now(follower).await {
        Some(Heard::Leads(leader)) => leader,
        other => panic!("{:?}", other.as_ref().map(word)),
    }
}

async fn listen(mut follower: Follower) -> (String, String) {
    let mut body = String::new();
    loop {
        match follower.next().await {
            Heard::Head(_) => {}
            Heard::Chunk(chunk) => body += &String::from_utf8_lossy(&chunk.bytes),
            last => return (body, word(&last)),
        }
    }
}

async fn two_hundred_hear_the_same() {
    let flights = flights(FlightLimits { log_bytes: 1 << 20, ..LIMITS });
    let mut leader = leads(&flights);
    let mut listening = JoinSet::new();
    let mut all = String::new();
    for at in 0..200 {
        listening.spawn(listen(follows(&flights)));
        match at {
            50 => leader.head(head()),
            51.. => {
                push(&mut leader, &format!("{at} "));
                all += &format!("{at} ");
            }
            _ => {}
        }
        tokio::task::yield_now().await;
    }
    let mut kept = Vec::new();
    leader.land(end(), |frames| kept = frames);
    let heard = listening.join_all().await;
    assert_eq!(heard.len(), 200);
    assert!(heard.iter().all(|heard| *heard == (all.clone(), "end 3".into())));
    let kept: Vec<u8> = kept.iter().flat_map(|frame| frame.bytes.to_vec()).collect();
    assert_eq!(String::from_utf8_lossy(&kept), all);
    assert!(flights.is_empty());
}

#[tokio::test]
async fn two_hundred_followers_hear_the_same_bytes() {
    two_hundred_hear_the_same().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_followers_hear_the_same_bytes_on_many_threads() {
    two_hundred_hear_the_same().await;
}

#[tokio::test]
async fn a_late_joiner_hears_everything_from_the_start() {
    let flights = flights(LIMITS);
    let mut leader = leads(&flights);
    leader.head(head());
    push(&mut leader, "a");
    push(&mut leader, "");
    push(&mut leader, "b");
    let mut late = follows(&flights);
    for word in ["head 200", "a", "b"] {
        assert_eq!(hears(&mut late).await, word);
    }
    assert!(hears_now(&mut late).await.is_none());
    leader.land(end(), |_| {});
    assert_eq!(hears(&mut late).await, "end 3");
    assert_eq!(hears(&mut late).await, "broken", "after the final word");
}

#[tokio::test]
async fn a_chunk_is_shared_and_not_copied() {
    let flights = flights(LIMITS);
    let (mut leader, mut follower) = (leads(&flights), follows(&flights));
    let bytes = Bytes::from(vec![1; 100]);
    leader.head(head());
    leader.push(chunk(bytes.clone()));
    assert_eq!(hears(&mut follower).await, "head 200");
    let Heard::Chunk(heard) = follower.next().await else { panic!("no chunk") };
    assert_eq!(heard.bytes.as_ptr(), bytes.as_ptr());
    assert_eq!(heard.kind, ChunkKind::Generated);
}

#[tokio::test]
async fn an_answer_is_kept_before_the_flight_is_forgotten() {
    let flights = flights(LIMITS);
    let mut leader = leads(&flights);
    leader.head(head());
    push(&mut leader, "a");
    let mut during = None;
    leader.land(end(), |frames| {
        assert_eq!(frames.len(), 1);
        during = Some(follows(&flights));
    });
    assert_eq!(listen(during.unwrap()).await, ("a".into(), "end 3".into()));
    assert!(matches!(flights.board(KEY, || Some("kept")), Boarding::There("kept")));
    assert!(flights.is_empty());
}

#[tokio::test]
async fn whoever_has_waited_the_longest_takes_over() {
    let flights = flights(LIMITS);
    let leader = leads(&flights);
    let (mut first, mut second) = (follows(&flights), follows(&flights));
    leader.decline();
    assert!(hears_now(&mut second).await.is_none());
    let mut leader = takes_over(&mut first).await;
    let mut late = follows(&flights);
    leader.head(head());
    push(&mut leader, "fresh");
    leader.land(end(), |_| {});
    for follower in [&mut second, &mut late] {
        assert_eq!(hears(follower).await, "head 200");
        assert_eq!(hears(follower).await, "fresh");
        assert_eq!(hears(follower).await, "end 3");
    }
    assert!(flights.is_empty());
}

#[tokio::test]
async fn a_nominee_that_leaves_is_followed_by_the_next() {
    let flights = flights(LIMITS);
    let leader = leads(&flights);
    let (first, mut second, third) = (follows(&flights), follows(&flights), follows(&flights));
    drop(leader);
    assert!(hears_now(&mut second).await.is_none());
    drop((first, third));
    drop(takes_over(&mut second).await);
    assert!(flights.is_empty());
}

#[tokio::test]
async fn a_flight_that_everybody_has_left_is_forgotten() {
    let flights = flights(LIMITS);
    let (leader, first, second) = (leads(&flights), follows(&flights), follows(&flights));
    drop(leader);
    assert_eq!(flights.len(), 1);
    drop((first, second));
    assert!(flights.is_empty());
    drop(leads(&flights));
}

#[tokio::test]
async fn after_two_failed_hand_overs_the_others_go_alone() {
    let flights = flights(LIMITS);
    let leader = leads(&flights);
    let mut all: Vec<Follower> = (0..5).map(|_| follows(&flights)).collect();
    leader.decline();
    drop(takes_over(&mut all[0]).await);
    drop(takes_over(&mut all[1]).await);
    for follower in &mut all[2..] {
        assert_eq!(hears(follower).await, "alone");
    }
    assert!(flights.is_empty());
}

#[tokio::test]
async fn nobody_takes_over_what_nobody_may_share() {
    let flights = flights(LIMITS);
    let (leader, mut follower) = (leads(&flights), follows(&flights));
    leader.alone();
    assert_eq!(hears(&mut follower).await, "alone");
    assert!(flights.is_empty());
}

#[tokio::test]
async fn a_failure_after_the_head_breaks_some_and_is_taken_over_by_others() {
    let flights = flights(LIMITS);
    let mut leader = leads(&flights);
    let (mut listening, mut waiting) = (follows(&flights), follows(&flights));
    leader.head(head());
    push(&mut leader, "a");
    assert_eq!(hears(&mut listening).await, "head 200");
    push(&mut leader, "b");
    drop(leader);
    let mut leader = takes_over(&mut waiting).await;
    let mut late = follows(&flights);
    leader.head(head());
    push(&mut leader, "other");
    leader.land(end(), |_| {});
    for word in ["a", "b", "broken"] {
        assert_eq!(hears(&mut listening).await, word);
    }
    for word in ["head 200", "other", "end 3"] {
        assert_eq!(hears(&mut late).await, word);
    }
    assert!(flights.is_empty());
}

#[tokio::test]
async fn landing_without_a_head_is_a_failure() {
    let flights = flights(LIMITS);
    let (leader, mut follower) = (leads(&flights), follows(&flights));
    leader.land(end(), |_| panic!("there is nothing to keep"));
    drop(takes_over(&mut follower).await);
    assert!(flights.is_empty());
}

#[tokio::test]
async fn a_leader_learns_when_the_last_follower_has_left() {
    let flights = flights(LIMITS);
    let mut leader = leads(&flights);
    assert!(!leader.has_followers());
    leader.until_followers_gone().await;
    let (mut first, second) = (follows(&flights), follows(&flights));
    leader.head(head());
    assert_eq!(hears(&mut first).await, "head 200");
    let mut gone = polled(leader.until_followers_gone());
    assert!(gone().is_pending());
    drop(second);
    assert!(gone().is_pending());
    drop(first);
    assert!(gone().is_ready());
    drop(gone);
    assert!(!leader.has_followers());
}

/// Polls a future each time it is called.
fn polled(work: impl Future<Output = ()>) -> impl FnMut() -> Poll<()> {
    let mut work = Box::pin(work);
    move || work.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}

#[tokio::test]
async fn a_wait_that_is_given_up_loses_nothing() {
    let flights = flights(LIMITS);
    let (mut leader, mut follower) = (leads(&flights), follows(&flights));
    assert!(hears_now(&mut follower).await.is_none());
    leader.head(head());
    for at in 0..50 {
        push(&mut leader, &at.to_string());
    }
    assert_eq!(hears(&mut follower).await, "head 200");
    for at in 0..50 {
        assert_eq!(hears(&mut follower).await, at.to_string());
        assert!(at < 49 || hears_now(&mut follower).await.is_none());
    }
    leader.land(end(), |_| {});
    assert_eq!(hears(&mut follower).await, "end 3");
}

#[tokio::test]
async fn a_nomination_outlives_a_wait_that_is_given_up() {
    let flights = flights(LIMITS);
    let (leader, first, mut second) = (leads(&flights), follows(&flights), follows(&flights));
    drop(leader);
    // On the new flight already, and waiting there.
    assert!(hears_now(&mut second).await.is_none());
    let mut wait = Box::pin(second.next());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(wait.as_mut().poll(&mut context).is_pending());
    drop(first);
    drop(wait);
    drop(takes_over(&mut second).await);
}

#[tokio::test]
async fn a_nomination_wakes_whoever_waits() {
    let flights = flights(LIMITS);
    let (leader, first, mut second) = (leads(&flights), follows(&flights), follows(&flights));
    let mut waiting = JoinSet::new();
    drop(leader);
    waiting.spawn(async move { word(&second.next().await) });
    // It has moved on to the new flight, found another nominated, and sleeps.
    tokio::task::yield_now().await;
    drop(first);
    let heard = tokio::time::timeout(Duration::from_secs(5), waiting.join_next()).await;
    assert_eq!(heard.expect("it sleeps on").unwrap().unwrap(), "leads");
}
