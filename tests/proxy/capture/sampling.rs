//! Which exchanges are written down.

use super::*;
use std::collections::BTreeMap;
use transom::capture::CaptureMode;
use transom::types::Outcome;

/// Fails where it is asked to.
async fn serve_or_fail(mut call: Call) -> std::io::Result<After> {
    let body = call.body().await?;
    if String::from_utf8_lossy(&body).contains("fail") {
        return call.answer(json_answer(400, r#"{"error":{"message":"no"}}"#)).await;
    }
    call.answer(chat_answer()).await
}

#[tokio::test]
async fn of_none_only_what_failed_is_kept() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_or_fail));
    let lines = "sample = \"0%\"\nalways = [\"errors\"]";
    let proxy = capturing(&data, &upstream, lines).start().await;
    for text in ["well", "fail", "well", "well", "fail"] {
        proxy.chat(&saying(text)).await;
    }
    results(&proxy, "sampled_out", 3).await;
    results(&proxy, "written", 2).await;
    stop(proxy).await;
    let all = exchanges(&data);
    assert_eq!(all.iter().map(asked).collect::<Vec<_>>(), ["fail", "fail"]);
    assert!(all.iter().all(|exchange| exchange.outcome == Some(Outcome::ClientError)));
}

#[tokio::test]
async fn of_none_whoever_left_is_kept_where_that_is_asked_for() {
    let data = Home::new();
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk(token("half"))).await?;
        call.until_closed().await
    });
    let models = [
        model("m", r#"capture = { always = ["cancelled"] }"#),
        model("other", r#"capture = { always = ["errors"] }"#),
    ];
    let lines = "sample = \"0%\"";
    let proxy = section(&data, &upstream, lines).models(&models.concat()).start().await;
    for name in ["m", "other"] {
        let body = STREAM.replace("\"m\"", &format!("{name:?}"));
        let mut client = proxy.client().await;
        client.post("/v1/chat/completions", &[], body.as_bytes()).await;
        client.head().await;
        client.body_bytes(token("half").len()).await;
        drop(client);
    }
    proxy.settled(2).await;
    results(&proxy, "sampled_out", 1).await;
    stop(proxy).await;
    let exchange = only_exchange(&data);
    assert_eq!(exchange.outcome, Some(Outcome::ClientCancelled));
    assert_eq!(exchange.call.model.as_deref(), Some("m"));
}

#[tokio::test]
async fn what_took_long_is_kept() {
    let data = Home::new();
    let upstream = Upstream::start(|mut call| async move {
        let body = call.body().await?;
        if String::from_utf8_lossy(&body).contains("slowly") {
            call.delay(std::time::Duration::from_millis(400)).await;
        }
        call.answer(chat_answer()).await
    });
    let lines = "sample = \"0%\"\nalways = []\nslower_than = \"350ms\"";
    let proxy = capturing(&data, &upstream, lines).start().await;
    // The first request of a process may be slow by itself.
    proxy.chat(&saying("slowly")).await;
    let began = Instant::now();
    proxy.chat(&saying("quickly")).await;
    let was_quick = began.elapsed() < std::time::Duration::from_millis(350);
    proxy.settled(2).await;
    stop(proxy).await;
    let kept: Vec<_> = exchanges(&data).iter().map(asked).collect();
    assert_eq!(kept[0], "slowly");
    assert!(kept.len() == 1 || !was_quick, "{kept:?}");
}

#[tokio::test]
async fn conversations_are_kept_or_left_out_as_a_whole() {
    const CONVERSATIONS: usize = 30;
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let lines = "sample = \"50%\"\nalways = []";
    let proxy = capturing(&data, &upstream, lines).start().await;
    let mut client = proxy.client().await;
    for turn in 0..3 {
        for number in 0..CONVERSATIONS {
            // Half of them say who they are; the others are known by how they begin.
            let name = format!("talk-{number}");
            let said = [("X-Session-Id", &*name)];
            let headers: &[Header<'_>] = if number % 2 == 0 { &said } else { &[] };
            let said =
                r#",{"role":"assistant","content":"Yes?"},{"role":"user","content":"And?"}]"#;
            let mut body = saying(&name);
            for _ in 0..turn {
                body = body.replace(']', said);
            }
            client.post("/v1/chat/completions", headers, body.as_bytes()).await;
            assert_eq!(client.response().await.status, 200);
        }
    }
    proxy.settled(3 * CONVERSATIONS).await;
    let mut turns = BTreeMap::<String, Vec<u32>>::new();
    let is_whole = |metrics: &Metrics| {
        of_result(metrics, "sampled_out") + of_result(metrics, "written")
            == (3 * CONVERSATIONS) as f64
    };
    let metrics = proxy.metrics_when("every request accounted for", is_whole).await;
    stop(proxy).await;
    for exchange in exchanges(&data) {
        let session = exchange.session.unwrap();
        turns.entry(session.id).or_default().push(session.turn);
    }
    assert!(turns.values().all(|turns| *turns == [0, 1, 2]), "{turns:#?}");
    // One in two billion draws has all or none.
    assert!((1..CONVERSATIONS).contains(&turns.len()), "{turns:#?}");
    assert_eq!(of_result(&metrics, "written"), (3 * turns.len()) as f64);
}

#[tokio::test]
async fn each_model_is_captured_as_it_says() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let models = [
        model("m", ""),
        model("shape", "capture = \"shape\""),
        model("off", "capture = false"),
        model("cut", "capture = { body = \"16B\", mode = \"full\" }"),
        model("on", "capture = true"),
        model("unnamed", ""),
    ];
    let lines = "models = [\"m\", \"off\"]";
    let proxy = section(&data, &upstream, lines).models(&models.concat()).start().await;
    for name in ["m", "shape", "off", "cut", "on", "unnamed"] {
        let body = CHAT.replace("\"m\"", &format!("{name:?}"));
        assert_eq!(proxy.chat(&body).await.status, 200);
    }
    stop(proxy).await;
    let kept = exchanges(&data).into_iter().map(|exchange| {
        let mode = match &exchange.request.body {
            Content::Shape(_) => CaptureMode::Shape,
            Content::Cut { .. } => CaptureMode::Full,
            _ => CaptureMode::Redacted,
        };
        (exchange.call.model.unwrap(), mode)
    });
    let named = |(name, mode): (&str, CaptureMode)| (name.to_owned(), mode);
    let expected = [
        ("m", CaptureMode::Redacted),
        ("shape", CaptureMode::Shape),
        ("cut", CaptureMode::Full),
        ("on", CaptureMode::Redacted),
    ];
    assert_eq!(kept.collect::<Vec<_>>(), expected.map(named));
}

#[tokio::test]
async fn where_nothing_is_captured_there_is_no_capture() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let data_dir = format!("data_dir = {:?}", data.path());
    let proxy = Setup::to([upstream.url()]).server(&data_dir).start().await;
    proxy.chat(CHAT).await;
    proxy.settled(1).await;
    stop(proxy).await;
    assert!(!captures(&data).exists());
}
