//! What is wrong, who says so, and who outside is told.

use crate::access::{ADMIN, FORM, HTML, OPERATOR, VIEWER, send, send_as, signed_in, users};
use crate::support::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// 24 bytes, which the name of the variable does not tell.
const SECRET: &str = "Y2FuYXJ5LW9mLWEtd2ViaG9va3Mtc2VjcmV0";
const RECEIVE: &str = "POST /api/v1/alerts/alertmanager";

/// A table of a webhook to `receiver`.
fn webhook(receiver: &Upstream, rest: &str) -> String {
    let url = format!("{}/hooks/canary-of-the-path", receiver.url());
    format!("[[webhook]]\nname = \"ops\"\nurl = \"{url}\"\nsecret_env = \"OPS\"\n{rest}\n")
}

async fn take(mut call: Call) -> std::io::Result<After> {
    call.body().await?;
    // The first try of all fails.
    let status = if call.number == 0 { 500 } else { 204 };
    call.answer(answer(status, "", "")).await
}

async fn fail(mut call: Call) -> std::io::Result<After> {
    call.body().await?;
    call.answer(json_answer(503, "{}")).await
}

/// What a receiver was told, once it is sure that we did.
fn told(request: &Received) -> (String, Value) {
    let header = |name| request.head.header(name).expect("a header").to_owned();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let signed = [format!("{id}.{timestamp}.").as_bytes(), &request.body].concat();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &STANDARD.decode(SECRET).unwrap());
    let (version, signature) = header("webhook-signature")
        .split_once(',')
        .map(|(v, s)| (v.to_owned(), s.to_owned()))
        .unwrap();
    assert_eq!(version, "v1");
    ring::hmac::verify(&key, &signed, &STANDARD.decode(signature).unwrap()).expect("our signature");
    (id, serde_json::from_slice(&request.body).expect("JSON"))
}

fn notification(status: &str) -> String {
    json!({
        "version": "4", "receiver": "transom", "externalURL": "http://alertmanager:9093",
        "alerts": [{
            "status": status, "fingerprint": "c1cd8a9b7ae3e4d5",
            "startsAt": "2026-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "javascript:alert(1)",
            "labels": { "alertname": "<script>x</script>", "severity": "critical" },
            "annotations": { "summary": "It \u{202e}burns" }
        }]
    })
    .to_string()
}

async fn alerts(proxy: &Proxy) -> Value {
    proxy.admin_get("/api/v1/alerts").await.json()
}

#[tokio::test]
async fn what_fails_fires_alerts_that_are_told_signed_and_again_after_an_error() {
    let (upstream, receiver) = (Upstream::start(fail), Upstream::start(take));
    let setup = Setup::to([upstream.url()]).env("OPS", &format!("whsec_{SECRET}"));
    let proxy = setup.tables(&webhook(&receiver, "models = [\"m\"]")).start().await;
    for _ in 0..24 {
        proxy.chat(r#"{"model":"m"}"#).await;
    }
    // Looked at every 5 s, wrong for 10 s, sent again after 1 s: it takes its time.
    until("something is told", || receiver.count() > 0).await;
    until("all is told", || receiver.count() == 5).await;
    let requests = receiver.requests();
    let messages: Vec<_> = requests.iter().map(told).collect();
    assert_eq!(messages[0], messages[1], "a message that failed is sent again as it is");
    let types = messages.iter().skip(1).map(|(_, message)| message["type"].as_str().unwrap());
    assert_eq!(
        types.collect::<Vec<_>>(),
        ["upstream.failing", "budget.burning", "budget.burning", "budget.exhausted"]
    );
    let [_, (_, failing), (_, burning), ..] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!(failing["data"]["endpoint"], upstream.authority());
    assert_eq!(
        (&failing["data"]["failed"], &failing["data"]["models"]),
        (&24.into(), &json!(["m"]))
    );
    assert_eq!(
        (&burning["data"]["severity"], &burning["data"]["model"]),
        (&"page".into(), &"m".into())
    );
    assert!(burning["timestamp"].as_str().unwrap().ends_with('Z'));

    let by = |result| [("webhook", "ops"), ("result", result)];
    let name = "transom_webhook_deliveries_total";
    let is_done = |metrics: &Metrics| metrics.sum(name, &by("delivered")) == 4.0;
    let metrics = proxy.metrics_when("four deliveries", is_done).await;
    assert_eq!(metrics.sum(name, &by("retried")), 1.0);
    assert_eq!(metrics.sum(name, &by("dropped")), 0.0);
    let told = alerts(&proxy).await;
    assert_eq!((&told["firing"], told["log"].as_array().unwrap().len()), (&4.into(), 4));
    let first = told["deliveries"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&first["tries"], &first["status"], &first["state"]),
        (&2.into(), &204.into(), &"delivered".into())
    );
    for page in ["/", "/alerts", "/slo"] {
        let page = proxy.admin_get(page).await;
        assert!(page.text().contains("4<span class=\"hidden\"> firing"), "{}", page.text());
        assert!(!page.text().contains("canary"), "neither path nor secret is shown");
    }
    assert!(!(proxy.diagnostics() + &told.to_string()).contains(SECRET));
}

