//! Names made up by strangers: they cost no series and break no line.

use crate::support::*;
use futures_util::future::join_all;

async fn ask(client: &mut Client, bodies: &[String]) {
    let request =
        |body: &String| request_head("POST", "/v1/chat/completions", &[], Some(body.len())) + body;
    client.send(bodies.iter().map(request).collect::<String>()).await;
    for _ in bodies {
        assert_eq!(client.response().await.status, 404);
    }
}

#[tokio::test]
async fn ten_thousand_made_up_model_names_add_no_series() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    ask(&mut proxy.client().await, &[r#"{"model":"first"}"#.to_owned()]).await;
    proxy.get("/first").await;
    proxy.settled(2).await;
    let before = proxy.metrics().await;

    let proxy = &proxy;
    let strangers = (0..4).map(|stranger| async move {
        let mut client = proxy.client().await;
        for round in 0..25 {
            let name =
                |n| format!(r#"{{"model":"x-{}-{stranger}-{round}-{n}"}}"#, fastrand::u64(..));
            ask(&mut client, &(0..100).map(name).collect::<Vec<_>>()).await;
        }
        let paths = (0..100).map(|n| format!("/made-up/{}/{n}", fastrand::u64(..)));
        for path in paths {
            client.request("GET", &path, &[]).await;
            assert_eq!(client.response_to("GET").await.status, 200);
        }
    });
    join_all(strangers).await;

    let lines = proxy.settled(10_402).await;
    let after = proxy.metrics().await;
    let new: Vec<_> = after.keys().filter(|key| !before.keys().any(|old| old == *key)).collect();
    assert_eq!((after.count(), new), (before.count(), vec![]));
    let other = [("model", "_other"), ("operation", "chat")];
    assert_eq!(after.sum("transom_requests_total", &other), 10_001.0);
    assert!(lines[5000].text("model_asked").starts_with("x-"), "the log keeps the name");
}

#[tokio::test]
async fn made_up_methods_add_one_series() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    for number in 0..20 {
        client.request(&format!("MADEUP{number}"), "/x", &[("Content-Length", "0")]).await;
        assert_eq!(client.response_to("GET").await.status, 200);
    }
    proxy.settled(20).await;
    let metrics = proxy.metrics().await;
    assert_eq!(metrics.sum("http_requests_total", &[("method", "_OTHER")]), 20.0);
    assert!(!metrics.keys().any(|key| key.contains("MADEUP")));
}

#[tokio::test]
async fn hostile_model_names_cannot_forge_a_line_or_turn_it_around() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let names = [
        r"a\n{\u0022outcome\u0022:\u0022success\u0022}",
        r"\u001b[31mred\u001b[0m",
        "gpt\u{202e}evil\u{2066}\u{200f}",
        "\u{feff}\u{200b}m",
        r"\u0000",
        r"\ud800",
        "<script>alert(1)</script>",
        &"x".repeat(100_000),
    ];
    for name in names {
        let response = proxy.chat(&format!(r#"{{"model":"{name}"}}"#)).await;
        assert!(matches!(response.status, 400 | 404), "{name:.40}: {response:?}");
        response.openai_error();
        assert!(response.body.len() < 2000, "{name:.40}: it is not sent back whole");
        assert!(!has_controls(response.text()), "{name:.40}: {:?}", response.text());
    }
    let lines = proxy.settled(names.len()).await;
    assert!(lines.iter().all(|line| line.outcome() == "client_error"), "{lines:?}");
    assert!(!has_controls(&proxy.raw_log()), "{:?}", proxy.raw_log());
    assert!(proxy.raw_log().lines().all(|line| line.len() < 2000));
}

/// Characters that move a terminal's cursor or turn text around, newlines of lines apart.
fn has_controls(text: &str) -> bool {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().any(|c| (c.is_control() && c != '\n') || turns(c))
}
