//! Who is let in, and what becomes of keys: checked here, never shown, never passed on.

use crate::support::*;
use sha2::{Digest, Sha256};

const KEY: &str = "sk-canary-caller-8c1f";
const CHAT: &[u8] = br#"{"model":"m"}"#;

fn key_table(alias: &str, key: &str) -> String {
    let hash: String = Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("[[key]]\nalias = \"{alias}\"\nsha256 = \"{hash}\"\n")
}

fn guarded(upstream: &Upstream) -> Setup {
    Setup::to([upstream.url()]).tables(&key_table("team-search", KEY))
}

#[tokio::test]
async fn a_wrong_or_missing_key_is_refused_before_the_body_is_read() {
    let upstream = Upstream::start(serve_well);
    let proxy = guarded(&upstream).start().await;
    let wrong = [("Authorization", "Bearer sk-canary-wrong")];
    for headers in [&wrong[..], &[]] {
        let mut client = proxy.client().await;
        // Promises a body and does not send it.
        client.send(request_head("POST", "/v1/chat/completions", headers, Some(1000))).await;
        let response = client.response().await;
        assert_eq!(response.status, 401);
        let error = response.openai_error();
        assert_eq!(
            (&error["type"], &error["code"]),
            (&"authentication_error".into(), &"invalid_api_key".into())
        );
    }
    assert_eq!(upstream.count(), 0);
    assert!(proxy.settled(2).await.iter().all(|line| line.error_type() == "401"));
}

#[tokio::test]
async fn a_key_opens_every_door_by_any_of_its_headers_and_goes_no_further() {
    let upstream = Upstream::start(serve_well);
    let proxy = guarded(&upstream).start().await;
    let bearer = format!("Bearer {KEY}");
    for header in [("Authorization", &*bearer), ("x-api-key", KEY), ("api-key", KEY)] {
        let mut client = proxy.client().await;
        client.post("/v1/chat/completions", &[header], CHAT).await;
        assert_eq!(client.response().await.status, 200, "{header:?}");
        client.request("GET", "/other", &[header]).await;
        assert_eq!(client.response_to("GET").await.status, 200, "{header:?}");
        client.request("GET", "/v1/models", &[header]).await;
        assert_eq!(client.response_to("GET").await.status, 200, "{header:?}");
    }
    assert_eq!(upstream.count(), 6);
    for request in upstream.requests() {
        assert!(!format!("{:?}", request.head).contains(KEY), "{:?}", request.head);
    }
    assert!(proxy.settled(9).await.iter().all(|line| line.text("key") == "team-search"));
}

#[tokio::test]
async fn other_paths_and_the_model_list_need_a_key_too() {
    let upstream = Upstream::start(serve_well);
    let proxy = guarded(&upstream).start().await;
    let generic = proxy.get("/other").await;
    assert_eq!((generic.status, &generic.json()["code"]), (401, &401.into()));
    assert_eq!(generic.json()["data"]["trace_id"], generic.trace_id());
    assert_eq!(proxy.get("/v1/models").await.status, 401);
    assert_eq!(upstream.count(), 0);
}

#[tokio::test]
async fn without_keys_of_our_own_the_callers_key_goes_to_its_upstream() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[("Authorization", "Bearer theirs")], CHAT).await;
    assert_eq!(client.response().await.status, 200);
    assert_eq!(upstream.only_request().head.header("authorization"), Some("Bearer theirs"));
}

#[tokio::test]
async fn the_upstreams_own_key_takes_the_place_of_the_callers() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()])
        .with("api_key_env = \"UPSTREAM_KEY\"")
        .env("UPSTREAM_KEY", "sk-own")
        .start()
        .await;
    let mut client = proxy.client().await;
    let theirs = [("Authorization", "Bearer theirs"), ("x-api-key", "theirs")];
    client.post("/v1/chat/completions", &theirs, CHAT).await;
    assert_eq!(client.response().await.status, 200);
    client.request("GET", "/other", &theirs).await;
    assert_eq!(client.response_to("GET").await.status, 200);
    for request in upstream.requests() {
        assert_eq!(request.head.all("authorization"), ["Bearer sk-own"]);
        assert_eq!(request.head.header("x-api-key"), None);
    }
}

/// A secret wherever one can be, through good and bad paths.
async fn spread_secrets(proxy: &Proxy) {
    let bearer = format!("Bearer {KEY}");
    let cookie = ("Cookie", "session=sk-canary-cookie");
    let body =
        r#"{"model":"m","user":"sk-canary-body","messages":[{"content":"sk-canary-prompt"}]}"#;
    for path in [
        "/v1/chat/completions",
        "/v1/completions?key=sk-canary-query",
        "/other?token=sk-canary-query",
    ] {
        for key in [&*bearer, "Bearer sk-canary-wrong", "Basic c2stY2FuYXJ5OngK"] {
            for body in [body, &body[..60], &body.replace("\"m\"", "\"broken\"")] {
                let mut client = proxy.client().await;
                client.post(path, &[("Authorization", key), cookie], body.as_bytes()).await;
                client.response().await;
            }
        }
    }
}

#[tokio::test]
async fn no_secret_reaches_log_metrics_or_pages() {
    let gone = Refusing::new();
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        let echo =
            format!("{{\"error\":\"sk-canary-upstream {:?}\"}}", call.head.header("authorization"));
        let status = if call.number.is_multiple_of(2) { 200 } else { 500 };
        call.answer(json_answer(status, &echo)).await
    });
    let proxy = guarded(&upstream)
        .with("api_key_env = \"UPSTREAM_KEY\"")
        .env("UPSTREAM_KEY", "sk-canary-own")
        .upstream("gone", [gone.url()])
        .models(
            "[[model]]\nname = \"m\"\ntargets = [{ upstream = \"u\" }]\n\
             [[model]]\nname = \"broken\"\ntargets = [{ upstream = \"gone\" }]\n",
        )
        .tables("[log]\nlevel = \"debug\"")
        .start()
        .await;
    spread_secrets(&proxy).await;
    proxy.settled(27).await;
    let mut sinks = vec![("log", proxy.raw_log()), ("stderr", proxy.diagnostics())];
    for page in ["/metrics", "/", "/api/v1/overview", "/ready", "/health"] {
        sinks.push((page, proxy.admin_get(page).await.text().to_owned()));
    }
    for (name, text) in sinks {
        for secret in ["canary", "c2stY2FuYXJ5OngK"] {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{name}");
        }
    }
}
