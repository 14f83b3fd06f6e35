//! Answers past their time: when they end, and when they are better than none.

use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

const FLEETING: &str = r#"{ ttl = "1s" }"#;
const RENEWED: &str = r#"{ ttl = "1s", stale_while_revalidate = "1h" }"#;
const KEPT_FOR_ERRORS: &str = r#"{ ttl = "1s", stale_if_error = "1h" }"#;

/// A switch that a test throws to make its backend fail.
#[derive(Clone, Default)]
struct Failing(Arc<AtomicBool>);

impl Failing {
    fn begin(&self) {
        self.0.store(true, SeqCst);
    }

    fn end(&self) {
        self.0.store(false, SeqCst);
    }
}

/// Answers well, or with this status while the switch is thrown.
async fn serve_or_fail(failing: Failing, status: u16, call: Call) -> Result<After> {
    if failing.0.load(SeqCst) {
        let body = r#"{"error":{"message":"as told"}}"#;
        return call.answer(json_answer(status, body)).await;
    }
    serve_numbered(call).await
}

/// The first answer that does not come fresh from the cache.
async fn when_past_its_time(proxy: &Proxy, body: &str) -> Response {
    ask_until(proxy, (&[], body), |response| x_cache(response) != "HIT").await
}

/// Waits until so many refreshes have ended so.
async fn refreshes(proxy: &Proxy, result: &str, count: usize) -> Metrics {
    let ended = |metrics: &Metrics| {
        metrics.sum("transom_cache_refreshes_total", &[("result", result)]) >= count as f64
    };
    proxy.metrics_when(&format!("{count} refreshes: {result}"), ended).await
}

#[tokio::test]
async fn an_answer_is_given_until_its_time_is_over_and_then_asked_for_anew() {
    let upstream = Upstream::start(serve_numbered);
    for (cache, headers) in [(FLEETING, &[][..]), ("true", &[("x-transom-cache-ttl", "1")])] {
        let (proxy, before) = (cached(&upstream, cache).start().await, upstream.count());
        let asked = Instant::now();
        assert_miss(&ask_again(&proxy, headers, CHAT).await);
        let again = ask_again(&proxy, headers, CHAT).await;
        // On a busy machine even the second request may come too late.
        if x_cache(&again) == "HIT" {
            assert!((0..=1).contains(&ttl(&again)), "{again:?}");
        }
        let wanted = |response: &Response| x_cache(response) != "HIT";
        let renewed = ask_until(&proxy, (headers, CHAT), wanted).await;
        assert_miss(&renewed);
        assert!(asked.elapsed() >= Duration::from_secs(1), "{:?}", asked.elapsed());
        assert!(upstream.count() >= before + 2);
    }
}

#[tokio::test]
async fn age_and_time_left_add_up() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, r#"{ ttl = "1h" }"#).start().await;
    ask(&proxy, &[], CHAT).await;
    let aged = |response: &Response| response.header("age").is_some_and(|age| age != "0");
    let response = ask_until(&proxy, (&[], CHAT), aged).await;
    assert_hit(&response);
    let age: i64 = response.header("age").unwrap().parse().unwrap();
    assert!((3599..=3600).contains(&(age + ttl(&response))), "{response:?}");
}

#[tokio::test]
async fn past_its_time_the_old_answer_is_given_at_once_while_one_refresh_is_under_way() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, call| async move {
        if call.number > 0 {
            gate.pass().await;
        }
        serve_numbered(call).await
    });
    let proxy = cached(&upstream, RENEWED).start().await;
    ask(&proxy, &[], STREAM).await;
    // The backend answers nobody else until the gate opens.
    let stale = when_past_its_time(&proxy, STREAM).await;
    assert_stale(&stale);
    assert_eq!(stale.text(), numbered(STREAM, 0));
    upstream.got(2).await;
    for _ in 0..20 {
        let stale = ask(&proxy, &[], STREAM).await;
        assert_stale(&stale);
        assert_eq!(stale.text(), numbered(STREAM, 0));
    }
    assert_eq!(upstream.count(), 2, "one refresh, however many want one");
    gate.open_wide();
    refreshes(&proxy, "success", 1).await;
    let renewed = ask(&proxy, &[], STREAM).await;
    assert_ne!(renewed.text(), numbered(STREAM, 0));
    assert!(["HIT", "STALE"].contains(&x_cache(&renewed)), "{renewed:?}");
}

