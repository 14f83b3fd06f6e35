//! The document of the admin API, held against what a running proxy answers.

use crate::support::*;
use serde_json::{Value, json};
use std::time::Instant;

/// What asks a client to stay, and is no JSON.
const STREAMS: [&str; 4] =
    ["/api/v1/live", "/metrics", "/debug/pprof/profile", "/debug/pprof/heap"];

/// Target `m` at `u`, which weighs more from now on.
const WEIGH: &str = r#"{"upstream":"u","model":"m","weight":2}"#;
/// An alert, as an Alertmanager sends it.
const NOTIFICATION: &str = r#"{"version":"4","receiver":"transom","alerts":[{"status":"firing",
    "labels":{"alertname":"Trial"},"annotations":{"summary":"Only a trial."},
    "startsAt":"2026-01-01T08:00:00Z","endsAt":"0001-01-01T00:00:00Z",
    "generatorURL":"http://localhost:9090/graph","fingerprint":"5ea1"}]}"#;

/// The document, read strictly: what it does not name, there must not be.
struct Contract(Value);

impl Contract {
    async fn of(proxy: &Proxy) -> Self {
        let mut document = proxy.admin_get("/api/v1/openapi.json").await.json();
        close(&mut document);
        Self(document)
    }

    /// The paths that can be asked for as they stand.
    fn plain_paths(&self) -> Vec<String> {
        let paths = self.0["paths"].as_object().expect("paths");
        let is_plain = |path: &String| !path.contains('{') && !STREAMS.contains(&path.as_str());
        let gets = paths.iter().filter(|(_, item)| item.get("get").is_some());
        gets.map(|(path, _)| path.clone()).filter(is_plain).collect()
    }

    /// Fails unless `answer` is one that `method` at `path` may get.
    fn holds(&self, method: &str, path: &str, answer: &Response) {
        let operation = &self.0["paths"][path][method];
        let status = answer.status.to_string();
        let mut told = &operation["responses"][&status];
        if let Some(reference) = told["$ref"].as_str() {
            let found = self.0.pointer(reference.trim_start_matches('#'));
            told = found.unwrap_or_else(|| panic!("{reference} leads nowhere"));
        }
        assert!(told.is_object(), "{method} {path} may not answer {status}: {}", answer.text());
        let schema = &told["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {path} {status} is no JSON");
        let root = json!({ "allOf": [schema], "components": self.0["components"] });
        let validator = jsonschema::validator_for(&root).expect("a schema");
        let value = answer.json();
        let wrong: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{method} {path} {status}: {wrong:#?}\n{value:#}");
    }
}

/// Whatever is said of an object is all there is to say.
fn close(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Object(members) => {
            if members.contains_key("properties") && members["type"] == "object" {
                members.entry("additionalProperties").or_insert(false.into());
            }
            members.values_mut().for_each(close);
        }
        _ => {}
    }
}

async fn send(proxy: &Proxy, method: &str, path: &str, body: &str) -> Response {
    let mut client = Client::admin(proxy.admin).await;
    let method = method.to_uppercase();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    client.send(head).await;
    client.response_to(&method).await
}

async fn busy() -> (Proxy, Home, Upstream) {
    let upstream = Upstream::start(serve_well);
    let home = Home::new();
    let data = format!("data_dir = {:?}", home.path());
    let tables = "[cache]\nmodels = [\"*\"]\n[capture]\nmodels = [\"*\"]\nmode = \"full\"\n\
                  [[webhook]]\nname = \"hook\"\nurl = \"http://127.0.0.1:1\"\nsecret_env = \"HOOK\"\n";
    let setup = Setup::to([upstream.url()]).server(&data).tables(tables);
    let proxy = setup.env("HOOK", &format!("whsec_{}", "c2VjcmV0".repeat(4))).start().await;
    for body in [
        r#"{"model":"m","messages":[{"role":"user","content":"a"}],"temperature":0}"#,
        r#"{"model":"m","messages":[{"role":"user","content":"a"}],"temperature":0}"#,
        r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"b"}]}"#,
        r#"{"model":"none","messages":[]}"#,
    ] {
        proxy.chat(body).await;
    }
    proxy.settled(4).await;
    let deadline = Instant::now() + PATIENCE;
    while proxy.admin_get("/api/v1/captures").await.json()["written"] != 3 {
        assert!(Instant::now() < deadline, "not captured");
    }
    (proxy, home, upstream)
}

