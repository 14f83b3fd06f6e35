//! Who said what, and what is not told.

use super::{FILE, from_env, read};
use crate::admin::{ConfigEntry, ConfigOrigin, EffectiveConfig};
use crate::config::{Environment, Overrides, empty, faults, from_text};
use serde_json::{Value, json};

fn entry<'e>(config: &'e EffectiveConfig, path: &str) -> &'e ConfigEntry {
    config.entries.iter().find(|entry| entry.path == path).unwrap_or_else(|| panic!("{path}"))
}

#[test]
fn the_last_to_say_so_is_told() {
    let text = "[server]\nlisten = [\"127.0.0.1:1\"]\ndrain = \"5s\"\n[log]\nlevel = \"warn\"\n";
    let env: Environment = [("TRANSOM__SERVER__DRAIN", "7s")].into_iter().collect();
    let overrides = Overrides { admin: Some(([127, 0, 0, 1], 9).into()), ..Overrides::default() };
    let config = from_text(FILE, text, &env, &overrides).unwrap().effective;
    let told = |path: &str| {
        let ConfigEntry { value, origin, .. } = entry(&config, path);
        (value.clone().unwrap(), origin.clone())
    };
    assert_eq!(told("server.listen"), (json!(["127.0.0.1:1"]), ConfigOrigin::Line(2)));
    let variable = ConfigOrigin::Variable("TRANSOM__SERVER__DRAIN".to_owned());
    assert_eq!(told("server.drain"), (json!("7s"), variable));
    assert_eq!(told("server.admin"), (json!("127.0.0.1:9"), ConfigOrigin::Flag("--admin".into())));
    assert_eq!(told("server.max_body"), (json!("32MiB"), ConfigOrigin::Default));
    assert_eq!(told("log.level"), (json!("warn"), ConfigOrigin::Line(5)));
    assert_eq!(config.file, FILE);
}

#[test]
fn without_a_file_there_are_the_defaults() {
    let config = empty(&Environment::default(), &Overrides::default()).unwrap().effective;
    assert!(config.entries.iter().all(|entry| entry.origin == ConfigOrigin::Default));
    for path in ["server.listen", "cache.memory", "capture.keep.bytes", "tracing.floor.low"] {
        assert!(entry(&config, path).value.is_some(), "{path}");
    }
    // What is not there is not told.
    let absent = ["cache.redis", "admin.tls", "upstream", "model"];
    let is_absent = |entry: &ConfigEntry| absent.iter().any(|path| entry.path.starts_with(path));
    assert!(!config.entries.iter().any(is_absent));
}

#[test]
fn items_of_lists_are_told_one_by_one_and_secrets_not_at_all() {
    let hash = "ab".repeat(32);
    let text = format!(
        "[[upstream]]\nname = \"a\"\nendpoints = [\"http://h\", {{ url = \"http://i\", weight = 2 }}]\n\
         api_key_env = \"VLLM_KEY\"\n[[key]]\nalias = \"k\"\nsha256 = \"{hash}\"\n\
         [cache]\nredis = {{ url_env = \"REDIS_URL\" }}\n[tracing]\notlp = \"http://c\"\n\
         headers_env = \"OTLP_HEADERS\"\n"
    );
    let config = read(&text).unwrap().effective;
    let value = |path: &str| entry(&config, path).value.clone();
    assert_eq!(value("upstream[0].endpoints[0]"), Some(json!("http://h")));
    assert_eq!(value("upstream[0].endpoints[1].weight"), Some(json!(2)));
    assert_eq!(value("upstream[0].balance"), Some(json!("p2c_tokens")));
    assert_eq!(value("upstream[0].api_key_env"), Some(json!("VLLM_KEY")));
    assert_eq!((value("key[0].sha256"), value("key[0].alias")), (None, Some(json!("k"))));
    assert_eq!(value("cache.redis.url_env"), Some(json!("REDIS_URL")));
    let shown = serde_json::to_string(&config).unwrap();
    for secret in ["canary", hash.as_str()] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}

#[test]
fn a_value_of_the_environment_in_a_list_is_its_own() {
    let text = "[[upstream]]\nname = \"a\"\nendpoints = [\"http://h\"]\n";
    let config = from_env(text, [("TRANSOM__UPSTREAM__0__BALANCE", "round_robin")]).unwrap();
    let entry = entry(&config.effective, "upstream[0].balance");
    assert_eq!(entry.origin, ConfigOrigin::Variable("TRANSOM__UPSTREAM__0__BALANCE".to_owned()));
    assert_eq!(serde_json::to_value(entry).unwrap()["origin"], Value::from("environment"));
}

#[test]
fn a_blind_check_finds_mistakes_and_not_what_lies_on_this_machine() {
    let found = faults("[server]\nmax_body = \"0\"\n[[modell]]\n");
    assert_eq!(found.iter().map(|fault| fault.line).collect::<Vec<_>>(), [Some(2), Some(3)]);
    let upstream = "[[upstream]]\nname = \"a\"\nendpoints = [\"http://h\"]\n";
    for line in
        ["api_key_env = \"NONE\"", "api_key_file = \"/none\"", "api_key_file = \"/dev/zero\""]
    {
        assert_eq!(faults(&format!("{upstream}{line}")), [], "{line}");
    }
    let both = faults(&format!("{upstream}api_key_env = \"A\"\napi_key_file = \"/b\""));
    assert_eq!(both.len(), 1);
}
