//! Bodies longer than what is kept, and more of them than there is room for.

use super::*;

/// A plain answer with so many bytes of text.
async fn serve_long(length: usize, call: Call) -> std::io::Result<After> {
    call.answer(json_answer(200, &chat_body().replace("Hello", &"long ".repeat(length / 5)))).await
}

/// What was kept of a body, and how long it was.
fn cut(content: &Content) -> (&[u8], u64) {
    let Content::Cut { kept, length, .. } = content else { panic!("not cut: {content:?}") };
    (kept, *length)
}

#[tokio::test]
async fn of_a_long_body_the_beginning_and_the_length_are_kept() {
    let data = Home::new();
    let upstream = Upstream::sharing(&5_000, serve_long);
    let proxy = capturing(&data, &upstream, "body = \"1KiB\"").start().await;
    let body = saying(&"\u{e9}".repeat(3_000));
    let response = proxy.chat(&body).await;
    let same = proxy.chat(&body).await;
    assert_eq!(response.body, same.body);
    stop(proxy).await;
    let all = exchanges(&data);
    for exchange in &all {
        let (kept, length) = cut(&exchange.request.body);
        assert!((1_020..=1_024).contains(&kept.len()) && body.as_bytes().starts_with(kept));
        assert!(std::str::from_utf8(kept).is_ok(), "no character is cut in two");
        assert_eq!(length, body.len() as u64);
        let answer = exchange.answer.as_ref().unwrap();
        let (kept, length) = cut(&answer.message.body);
        assert!(kept.len() == 1_024 && response.body.starts_with(kept));
        assert_eq!((length, answer.bytes), (response.body.len() as u64, Some(length)));
    }
    // What was cut off can still be told to be the same.
    assert_eq!(all[0].request, all[1].request);
}

#[tokio::test]
async fn an_answer_too_long_to_be_collected_is_cut_as_well() {
    const LENGTH: usize = 17 << 20;
    let data = Home::new();
    let upstream = Upstream::sharing(&LENGTH, serve_long);
    let proxy = capturing(&data, &upstream, "body = \"1KiB\"").start().await;
    let response = proxy.chat(CHAT).await;
    assert!(response.whole && response.body.len() >= LENGTH, "{}", response.body.len());
    proxy.settled(1).await;
    results(&proxy, "written", 1).await;
    stop(proxy).await;
    let answer = only_exchange(&data).answer.unwrap();
    let (kept, length) = cut(&answer.message.body);
    assert!(kept.len() <= 1_024 && response.body.starts_with(kept), "{} bytes", kept.len());
    assert_eq!((length, answer.bytes), (response.body.len() as u64, Some(length)));
}

#[tokio::test]
async fn where_there_is_no_room_requests_go_on_and_are_counted() {
    let data = Home::new();
    let upstream = Upstream::start(|mut call| async move {
        let body = call.body().await?;
        let is_long = String::from_utf8_lossy(&body).contains("long answer");
        serve_long(if is_long { 1 << 20 } else { 5 }, call).await
    });
    let proxy = capturing(&data, &upstream, "queue = \"1MiB\"").start().await;
    let long_question = proxy.chat(&saying(&"why ".repeat(1 << 18))).await;
    assert_eq!((long_question.status, long_question.whole), (200, true));
    results(&proxy, "queue_full", 1).await;
    let long_answer = proxy.chat(&saying("long answer")).await;
    assert!(long_answer.whole && long_answer.body.len() > 1 << 20);
    results(&proxy, "queue_full", 2).await;
    // What was held for them has been given back.
    for _ in 0..3 {
        proxy.chat(CHAT).await;
    }
    let metrics = results(&proxy, "written", 3).await;
    assert_eq!(metrics.sum("transom_capture_bytes", &[("place", "queue")]), 0.0);
    assert!(metrics.sum("transom_capture_bytes", &[("place", "disk")]) > 0.0);
    stop(proxy).await;
    assert_eq!(exchanges(&data).len(), 3);
}

#[tokio::test]
async fn chats_under_way_share_the_room_there_is() {
    let (data, gate) = (Home::new(), Gate::shut());
    let upstream = Upstream::sharing(&gate, |gate, mut call| async move {
        call.body().await?;
        gate.pass().await;
        call.answer(chat_answer()).await
    });
    let proxy = capturing(&data, &upstream, "queue = \"1MiB\"").start().await;
    let body = saying(&"why ".repeat(100_000));
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = proxy.client().await;
        client.post("/v1/chat/completions", &[], body.as_bytes()).await;
        clients.push(client);
    }
    // Two of 400 kB fit beside one another, and no more.
    results(&proxy, "queue_full", 2).await;
    gate.open_wide();
    for mut client in clients {
        assert_eq!(client.response().await.status, 200);
    }
    results(&proxy, "written", 2).await;
    stop(proxy).await;
    assert!(exchanges(&data).iter().all(|one| whole(&one.request.body) == body.as_bytes()));
}
