//! Requests that the cache has no part in, and models that have no cache.

use super::*;

/// That all of `bodies` go past the cache, twice each.
async fn assert_all_bypass(proxy: &Proxy, reason: &str, bodies: &[String]) {
    for body in bodies {
        for _ in 0..2 {
            assert_bypass(&ask_again(proxy, &[], body).await, reason);
        }
    }
    let expected = 2.0 * bodies.len() as f64;
    let counted = |metrics: &Metrics| {
        metrics.sum("transom_cache_bypass_total", &[("reason", reason)]) == expected
    };
    proxy.metrics_when("bypasses counted", counted).await;
}

fn with(member: &str) -> String {
    CHAT.replace("\"model\"", &format!("{member},\"model\""))
}

#[tokio::test]
async fn a_model_without_a_cache_says_nothing_of_one() {
    let upstream = Upstream::start(serve_numbered);
    let tables = model("m", "true")
        + &model("plain", "false")
        + "[[model]]\nname = \"bare\"\ntargets = [{ upstream = \"u\" }]\n";
    let proxy = Setup::to([upstream.url()]).models(&tables).start().await;
    for name in ["plain", "bare"] {
        let body = CHAT.replace("\"m\"", &format!("\"{name}\""));
        for headers in [&[][..], &[("x-transom-cache", "on")], &[("Cache-Control", "max-age=9")]] {
            let response = ask_again(&proxy, headers, &body).await;
            assert_eq!(response.status, 200, "{response:?}");
            for header in ["x-cache", "cache-status", "age"] {
                assert_eq!(response.header(header), None, "{header}");
            }
        }
    }
    assert_eq!(upstream.count(), 6);
    let lines = proxy.settled(6).await;
    assert!(lines.iter().all(|line| line.text("cache") == "none"), "{lines:?}");
    let metrics = proxy.metrics().await;
    assert_eq!(metrics.sum("transom_requests_total", &[("cache", "none")]), 6.0);
    assert_eq!(metrics.sum("transom_cache_requests_total", &[]), 0.0);
}

#[tokio::test]
async fn models_may_be_cached_by_the_pattern_of_their_names() {
    let upstream = Upstream::start(serve_numbered);
    let bare = |name| format!("[[model]]\nname = \"{name}\"\ntargets = [{{ upstream = \"u\" }}]\n");
    let tables = bare("chat-a") + &bare("other") + &model("chat-b", "false");
    let setup = Setup::to([upstream.url()]).models(&tables);
    let proxy = setup.tables("[cache]\nmodels = [\"chat-*\"]").start().await;
    for (name, words) in [("chat-a", ["MISS", "HIT"]), ("other", [""; 2]), ("chat-b", [""; 2])] {
        let body = CHAT.replace("\"m\"", &format!("\"{name}\""));
        for word in words {
            assert_eq!(x_cache(&ask_again(&proxy, &[], &body).await), word, "{name}");
        }
    }
}

#[tokio::test]
async fn models_found_at_an_upstream_are_cached_by_pattern_too() {
    let traits = Traits { models: &["found"], ..Traits::default() };
    let upstream = Upstream::with(traits, serve_numbered);
    let setup = Setup::to([upstream.url()]).models("").tables("[cache]\nmodels = [\"*\"]");
    let proxy = setup.start().await;
    let body = CHAT.replace("\"m\"", "\"found\"");
    assert_miss(&ask_again(&proxy, &[], &body).await);
    assert_hit(&ask_again(&proxy, &[], &body).await);
}

#[tokio::test]
async fn what_is_stored_or_continued_at_the_upstream_is_not_cached() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    let members = [
        r#""store":true"#,
        r#""background":true"#,
        r#""previous_response_id":"r-1""#,
        r#""conversation":"c-1""#,
    ];
    assert_all_bypass(&proxy, "stateful", &members.map(with)).await;
    // The same, said to be off, is cached.
    assert_miss(&ask_again(&proxy, &[], &with(r#""store":false"#)).await);
    assert_hit(&ask_again(&proxy, &[], &with(r#""store":false"#)).await);
}

#[tokio::test]
async fn what_uses_tools_of_the_upstreams_own_is_not_cached() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    let members = [
        r#""web_search_options":{}"#,
        r#""tools":[{"type":"web_search"}]"#,
        r#""tools":[{"type":"function","function":{"name":"f"}},{"type":"mcp"}]"#,
    ];
    assert_all_bypass(&proxy, "server_tools", &members.map(with)).await;
    let own = with(r#""tools":[{"type":"function","function":{"name":"f"}}]"#);
    assert_miss(&ask_again(&proxy, &[], &own).await);
    assert_hit(&ask_again(&proxy, &[], &own).await);
}

#[tokio::test]
async fn a_body_that_two_readers_may_read_differently_is_not_cached() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    let bodies =
        [with(r#""temperature":0"#), with(r#""extra":{"a":1,"a":2}"#), with(r#""extra":"\ud800""#)];
    assert_all_bypass(&proxy, "ambiguous", &bodies).await;
}

#[tokio::test]
async fn a_bypass_goes_on_as_if_there_were_no_cache() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    let body = STREAM.replace(r#""temperature":0,"#, "");
    let first = ask_again(&proxy, &[], &body).await;
    assert_eq!(first.text(), numbered(STREAM, 0));
    assert_eq!(ask_again(&proxy, &[], &body).await.text(), numbered(STREAM, 1));
    let lines = proxy.settled(2).await;
    for line in &lines {
        assert_eq!((line.text("cache"), line.text("cache_tier")), ("bypass", ""));
        assert_eq!(line.count("attempts"), 1);
    }
    let metrics = proxy.metrics().await;
    assert_eq!(metrics.sum("transom_requests_total", &[("cache", "bypass")]), 2.0);
    assert_eq!(metrics.sum("transom_cache_not_stored_total", &[]), 0.0);
}

#[tokio::test]
async fn a_route_that_wants_to_be_asked_caches_only_for_those_who_ask() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, r#"{ when = "asked" }"#).start().await;
    for _ in 0..2 {
        assert_bypass(&ask_again(&proxy, &[], CHAT).await, "not_asked");
    }
    let on = [("x-transom-cache", "on")];
    assert_miss(&ask_again(&proxy, &on, CHAT).await);
    assert_hit(&ask_again(&proxy, &on, CHAT).await);
    let in_body = with(r#""cache":{"use-cache":true}"#);
    assert_hit(&ask_again(&proxy, &[], &in_body).await);
    assert_bypass(&ask_again(&proxy, &[], CHAT).await, "not_asked");
}

#[tokio::test]
async fn errors_of_the_proxys_own_say_nothing_of_the_cache() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    for (body, status) in [("{", 400), (r#"{"model":"unknown","temperature":0}"#, 404)] {
        let response = ask_again(&proxy, &[], body).await;
        assert_eq!((response.status, response.header("x-cache")), (status, None));
        response.openai_error();
    }
    assert_eq!(upstream.count(), 0);
}
