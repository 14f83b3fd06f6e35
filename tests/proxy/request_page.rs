//! The page of a request: what was said, raw and as a conversation, the commands that send it
//! again, and where else all of that can be had.

use crate::access::{ADMIN, READER, VIEWER, send_as, users};
use crate::support::*;
use serde_json::Value;
use std::time::Instant;

/// What a caller wrote: it wants out of a page, a shell and a terminal.
const BODY: &str = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\
                    \"canary it's $(id) <script> \\u202e\"}]}";

async fn asked(tables: &str) -> (Proxy, Home, Upstream, String) {
    let upstream = Upstream::start(serve_well);
    let home = Home::new();
    let data = format!("data_dir = {:?}", home.path());
    let tables = format!("{tables}[capture]\nmodels = [\"*\"]\nmode = \"full\"\n");
    let proxy = Setup::to([upstream.url()]).server(&data).tables(&tables).start().await;
    let answer = proxy.chat(BODY).await;
    let id = answer.header("x-request-id").expect("an id").to_owned();
    proxy.settled(1).await;
    let deadline = Instant::now() + PATIENCE;
    let status = "GET /api/v1/captures";
    while send_as(&proxy, ADMIN, status, "").await.json()["written"] != 1 {
        assert!(Instant::now() < deadline, "not captured");
    }
    (proxy, home, upstream, id)
}

async fn looks(proxy: &Proxy) -> usize {
    let audit = send_as(proxy, ADMIN, "GET /api/v1/audit", "").await.json();
    let events = audit["events"].as_array().into_iter().flatten();
    events.filter(|event| event["action"] == "look").count()
}

#[tokio::test]
async fn what_was_said_is_shown_raw_to_those_alone_who_may_see_it_and_written_down() {
    let (proxy, _home, _upstream, id) = asked(&users()).await;
    for path in ["", "?view=raw", ".json"] {
        let page = send_as(&proxy, VIEWER, &format!("GET /requests/{id}{path}"), "").await;
        assert!(page.status == 200 && !page.text().contains("canary"), "{}", page.text());
    }
    let json = send_as(&proxy, READER, &format!("GET /requests/{id}.json"), "").await;
    assert!(!json.text().contains("canary"));
    assert_eq!(looks(&proxy).await, 0);
    let raw = send_as(&proxy, READER, &format!("GET /requests/{id}?view=raw"), "")
        .await
        .text()
        .to_owned();
    for part in [
        "POST /v1/chat/completions
",
        "content-type: application/json",
        "canary it",
    ] {
        assert!(raw.contains(part), "{part}: {raw}");
    }
    assert!(!raw.contains("<script>"));
    assert_eq!(looks(&proxy).await, 1);
    let chat = send_as(&proxy, READER, &format!("GET /requests/{id}"), "").await.text().to_owned();
    assert!(chat.contains("canary") && !chat.contains("POST /v1/chat/completions\n"));
    assert_eq!(looks(&proxy).await, 2);
}

#[tokio::test]
async fn a_captured_request_can_be_copied_as_a_command_without_a_key() {
    let (proxy, _home, _upstream, id) = asked("").await;
    let page = proxy.admin_get(&format!("/requests/{id}")).await.text().to_owned();
    let from = page.split_once("<pre id=\"as-curl\">").expect("a command").1;
    let curl = from.split_once("</pre>").expect("its end").0;
    let curl = curl.replace("&#39;", "'").replace("&#34;", "\"").replace("&#60;", "<");
    let curl = curl.replace("&#62;", ">").replace("&#38;", "&");
    assert!(curl.starts_with(&format!("curl 'http://{}/v1/chat/completions'", proxy.data)));
    assert!(curl.ends_with(&format!("--data-raw '{}'", BODY.replace('\'', r"'\''"))), "{curl}");
    assert!(!curl.contains("Authorization"), "nobody has shown a key");
    assert!(page.contains("data-copy-from=\"as-python\"") && page.contains("urllib.request"));
}

#[tokio::test]
async fn a_kept_trace_is_a_click_away() {
    let collector = Upstream::start(serve_well);
    let tables = format!(
        "[tracing]\notlp = {:?}\npage = \"https://jaeger.example.org/trace/{{trace_id}}\"\n",
        collector.url()
    );
    let (proxy, _home, _upstream, id) = asked(&tables).await;
    let told: Value = proxy.admin_get(&format!("/api/v1/requests/{id}")).await.json();
    let trace = told["trace_id"].as_str().expect("an id");
    let page = proxy.admin_get(&format!("/requests/{id}")).await.text().to_owned();
    let href = format!("href=\"https://jaeger.example.org/trace/{trace}\"");
    assert!(page.contains(&href), "{page}");
}

#[tokio::test]
async fn every_view_says_where_else_it_can_be_had() {
    let upstream = Upstream::start(serve_well);
    let home = Home::new();
    let below = Setup::to([upstream.url()]).tables("[admin]\nbase_path = \"/ops\"");
    home.write("transom.toml", &below.file(0, 0));
    let proxy = Proxy::run_below("/ops", home, &["--config", "transom.toml"]).await;
    for (page, json) in [
        ("/", "/overview.json"),
        ("/slo", "/slo.json"),
        ("/models/m?window=6h", "/models/m.json?window=6h"),
        ("/requests?model=m", "/requests.json?model=m"),
    ] {
        let shown = proxy.admin_get(&format!("/ops{page}")).await.text().to_owned();
        let href = format!("href=\"/ops{json}\"");
        assert!(shown.contains(&href) && shown.contains("data-copy-link"), "{page}: {shown}");
        let told = proxy.admin_get(&format!("/ops{json}")).await;
        assert!(told.json().is_object(), "{json}");
    }
    let slo = proxy.admin_get("/ops/slo").await.text().to_owned();
    let command = format!("transom slo status --admin &#39;http://{}/ops&#39;", proxy.admin);
    assert!(slo.contains(&command), "{slo}");
}
