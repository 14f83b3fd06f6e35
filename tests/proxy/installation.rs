//! What the pages tell of the installation itself: configuration, routes, playground, system.

use crate::support::*;
use serde_json::{Value, json};
use std::time::Instant;

const KEY_HASH: &str = "29c52bcd29c52bcd29c52bcd29c52bcd29c52bcd29c52bcd29c52bcd29c52bcd";
const JSON_TYPE: (&str, &str) = ("Content-Type", "application/json");

async fn ask(proxy: &Proxy, path: &str) -> Value {
    proxy.admin_get(path).await.json()
}

async fn send(proxy: &Proxy, method: &str, path: &str, body: &Value) -> Response {
    let mut client = Client::admin(proxy.admin).await;
    let body = body.to_string();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{}: {}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        JSON_TYPE.0,
        JSON_TYPE.1,
        body.len()
    );
    client.send(head).await;
    client.response_to(method).await
}

fn entry<'v>(config: &'v Value, path: &str) -> &'v Value {
    let entries = config["entries"].as_array().expect("a list");
    entries.iter().find(|entry| entry["path"] == path).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn every_setting_is_told_with_who_said_it_and_no_secret() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()])
        .with("api_key_env = \"THE_KEY\"")
        .env("THE_KEY", "canary-of-upstream")
        .env("TRANSOM__LOG__LEVEL", "warn")
        .tables(&format!("[[key]]\nalias = \"team\"\nsha256 = \"{KEY_HASH}\""))
        .start()
        .await;
    let answer = proxy.admin_get("/api/v1/config").await;
    assert!(!answer.text().contains("canary") && !answer.text().contains(KEY_HASH));
    let config = answer.json();
    let said = |path: &str| {
        let entry = entry(&config, path);
        (entry["value"].clone(), entry["origin"].clone(), entry["at"].clone())
    };
    assert_eq!(config["file"], "transom.toml");
    assert_eq!(said("upstream[0].api_key_env"), (json!("THE_KEY"), json!("file"), json!(9)));
    assert_eq!(
        said("log.level"),
        (json!("warn"), json!("environment"), json!("TRANSOM__LOG__LEVEL"))
    );
    assert_eq!(said("server.drain"), (json!("30s"), json!("default"), Value::Null));
    assert_eq!(said("upstream[0].timeouts.idle").1, "default");
    assert_eq!(said("key[0].sha256").0, Value::Null);
    assert_eq!(said("key[0].alias").0, "team");
    let page = proxy.admin_get("/config").await;
    assert!(page.text().contains("set by env THE_KEY") && page.text().contains("line 9"));
    assert!(!page.text().contains("canary") && !page.text().contains(KEY_HASH));
}

#[tokio::test]
async fn a_configuration_is_checked_without_a_look_at_this_machine() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).env("THERE", "is one").start().await;
    let check = async |toml: &str| {
        let answer = send(&proxy, "POST", "/api/v1/config/check", &json!({ "toml": toml })).await;
        (answer.status, answer.json()["faults"].clone())
    };
    let (status, faults) = check("[server]\nlisten = [\"nowhere\"]\nmax_bdy = 1\n").await;
    let lines: Vec<_> = faults.as_array().expect("a list").iter().map(|f| &f["line"]).collect();
    assert_eq!((status, lines), (200, vec![&json!(2), &json!(3)]));
    assert!(faults[1]["message"].as_str().expect("words").contains("max_body"), "{faults}");
    // Whether files and variables are there or not makes no difference.
    let named =
        |line: &str| format!("[[upstream]]\nname = \"a\"\nendpoints = [\"http://h\"]\n{line}");
    for line in [
        "api_key_env = \"THERE\"",
        "api_key_env = \"NOT_THERE\"",
        "api_key_file = \"/etc/passwd\"",
        "api_key_file = \"/not/there\"",
        "[admin]\ntls = { cert = \"/etc/passwd\", key = \"/not/there\" }",
        "[capture]\nkey_file = \"/etc/passwd\"",
        "[tracing]\nheaders_env = \"NOT_THERE\"",
        "[cache]\nredis = { url_file = \"/etc/passwd\" }",
    ] {
        assert_eq!(check(&named(line)).await, (200, json!([])), "{line}");
    }
    let (status, _) = check(&"#".repeat(300 << 10)).await;
    assert_eq!(status, 413);
}

