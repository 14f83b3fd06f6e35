//! What does not fit.

use super::*;

#[tokio::test]
async fn too_large_an_answer_takes_no_newcomers_and_is_not_kept() {
    let flights = flights(LIMITS);
    let mut leader = leads(&flights);
    let (mut quick, mut slow, mut idle) = (follows(&flights), follows(&flights), follows(&flights));
    leader.head(head());
    assert_eq!(hears(&mut quick).await, "head 200");
    assert_eq!(hears(&mut slow).await, "head 200");
    let chunk = "x".repeat(3000);
    for _ in 0..4 {
        push(&mut leader, &chunk);
        assert_eq!(hears(&mut quick).await, chunk);
    }
    assert!(!leader.holds_everything());
    assert!(is_alone(&flights));
    assert_eq!(hears(&mut slow).await, "lagged");
    assert_eq!(hears(&mut idle).await, "alone", "it has given its caller nothing yet");
    leader.land(end(), |_| panic!("it is too large to be kept"));
    assert_eq!(hears(&mut quick).await, "end 3");
    assert!(flights.is_empty());
}

#[tokio::test]
async fn one_chunk_above_the_limit_still_reaches_those_who_wait_for_it() {
    let flights = flights(LIMITS);
    let (mut leader, mut follower) = (leads(&flights), follows(&flights));
    leader.head(head());
    let chunk = "x".repeat(20_000);
    push(&mut leader, &chunk);
    assert_eq!(hears(&mut follower).await, "head 200");
    assert_eq!(hears(&mut follower).await, chunk);
    assert!(!leader.holds_everything() && is_alone(&flights));
}

#[tokio::test]
async fn answers_too_large_together_give_their_room_back() {
    let flights = flights(FlightLimits { logs_bytes: 5000, ..LIMITS });
    let mut leader = leads(&flights);
    let Boarding::Leads(mut other) = flights.board(CacheKey([8; 32]), || None::<()>) else {
        panic!("nobody leads there")
    };
    for leader in [&mut leader, &mut other] {
        leader.head(head());
        push(leader, &"x".repeat(3000));
    }
    assert!(leader.holds_everything(), "it came first");
    assert!(!other.holds_everything());
    assert!(flights.room.held() < 5000, "{}", flights.room.held());
    leader.land(end(), |_| {});
    drop(other);
    assert_eq!(flights.room.held(), 0);
}

#[tokio::test]
async fn flights_and_followers_are_bounded() {
    let flights = flights(FlightLimits { flights: 1, followers: 2, ..LIMITS });
    let leader = leads(&flights);
    let (first, _second) = (follows(&flights), follows(&flights));
    assert!(is_alone(&flights));
    drop(first);
    drop(follows(&flights));
    let other = CacheKey([8; 32]);
    assert!(matches!(flights.board(other, || None::<()>), Boarding::Alone));
    assert!(matches!(flights.board(other, || Some(())), Boarding::There(())));
    leader.alone();
    assert!(matches!(flights.board(other, || None::<()>), Boarding::Leads(_)));
}
