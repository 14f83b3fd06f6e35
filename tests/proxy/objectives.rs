//! Error budgets as the admin listener tells them.

use crate::support::*;
use serde_json::Value;

const AVAILABILITY: &str = "[[slo]]\nname = \"availability\"\nobjective = 90.0\n";

async fn budget(proxy: &Proxy, slo: &str, model: &str) -> Value {
    let report = proxy.admin_get("/api/v1/slo").await.json();
    let budgets = report["budgets"].as_array().expect("budgets").clone();
    let found = budgets.into_iter().find(|b| b["slo"] == slo && b["model"] == model);
    found.unwrap_or_else(|| panic!("no {slo} of {model}: {report}"))
}

async fn fail_or_serve(mut call: Call) -> std::io::Result<After> {
    let body = call.body().await?;
    if body.windows(4).any(|word| word == b"fail") {
        return call.answer(json_answer(500, "{}")).await;
    }
    call.answer(chat_answer()).await
}

#[tokio::test]
async fn without_traffic_there_is_no_figure() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let budget = budget(&proxy, "availability", "m").await;
    assert_eq!(budget["events"], 0);
    assert_eq!((&budget["sli"], &budget["state"]), (&Value::Null, &"no traffic".into()));
    assert_eq!(budget["objective"], 0.99);
}

#[tokio::test]
async fn good_and_bad_events_are_counted_into_budget_and_series_alike() {
    let upstream = Upstream::start(fail_or_serve);
    let proxy = Setup::to([upstream.url()]).tables(AVAILABILITY).start().await;
    for _ in 0..18 {
        proxy.chat(r#"{"model":"m"}"#).await;
    }
    for _ in 0..2 {
        proxy.chat(r#"{"model":"m","user":"fail"}"#).await;
    }
    proxy.chat("{").await;
    proxy.chat(r#"{"model":"unknown"}"#).await;
    let lines = proxy.settled(22).await;
    let budget = budget(&proxy, "availability", "m").await;
    assert_eq!((&budget["events"], &budget["bad_events"]), (&20.into(), &2.into()));
    assert_eq!(budget["sli"], 0.9);
    let left = budget["budget"]["remaining_ratio"].as_f64().unwrap();
    assert!(left.abs() < 1e-9, "2 bad of 20 spend a budget of 10 %: {left}");
    let metrics = proxy.metrics().await;
    let by = [("slo", "availability"), ("model", "m")];
    assert_eq!(metrics.sum("transom_slo_events_total", &by), 20.0);
    assert_eq!(metrics.sum("transom_slo_bad_events_total", &by), 2.0);
    assert_eq!(metrics.sum("transom_slo_objective_ratio", &by), 0.9);
    let missed = lines.iter().filter(|line| line.0["slo_missed"][0] == "availability").count();
    assert_eq!(missed, 2);
}

#[tokio::test]
async fn a_budget_survives_a_restart_while_counters_begin_anew() {
    let upstream = Upstream::start(fail_or_serve);
    let data = Home::new();
    let setup = || {
        let line = format!("data_dir = {:?}", data.path());
        Setup::to([upstream.url()]).server(&line).tables(AVAILABILITY)
    };
    let mut first = setup().start().await;
    for _ in 0..3 {
        first.chat(r#"{"model":"m"}"#).await;
    }
    first.chat(r#"{"model":"m","user":"fail"}"#).await;
    first.settled(4).await;
    first.terminate();
    assert!(first.exited().await.success());

    let second = setup().start().await;
    second.chat(r#"{"model":"m"}"#).await;
    second.settled(1).await;
    let budget = budget(&second, "availability", "m").await;
    assert_eq!((&budget["events"], &budget["bad_events"]), (&5.into(), &1.into()));
    let metrics = second.metrics().await;
    assert_eq!(metrics.sum("transom_slo_events_total", &[("model", "m")]), 1.0);
    assert_eq!(metrics.sum("transom_slo_bad_events_total", &[("model", "m")]), 0.0);
}

#[tokio::test]
async fn two_proxies_on_one_directory_leave_it_to_the_first() {
    let upstream = Upstream::start(serve_well);
    let data = Home::new();
    let line = format!("data_dir = {:?}", data.path());
    let _first = Setup::to([upstream.url()]).server(&line).start().await;
    let second = Setup::to([upstream.url()]).server(&line).start().await;
    assert_eq!(second.chat(r#"{"model":"m"}"#).await.status, 200);
    assert!(second.diagnostics().contains("in use by another process"));
}
