//! Shares of traffic that are changed while traffic runs.

use crate::support::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const CHAT: &str = r#"{"model":"m"}"#;
const VIEWER: &str = "ta-viewer-of-shares";
const OPERATOR: &str = "ta-operator-of-shares";
const MODEL: &str = "[[model]]\nname = \"m\"\n\
     targets = [{ upstream = \"a\", weight = 90 }, { upstream = \"b\", weight = 10 }]\n";
const WEIGHTS: &str = "/api/v1/upstreams/weights";

/// Model `m`: 90 to upstream `a`, 10 to `b`.
fn setup(a: &Upstream, b: &Upstream) -> Setup {
    let none = Setup::default().upstream("a", [a.url()]).upstream("b", [b.url()]);
    none.models(MODEL)
}

fn users() -> String {
    let table = |(name, role, token): (&str, &str, &str)| {
        let hash: String = Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("[[admin.user]]\nname = \"{name}\"\nrole = \"{role}\"\ntoken_sha256 = \"{hash}\"\n")
    };
    [("vera", "viewer", VIEWER), ("otto", "operator", OPERATOR)].map(table).concat()
}

/// A request to the admin listener.
async fn send(proxy: &Proxy, what: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let (method, path) = what.split_once(' ').expect("a method and a path");
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut client = Client::admin(proxy.admin).await;
    client.send(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())).await;
    client.response_to(method).await
}

async fn put(proxy: &Proxy, body: Value) -> Response {
    let json = ("Content-Type", "application/json");
    send(proxy, &format!("PUT {WEIGHTS}"), &[json], &body.to_string()).await
}

/// How 400 requests are split.
async fn split(proxy: &Proxy, [a, b]: [&Upstream; 2]) -> [usize; 2] {
    let before = [a.count(), b.count()];
    let mut client = proxy.client().await;
    for _ in 0..400 {
        client.post("/v1/chat/completions", &[], CHAT.as_bytes()).await;
        assert_eq!(client.response().await.status, 200);
    }
    [a.count() - before[0], b.count() - before[1]]
}

#[tokio::test]
async fn a_weight_is_in_force_from_the_next_request_on_and_after_a_restart() {
    let (a, b) = (Upstream::start(serve_well), Upstream::start(serve_well));
    let home = Home::new();
    let setup = setup(&a, &b).server(&format!("data_dir = {:?}", home.path()));
    let mut proxy = setup.clone().start().await;
    let [to_a, to_b] = split(&proxy, [&a, &b]).await;
    assert!(to_a > 320 && to_b > 10, "{to_a} and {to_b}");
    let told = put(&proxy, json!({ "model": "m", "upstream": "a", "weight": 0 })).await;
    assert_eq!(told.status, 200, "{}", told.text());
    let told = told.json();
    assert_eq!((&told["was"]["weight"], &told["now"]["weight"]), (&json!(90), &json!(0)));
    assert_eq!((&told["served_as"], &told["kept"]), (&json!("m"), &json!(true)));
    assert_eq!(split(&proxy, [&a, &b]).await, [0, 400]);
    proxy.terminate();
    proxy.exited().await;
    let proxy = setup.start().await;
    assert_eq!(split(&proxy, [&a, &b]).await, [0, 400]);
    let shown = proxy.admin_get("/api/v1/upstreams").await.json();
    let target = &shown["models"][0]["targets"][0];
    assert_eq!(
        [&target["weight"], &target["file_weight"], &target["changed"], &target["share"]],
        [&json!(0), &json!(90), &json!(true), &json!(0.0)]
    );
    put(&proxy, json!({ "model": "m", "upstream": "a", "state": "reset" })).await;
    assert!(split(&proxy, [&a, &b]).await[0] > 320);
}

