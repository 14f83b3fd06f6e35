//! Mistakes in `[[slo]]` and `[tracing]`.

use super::{errors, from_env, read};

fn says(text: &str, expected: &[&str]) {
    assert_eq!(errors(read(text)), expected, "in\n{text}");
}

#[test]
fn objectives_that_make_no_sense_are_named() {
    says(
        r#"
[[slo]]
name = "a"
objective = 100.0
[[slo]]
name = "a"
kind = "ttft"
objective = 95
window = "12h"
[[slo]]
name = "b"
kind = "ttft"
threshold = { ttft = "1s" }
objective = 101
model = "x"
route = "/v1/embeddings"
[[slo]]
name = "c"
kind = "goodput"
threshold = {}
[[slo]]
name = "d"
kind = "latency"
threshold = "0s"
objective = 99
window = "90.5h"
"#,
        &[
            "transom.toml:4: slo[0].objective: must be above 0 and below 100 percent: a budget of nothing is always spent",
            "transom.toml:5: slo[1].threshold: is missing",
            "transom.toml:6: slo[1].name: \"a\" is already used by slo[0].name (line 3)",
            "transom.toml:9: slo[1].window: must be 1d to 90d",
            "transom.toml:13: slo[2].threshold: expected a duration like \"1.5s\"",
            "transom.toml:14: slo[2].objective: must be 0 to 100",
            "transom.toml:16: slo[2].route: an objective is for models or for a route, not for both",
            "transom.toml:17: slo[3].objective: is missing",
            "transom.toml:20: slo[3].threshold: give ttft, tpot or latency",
            "transom.toml:24: slo[4].threshold: must be longer than 0s",
        ],
    );
}

#[test]
fn an_objective_for_no_model_is_a_mistake() {
    let text = r#"
[[upstream]]
name = "u"
endpoints = ["http://h"]
[[model]]
name = "chat-large"
targets = [{ upstream = "u" }]
[[slo]]
name = "a"
model = "caht-*"
objective = 99
"#;
    says(text, &["transom.toml:10: slo[0].model: \"caht-*\" matches no model's name"]);
}

#[test]
fn tracing_settings_that_make_no_sense_are_named() {
    says(
        r#"
[tracing]
otlp = "localhost:4318"
trust = ["10.0.0.0/33"]
floor = { low = "50", high = "101%" }
headers_env = "NOT_SET"
page = "http://127.0.0.1:16686/trace/"
"#,
        &[
            "transom.toml:3: tracing.otlp: is not a URL; write it like \"http://10.0.0.1:8000\"",
            "transom.toml:4: tracing.trust[0]: \"10.0.0.0/33\" is not a network; write it like \"10.0.0.0/8\" or \"fd00::/8\"",
            "transom.toml:5: tracing.floor.high: must be 0% to 100%",
            "transom.toml:5: tracing.floor.low: \"50\" is not a percentage; write it like \"50%\" or \"2.5%\"",
            "transom.toml:6: tracing.headers_env: the environment variable it names is not set",
            "transom.toml:7: tracing.page: has no place for the id of a trace: write {trace_id} where it belongs",
        ],
    );
}

#[test]
fn a_receiver_s_headers_are_never_repeated() {
    let text = "[tracing]\notlp = \"http://h\"\nheaders_env = \"H\"";
    for wrong in ["canary", "a b=canary", "=canary", "canary="] {
        let errors = from_env(text, [("H", wrong)]).unwrap_err();
        assert!(!format!("{errors} {errors:?}").contains("canary"), "{errors}");
    }
    let settings = from_env(text, [("H", "authorization=canary")]).unwrap();
    assert!(!format!("{settings:?}").contains("canary"));
}
