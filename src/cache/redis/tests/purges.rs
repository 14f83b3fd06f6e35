//! Purges: by whom, of what, heard of when.

use super::*;

#[tokio::test]
async fn a_purge_is_for_all_proxies_and_passed_on_to_the_others() {
    let server = Server::start().await;
    let (one, two) = (Running::on(&server).await, Running::on(&server).await);
    one.store(key(1), of_model("m"), b"goes").await;
    one.store(key(2), of_model("n"), b"stays").await;
    let purge = Purge::Tagged(of_model("m"));
    let before = (one.heard(), two.heard());
    assert_eq!(one.tier.purge(&purge).await.unwrap(), None);
    for tier in [&one, &two] {
        assert_eq!(tier.value(key(1)).await, None);
        assert_eq!(tier.finds(key(2)).await, "stays");
        assert_eq!(tier.value(key(1)).await, None);
    }
    assert_eq!(one.heard(), before.0, "its own");
    assert_eq!(two.heard(), [before.1, vec![purge]].concat());
}

#[tokio::test]
async fn an_entry_is_purged_alone_and_its_bytes_go() {
    let server = Server::start().await;
    let one = Running::on(&server).await;
    one.store(key(1), of_model("m"), b"goes").await;
    one.store(key(2), of_model("m"), b"stays").await;
    assert_eq!(one.tier.purge(&Purge::Entry(key(1))).await.unwrap(), Some(1));
    assert_eq!(one.tier.purge(&Purge::Entry(key(1))).await.unwrap(), Some(0));
    assert_eq!(one.finds(key(2)).await, "stays");
    assert_eq!(one.value(key(1)).await, None);
    assert_eq!(server.data.values.lock().len(), 1);
}

#[tokio::test]
async fn a_value_that_is_stored_after_a_purge_is_good() {
    let server = Server::start().await;
    let one = Running::on(&server).await;
    one.tier.purge(&Purge::All).await.unwrap();
    until("the purge is known", || {
        let last = server.data.journal.lock().last().map(|(id, _)| *id);
        one.tier.position().map(|at| at.ms) == last
    })
    .await;
    one.store(key(1), of_model("m"), b"new").await;
    assert_eq!(one.finds(key(1)).await, "new");
}

#[tokio::test]
async fn a_value_on_its_way_when_it_is_purged_is_not_used() {
    let server = Server::start().await;
    let (one, two) = (Running::on(&server).await, Running::on(&server).await);
    // Queued and purged before the tier's own work could go on.
    let at = one.tier.journal.read().as_ref().map(|journal| journal.head()).unwrap();
    two.tier.purge(&Purge::All).await.unwrap();
    let envelope = Envelope { keep: Duration::from_secs(600), stored: at, tags: of_model("m") };
    let value = Bytes::from_static(b"old");
    assert!(one.tier.queue.push(Write { key: key(1), envelope, value, since: Instant::now() }));
    until("it is stored", || one.tier.counts().stored == 1).await;
    until("it was judged", || two.tier.counts().reachable).await;
    eventually("both know", async || {
        let head = |tier: &Running| tier.tier.position().map(|at| at.ms);
        let last = server.data.journal.lock().last().map(|(id, _)| *id);
        (head(&one) == last && head(&two) == last).then_some(())
    })
    .await;
    assert_eq!((one.value(key(1)).await, two.value(key(1)).await), (None, None));
    assert_eq!(two.tier.counts().purged, 1);
}

#[tokio::test]
async fn purges_missed_while_away_are_made_up_for() {
    let server = Server::start().await;
    let (one, two) = (Running::on(&server).await, Running::on(&server).await);
    let saved = two.tier.position();
    two.end().await;
    let purges = [Purge::Entry(key(1)), Purge::Tagged(of_model("m"))];
    for purge in &purges {
        one.tier.purge(purge).await.unwrap();
    }
    let again = Running::with(settings(&server.url()), saved);
    again.reached().await;
    assert_eq!(again.heard(), purges);
    let unsaved = Running::with(settings(&server.url()), None);
    unsaved.reached().await;
    assert_eq!(unsaved.heard(), [Purge::All], "nobody knows what it has missed");
}