#[tokio::test]
async fn a_route_is_told_as_requests_take_it() {
    let upstream = Upstream::start(serve_well);
    let models = "[[model]]\nname = \"big\"\naliases = [\"gpt-*\"]\ncache = true\n\
                  price = { input = 1, output = 2 }\n\
                  targets = [{ upstream = \"u\", model = \"sent\", weight = 3 }, \
                  { upstream = \"v\", weight = 1 }]\n";
    let proxy =
        Setup::to([upstream.url()]).upstream("v", [upstream.url()]).models(models).start().await;
    let route = ask(&proxy, "/api/v1/route?model=gpt-4o").await;
    let leads_to = &route["leads_to"];
    assert_eq!((&leads_to["kind"], &leads_to["model"]), (&json!("model"), &json!("big")));
    assert_eq!((&leads_to["matched"], &leads_to["pattern"]), (&json!("pattern"), &json!("gpt-*")));
    assert_eq!(
        (&leads_to["targets"][0]["model"], &leads_to["targets"][0]["share"]),
        (&json!("sent"), &json!(0.75))
    );
    assert_eq!(
        (&leads_to["price"], &leads_to["cache"]["scope"]),
        (&json!([1.0, 2.0]), &json!("key"))
    );
    assert_eq!(leads_to["objectives"][0]["slo"], "availability");
    // What a caller is told who says the same.
    let refused = proxy.chat(r#"{"model":"bgi","messages":[]}"#).await;
    let route = ask(&proxy, "/api/v1/route?model=bgi").await;
    assert_eq!(route["leads_to"]["error"], refused.json()["error"]["message"]);
    assert_eq!(route["leads_to"]["status"], refused.status);
    assert_eq!(route["leads_to"]["suggestions"], json!(["big"]));
    let kind = async |query: &str| {
        ask(&proxy, &format!("/api/v1/route?{query}")).await["leads_to"]["kind"].clone()
    };
    assert_eq!(kind("path=/v1/models&method=GET").await, "listing");
    assert_eq!(kind("path=/anything").await, "pass_through");
    assert_eq!(proxy.admin_get("/api/v1/route?method=%20").await.status, 400);
    let page = proxy.admin_get("/route?model=%3Cscript%3E&path=/v1/chat/completions'").await;
    assert!(page.status == 200 && !page.text().contains("<script>"), "{}", page.text());
    assert_eq!(proxy.metrics().await.sum("transom_requests_total", &[]), 1.0, "nothing is sent");
}

#[tokio::test]
async fn a_prompt_of_the_playground_is_a_request_like_any_other() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    for stream in [false, true] {
        let prompt = json!({ "model": "m", "user": "Hello", "stream": stream });
        let answer = send(&proxy, "POST", "/api/v1/playground", &prompt).await;
        let played = answer.json();
        assert_eq!(
            (answer.status, &played["status"], &played["failure"]),
            (200, &json!(200), &Value::Null),
            "{played}"
        );
        assert!(played["raw"].as_str().is_some_and(|raw| !raw.is_empty()), "{played}");
        assert!(played["total_seconds"].as_f64() > Some(0.0));
        let id = played["request_id"].as_str().expect("an id");
        let told = ask(&proxy, &format!("/api/v1/requests/{id}")).await;
        assert_eq!((&told["outcome"], &told["stream"]), (&json!("success"), &json!(stream)));
        assert_eq!((&played["measured"], &played["trace_id"]), (&told, &told["trace_id"]));
    }
    let unknown = json!({ "model": "none", "user": "Hello" });
    let played = send(&proxy, "POST", "/api/v1/playground", &unknown).await.json();
    assert_eq!(played["status"], 404);
    assert!(played["raw"].as_str().expect("a body").contains("does not exist"), "{played}");
    let nothing = send(&proxy, "POST", "/api/v1/playground", &json!({ "user": "Hello" })).await;
    assert_eq!(nothing.status, 400);
    proxy.settled(3).await;
}

#[tokio::test]
async fn a_support_bundle_has_no_secret_and_nothing_that_was_said() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()])
        .with("api_key_env = \"THE_KEY\"")
        .env("THE_KEY", "canary-of-upstream")
        .start()
        .await;
    let mut client = proxy.client().await;
    let headers = [("Authorization", "Bearer canary-of-caller"), ("X-Request-ID", "canary-of-id")];
    let body =
        br#"{"model":"canary-of-model","messages":[{"role":"user","content":"canary-said"}]}"#;
    client.post("/v1/chat/completions", &headers, body).await;
    assert_eq!(client.response().await.status, 404);
    let prompt =
        json!({ "model": "canary-of-play", "user": "canary-asked", "key": "canary-of-key" });
    send(&proxy, "POST", "/api/v1/playground", &prompt).await;
    let deadline = Instant::now() + PATIENCE;
    let bundle = loop {
        let answer = proxy.admin_get("/api/v1/support-bundle").await;
        if answer.json()["failed_requests"].as_array().is_some_and(|failed| failed.len() == 2) {
            break answer;
        }
        assert!(Instant::now() < deadline, "{}", answer.text());
    };
    assert!(!bundle.text().contains("canary"), "{}", bundle.text());
    let name = bundle.header("content-disposition").expect("a name");
    assert!(name.starts_with("attachment; filename=\"transom-support-"), "{name}");
    let bundle = bundle.json();
    assert!(bundle["metrics"].as_str().expect("text").contains("transom_build_info"));
    assert!(bundle["config"]["entries"].as_array().expect("a list").len() > 50);
    let audit = ask(&proxy, "/api/v1/audit").await;
    assert_eq!(audit["events"][0]["action"], "support_bundle");
    assert!(!audit.to_string().contains("canary-of-key") && !audit.to_string().contains("asked"));
}

#[tokio::test]
async fn the_system_and_its_metrics_are_told() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let system = ask(&proxy, "/api/v1/system").await;
    assert_eq!(system["build"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(system["process"]["memory_bytes"].as_u64() > Some(1 << 20), "{system}");
    assert!(system["queues"].as_array().is_some_and(|queues| queues.len() >= 6));
    let reference = ask(&proxy, "/metrics-reference.json?q=transom_requests_total").await;
    let metric = &reference["metrics"][0];
    let scraped = proxy.admin_get("/metrics").await;
    let lines = scraped.text().lines().filter(|line| line.starts_with("transom_requests_total{"));
    assert_eq!(metric["series"], lines.count());
    for page in ["/config", "/route", "/playground", "/system", "/metrics-reference"] {
        let answer = proxy.admin_get(page).await;
        assert_eq!(answer.status, 200, "{page}");
        assert_eq!(answer.text().matches("<h1").count(), 1, "{page}");
        assert!(!answer.text().contains("style="), "{page}");
    }
}