#[tokio::test]
async fn a_drained_target_finishes_what_it_has_and_gets_nothing_new() {
    let (gate, b) = (Gate::shut(), Upstream::start(serve_well));
    let a = Upstream::sharing(&gate, |gate, mut call| async move {
        call.body().await?;
        gate.pass().await;
        call.answer(chat_answer()).await
    });
    let proxy = setup(&a, &b).start().await;
    put(&proxy, json!({ "model": "m", "upstream": "b", "state": "drained" })).await;
    let mut waiting = proxy.client().await;
    waiting.post("/v1/chat/completions", &[], CHAT.as_bytes()).await;
    until("it is asked", || a.count() == 1).await;
    let in_flight = proxy.admin_get("/api/v1/upstreams").await.json();
    assert_eq!(in_flight["upstreams"][0]["endpoints"][0]["in_flight"], 1, "{in_flight}");
    put(&proxy, json!({ "model": "m", "upstream": "b", "state": "enabled" })).await;
    let drained = put(&proxy, json!({ "model": "m", "upstream": "a", "state": "drained" })).await;
    assert_eq!(drained.json()["now"]["drained"], true);
    assert_eq!(split(&proxy, [&a, &b]).await, [0, 400]);
    gate.open();
    assert_eq!(waiting.response().await.status, 200, "it goes on");
}

#[tokio::test]
async fn the_last_that_takes_requests_goes_only_by_force_and_callers_are_told() {
    let (a, b) = (Upstream::start(serve_well), Upstream::start(serve_well));
    let proxy = setup(&a, &b).start().await;
    let drain = |upstream: &str| json!({ "model": "m", "upstream": upstream, "state": "drained" });
    assert_eq!(put(&proxy, drain("a")).await.status, 200);
    let refused = put(&proxy, drain("b")).await;
    assert_eq!(refused.status, 409);
    let why = refused.json()["error"].as_str().unwrap().to_owned();
    assert!(why.contains("takes requests for m") && why.contains("force"), "{why}");
    assert_eq!(proxy.chat(CHAT).await.status, 200);
    let mut forced = drain("b");
    forced["force"] = true.into();
    assert_eq!(put(&proxy, forced).await.status, 200);
    assert_eq!(proxy.chat(CHAT).await.status, 503);
    assert_eq!(proxy.settled(2).await[1].text("error_type"), "no_healthy_upstream");
    let page = proxy.admin_get("/upstreams").await;
    assert!(page.text().contains("nobody takes its requests"));
}

#[tokio::test]
async fn an_endpoint_is_drained_for_every_model_and_for_what_passes_through() {
    let (a, b) = (Upstream::start(serve_well), Upstream::start(serve_well));
    let proxy = Setup::to([a.url(), b.url()]).start().await;
    let drain =
        |endpoint: &str| json!({ "upstream": "u", "endpoint": endpoint, "state": "drained" });
    assert_eq!(put(&proxy, drain(&a.url())).await.status, 200);
    assert_eq!(split(&proxy, [&a, &b]).await, [0, 400]);
    assert_eq!(proxy.get("/passed/through").await.status, 200);
    assert_eq!((a.count(), b.count()), (0, 401));
    assert_eq!(put(&proxy, drain(&b.url())).await.status, 409);
    let mut forced = drain(&b.url());
    forced["force"] = true.into();
    assert_eq!(put(&proxy, forced).await.status, 200);
    assert_eq!(proxy.get("/passed/through").await.status, 503);
}

