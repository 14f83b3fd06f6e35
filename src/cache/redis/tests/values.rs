//! Values: put, got, aged, bounded.

use super::*;

#[tokio::test]
async fn what_is_put_is_got_by_another_proxy() {
    let server = Server::start().await;
    let (one, two) = (Running::on(&server).await, Running::on(&server).await);
    one.tier.position().unwrap();
    one.store(key(1), of_model("m"), b"value").await;
    assert_eq!(two.finds(key(1)).await, "value");
    assert_eq!(two.value(key(2)).await, None);
    let counts = two.tier.counts();
    assert_eq!((counts.hits, counts.failed, counts.late), (1, 0, 0));
}

#[tokio::test]
async fn the_age_is_told_by_redis_and_the_time_ends() {
    let server = Server::start().await;
    let one = Running::on(&server).await;
    one.store(key(1), of_model("m"), b"value").await;
    server.age_values(Duration::from_secs(200));
    let found = one.tier.get(&key(1)).await.unwrap();
    assert!((200..210).contains(&found.stored_for.as_secs()), "{:?}", found.stored_for);
    server.age_values(Duration::from_secs(400));
    assert_eq!(one.value(key(1)).await, None);
}

#[tokio::test]
async fn a_value_without_expiry_or_with_too_long_a_one_is_not_used() {
    let server = Server::start().await;
    let one = Running::on(&server).await;
    one.store(key(1), of_model("m"), b"value").await;
    for expiry in [None, Some(Instant::now() + Duration::from_secs(700))] {
        server.data.values.lock().values_mut().for_each(|(_, until)| *until = expiry);
        assert_eq!(one.value(key(1)).await, None);
    }
    assert_eq!(one.tier.counts().unreadable, 1);
}

#[tokio::test]
async fn a_value_that_nobody_wrote_is_not_used() {
    let server = Server::start().await;
    let one = Running::on(&server).await;
    one.store(key(1), of_model("m"), b"value").await;
    server.data.values.lock().values_mut().for_each(|(value, _)| *value = b"\x02 what".to_vec());
    assert_eq!(one.value(key(1)).await, None);
    assert_eq!(one.tier.counts().unreadable, 1);
}

#[tokio::test]
async fn a_lookup_is_three_commands() {
    let server = Server::start().await;
    let one = Running::on(&server).await;
    let before = server.asked("XREVRANGE");
    assert_eq!(one.value(key(1)).await, None);
    assert_eq!([server.asked("GET"), server.asked("PTTL")], [1, 1]);
    // One more may be the tier's own look.
    assert!(server.asked("XREVRANGE") - before <= 2);
}

#[tokio::test]
async fn names_are_apart_by_prefix() {
    let server = Server::start().await;
    let prefix = String::from("other");
    let one = Running::with(RedisSettings { prefix, ..settings(&server.url()) }, None);
    one.reached().await;
    one.store(key(0xab), of_model("m"), b"value").await;
    let names: Vec<_> = server.data.values.lock().keys().cloned().collect();
    assert_eq!(names, [format!("other:cache:v1:{}", "ab".repeat(32))]);
}

#[tokio::test]
async fn puts_beyond_the_queue_are_dropped_and_counted() {
    let server = Server::start().await;
    let one = Running::on(&server).await;
    server.hang(true);
    for n in 0..=u8::MAX {
        for _ in 0..20 {
            one.tier.put(put(key(n), of_model("m"), b"value"));
        }
    }
    let counts = one.tier.counts();
    assert!(counts.dropped >= 5120 - 4096 - 16, "{counts:?}");
    assert!(counts.waiting <= 4096);
}

#[tokio::test]
async fn what_is_queued_is_written_at_the_end() {
    let server = Server::start().await;
    let one = Running::on(&server).await;
    for n in 0..100 {
        one.tier.put(put(key(n), of_model("m"), b"value"));
    }
    one.end().await;
    assert_eq!(server.data.values.lock().len(), 100);
}

#[tokio::test]
async fn a_server_without_room_still_gives_what_it_has() {
    let server = Server::start().await;
    let one = Running::on(&server).await;
    one.store(key(1), of_model("m"), b"value").await;
    server.refuse(true);
    for n in 2..12 {
        one.tier.put(put(key(n), of_model("m"), b"value"));
    }
    until("all were refused", || one.tier.counts().lost == 10).await;
    assert_eq!(one.value(key(1)).await.unwrap(), "value");
    assert_eq!(one.tier.counts().outages, 0);
}
