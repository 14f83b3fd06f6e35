//! Who shares answers with whom: only the operator widens it.

use super::*;
use futures_util::future::join_all;

const SK: [&str; 4] = ["Bearer sk-1", "Bearer sk-2", "Bearer sk-3", "Bearer sk-4"];

/// Two keys of one tenant, one of another, and one of none.
fn keys() -> String {
    [
        key_table("one", "sk-1", Some("search")),
        key_table("two", "sk-2", Some("search")),
        key_table("three", "sk-3", Some("shop")),
        key_table("four", "sk-4", None),
    ]
    .concat()
}

async fn by_key(upstream: &Upstream, cache: &str) -> Proxy {
    cached(upstream, cache).tables(&keys()).start().await
}

/// What the cache says to the holder of this key.
async fn told(proxy: &Proxy, key: &str) -> String {
    let response = ask_again(proxy, &[("Authorization", key)], CHAT).await;
    assert_eq!(response.status, 200, "{response:?}");
    x_cache(&response).to_owned()
}

#[tokio::test]
async fn each_key_has_its_own_answers_unless_the_operator_says_otherwise() {
    let upstream = Upstream::start(serve_numbered);
    for cache in ["true", r#"{ scope = "key" }"#] {
        let proxy = by_key(&upstream, cache).await;
        for key in SK {
            assert_eq!(told(&proxy, key).await, "MISS", "{key}");
            assert_eq!(told(&proxy, key).await, "HIT", "{key}");
        }
    }
    assert_eq!(upstream.count(), 2 * SK.len());
}

#[tokio::test]
async fn the_same_key_in_another_header_is_the_same_caller() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = by_key(&upstream, "true").await;
    assert_eq!(told(&proxy, SK[0]).await, "MISS");
    for header in [("x-api-key", "sk-1"), ("api-key", "sk-1"), ("authorization", "bearer sk-1")] {
        assert_hit(&ask_again(&proxy, &[header], CHAT).await);
    }
}

#[tokio::test]
async fn keys_of_one_tenant_share_and_a_key_without_one_is_alone() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = by_key(&upstream, r#"{ scope = "tenant" }"#).await;
    for (key, word) in SK.into_iter().zip(["MISS", "HIT", "MISS", "MISS"]) {
        assert_eq!(told(&proxy, key).await, word, "{key}");
    }
    assert_eq!(upstream.count(), 3);
    let lines = proxy.settled(4).await;
    assert_eq!((lines[1].text("key"), lines[1].text("cache")), ("two", "hit"));
}

#[tokio::test]
async fn all_keys_share_where_the_operator_says_so() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = by_key(&upstream, r#"{ scope = "global" }"#).await;
    for (key, word) in SK.into_iter().zip(["MISS", "HIT", "HIT", "HIT"]) {
        assert_eq!(told(&proxy, key).await, word, "{key}");
    }
    assert_eq!(told_status(&proxy, "Bearer sk-5").await, 401, "but nobody without a key");
}

async fn told_status(proxy: &Proxy, key: &str) -> u16 {
    ask(proxy, &[("Authorization", key)], CHAT).await.status
}

#[tokio::test]
async fn on_an_open_proxy_another_credential_never_gets_the_answer() {
    let upstream = Upstream::start(serve_numbered);
    for scope in ["key", "global"] {
        let proxy = cached(&upstream, &format!("{{ scope = \"{scope}\" }}")).start().await;
        let callers: [&[Header<'_>]; 5] = [
            &[("Authorization", "Bearer theirs")],
            &[("Authorization", "Bearer others")],
            &[("x-api-key", "theirs")],
            &[("Authorization", "Bearer theirs"), ("x-api-key", "more")],
            &[],
        ];
        for headers in callers {
            assert_miss(&ask_again(&proxy, headers, CHAT).await);
            assert_hit(&ask_again(&proxy, headers, CHAT).await);
        }
    }
    assert_eq!(upstream.count(), 10);
}

#[tokio::test]
async fn callers_that_share_no_answers_share_no_exchange_either() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, call| async move {
        gate.pass().await;
        serve_numbered(call).await
    });
    let proxy = by_key(&upstream, r#"{ scope = "tenant" }"#).await;
    let told = join_all(SK.map(|key| {
        let proxy = &proxy;
        async move { ask(proxy, &[("Authorization", key)], STREAM).await }
    }));
    let opened = async {
        in_flight(&proxy, SK.len()).await;
        upstream.got(3).await;
        gate.open_wide();
    };
    let (answers, ()) = tokio::join!(told, opened);
    assert_eq!(upstream.count(), 3, "the two keys of one tenant share");
    assert_eq!(answers[0].text(), answers[1].text());
    let others = [&answers[0], &answers[2], &answers[3]].map(Response::text);
    assert!(others[0] != others[1] && others[1] != others[2] && others[0] != others[2]);
}

#[tokio::test]
async fn the_credential_of_one_who_hits_never_reaches_the_upstream_and_none_is_kept() {
    let upstream = Upstream::start(serve_numbered);
    let data = Home::new();
    let line = format!("data_dir = {:?}", data.path());
    let mut proxy = cached(&upstream, "true").server(&line).start().await;
    let headers = [("Authorization", "Bearer sk-canary-4e1b"), ("Cookie", "s=canary-cookie")];
    for _ in 0..2 {
        ask_again(&proxy, &headers, CHAT).await;
    }
    assert_eq!(upstream.count(), 1);
    proxy.terminate();
    assert!(proxy.exited().await.success());
    for file in files_below(data.path()) {
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes.windows(6).any(|window| window == b"canary");
        assert!(!found, "{file:?} holds a credential");
    }
}