#[tokio::test]
async fn more_purges_than_the_journal_holds_are_one_of_everything() {
    let server = Server::start().await;
    let one = Running::on(&server).await;
    let saved = one.tier.position();
    one.store(key(1), of_model("m"), b"old").await;
    for _ in 0..journal::LINES {
        one.tier.purge(&Purge::Tagged(of_model("n"))).await.unwrap();
    }
    assert_eq!(server.data.journal.lock().len(), journal::LINES);
    let two = Running::with(settings(&server.url()), saved);
    two.reached().await;
    assert_eq!(two.heard(), [Purge::All]);
    assert_eq!(two.value(key(1)).await, None);
}

#[tokio::test]
async fn a_lost_journal_purges_everything_everywhere() {
    let server = Server::start().await;
    let (one, two) = (Running::on(&server).await, Running::on(&server).await);
    one.store(key(1), of_model("m"), b"old").await;
    let saved = server.data.values.lock().clone();
    let before = (one.heard().len(), two.heard().len());
    server.forget();
    // The journal was evicted; values were not.
    *server.data.values.lock() = saved;
    assert_eq!(one.value(key(1)).await, None);
    until("both know", || one.heard().len() > before.0 && two.heard().len() > before.1).await;
    assert!(one.heard().iter().chain(&two.heard()).all(|purge| *purge == Purge::All));
    assert_eq!((one.value(key(1)).await, two.value(key(1)).await), (None, None));
    eventually("new values are good", async || {
        one.tier.put(put(key(2), of_model("m"), b"new"));
        two.value(key(2)).await
    })
    .await;
}

#[tokio::test]
async fn a_purge_that_the_server_lost_is_noticed() {
    let server = Server::start().await;
    let (one, two) = (Running::on(&server).await, Running::on(&server).await);
    one.store(key(1), of_model("m"), b"old").await;
    one.tier.purge(&Purge::Tagged(of_model("m"))).await.unwrap();
    let last = server.data.journal.lock().last().map(|(id, _)| *id);
    until("both know", || {
        [&one, &two].iter().all(|tier| tier.tier.position().map(|at| at.ms) == last)
    })
    .await;
    // As when a replica takes over that had not heard of it yet.
    server.data.journal.lock().pop();
    assert_eq!((one.value(key(1)).await, two.value(key(1)).await), (None, None));
    until("it begins anew", || server.data.journal.lock().last().map(|(id, _)| *id) > last).await;
    assert_eq!((one.value(key(1)).await, two.value(key(1)).await), (None, None));
}

#[tokio::test]
async fn a_line_that_cannot_be_read_purges_everything() {
    let server = Server::start().await;
    let one = Running::on(&server).await;
    one.store(key(1), of_model("m"), b"old").await;
    let next = server.data.journal.lock().last().map_or(0, |(id, _)| id + 1);
    server.data.journal.lock().push((next, b"{\"v\":7}".to_vec()));
    until("it is passed on", || {
        // A lookup notices, without a message.
        one.tier.behind.notify_one();
        one.heard().last() == Some(&Purge::All) && one.tier.position().map(|at| at.ms) == Some(next)
    })
    .await;
    assert_eq!(one.value(key(1)).await, None);
}

#[tokio::test]
async fn messages_that_are_none_are_ignored_and_counted() {
    let server = Server::start().await;
    let one = Running::on(&server).await;
    until("it listens", || server.publish(b"hello") > 0).await;
    let first = one.tier.counts().malformed.max(1);
    let long = format!("{{\"v\":1,\"from\":\"1\",\"at\":\"1-1\",\"x\":\"{}\"}}", "x".repeat(5000));
    for bad in [b"\xff\xfe\x00".as_slice(), b"{}", b"", long.as_bytes()] {
        server.publish(bad);
    }
    until("they are counted", || one.tier.counts().malformed == first + 4).await;
    let before = one.heard();
    one.store(key(1), of_model("m"), b"value").await;
    assert_eq!(one.finds(key(1)).await, "value");
    assert_eq!(one.heard(), before);
}

#[tokio::test]
async fn a_purge_without_a_server_fails_and_is_made_up_for() {
    let server = Server::start().await;
    let (one, two) = (Running::on(&server).await, Running::on(&server).await);
    one.store(key(1), of_model("m"), b"old").await;
    server.die();
    eventually("it is noticed", async || {
        one.tier.get(&key(1)).await;
        (!one.tier.counts().reachable).then_some(())
    })
    .await;
    let purge = Purge::Tagged(of_model("m"));
    assert!(matches!(one.tier.purge(&purge).await, Err(PurgeError::Unreachable)));
    server.come_back().await;
    until("it was handed in", || two.heard().contains(&purge)).await;
    one.reached().await;
    assert_eq!(one.value(key(1)).await, None);
}
