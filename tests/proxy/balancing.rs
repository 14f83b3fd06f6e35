//! Which endpoint gets a request, and what happens when it cannot be reached.

use crate::support::*;
use futures_util::future::join_all;

const CHAT: &str = r#"{"model":"m"}"#;

#[tokio::test]
async fn a_dead_endpoint_costs_no_caller_an_error() {
    let (dead, alive) = (Refusing::new(), Upstream::start(serve_well));
    for balance in ["p2c_tokens", "round_robin"] {
        let setup = Setup::to([dead.url(), alive.url()]).with(&format!("balance = \"{balance}\""));
        let proxy = setup.start().await;
        let before = alive.count();
        let mut client = proxy.client().await;
        for _ in 0..100 {
            client.post("/v1/chat/completions", &[], CHAT.as_bytes()).await;
            assert_eq!(client.response().await.status, 200);
        }
        assert_eq!(alive.count() - before, 100);
        let lines = proxy.settled(100).await;
        let attempts: u64 = lines.iter().map(|line| line.count("attempts")).sum();
        let metrics = proxy.metrics().await;
        let retries = metrics.sum("transom_retries_total", &[("reason", "connect_refused")]);
        assert!(retries > 10.0, "{balance}: {retries}");
        assert_eq!(retries, attempts as f64 - 100.0);
        let refused = [("upstream", "u"), ("result", "connect_refused")];
        assert_eq!(metrics.sum("transom_upstream_attempts_total", &refused), retries);
        let good = [("upstream", "u"), ("result", "success")];
        assert_eq!(metrics.sum("transom_upstream_attempts_total", &good), 100.0);
        assert_eq!(metrics.sum("request_errors_total", &[]), 0.0);
    }
}

#[tokio::test]
async fn a_black_hole_is_left_within_the_connect_timeout() {
    let (hole, alive) = (BlackHole::new().await, Upstream::start(serve_well));
    let proxy = Setup::to([hole.url(), alive.url()])
        .with("balance = \"round_robin\"\ntimeouts = { connect = \"200ms\" }")
        .start()
        .await;
    for _ in 0..4 {
        assert_eq!(proxy.chat(CHAT).await.status, 200);
    }
    proxy.settled(4).await;
    let metrics = proxy.metrics().await;
    assert!(metrics.sum("transom_retries_total", &[("reason", "timeout_connect")]) >= 1.0);
}

#[tokio::test]
async fn when_all_endpoints_are_dead_the_caller_is_told_once() {
    let (one, two) = (Refusing::new(), Refusing::new());
    let proxy = Setup::to([one.url(), two.url()]).start().await;
    let response = proxy.chat(CHAT).await;
    assert_eq!(
        (response.status, &response.openai_error()["code"]),
        (502, &"connect_refused".into())
    );
    let line = proxy.only_line().await;
    assert_eq!((line.outcome(), line.error_type()), ("upstream_error", "connect_refused"));
    assert_eq!(line.count("attempts"), 2);
    let metrics = proxy.metrics().await;
    assert_eq!(metrics.sum("request_errors_total", &[]), 1.0);
    assert_eq!(metrics.sum("transom_retries_total", &[]), 1.0);
}

#[tokio::test]
async fn the_only_endpoint_is_not_asked_twice() {
    let dead = Refusing::new();
    let proxy = Setup::to([dead.url()]).start().await;
    assert_eq!(proxy.chat(CHAT).await.status, 502);
    assert_eq!(proxy.only_line().await.count("attempts"), 1);
    assert_eq!(proxy.metrics().await.sum("transom_retries_total", &[]), 0.0);
}

#[tokio::test]
async fn the_upstreams_own_errors_are_passed_on_and_not_retried() {
    let answer = || {
        Upstream::start(
            |call| async move { call.answer(json_answer(503, r#"{"error":"busy"}"#)).await },
        )
    };
    let (one, two) = (answer(), answer());
    let proxy = Setup::to([one.url(), two.url()]).start().await;
    let response = proxy.chat(CHAT).await;
    assert_eq!((response.status, response.text()), (503, r#"{"error":"busy"}"#));
    response.trace_id();
    assert_eq!(one.count() + two.count(), 1);
    assert_eq!(proxy.only_line().await.error_type(), "503");
}

#[tokio::test]
async fn round_robin_gives_each_endpoint_its_turn() {
    let upstreams: Vec<_> = (0..3).map(|_| Upstream::start(serve_well)).collect();
    let urls = upstreams.iter().map(Upstream::url);
    let proxy = Setup::to(urls).with("balance = \"round_robin\"").start().await;
    for _ in 0..10 {
        join_all((0..3).map(|_| proxy.chat(CHAT))).await;
    }
    let counts: Vec<_> = upstreams.iter().map(Upstream::count).collect();
    assert_eq!(counts, [10, 10, 10]);
}

#[tokio::test]
async fn two_choices_leave_a_busy_endpoint_alone() {
    let gate = Gate::shut();
    let start = || {
        Upstream::sharing(&gate, |gate, mut call| async move {
            if call.body().await?.len() > 10_000 {
                gate.pass().await;
            }
            call.answer(chat_answer()).await
        })
    };
    let (one, two) = (start(), start());
    let proxy = Setup::to([one.url(), two.url()]).with("balance = \"p2c_tokens\"").start().await;
    let long = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"{}"}}]}}"#,
        "word ".repeat(10_000)
    );
    let mut busy = proxy.client().await;
    busy.post("/v1/chat/completions", &[], long.as_bytes()).await;
    until("the long one arrives", || one.count() + two.count() == 1).await;
    let (loaded, idle) = if one.count() == 1 { (&one, &two) } else { (&two, &one) };
    for _ in 0..30 {
        assert_eq!(proxy.chat(CHAT).await.status, 200);
    }
    assert_eq!((loaded.count(), idle.count()), (1, 30));
    gate.open();
    assert_eq!(busy.response().await.status, 200);
}

#[tokio::test]
async fn an_upstream_that_comes_back_is_used_again_without_a_restart() {
    let away = Refusing::new();
    let proxy = Setup::to([away.url()]).start().await;
    assert_eq!(proxy.chat(CHAT).await.status, 502);
    let listener = away.listen();
    let answering = async {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut wire = Wire::new(stream);
            let Ok(Some(head)) = wire.head().await else { continue };
            let length = head.length().unwrap_or(0);
            wire.exactly(length).await.unwrap();
            wire.write(
                chat_answer().replace("\r\nContent-Type", "\r\nConnection: close\r\nContent-Type"),
            )
            .await
            .unwrap();
        }
    };
    tokio::select! {
        () = answering => {}
        response = proxy.chat(CHAT) => assert_eq!(response.status, 200),
    }
}