#[tokio::test]
async fn a_refresh_is_no_request_of_a_caller_and_its_tokens_are_counted() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, RENEWED).start().await;
    ask(&proxy, &[], CHAT).await;
    assert_stale(&when_past_its_time(&proxy, CHAT).await);
    let metrics = refreshes(&proxy, "success", 1).await;
    until("the refresh's line", || proxy.log().iter().any(|line| line.text("origin") == "refresh"))
        .await;
    let (refreshes, asked): (Vec<_>, Vec<_>) =
        proxy.log().into_iter().partition(|line| line.text("origin") == "refresh");
    assert_eq!(metrics.sum("transom_requests_total", &[]), asked.len() as f64);
    assert_eq!(metrics.sum("http_requests_total", &[]), asked.len() as f64);
    assert_eq!(
        metrics.sum("transom_slo_events_total", &[("slo", "availability")]),
        asked.len() as f64
    );
    assert_eq!(refreshes.len(), 1, "{refreshes:?}");
    assert_eq!((refreshes[0].outcome(), refreshes[0].count("attempts")), ("success", 1));
    let labels = [("direction", "output"), ("source", "upstream")];
    let tokens = 2.0 * COMPLETION_TOKENS as f64;
    assert_eq!(metrics.sum("transom_tokens_total", &labels), tokens);
    let last = asked.last().unwrap();
    assert_eq!((last.text("cache"), last.text("cache_tier")), ("stale", "memory"));
    assert!(metrics.sum("transom_requests_total", &[("cache", "stale")]) >= 1.0);
}

#[tokio::test]
async fn a_refresh_that_fails_leaves_the_old_answer_where_it_is() {
    let failing = Failing::default();
    let upstream = Upstream::sharing(&failing, |failing, call| serve_or_fail(failing, 503, call));
    let proxy = cached(&upstream, RENEWED).start().await;
    ask(&proxy, &[], CHAT).await;
    idle(&proxy).await;
    failing.begin();
    assert_stale(&when_past_its_time(&proxy, CHAT).await);
    refreshes(&proxy, "failure", 1).await;
    let still = ask(&proxy, &[], CHAT).await;
    assert_stale(&still);
    assert_eq!(still.text(), numbered(CHAT, 0));
    failing.end();
    let renewed =
        ask_until(&proxy, (&[], CHAT), |response| response.text() != numbered(CHAT, 0)).await;
    assert_eq!(renewed.status, 200);
}

#[tokio::test]
async fn when_the_upstream_fails_an_answer_past_its_time_is_better_than_none() {
    for status in [500, 502, 503, 504] {
        let failing = Failing::default();
        let upstream =
            Upstream::sharing(&failing, move |failing, call| serve_or_fail(failing, status, call));
        let proxy = cached(&upstream, KEPT_FOR_ERRORS).start().await;
        for body in [CHAT, STREAM] {
            ask(&proxy, &[], body).await;
        }
        idle(&proxy).await;
        failing.begin();
        for (number, body) in [CHAT, STREAM].into_iter().enumerate() {
            let stale = when_past_its_time(&proxy, body).await;
            assert_stale(&stale);
            assert_eq!(stale.text(), numbered(body, number), "{status}");
        }
        assert!(upstream.count() >= 4, "it is asked each time");
        let told = |line: &LogLine| (line.outcome(), line.text("cache")) == ("success", "stale");
        until("their lines", || proxy.log().iter().filter(|line| told(line)).count() == 2).await;
        failing.end();
        assert_miss(&ask_again(&proxy, &[], CHAT).await);
    }
}

#[tokio::test]
async fn when_nobody_can_be_reached_an_answer_past_its_time_is_better_than_none() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, KEPT_FOR_ERRORS).start().await;
    let first = ask(&proxy, &[], STREAM).await;
    idle(&proxy).await;
    // Its port refuses from now on.
    drop(upstream);
    let stale = when_past_its_time(&proxy, STREAM).await;
    assert_stale(&stale);
    assert_eq!(stale.text(), first.text());
    let other = ask(&proxy, &[], CHAT).await;
    assert!([502, 503].contains(&other.status), "what was never asked is not there: {other:?}");
}

#[tokio::test]
async fn when_the_upstream_takes_too_long_an_answer_past_its_time_is_better_than_none() {
    let upstream = Upstream::start(|mut call| async move {
        if call.number > 0 {
            call.body().await?;
            return call.until_closed().await;
        }
        serve_numbered(call).await
    });
    let setup = cached(&upstream, KEPT_FOR_ERRORS).with("timeouts = { first_byte = \"200ms\" }");
    let proxy = setup.start().await;
    let first = ask(&proxy, &[], CHAT).await;
    let stale = when_past_its_time(&proxy, CHAT).await;
    assert_stale(&stale);
    assert_eq!(stale.text(), first.text());
}

#[tokio::test]
async fn the_callers_own_errors_are_not_papered_over() {
    for status in [400, 404, 422] {
        let failing = Failing::default();
        let upstream =
            Upstream::sharing(&failing, move |failing, call| serve_or_fail(failing, status, call));
        let proxy = cached(&upstream, KEPT_FOR_ERRORS).start().await;
        ask(&proxy, &[], CHAT).await;
        idle(&proxy).await;
        failing.begin();
        assert_eq!(when_past_its_time(&proxy, CHAT).await.status, status);
    }
}

#[tokio::test]
async fn without_leave_nothing_past_its_time_is_given() {
    let failing = Failing::default();
    let upstream = Upstream::sharing(&failing, |failing, call| serve_or_fail(failing, 503, call));
    let proxy = cached(&upstream, FLEETING).start().await;
    ask(&proxy, &[], CHAT).await;
    idle(&proxy).await;
    failing.begin();
    let failed = when_past_its_time(&proxy, CHAT).await;
    assert_eq!(failed.status, 503);
    assert_ne!(x_cache(&failed), "STALE");
}
