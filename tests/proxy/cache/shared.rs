//! Equal questions at the same time: one asks, the others listen, each as if it were alone.

use super::*;
use futures_util::future::join_all;
use std::time::Duration;

/// Sends one event, waits at the gate, and sends the rest.
pub(super) async fn serve_in_two_parts(gate: Gate, mut call: Call) -> Result<After> {
    call.body().await?;
    call.write(STREAM_HEAD).await?;
    call.write(chunk(token("first"))).await?;
    gate.pass().await;
    call.write(chunk(token("second"))).await?;
    call.answer([chunk(finish() + DONE), LAST_CHUNK.into()].concat()).await
}

pub(super) fn in_two_parts() -> String {
    [token("first"), token("second"), finish(), DONE.to_owned()].concat()
}

/// A client that has sent the question and got the first event of its answer.
pub(super) async fn listening(proxy: &Proxy) -> (Client, Head) {
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], STREAM.as_bytes()).await;
    let head = client.head().await;
    assert_eq!(head.word(1), "200", "{head:?}");
    assert_eq!(client.body_bytes(token("first").len()).await, token("first").as_bytes());
    (client, head)
}

/// The rest of an answer whose first event was read.
pub(super) async fn rest_of((mut client, head): (Client, Head)) -> Response {
    client.rest("POST", vec![], head).await
}

#[tokio::test]
async fn of_200_equal_streams_at_once_one_reaches_the_upstream_and_all_get_its_bytes() {
    const STREAMS: usize = 200;
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, serve_in_two_parts);
    let proxy = cached(&upstream, "true").start().await;
    let asked = join_all((0..STREAMS).map(|_| ask(&proxy, &[], STREAM)));
    let opened = async {
        in_flight(&proxy, STREAMS).await;
        gate.open_wide();
    };
    let (answers, ()) = tokio::join!(asked, opened);
    assert_eq!(upstream.count(), 1);
    for answer in &answers {
        assert_miss(answer);
        assert_eq!(answer.text(), in_two_parts());
    }
    let mut told: Vec<_> = answers.iter().map(cache_status).collect();
    told.sort_unstable();
    assert_eq!(told[0], "transom; fwd=miss");
    assert!(told[1..].iter().all(|told| *told == "transom; fwd=miss; collapsed"), "{told:?}");

    let lines = proxy.settled(STREAMS).await;
    assert!(lines.iter().all(|line| line.outcome() == "success"));
    let collapsed = lines.iter().filter(|line| line.text("cache") == "collapsed").count();
    assert_eq!(collapsed, STREAMS - 1);
    let metrics = proxy.metrics().await;
    let requests = |cache| metrics.sum("transom_requests_total", &[("cache", cache)]);
    assert_eq!((requests("miss"), requests("collapsed")), (1.0, (STREAMS - 1) as f64));
    assert_hit(&ask(&proxy, &[], STREAM).await);
}

#[tokio::test]
async fn tokens_of_a_shared_answer_are_the_upstreams_once_and_the_caches_otherwise() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, call| async move {
        gate.pass().await;
        serve_numbered(call).await
    });
    let proxy = cached(&upstream, "true").start().await;
    let asked = join_all((0..5).map(|_| ask(&proxy, &[], STREAM)));
    let opened = async {
        in_flight(&proxy, 5).await;
        gate.open_wide();
    };
    let (answers, ()) = tokio::join!(asked, opened);
    assert!(answers.iter().all(|answer| answer.text() == numbered(STREAM, 0)), "{answers:?}");
    proxy.settled(5).await;
    let metrics = proxy.metrics().await;
    let output = |source| {
        metrics.sum("transom_tokens_total", &[("direction", "output"), ("source", source)])
    };
    let tokens = COMPLETION_TOKENS as f64;
    assert_eq!((output("upstream"), output("cache")), (tokens, 4.0 * tokens));
    let attempts = metrics.sum("gen_ai_client_operation_duration_seconds_count", &[]);
    assert_eq!(attempts, 1.0);
}

#[tokio::test]
async fn who_comes_late_gets_all_from_the_beginning_and_then_each_event_at_once() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, serve_in_two_parts);
    let proxy = cached(&upstream, "true").start().await;
    let leader = listening(&proxy).await;
    // Each of them reads the first event while the second is not yet sent.
    let late = [listening(&proxy).await, listening(&proxy).await];
    assert_eq!(upstream.count(), 1);
    gate.open();
    let [second, third] = late;
    for listener in [leader, second, third] {
        let response = rest_of(listener).await;
        assert!(response.whole, "{response:?}");
        assert_eq!(token("first") + response.text(), in_two_parts());
    }
}

#[tokio::test]
async fn each_asks_for_itself_where_the_operator_wants_it_so() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, serve_in_two_parts);
    let proxy = cached(&upstream, r#"{ collapse = "off" }"#).start().await;
    let both = [listening(&proxy).await, listening(&proxy).await];
    assert_eq!(upstream.count(), 2);
    gate.open_wide();
    for listener in both {
        assert_eq!(listener.1.header("cache-status"), Some("transom; fwd=miss"));
        assert!(rest_of(listener).await.whole);
    }
}