#[tokio::test]
async fn whatever_can_be_asked_for_is_answered_as_the_document_says() {
    let (proxy, _home, _upstream) = busy().await;
    let contract = Contract::of(&proxy).await;
    let paths = contract.plain_paths();
    assert!(paths.len() > 15, "{paths:?}");
    for path in paths {
        let answer = proxy.admin_get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        contract.holds("get", &path, &answer);
    }
    let requests = proxy.admin_get("/api/v1/requests?facets=true&limit=2").await;
    contract.holds("get", "/api/v1/requests", &requests);
    for request in requests.json()["requests"].as_array().expect("a list") {
        let id = request["request_id"].as_str().expect("an id");
        let whole = proxy.admin_get(&format!("/api/v1/requests/{id}")).await;
        contract.holds("get", "/api/v1/requests/{id}", &whole);
    }
    for query in ["model=m", "model=none", "path=/v1/models&method=GET", "path=/x"] {
        let route = proxy.admin_get(&format!("/api/v1/route?{query}")).await;
        contract.holds("get", "/api/v1/route", &route);
    }
}

#[tokio::test]
async fn what_is_done_and_what_is_refused_is_answered_as_the_document_says() {
    let (proxy, _home, upstream) = busy().await;
    let contract = Contract::of(&proxy).await;
    let order = json!({ "a": { "url": upstream.url() }, "schedule": { "speed": "100x" } });
    for (method, path, body, status) in [
        ("put", "/api/v1/log", r#"{"level":"warn"}"#, 200),
        ("put", "/api/v1/log", r#"{"level":"loud"}"#, 400),
        ("put", "/api/v1/log", "{", 400),
        ("post", "/api/v1/cache/purge", r#"{"model":"m"}"#, 200),
        ("post", "/api/v1/cache/purge", "{}", 400),
        ("post", "/api/v1/config/check", r#"{"toml":"[servr]"}"#, 200),
        ("post", "/api/v1/playground", r#"{"model":"m","user":"c"}"#, 200),
        ("post", "/api/v1/playground", r#"{"model":"m","user":"c","temperature":3}"#, 400),
        ("post", "/api/v1/replays", &order.to_string(), 202),
        ("post", "/api/v1/replays", r#"{"a":{}}"#, 400),
        ("post", "/api/v1/captures/erase", r#"{"key":"nobody"}"#, 200),
        ("post", "/api/v1/captures/erase", "{}", 400),
        ("put", "/api/v1/upstreams/weights", WEIGH, 200),
        ("put", "/api/v1/upstreams/weights", r#"{"upstream":"u"}"#, 400),
        ("put", "/api/v1/upstreams/weights", r#"{"upstream":"u","model":"x","weight":1}"#, 404),
        ("post", "/api/v1/alerts/alertmanager", NOTIFICATION, 200),
        ("post", "/api/v1/alerts/alertmanager", "{}", 400),
        ("post", "/api/v1/keys", r#"{"alias":"k"}"#, 409),
        ("post", "/api/v1/keys", r#"{"alias":"k","close":true}"#, 201),
        ("post", "/api/v1/keys", r#"{"alias":"k*"}"#, 400),
    ] {
        let answer = send(&proxy, method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path} {body}: {}", answer.text());
        contract.holds(method, path, &answer);
    }
    for (method, path, asked, status) in [
        ("delete", "/api/v1/keys/{alias}", "/api/v1/keys/k", 200),
        ("delete", "/api/v1/keys/{alias}", "/api/v1/keys/none", 404),
        ("post", "/api/v1/keys/{alias}/restore", "/api/v1/keys/none/restore", 404),
        ("post", "/api/v1/webhooks/{name}/test", "/api/v1/webhooks/hook/test", 202),
        ("post", "/api/v1/webhooks/{name}/test", "/api/v1/webhooks/none/test", 404),
    ] {
        let answer = send(&proxy, method, asked, "{}").await;
        assert_eq!(answer.status, status, "{method} {asked}: {}", answer.text());
        contract.holds(method, path, &answer);
    }
    for path in ["/api/v1/alerts", "/api/v1/keys", "/api/v1/upstreams"] {
        contract.holds("get", path, &proxy.admin_get(path).await);
    }
    contract.holds("get", "/api/v1/replays", &proxy.admin_get("/api/v1/replays").await);
    contract.holds("get", "/api/v1/audit", &proxy.admin_get("/api/v1/audit").await);
    for (path, asked) in [
        ("/api/v1/requests", "/api/v1/requests?status=9xx"),
        ("/api/v1/requests", "/api/v1/requests?colour=red"),
        ("/api/v1/requests/{id}", "/api/v1/requests/none"),
        ("/api/v1/history", "/api/v1/history?range=soon"),
        ("/api/v1/metrics-reference", "/api/v1/metrics-reference?q=a&q=b"),
        ("/api/v1/replays/{id}", "/api/v1/replays/none"),
        ("/api/v1/captures/exchanges", "/api/v1/captures/exchanges?limit=many"),
    ] {
        let answer = proxy.admin_get(asked).await;
        assert!((400..500).contains(&answer.status), "{asked}: {}", answer.status);
        contract.holds("get", path, &answer);
    }
}
