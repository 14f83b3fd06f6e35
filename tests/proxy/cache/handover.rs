//! Equal questions at the same time: nobody suffers from what becomes of another.

use super::shared::{in_two_parts, listening, rest_of, serve_in_two_parts};
use super::*;
use futures_util::future::join_all;
use std::time::Duration;

#[tokio::test]
async fn when_the_leaders_client_leaves_the_others_finish_and_the_answer_is_kept() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        for event in [token("first"), token("second"), token("third"), finish() + DONE] {
            call.write(chunk(event)).await?;
            gate.pass().await;
        }
        call.answer(LAST_CHUNK).await
    });
    let proxy = cached(&upstream, "true").start().await;
    let leader = listening(&proxy).await;
    let mut followers = [listening(&proxy).await, listening(&proxy).await];
    drop(leader);
    // By the third event the proxy has found out that nobody takes the second one.
    for text in ["second", "third"] {
        gate.open();
        for (follower, _) in &mut followers {
            let event = token(text);
            assert_eq!(follower.body_bytes(event.len()).await, event.as_bytes());
        }
    }
    gate.open_wide();
    for follower in followers {
        let response = rest_of(follower).await;
        assert!(response.whole && response.text() == finish() + DONE, "{response:?}");
    }
    let again = ask_again(&proxy, &[], STREAM).await;
    assert_hit(&again);
    let events = [token("first"), token("second"), token("third"), finish(), DONE.to_owned()];
    assert_eq!(again.text(), events.concat());
    assert_eq!(upstream.count(), 1);
    let lines = proxy.settled(4).await;
    let left = lines.iter().filter(|line| line.outcome() == "client_cancelled");
    assert_eq!(left.map(|line| line.text("cache")).collect::<Vec<_>>(), ["miss"], "{lines:?}");
    let counted = lines.iter().filter(|line| line.outcome() == "success").count();
    assert_eq!(counted, 3, "{lines:?}");
}

#[tokio::test]
async fn when_everybody_has_left_the_upstream_is_left_too_and_nothing_is_kept() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk(token("first"))).await?;
        if call.number == 0 {
            return call.until_closed().await;
        }
        gate.pass().await;
        call.write(chunk(token("second"))).await?;
        call.answer([chunk(finish() + DONE), LAST_CHUNK.into()].concat()).await
    });
    let proxy = cached(&upstream, "true").start().await;
    let all = [listening(&proxy).await, listening(&proxy).await];
    assert_eq!(upstream.count(), 1);
    drop(all);
    upstream.saw_closed(1).await;
    let lines = proxy.settled(2).await;
    assert!(lines.iter().all(|line| line.outcome() == "client_cancelled"), "{lines:?}");
    gate.open();
    assert_miss(&ask(&proxy, &[], STREAM).await);
    assert_eq!(upstream.count(), 2);
}

#[tokio::test]
async fn a_follower_that_leaves_disturbs_nobody() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, serve_in_two_parts);
    let proxy = cached(&upstream, "true").start().await;
    let (leader, follower) = (listening(&proxy).await, listening(&proxy).await);
    drop(listening(&proxy).await);
    in_flight(&proxy, 2).await;
    gate.open();
    for listener in [leader, follower] {
        assert_eq!(token("first") + rest_of(listener).await.text(), in_two_parts());
    }
    assert_hit(&ask_again(&proxy, &[], STREAM).await);
}

#[tokio::test]
async fn a_leader_that_fails_before_its_head_fails_alone_and_a_follower_takes_over() {
    for failure in ["status", "reset", "garbage"] {
        let gate = Gate::shut();
        let upstream = Upstream::sharing(&gate, move |gate, mut call| async move {
            if call.number > 0 {
                return serve_numbered(call).await;
            }
            call.body().await?;
            gate.pass().await;
            match failure {
                "status" => call.answer(json_answer(503, "{}")).await,
                "reset" => call.reset(),
                _ => {
                    call.write("garbage\r\n\r\n").await?;
                    call.close()
                }
            }
        });
        let proxy = cached(&upstream, "true").start().await;
        let mut leader = proxy.client().await;
        leader.post("/v1/chat/completions", &[], STREAM.as_bytes()).await;
        upstream.got(1).await;
        let followers = join_all((0..8).map(|_| ask(&proxy, &[], STREAM)));
        let failed = async {
            in_flight(&proxy, 9).await;
            gate.open();
            leader.response().await.status
        };
        let (answers, status) = tokio::join!(followers, failed);
        assert_eq!(status, if failure == "status" { 503 } else { 502 }, "{failure}");
        for answer in answers {
            assert!(answer.whole && answer.status == 200, "{failure}: {answer:?}");
            assert_eq!(answer.text(), numbered(STREAM, 1), "{failure}");
        }
        assert_eq!(upstream.count(), 2, "{failure}");
    }
}

#[tokio::test]
async fn when_the_leaders_client_leaves_before_the_head_a_follower_gets_the_answer() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, call| async move {
        gate.pass().await;
        serve_numbered(call).await
    });
    let proxy = cached(&upstream, "true").start().await;
    let mut leader = proxy.client().await;
    leader.post("/v1/chat/completions", &[], CHAT.as_bytes()).await;
    upstream.got(1).await;
    let follower = ask(&proxy, &[], CHAT);
    let left = async {
        in_flight(&proxy, 2).await;
        drop(leader);
        in_flight(&proxy, 1).await;
        gate.open_wide();
    };
    let (answer, ()) = tokio::join!(follower, left);
    assert!(answer.whole && answer.status == 200, "{answer:?}");
    assert!(upstream.count() <= 2, "{}", upstream.count());
}

#[tokio::test]
async fn a_leader_cut_off_midway_leaves_all_with_a_broken_stream_and_nothing_is_kept() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk(token("first"))).await?;
        gate.pass().await;
        call.close()
    });
    let proxy = cached(&upstream, "true").start().await;
    let all = [listening(&proxy).await, listening(&proxy).await, listening(&proxy).await];
    gate.open();
    for listener in all {
        let response = rest_of(listener).await;
        assert!(!response.whole && !response.text().contains("[DONE]"), "{response:?}");
        assert!(response.text().contains("stream_truncated"), "{response:?}");
    }
    let lines = proxy.settled(3).await;
    assert!(lines.iter().all(|line| line.outcome() == "stream_truncated"), "{lines:?}");
    gate.open();
    assert_ne!(x_cache(&ask(&proxy, &[], STREAM).await), "HIT");
    assert_eq!(upstream.count(), 2);
}

#[tokio::test]
async fn a_refusal_of_the_question_reaches_all_who_asked_it_soon() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, call| async move {
        gate.pass().await;
        call.delay(Duration::from_millis(50)).await;
        call.answer(json_answer(400, "{}")).await
    });
    let proxy = cached(&upstream, "true").start().await;
    let asked = join_all((0..40).map(|_| ask(&proxy, &[], CHAT)));
    let opened = async {
        in_flight(&proxy, 40).await;
        gate.open_wide();
        Instant::now()
    };
    let (answers, opened) = tokio::join!(asked, opened);
    assert!(answers.iter().all(|answer| answer.status == 400), "{answers:?}");
    assert!(
        opened.elapsed() < Duration::from_secs(1),
        "one after the other: {:?}",
        opened.elapsed()
    );
}