#[tokio::test]
async fn who_has_waited_long_enough_asks_for_itself() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, call| async move {
        if call.number == 0 {
            gate.pass().await;
        }
        serve_numbered(call).await
    });
    let proxy = cached(&upstream, r#"{ collapse = "100ms" }"#).start().await;
    let mut leader = proxy.client().await;
    leader.post("/v1/chat/completions", &[], CHAT.as_bytes()).await;
    upstream.got(1).await;
    let asked = Instant::now();
    let impatient = ask(&proxy, &[], CHAT).await;
    assert!(asked.elapsed() >= Duration::from_millis(100), "{:?}", asked.elapsed());
    assert_eq!((impatient.status, impatient.text()), (200, &*numbered(CHAT, 1)));
    gate.open();
    assert_eq!(leader.response().await.text(), numbered(CHAT, 0));
}

#[tokio::test]
async fn an_answer_that_may_not_be_kept_is_not_shared_by_those_who_forbid_it() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, serve_in_two_parts);
    let proxy = cached(&upstream, "true").start().await;
    let leader = listening(&proxy).await;
    let mut alone = proxy.client().await;
    let headers = [("Cache-Control", "no-cache")];
    alone.post("/v1/chat/completions", &headers, STREAM.as_bytes()).await;
    upstream.got(2).await;
    gate.open_wide();
    assert!(rest_of(leader).await.whole);
    assert_eq!(alone.response().await.text(), in_two_parts());
}

/// A proxy that shares answers of this many bytes, and a backend of such answers, which
/// begin at once and go on when the gate opens.
async fn of_long_answers(gate: &Gate, long: &str) -> (Proxy, Upstream) {
    let shared = (gate.clone(), long.to_owned());
    let upstream = Upstream::sharing(&shared, |(gate, long), mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk(token("first"))).await?;
        gate.pass().await;
        for _ in 0..PARTS {
            call.write(chunk(&long)).await?;
        }
        call.answer([chunk(finish() + DONE), LAST_CHUNK.into()].concat()).await
    });
    let tables = "[cache]\nmemory = \"4GiB\"\ndisk = 0";
    (cached(&upstream, "true").tables(tables).start().await, upstream)
}

const PARTS: usize = 80;

/// One of [`PARTS`] events of an answer that no socket's buffers can hold.
fn long_event() -> String {
    token(&"x".repeat(200_000))
}

fn assert_long(answer: &Response) {
    let expected = long_event().repeat(PARTS) + &finish() + DONE;
    let is_whole = answer.whole && answer.body == expected.as_bytes();
    assert!(is_whole, "{} of {} bytes", answer.body.len(), expected.len());
}

#[tokio::test]
async fn a_leader_that_does_not_read_holds_nobody_up() {
    let gate = Gate::shut();
    let (proxy, upstream) = of_long_answers(&gate, &long_event()).await;
    let (lazy, follower) = (listening(&proxy).await, listening(&proxy).await);
    gate.open();
    assert_long(&rest_of(follower).await);
    assert_long(&rest_of(lazy).await);
    assert_eq!(upstream.count(), 1);
}

#[tokio::test]
async fn a_leader_that_leaves_unread_what_has_come_is_one_that_has_left() {
    let gate = Gate::shut();
    let (proxy, _upstream) = of_long_answers(&gate, &long_event()).await;
    let (lazy, follower) = (listening(&proxy).await, listening(&proxy).await);
    gate.open();
    assert_long(&rest_of(follower).await);
    drop(lazy);
    let lines = proxy.settled(2).await;
    let outcome_of =
        |cache| lines.iter().find(|line| line.text("cache") == cache).unwrap().outcome();
    assert_eq!(outcome_of("miss"), "client_cancelled", "{lines:?}");
    assert_eq!(outcome_of("collapsed"), "success", "{lines:?}");
}

#[tokio::test]
async fn a_follower_that_does_not_read_holds_nobody_up() {
    let gate = Gate::shut();
    let (proxy, upstream) = of_long_answers(&gate, &long_event()).await;
    let (leader, lazy) = (listening(&proxy).await, listening(&proxy).await);
    gate.open();
    assert_long(&rest_of(leader).await);
    assert_long(&rest_of(lazy).await);
    assert_eq!(upstream.count(), 1);
}

#[tokio::test]
async fn an_answer_too_large_to_be_kept_is_whole_for_all_who_keep_up() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk(token("first"))).await?;
        for _ in 0..10 {
            gate.pass().await;
            call.write(chunk(large_event())).await?;
        }
        call.answer([chunk(finish() + DONE), LAST_CHUNK.into()].concat()).await
    });
    let tables = "[cache]\nmemory = \"1MiB\"\ndisk = 0";
    let proxy = cached(&upstream, "true").tables(tables).start().await;
    let mut all = [listening(&proxy).await, listening(&proxy).await, listening(&proxy).await];
    for _ in 0..10 {
        gate.open();
        for (client, _) in &mut all {
            let event = large_event();
            assert_eq!(client.body_bytes(event.len()).await, event.as_bytes());
        }
    }
    for listener in all {
        let response = rest_of(listener).await;
        assert!(response.whole && response.text() == finish() + DONE, "{response:?}");
    }
    assert_eq!(upstream.count(), 1);
}

/// An event of which 1 MiB of memory can hold three, and keep none.
fn large_event() -> String {
    token(&"x".repeat(10_000))
}
