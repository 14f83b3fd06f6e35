//! Requests that a load test sends again, told by their mark.

use crate::support::*;
use sha2::{Digest, Sha256};
use transom::capture::{Archive, Exchange, Filter};

/// A question whose answer can be had again.
const CHAT: &str =
    r#"{"model":"m","temperature":0,"messages":[{"role":"user","content":"Hello?"}]}"#;
const MARK: &str = "x-transom-replay";
const RUN: &str = "20260101-000000-abcdef";

/// A chat with this mark.
async fn replay(proxy: &Proxy, mark: &str) -> Response {
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[(MARK, mark)], CHAT.as_bytes()).await;
    client.response().await
}

async fn fail(call: Call) -> std::io::Result<After> {
    call.answer(json_answer(500, "{}")).await
}

fn captured(data: &Home) -> Vec<Exchange> {
    let archive = Archive::open(data.path().join("captures"), None).unwrap();
    let all = archive.exchanges(Filter::all()).unwrap();
    all.map(|found| found.unwrap().1).collect()
}

#[tokio::test]
async fn a_replay_spends_no_budget_unless_it_asks_to() {
    let upstream = Upstream::start(fail);
    let table = "[[slo]]\nname = \"availability\"\nobjective = 90.0\n";
    let proxy = Setup::to([upstream.url()]).tables(table).start().await;
    for mark in [RUN, &format!("{RUN}; cache; capture"), "1", ""] {
        assert_eq!(replay(&proxy, mark).await.status, 500);
    }
    let lines = proxy.settled(4).await;
    for line in &lines {
        assert_eq!((line.text("origin"), line.outcome()), ("replay", "upstream_error"));
        assert_eq!(line.0["slo_missed"].as_array().unwrap().len(), 0);
    }
    assert_eq!(lines[0].text("replay"), RUN);
    let metrics = proxy.metrics().await;
    assert_eq!(metrics.sum("transom_requests_total", &[("model", "m")]), 4.0, "it is traffic");
    for name in ["transom_slo_events_total", "transom_slo_bad_events_total"] {
        assert_eq!(metrics.sum(name, &[("model", "m")]), 0.0, "{name}");
    }
    replay(&proxy, &format!("{RUN}; slo")).await;
    proxy.chat(CHAT).await;
    let lines = proxy.settled(6).await;
    assert_eq!((lines[5].text("origin"), lines[5].text("replay")), ("client", ""));
    let metrics = proxy.metrics().await;
    for name in ["transom_slo_events_total", "transom_slo_bad_events_total"] {
        assert_eq!(metrics.sum(name, &[("model", "m")]), 2.0, "{name}");
    }
    let report = proxy.admin_get("/api/v1/slo").await.json();
    assert_eq!(report["budgets"][0]["events"], 2, "{report}");
}

#[tokio::test]
async fn a_replay_goes_past_the_cache_unless_it_asks_for_it() {
    let upstream = Upstream::start(serve_well);
    let model = "[[model]]\nname = \"m\"\ntargets = [{ upstream = \"u\" }]\ncache = true\n";
    let proxy = Setup::to([upstream.url()]).models(model).start().await;
    let said = |response: &Response| response.header("cache-status").unwrap().to_owned();
    for asked in 1..=2 {
        let response = replay(&proxy, RUN).await;
        assert_eq!(said(&response), "transom; fwd=bypass; detail=replay");
        proxy.settled(asked).await;
    }
    assert_eq!(said(&proxy.chat(CHAT).await), "transom; fwd=miss", "nothing was kept");
    proxy.settled(3).await;
    assert_eq!(said(&replay(&proxy, RUN).await), "transom; fwd=bypass; detail=replay");
    let hit = replay(&proxy, &format!("{RUN}; cache")).await;
    assert!(said(&hit).starts_with("transom; hit"), "{hit:?}");
    proxy.settled(5).await;
    assert_eq!(upstream.count(), 4);
    let metrics = proxy.metrics().await;
    assert_eq!(metrics.sum("transom_cache_bypass_total", &[("reason", "replay")]), 3.0);
}