#[tokio::test]
async fn a_test_is_sent_by_who_may_act_and_written_down() {
    let (upstream, receiver) = (Upstream::start(serve_well), Upstream::start(take));
    let setup = Setup::to([upstream.url()]).env("OPS", &format!("whsec_{SECRET}"));
    let tables = webhook(&receiver, "events = [\"budget\"]") + &users();
    let proxy = setup.tables(&tables).start().await;
    let test = "POST /api/v1/webhooks/ops/test";
    assert_eq!(send_as(&proxy, VIEWER, test, "{}").await.status, 403);
    assert_eq!(send_as(&proxy, OPERATOR, "POST /api/v1/webhooks/x/test", "{}").await.status, 404);
    assert_eq!(send_as(&proxy, OPERATOR, test, "{}").await.status, 202);
    until("the test comes, and again", || receiver.count() == 2).await;
    let (session, csrf) = signed_in(&proxy, OPERATOR).await;
    let page = send(&proxy, "GET /alerts", &[HTML, ("Cookie", &session)], "").await;
    assert!(page.text().contains("Send a test"));
    let form = format!("csrf={csrf}&webhook=ops");
    let from_page = [FORM, HTML, ("Cookie", session.as_str())];
    let sent = send(&proxy, "POST /alerts/test", &from_page, &form).await;
    assert_eq!((sent.status, sent.header("location")), (303, Some("/alerts?tested=ops#webhooks")));
    assert_eq!(send(&proxy, "POST /alerts/test", &from_page, "webhook=ops").await.status, 403);
    let page = send(&proxy, "GET /alerts?tested=ops", &[HTML, ("Cookie", &session)], "").await;
    assert!(page.text().contains("on its way to <bdi>ops</bdi>"));
    until("the other test", || receiver.count() == 3).await;
    let (_, message) = told(&receiver.requests()[2]);
    assert_eq!(
        (&message["type"], &message["data"]["webhook"]),
        (&"webhook.test".into(), &"ops".into())
    );
    let page = send_as(&proxy, VIEWER, "GET /alerts", "").await;
    assert!(!page.text().contains("Send a test"), "who may not send one is not asked to");
    let audit = send_as(&proxy, ADMIN, "GET /api/v1/audit", "").await.json();
    let audit = audit["events"].as_array().unwrap().clone();
    let tests = audit.iter().filter(|event| event["action"] == "webhook_test");
    assert_eq!(
        tests.map(|event| event["result"].as_str().unwrap()).collect::<Vec<_>>(),
        ["done", "done", "failed"]
    );
}

#[tokio::test]
async fn the_alerts_of_an_alertmanager_are_shown_until_they_are_over() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).tables(&users()).start().await;
    assert_eq!(send_as(&proxy, VIEWER, RECEIVE, &notification("firing")).await.status, 403);
    let taken = send_as(&proxy, OPERATOR, RECEIVE, &notification("firing")).await;
    assert_eq!(
        (taken.status, taken.json()),
        (200, json!({ "firing": 1, "resolved": 0, "left_out": 0 }))
    );
    let told = send_as(&proxy, VIEWER, "GET /alerts.json", "").await.json();
    let alert = &told["received"][0];
    assert_eq!((&alert["state"], &alert["severity"]), (&"firing".into(), &"critical".into()));
    assert_eq!(
        (&alert["generator_url"], &alert["external_url"]),
        (&Value::Null, &"http://alertmanager:9093".into())
    );
    assert_eq!((&alert["summary"], &told["firing"]), (&"It burns".into(), &1.into()));
    let page = send_as(&proxy, VIEWER, "GET /alerts", "").await;
    assert!(!page.text().contains("<script>x") && !page.text().contains("javascript:"));
    assert!(page.text().contains("&#60;script&#62;x"), "{}", page.text());
    let taken = send_as(&proxy, OPERATOR, RECEIVE, &notification("resolved")).await;
    assert_eq!(taken.json()["resolved"], 1);
    let told = send_as(&proxy, VIEWER, "GET /alerts.json", "").await.json();
    assert_eq!((&told["firing"], &told["received"][0]["state"]), (&0.into(), &"resolved".into()));
    let log =
        told["log"].as_array().unwrap().iter().map(|change| change["firing"].as_bool().unwrap());
    assert_eq!(log.collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn what_is_no_notification_is_refused_in_words() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let json = ("Content-Type", "application/json");
    for (body, status, why) in [
        ("{}", 400, "missing field"),
        (r#"{"version":"3","alerts":[]}"#, 400, "only \"4\" is understood"),
        ("[", 400, "no notification"),
        (&" ".repeat((1 << 20) + 1), 413, "1048576 bytes at most"),
    ] {
        let refused = send(&proxy, RECEIVE, &[json], body).await;
        assert_eq!(refused.status, status, "{}", refused.text());
        assert!(refused.json()["error"].as_str().unwrap().contains(why), "{}", refused.text());
    }
    assert_eq!(send(&proxy, RECEIVE, &[], "{}").await.status, 415);
    let page = proxy.admin_get("/alerts").await;
    assert!(page.text().contains("Nothing is wrong.") && page.text().contains("curl "));
    assert!(alerts(&proxy).await["received"].as_array().unwrap().is_empty());
}
