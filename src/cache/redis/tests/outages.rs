//! Outages: nobody waits, nothing fails, and it ends.

use super::*;

#[tokio::test]
async fn a_server_that_never_was_is_a_tier_that_misses() {
    // Nothing listens on port 1.
    for url in ["redis://127.0.0.1:1", "rediss://127.0.0.1:1", "no url"] {
        let one = Running::with(settings(url), None);
        until("it was tried", || one.tier.counts().outages > 0).await;
        assert_eq!(one.value(key(1)).await, None);
        one.tier.put(put(key(1), of_model("m"), b"value"));
        let purged = one.tier.purge(&Purge::All).await;
        assert!(matches!(purged, Err(PurgeError::Unreachable)));
        let counts = one.tier.counts();
        assert_eq!((counts.skipped, counts.dropped, counts.reachable), (1, 1, false));
        one.end().await;
    }
}

#[tokio::test]
async fn a_server_that_dies_is_left_alone_and_found_again() {
    let server = Server::start().await;
    let one = Running::on(&server).await;
    one.store(key(1), of_model("m"), b"value").await;
    server.die();
    let since = Instant::now();
    eventually("it is left alone", async || {
        assert_eq!(one.value(key(1)).await, None);
        (!one.tier.counts().reachable).then_some(())
    })
    .await;
    assert!(since.elapsed() < Duration::from_millis(900), "{:?}", since.elapsed());
    one.tier.put(put(key(2), of_model("m"), b"meanwhile"));
    server.come_back().await;
    one.reached().await;
    assert_eq!(one.finds(key(1)).await, "value");
    assert_eq!(one.finds(key(2)).await, "meanwhile");
    assert_eq!(one.tier.counts().outages, 1);
}

#[tokio::test]
async fn a_server_that_hangs_is_waited_for_three_times() {
    let server = Server::start().await;
    let timeout = Duration::from_millis(50);
    let one = Running::with(RedisSettings { timeout, ..settings(&server.url()) }, None);
    one.reached().await;
    server.hang(true);
    let since = Instant::now();
    for _ in 0..3 {
        assert_eq!(one.value(key(1)).await, None);
    }
    assert!(since.elapsed() >= timeout * 3);
    until("it is left alone", || !one.tier.counts().reachable).await;
    let since = Instant::now();
    for _ in 0..1000 {
        assert_eq!(one.value(key(1)).await, None);
    }
    assert!(since.elapsed() < timeout * 3, "{:?}", since.elapsed());
    let counts = one.tier.counts();
    assert_eq!((counts.late, counts.skipped), (3, 1000));
    server.hang(false);
    one.reached().await;
}

#[tokio::test]
async fn a_lookup_that_is_dropped_harms_nobody() {
    let server = Server::start().await;
    let one = Running::on(&server).await;
    one.store(key(1), of_model("m"), b"value").await;
    for _ in 0..50 {
        let late = timeout(Duration::from_micros(50), one.tier.get(&key(2))).await;
        drop(late);
    }
    assert_eq!(one.finds(key(1)).await, "value");
    assert_eq!(one.tier.counts().outages, 0);
}

#[tokio::test]
async fn it_ends_when_told_to_though_the_server_hangs() {
    let server = Server::start().await;
    let one = Running::on(&server).await;
    server.hang(true);
    for n in 0..100 {
        one.tier.put(put(key(n), of_model("m"), b"value"));
    }
    let tier = one.tier.clone();
    let since = Instant::now();
    one.end().await;
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    let counts = tier.counts();
    assert!(!counts.reachable && counts.stored == 0 && counts.lost > 0, "{counts:?}");
}