#[tokio::test]
async fn a_replay_is_not_captured_once_more_unless_it_asks_for_it() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let data_dir = format!("data_dir = {:?}", data.path());
    let setup = Setup::to([upstream.url()]).server(&data_dir);
    let mut proxy = setup.tables("[capture]\nmodels = [\"m\"]").start().await;
    for mark in [RUN, &format!("{RUN}; slo; cache"), &format!("{RUN}; capture")] {
        assert_eq!(replay(&proxy, mark).await.status, 200);
    }
    let counted = |metrics: &Metrics, result| {
        metrics.sum("transom_capture_records_total", &[("result", result)])
    };
    let both = |metrics: &Metrics| (counted(metrics, "replay"), counted(metrics, "written"));
    proxy.metrics_when("both counted", |metrics| both(metrics) == (2.0, 1.0)).await;
    proxy.terminate();
    assert!(proxy.exited().await.success());
    let [exchange] = &captured(&data)[..] else { panic!("{:?}", captured(&data)) };
    assert_eq!(exchange.request.headers[MARK], format!("{RUN}; capture"), "it says what it is");
}

#[tokio::test]
async fn a_proxy_behind_a_proxy_knows_a_replay() {
    let upstream = Upstream::start(fail);
    let inner = Setup::to([upstream.url()]).start().await;
    let outer = Setup::to([format!("http://{}", inner.data)]).start().await;
    replay(&outer, &format!("{RUN}; cache")).await;
    // Among the probes of the outer one.
    let is_told = |line: &LogLine| (line.text("origin"), line.text("replay")) == ("replay", RUN);
    until("the replay is logged", || inner.log().iter().any(is_told)).await;
    assert_eq!(inner.metrics().await.sum("transom_slo_events_total", &[]), 0.0);
    let head = upstream.only_request().head;
    assert_eq!(head.all(MARK), [format!("{RUN}; cache")]);
    let mut client = outer.client().await;
    client.request("GET", "/passed/through", &[(MARK, RUN)]).await;
    client.response_to("GET").await;
    assert_eq!(upstream.requests()[1].head.all(MARK), [RUN]);
}

#[tokio::test]
async fn the_trace_of_a_replay_is_kept_and_names_its_run() {
    let (upstream, collector) = (Upstream::start(serve_well), Collector::start());
    let never =
        "target_traces_per_minute = 0\nfloor = { low = \"0%\", medium = \"0%\", high = \"0%\" }";
    let proxy = Setup::to([upstream.url()]).tables(&collector.table(never)).start().await;
    let response = replay(&proxy, RUN).await;
    let spans = collector.trace(response.trace_id(), 2).await;
    let server = spans.iter().find(|span| span.name == "POST /v1/chat/completions").unwrap();
    for (key, value) in
        [("transom.origin", "replay"), ("transom.replay", RUN), ("transom.keep_reason", "replayed")]
    {
        assert_eq!(attribute(&server.attributes, key), value, "{key}");
    }
}

#[tokio::test]
async fn a_replay_needs_a_key_like_anybody() {
    let upstream = Upstream::start(serve_well);
    let hash: String = Sha256::digest("sk-1").iter().map(|byte| format!("{byte:02x}")).collect();
    let table = format!("[[key]]\nalias = \"one\"\nsha256 = \"{hash}\"\n");
    let proxy = Setup::to([upstream.url()]).tables(&table).start().await;
    assert_eq!(replay(&proxy, RUN).await.status, 401);
    assert_eq!(upstream.count(), 0);
}

#[tokio::test]
async fn a_replay_reaches_what_people_depend_on_only_where_somebody_said_yes() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).with("production = true").start().await;
    let refused = replay(&proxy, RUN).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["error"]["code"], "replay_refused");
    assert_eq!(upstream.count(), 0);
    let let_in = replay(&proxy, &format!("{RUN}; production")).await;
    assert_eq!((let_in.status, upstream.count()), (200, 1));
    assert_eq!(proxy.chat(CHAT).await.status, 200, "callers are no replay");
}