#[tokio::test]
async fn what_makes_no_sense_changes_nothing() {
    let (a, b) = (Upstream::start(serve_well), Upstream::start(serve_well));
    let proxy = setup(&a, &b).start().await;
    for (body, status) in [
        (json!({ "upstream": "a" }), 400),
        (json!({ "model": "m", "upstream": "a" }), 400),
        (json!({ "model": "m", "upstream": "a", "weight": 1, "state": "drained" }), 400),
        (json!({ "model": "m", "upstream": "a", "weight": 1_001 }), 400),
        (json!({ "model": "m", "upstream": "a", "weight": -1 }), 400),
        (json!({ "model": "m", "upstream": "a", "endpoint": "x", "weight": 1 }), 400),
        (json!({ "model": "m", "upstream": "a", "wieght": 1 }), 400),
        (json!({ "model": "m", "upstream": "c", "weight": 1 }), 404),
        (json!({ "model": "n", "upstream": "a", "weight": 1 }), 404),
        (json!({ "upstream": "a", "endpoint": "http://h:1", "weight": 1 }), 404),
    ] {
        let refused = put(&proxy, body.clone()).await;
        assert_eq!(refused.status, status, "{body}: {}", refused.text());
        assert!(refused.json()["error"].is_string(), "{body}");
    }
    let shown = proxy.admin_get("/upstreams.json").await.json();
    assert_eq!(shown["models"][0]["targets"][0]["changed"], false);
}

/// The cookie and the `csrf` of a signed-in browser.
async fn signed_in(proxy: &Proxy, token: &str) -> (String, String) {
    const HTML: (&str, &str) = ("Accept", "text/html");
    let csrf = |page: &Response| {
        let (_, rest) = page.text().split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split('"').next().expect("its token").to_owned()
    };
    let cookie = |response: &Response| {
        let set = response.header("set-cookie").expect("a cookie");
        set.split(';').next().expect("a cookie").to_owned()
    };
    let page = send(proxy, "GET /sign-in", &[HTML], "").await;
    let form = format!("csrf={}&token={token}&back=%2F", csrf(&page));
    let headers = [FORM, HTML, ("Cookie", &cookie(&page))];
    let session = cookie(&send(proxy, "POST /sign-in", &headers, &form).await);
    let page = send(proxy, "GET /sign-out", &[HTML, ("Cookie", &session)], "").await;
    (session, csrf(&page))
}

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

#[tokio::test]
async fn a_form_changes_a_share_for_who_may_and_is_written_down() {
    let (a, b) = (Upstream::start(serve_well), Upstream::start(serve_well));
    let proxy = setup(&a, &b).tables(&users()).start().await;
    let (session, csrf) = signed_in(&proxy, OPERATOR).await;
    let cookie = ("Cookie", session.as_str());
    let page = send(&proxy, "GET /upstreams", &[("Accept", "text/html"), cookie], "").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.text().matches("value=\"drain\"").count(), 2, "{}", page.text());
    let change = "act=weight&model=m&upstream=a&served_as=m&was=90&weight=90&slider=0";
    let unsigned = send(&proxy, "POST /upstreams/weights", &[FORM, cookie], change).await;
    assert_eq!(unsigned.status, 403, "without its csrf field");
    let signed = format!("csrf={csrf}&{change}");
    let done = send(&proxy, "POST /upstreams/weights", &[FORM, cookie], &signed).await;
    assert_eq!(
        (done.status, done.header("location")),
        (303, Some("/upstreams?did=weight#shares")),
        "{}",
        done.text()
    );
    assert_eq!(split(&proxy, [&a, &b]).await, [0, 400], "the slider was moved");
    let shown = send(&proxy, "GET /upstreams?did=weight", &[cookie], "").await;
    assert!(shown.text().contains("changed here, the file says 90"));
    let last = format!("csrf={csrf}&act=drain&model=m&upstream=b&served_as=m");
    let asked = send(&proxy, "POST /upstreams/weights", &[FORM, cookie], &last).await;
    assert_eq!(asked.status, 409);
    assert!(asked.text().contains("Do it nevertheless") && asked.text().contains("name=\"force\""));
    let (session, csrf) = signed_in(&proxy, VIEWER).await;
    let cookie = ("Cookie", session.as_str());
    let page = send(&proxy, "GET /upstreams", &[("Accept", "text/html"), cookie], "").await;
    assert!(page.status == 200 && !page.text().contains("value=\"drain\""), "hidden from viewers");
    let signed = format!("csrf={csrf}&{change}");
    let refused = send(&proxy, "POST /upstreams/weights", &[FORM, cookie], &signed).await;
    assert_eq!(refused.status, 403);
    let line = "a share of the traffic was changed";
    until("the line of the audit", || proxy.diagnostics().contains(line)).await;
    let log = proxy.diagnostics();
    let line = log.lines().find(|found| found.contains(line)).unwrap();
    assert!(line.contains("otto") && line.contains("90") && line.contains("weigh"), "{line}");
}

