//! What other sites can make a browser do, and cannot have done.

use super::*;

#[tokio::test]
async fn a_name_that_was_pointed_here_by_a_stranger_is_not_answered_to() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()])
        .tables("[admin]\nhosts = [\"transom.example.org\"]")
        .start()
        .await;
    let own = proxy.admin.to_string();
    for host in
        [own.as_str(), "localhost:1", "[::1]", "transom.example.org", "Transom.Example.Org:443"]
    {
        assert_eq!(
            send(&proxy, "GET /api/v1/slo", &[("Host", host)], "").await.status,
            200,
            "{host}"
        );
    }
    let rebound = format!("evil.test:{}", proxy.admin.port());
    for path in ["/", "/metrics", "/health", "/assets/style.css", "/none"] {
        let refused = send(&proxy, &format!("GET {path}"), &[("Host", &rebound)], "").await;
        assert_eq!(refused.status, 421, "{path}");
        assert!(refused.text().contains("`hosts`"), "{}", refused.text());
        assert_eq!(refused.header("x-frame-options"), Some("DENY"));
    }
    let absolute = format!("GET http://{rebound}/metrics");
    assert_eq!(send(&proxy, &absolute, &[], "").await.status, 421);
    let twice = [("Host", "localhost"), ("Host", "evil.test")];
    assert!(matches!(send(&proxy, "GET /metrics", &twice, "").await.status, 400 | 421));
}

#[tokio::test]
async fn pages_of_other_sites_change_nothing() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let (purge, own) = ("POST /api/v1/cache/purge", format!("http://{}", proxy.admin));
    for foreign in [
        ("Origin", "http://evil.test"),
        ("Origin", "null"),
        ("Origin", "http://localhost:3000"),
        ("Origin", "https://localhost"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        let refused = send(&proxy, purge, &[JSON, foreign], EVERYTHING).await;
        assert_eq!(refused.status, 403, "{foreign:?}: {refused:?}");
        assert!(refused.json()["error"].as_str().unwrap().contains("another site"));
    }
    let host = proxy.admin.to_string();
    let page = [JSON, ("Host", &host), ("Origin", &own), ("Sec-Fetch-Site", "same-origin")];
    assert_eq!(send(&proxy, purge, &page, EVERYTHING).await.status, 200);
    assert_eq!(send(&proxy, purge, &[JSON], EVERYTHING).await.status, 200, "a program");
    for kind in ["text/plain", "multipart/form-data; boundary=x", ""] {
        let refused = send(&proxy, purge, &[("Content-Type", kind)], EVERYTHING).await;
        assert_eq!(refused.status, 415, "{kind}");
    }
    // Reading is left to the browser, which shows other sites nothing.
    let read = send(&proxy, "GET /api/v1/slo", &[("Origin", "http://evil.test")], "").await;
    assert_eq!((read.status, read.header("access-control-allow-origin")), (200, None));
    let asked = [("Origin", "http://evil.test"), ("Access-Control-Request-Method", "POST")];
    assert_eq!(send(&proxy, "OPTIONS /api/v1/cache/purge", &asked, "").await.status, 405);
}

#[tokio::test]
async fn a_browser_has_to_show_that_the_page_was_ours() {
    let upstream = Upstream::start(serve_well);
    let proxy = with_users(&upstream).await;
    let purge = "POST /api/v1/cache/purge";
    let (session, token) = signed_in(&proxy, OPERATOR).await;
    let (_, other) = signed_in(&proxy, OPERATOR).await;
    let browser = [JSON, ("Cookie", session.as_str())];
    let send = async |more: &[Header<'_>]| {
        send(&proxy, purge, &[&browser, more].concat(), EVERYTHING).await.status
    };
    assert_eq!(send(&[]).await, 403, "nothing");
    assert_eq!(send(&[("X-Csrf-Token", "0")]).await, 403, "no token");
    assert_eq!(send(&[("X-Csrf-Token", &other)]).await, 403, "of another session");
    assert_eq!(send(&[("X-Csrf-Token", &token)]).await, 200);
    assert_eq!(send(&[("Origin", "http://localhost")]).await, 200);
    assert_eq!(send(&[("X-Csrf-Token", &other), ("Origin", "http://localhost")]).await, 403);
}

#[tokio::test]
async fn a_form_without_its_token_is_not_taken() {
    let upstream = Upstream::start(serve_well);
    let proxy = with_users(&upstream).await;
    let (session, token) = signed_in(&proxy, VIEWER).await;
    let browser = [FORM, HTML, ("Cookie", session.as_str()), ("Origin", "http://localhost")];
    let wrong = "0".repeat(64);
    for form in ["", "x=1", "csrf=", &format!("csrf={wrong}"), &format!("{{\"csrf\":\"{token}\"}}")]
    {
        let refused = send(&proxy, "POST /sign-out", &browser, form).await;
        assert_eq!(refused.status, 403, "{form}");
        assert!(refused.text().contains("out of date"), "{}", refused.text());
    }
    let large = format!("csrf={token}&x={}", "y".repeat(70_000));
    assert_eq!(send(&proxy, "POST /sign-out", &browser, &large).await.status, 413);
    let still = send(&proxy, "GET /api/v1/slo", &browser[2..3], "").await;
    assert_eq!(still.status, 200, "nobody was signed out");
    // Nor can another site sign somebody in as somebody else.
    let form = format!("token={VIEWER}");
    assert_eq!(send(&proxy, "POST /sign-in", &[FORM], &form).await.status, 403);
}

#[tokio::test]
async fn every_answer_keeps_to_itself() {
    let upstream = Upstream::start(serve_well);
    let proxy = with_users(&upstream).await;
    for path in ["/", "/sign-in", "/api/v1/slo", "/health", "/none", "/assets/style.css"] {
        let answer = send(&proxy, &format!("GET {path}"), &[HTML], "").await;
        let header = |name| answer.header(name).unwrap_or_else(|| panic!("{path} {name}"));
        assert!(
            header("content-security-policy").starts_with("default-src 'none'; script-src 'self'")
        );
        assert!(header("content-security-policy").contains("form-action 'self'"));
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(header("referrer-policy"), "same-origin");
    }
}
