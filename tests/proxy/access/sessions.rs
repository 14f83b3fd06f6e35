//! Signing in and out with a browser.

use super::*;

async fn enter(proxy: &Proxy, page: &Response, token: &str, back: &str) -> Response {
    let form = format!("csrf={}&token={token}&back={back}", csrf(page));
    let cookie = cookie(page);
    send(proxy, "POST /sign-in", &[FORM, HTML, ("Cookie", &cookie)], &form).await
}

#[tokio::test]
async fn a_browser_signs_in_stays_in_and_signs_out() {
    let upstream = Upstream::start(serve_well);
    let proxy = with_users(&upstream).await;
    let page = send(&proxy, "GET /sign-in?back=/api/v1/slo%3Fa=b", &[HTML], "").await;
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
    assert!(page.text().contains("value=\"/api/v1/slo?a=b\""), "{}", page.text());
    let entered = enter(&proxy, &page, VIEWER, "%2Fapi%2Fv1%2Fslo%3Fa=b").await;
    assert_eq!((entered.status, entered.header("location")), (303, Some("/api/v1/slo?a=b")));
    let set = entered.header("set-cookie").unwrap();
    let port = proxy.admin.port();
    assert!(set.starts_with(&format!("transom-{port}=")), "{set}");
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Strict; Max-Age=604800"), "{set}");

    let session = cookie(&entered);
    let browser = [HTML, ("Cookie", session.as_str())];
    assert_eq!(send(&proxy, "GET /", &browser, "").await.status, 200);
    let again = send(&proxy, "GET /sign-in", &browser, "").await;
    assert_eq!((again.status, again.header("location")), (303, Some("/")));
    let out = send(&proxy, "GET /sign-out", &browser, "").await;
    assert!(out.text().contains("vera"), "{}", out.text());
    let form = format!("csrf={}", csrf(&out));
    let left = send(&proxy, "POST /sign-out", &[FORM, browser[0], browser[1]], &form).await;
    assert_eq!((left.status, left.header("location")), (303, Some("/sign-in")));
    assert!(left.header("set-cookie").unwrap().contains("Max-Age=0"));
    // Whoever has kept the cookie has nothing.
    assert_eq!(send(&proxy, "GET /api/v1/slo", &browser[1..], "").await.status, 401);
}

#[tokio::test]
async fn nobody_is_led_elsewhere_after_signing_in() {
    let upstream = Upstream::start(serve_well);
    let proxy = with_users(&upstream).await;
    for back in ["https://evil.test", "//evil.test", "/%5Cevil.test", "%2F%2Fevil.test"] {
        let page = send(&proxy, "GET /sign-in", &[HTML], "").await;
        let entered = enter(&proxy, &page, VIEWER, back).await;
        assert_eq!((entered.status, entered.header("location")), (303, Some("/")), "{back}");
    }
    let hostile = "GET /sign-in?back=/%22%3E%3Cscript%3E";
    let page = send(&proxy, hostile, &[HTML], "").await;
    assert!(!page.text().contains("<script"), "{}", page.text());
}

#[tokio::test]
async fn guessing_is_slow() {
    let upstream = Upstream::start(serve_well);
    let proxy = with_users(&upstream).await;
    let (session, _) = signed_in(&proxy, VIEWER).await;
    let page = send(&proxy, "GET /sign-in", &[HTML], "").await;
    for guess in 0..9 {
        let wrong = enter(&proxy, &page, &format!("ta-guess-{guess}"), "/").await;
        assert_eq!(wrong.status, 401);
        assert!(wrong.text().contains("That token is not known."), "{}", wrong.text());
        assert!(!wrong.text().contains("ta-guess"), "what was typed is not shown again");
    }
    assert_eq!(send_as(&proxy, "ta-guess-9", "GET /api/v1/slo", "").await.status, 401);
    // From here on nothing is learned, not even by the right one.
    let limited = enter(&proxy, &page, VIEWER, "/").await;
    assert_eq!(limited.status, 429);
    assert!(limited.text().contains("Try again in 5 min"), "{}", limited.text());
    let limited = send_as(&proxy, VIEWER, "GET /api/v1/slo", "").await;
    assert_eq!(limited.status, 429);
    let wait: u64 = limited.header("retry-after").unwrap().parse().unwrap();
    assert!((200..=301).contains(&wait), "{wait}");
    // Who is in stays in.
    let inside = send(&proxy, "GET /api/v1/slo", &[("Cookie", &session)], "").await;
    assert_eq!(inside.status, 200);
    let refusals = || proxy.diagnostics().matches("a token was refused").count();
    until("the lines", || refusals() >= 10).await;
    assert_eq!(refusals(), 10, "and no more of them fill the log");
}

#[tokio::test]
async fn a_link_of_another_site_does_not_end_a_session() {
    let upstream = Upstream::start(serve_well);
    let proxy = with_users(&upstream).await;
    let (session, _) = signed_in(&proxy, VIEWER).await;
    // A browser leaves a cookie that is `Strict` out when it follows such a link.
    let followed = send(&proxy, "GET /", &[HTML, ("Sec-Fetch-Site", "cross-site")], "").await;
    assert_eq!((followed.status, followed.header("set-cookie")), (200, None));
    assert!(
        followed.text().contains("http-equiv=\"refresh\" content=\"0\""),
        "{}",
        followed.text()
    );
    assert!(!followed.text().contains("Models"), "nothing is shown yet");
    let again = [HTML, ("Sec-Fetch-Site", "same-origin"), ("Cookie", session.as_str())];
    assert!(send(&proxy, "GET /", &again, "").await.text().contains("Models"));
}

#[tokio::test]
async fn tokens_and_cookies_are_in_no_log_page_or_answer() {
    let upstream = Upstream::start(serve_well);
    let proxy = with_users(&upstream).await;
    send_as(&proxy, "wrong-canary", "PUT /api/v1/log", r#"{"level":"debug"}"#).await;
    send_as(&proxy, OPERATOR, "PUT /api/v1/log", r#"{"level":"debug"}"#).await;
    let (session, token) = signed_in(&proxy, ADMIN).await;
    let id = session.split_once('=').expect("a cookie").1.to_owned();
    let mut seen = String::new();
    for path in ["/", "/sign-out", "/api/v1/audit", "/api/v1/slo", "/metrics", "/none"] {
        let page = send(&proxy, &format!("GET {path}"), &[HTML, ("Cookie", &session)], "").await;
        seen.push_str(page.text());
    }
    let page = send(&proxy, "GET /sign-in", &[HTML], "").await;
    seen.push_str(enter(&proxy, &page, "other-canary", "/").await.text());
    until("the log", || proxy.diagnostics().contains("somebody signed in")).await;
    let log = proxy.diagnostics() + &proxy.raw_log();
    for text in [&seen, &log] {
        assert!(!text.contains("canary") && !text.contains(&id), "{text}");
    }
    assert!(!log.contains(&token), "{log}");
}
