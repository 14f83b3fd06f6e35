//! The page about the cache, as a browser without scripts uses it.

use super::*;

const HTML: Header<'_> = ("Accept", "text/html");
const FORM: Header<'_> = ("Content-Type", "application/x-www-form-urlencoded");

/// A request of a browser to the admin listener.
async fn send(proxy: &Proxy, what: &str, headers: &[Header<'_>], body: &str) -> Response {
    let (method, path) = what.split_once(' ').expect("a method and a path");
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    for (name, value) in headers.iter().chain(&[HTML]) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut client = Client::admin(proxy.admin).await;
    client.send(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())).await;
    client.response_to(method).await
}

/// What stands in the answer between two texts.
fn between<'t>(response: &'t Response, before: &str, after: &str) -> &'t str {
    let (_, rest) = response.text().split_once(before).unwrap_or_else(|| panic!("{response:?}"));
    rest.split(after).next().unwrap_or_default()
}

#[tokio::test]
async fn a_purge_on_the_page_is_asked_about_once_more_and_then_carried_out() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    ask(&proxy, &[], CHAT).await;
    ask_until(&proxy, (&[], CHAT), |answer| answer.header("x-cache") == Some("HIT")).await;
    let page = send(&proxy, "GET /cache", &[], "").await;
    let cookie = page.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let cookie = ("Cookie", cookie.as_str());
    let unclear = send(&proxy, "GET /cache?purge=ask&model=", &[cookie], "").await;
    assert!(unclear.text().contains("Say what:"), "{}", unclear.text());
    let sure = send(&proxy, "GET /cache?purge=ask&model=m&everything=yes", &[cookie], "").await;
    assert!(sure.text().contains("the answers of model m"), "the narrower of two wishes");
    assert_eq!(upstream.count(), 1, "a question changes nothing");
    ask_until(&proxy, (&[], CHAT), |answer| answer.header("x-cache") == Some("HIT")).await;
    let csrf = between(&sure, "name=\"csrf\" value=\"", "\"");
    let unsigned = send(&proxy, "POST /cache/purge", &[FORM, cookie], "model=m").await;
    assert_eq!(unsigned.status, 403);
    let signed = format!("csrf={csrf}&model=m");
    let purged = send(&proxy, "POST /cache/purge", &[FORM, cookie], &signed).await;
    let there = purged.header("location").unwrap_or_default();
    assert!(purged.status == 303 && there.starts_with("/cache?memory=1&"), "{there}");
    let told = send(&proxy, "GET /cache?memory=1&complete=1", &[cookie], "").await;
    assert!(told.text().contains("Forgotten: memory 1."), "{}", told.text());
    assert_eq!(ask_again(&proxy, &[], CHAT).await.header("x-cache"), Some("MISS"));
    let audit = proxy.admin_get("/api/v1/audit").await.json();
    assert_eq!(audit["events"][0]["action"], "cache_purge");
}

#[tokio::test]
async fn the_page_shows_what_each_model_gets_out_of_its_cache() {
    let upstream = Upstream::start(serve_numbered);
    let models = model("m", "true") + &model("other", "false");
    let proxy = cached(&upstream, "true").models(&models).start().await;
    ask(&proxy, &[], CHAT).await;
    ask_until(&proxy, (&[], CHAT), |answer| answer.header("x-cache") == Some("HIT")).await;
    ask(&proxy, &[("x-transom-cache", "off")], CHAT).await;
    let deadline = Instant::now() + PATIENCE;
    let shown = loop {
        let shown = proxy.admin_get("/cache.json").await.json();
        if shown["models"][0]["bypassed"] == 1 {
            break shown;
        }
        assert!(Instant::now() < deadline, "{shown}");
    };
    let rows = shown["models"].as_array().unwrap();
    assert_eq!((rows.len(), rows[0]["model"].as_str()), (1, Some("m")));
    let answered = rows[0]["answered"].as_u64().unwrap();
    assert!(answered >= 1 && rows[0]["requests"] == rows[0]["answered"].as_u64().unwrap() + 2);
    assert_eq!(rows[0]["missed"], 1);
    assert_eq!(shown["stats"]["bypassed"]["asked"], 1);
    assert_eq!(shown["stats"]["tiers"][0]["entries"], 1);
    let page = proxy.admin_get("/cache").await;
    assert!(page.text().contains("The cache had ") && page.text().contains("bypass: "));
}

#[tokio::test]
async fn other_caches_are_tried_on_what_was_captured() {
    let upstream = Upstream::start(serve_numbered);
    let data = Home::new();
    let proxy = Setup::to([upstream.url()])
        .server(&format!("data_dir = {:?}", data.path()))
        .tables("[capture]\nmodels = [\"*\"]\n")
        .start()
        .await;
    let before = proxy.admin_get("/cache/what-if").await;
    assert!(before.text().contains("Nothing was captured"), "{}", before.text());
    for _ in 0..4 {
        ask(&proxy, &[], CHAT).await;
    }
    assert_eq!(upstream.count(), 4, "there is no cache");
    let deadline = Instant::now() + PATIENCE;
    let shown = loop {
        let shown = proxy.admin_get("/cache/what-if.json?window=15m").await.json();
        if shown["findings"]["requests"] == 4 {
            break shown;
        }
        assert!(Instant::now() < deadline, "{shown}");
    };
    let cells = shown["findings"]["cells"].as_array().unwrap();
    let all = cells.iter().find(|it| it["scope"] == "global" && it["ttl_seconds"] == 3600.0);
    assert_eq!((cells.len(), &all.unwrap()["hits"]), (9, &3.into()));
    let page = proxy.admin_get("/cache/what-if").await;
    assert!(page.text().contains("would have answered 75 % of 4 requests"), "{}", page.text());
    let earlier = "/cache/what-if.json?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z";
    assert_eq!(proxy.admin_get(earlier).await.json()["findings"]["requests"], 0);
}