#[tokio::test]
async fn endpoints_are_shown_as_traffic_shows_them() {
    let good = Upstream::start(serve_well);
    let bad = Upstream::start(|call: Call| async { call.answer(json_answer(500, "{}")).await });
    let proxy = Setup::to([good.url(), bad.url()]).with("balance = \"round_robin\"").start().await;
    for _ in 0..20 {
        proxy.chat(CHAT).await;
    }
    proxy.settled(20).await;
    let asked = async || {
        let shown = proxy.admin_get("/upstreams.json").await.json();
        shown["upstreams"][0]["endpoints"].as_array().unwrap().clone()
    };
    let mut endpoints = asked().await;
    let deadline = std::time::Instant::now() + PATIENCE;
    while endpoints[0]["answered"] != 10 || endpoints[1]["failed"] != 10 {
        assert!(std::time::Instant::now() < deadline, "{endpoints:?}");
        endpoints = asked().await;
    }
    let [good, bad] = &endpoints[..] else { panic!("{endpoints:?}") };
    assert_eq!((&good["health"], &good["failed"]), (&json!("answers"), &json!(0)));
    assert_eq!((&bad["health"], &bad["answered"]), (&json!("failing"), &json!(0)));
    assert_eq!(bad["last_failure"]["error"], "500");
    let age = "last_answer_seconds_ago";
    assert!(bad[age].is_null() && good[age].as_f64().is_some_and(|age| age < 60.0));
    assert!(good["headers_p95_seconds"].as_f64().is_some());
    let minutes = good["minutes"].as_array().unwrap();
    let answered: u64 = minutes.iter().filter_map(|minute| minute[0].as_u64()).sum();
    assert_eq!((minutes.len(), answered), (60, 10));
    let page = proxy.admin_get("/upstreams").await;
    let page = page.text();
    assert!(page.contains("1 of 2 endpoints is failing.") && page.contains("× Failing"), "{page}");
}

#[tokio::test]
async fn the_command_line_changes_shares_and_shows_them() {
    let (a, b) = (Upstream::start(serve_well), Upstream::start(serve_well));
    let proxy = setup(&a, &b).start().await;
    let url = format!("http://{}", proxy.admin);
    let run = async |arguments: &[&str]| {
        let mut command = tokio::process::Command::new(BINARY);
        command.arg("upstreams").args(arguments).args(["--of", &url]);
        let output = within("the command", command.output()).await.expect("the binary runs");
        let said = [&output.stdout[..], &output.stderr].concat();
        (output.status.success(), String::from_utf8(said).expect("UTF-8"))
    };
    let (done, said) = run(&["weight", "a", "--model", "m", "--to", "30"]).await;
    assert!(done && said.contains("a for m: 90 → 30 (the file says 90)"), "{said}");
    let (done, said) = run(&["drain", "a", "--model", "m"]).await;
    assert!(done && said.contains("30 → 30, drained"), "{said}");
    let (done, said) = run(&["drain", "b", "--model", "m"]).await;
    assert!(!done && said.contains("409") && said.contains("callers would be refused"), "{said}");
    let (done, said) = run(&["ls"]).await;
    assert!(done && said.contains("drained, changed") && said.contains(&b.url()), "{said}");
    let (done, _) = run(&["reset", "a", "--model", "m"]).await;
    assert!(done && split(&proxy, [&a, &b]).await[0] > 320);
}
