//! `[cache]`, `cache` of a model and the tenant of a key.

use super::{errors, example::EXAMPLE, from_env, read};
use crate::cache::{
    CacheScope, CacheSettings, CacheWhen, Eviction, Pace, RedisSettings, RouteCache, Sampled,
    Topology,
};
use crate::config::schema;
use crate::types::Secret;
use std::num::NonZeroU32;
use std::time::Duration;

const MODELS: &str = r#"
[[upstream]]
name = "u"
endpoints = ["http://h"]
[[model]]
name = "chat-large"
targets = [{ upstream = "u" }]
"#;

fn says(text: &str, expected: &[&str]) {
    assert_eq!(errors(read(text)), expected, "in\n{text}");
}

/// What the one model of [`MODELS`] makes of `line` and of the section `[cache]`.
fn of_model(line: &str, section: &str) -> Option<RouteCache> {
    let settings = read(&format!("{MODELS}{line}\n[cache]\n{section}")).unwrap();
    settings.model_caches["chat-large"].clone()
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

#[test]
fn the_example_of_a_cache_means_what_it_says() {
    let settings = read(EXAMPLE).unwrap();
    let cache = &settings.cache;
    assert_eq!((cache.memory, cache.policy, cache.disk), (1 << 30, Eviction::TinyLfu, None));
    assert_eq!(cache.models, ["*-small"]);
    let redis = RedisSettings {
        url: Secret::new("rediss://me:canary-of-redis@h:6379"),
        topology: Topology::Cluster,
        nodes: vec!["h:6379".to_owned()],
        timeout: Duration::from_millis(20),
        prefix: "t1".to_owned(),
    };
    assert_eq!(cache.redis.as_ref(), Some(&redis));
    let default = RouteCache {
        when: CacheWhen::Asked,
        ttl: Duration::from_secs(2 * 3600),
        scope: CacheScope::Tenant,
        sampled: Sampled::Refuse,
        stale_while_revalidate: Duration::from_secs(60),
        stale_if_error: Duration::from_secs(3600),
        errors: Duration::from_secs(2),
        collapse: None,
        pace: Pace::Recorded,
    };
    assert_eq!(cache.default, default);
    assert_eq!(settings.model_caches["chat-small"].as_ref(), Some(&default));
    let large = RouteCache {
        ttl: Duration::from_secs(600),
        sampled: Sampled::Allow { variants: number(1) },
        pace: Pace::TokensPerSecond(number(40)),
        ..default
    };
    assert_eq!(settings.model_caches["chat-large"].as_ref(), Some(&large));
    assert_eq!(settings.keys[0].tenant.as_deref(), Some("search"));
}

#[test]
fn without_a_setting_nothing_is_cached() {
    let settings = read(MODELS).unwrap();
    assert_eq!(settings.cache, CacheSettings::default());
    assert_eq!(settings.model_caches["chat-large"], None);
    assert!(read("").unwrap().model_caches.is_empty());
    let key = format!("[[key]]\nalias = \"k\"\nsha256 = \"{}\"", "0".repeat(64));
    assert_eq!(read(&key).unwrap().keys[0].tenant, None);
}

#[test]
fn a_model_is_cached_if_it_says_so_or_the_section_names_it() {
    let standard = Some(RouteCache::default());
    assert_eq!(of_model("", ""), None);
    assert_eq!(of_model("", "models = [\"chat-*\"]"), standard);
    assert_eq!(of_model("cache = true", ""), standard);
    assert_eq!(of_model("cache = {}", ""), standard);
    assert_eq!(of_model("cache = false", "models = [\"*\"]"), None);
}

#[test]
fn what_a_model_leaves_out_is_as_in_the_section() {
    let section = "ttl = \"5m\"\nsampled = \"allow\"\nvariants = 4\ncollapse = \"1s\"";
    let cache = of_model("cache = { scope = \"global\", collapse = \"off\" }", section).unwrap();
    assert_eq!((cache.ttl, cache.scope), (Duration::from_secs(300), CacheScope::Global));
    assert_eq!(cache.collapse, None);
    let sampled = |line: &str| of_model(line, section).unwrap().sampled;
    assert_eq!(sampled("cache = true"), Sampled::Allow { variants: number(4) });
    assert_eq!(sampled("cache = { sampled = \"allow\" }"), Sampled::Allow { variants: number(4) });
    assert_eq!(sampled("cache = { variants = 2 }"), Sampled::Allow { variants: number(2) });
    assert_eq!(sampled("cache = { sampled = \"refuse\" }"), Sampled::Refuse);
}

#[test]
fn cache_settings_that_make_no_sense_are_named() {
    says(
        &format!(
            r#"{MODELS}cache = {{ ttl = "0s", variants = 2, scope = "tenant", memory = "1GiB" }}
[cache]
memory = "1023KiB"
disk = "1MiB"
policy = "lfu"
models = ["chat-*", "caht-*"]
ttl = "366d"
scope = "tenant"
variants = 0
errors_ttl = 5
collapse = "0s"
pace = "40"
when = "ask"
"#
        ),
        &[
            r#"transom.toml:8: unknown key "memory" in model[0].cache"#,
            "transom.toml:8: model[0].cache.scope: no [[key]] has a tenant, so there would be nobody to share with",
            "transom.toml:8: model[0].cache.ttl: must be longer than 0s",
            r#"transom.toml:8: model[0].cache.variants: there are variants only with sampled = "allow""#,
            "transom.toml:10: cache.memory: must be 1MiB or more",
            "transom.toml:11: cache.disk: must be 16MiB or more, or 0 for none",
            r#"transom.toml:12: cache.policy: "lfu" is not one of "lru", "tinylfu"; did you mean "lru"?"#,
            r#"transom.toml:13: cache.models[1]: "caht-*" matches no model's name"#,
            "transom.toml:14: cache.ttl: is longer than 365d",
            "transom.toml:15: cache.scope: no [[key]] has a tenant, so there would be nobody to share with",
            "transom.toml:16: cache.variants: must be 1 to 64",
            r#"transom.toml:17: cache.errors_ttl: expected a duration like "1.5s" or "200ms", found a whole number"#,
            r#"transom.toml:18: cache.collapse: must be longer than 0s, or "off""#,
            r#"transom.toml:19: cache.pace: "40" is not a pace; write it like "at_once" or "recorded" or "40 tokens/s""#,
            r#"transom.toml:20: cache.when: "ask" is not one of "always", "asked""#,
        ],
    );
}

#[test]
fn a_model_s_cache_is_a_switch_or_a_table() {
    says(
        &format!("{MODELS}cache = \"1h\"\n"),
        &["transom.toml:8: model[0].cache: expected true or false or a table, found text"],
    );
    says(
        &format!("{MODELS}cache = {{ tll = \"1h\" }}\n[cache]\nsacled = 1\nstale_if_eror = \"1s\""),
        &[
            r#"transom.toml:8: unknown key "tll" in model[0].cache; did you mean "ttl"?"#,
            r#"transom.toml:10: unknown key "sacled" in [cache]; did you mean "sampled"?"#,
            r#"transom.toml:11: unknown key "stale_if_eror" in [cache]; did you mean "stale_if_error"?"#,
        ],
    );
}

#[test]
fn variables_reach_every_cache_setting() {
    let text = format!("{MODELS}[cache]\nttl = \"1m\"");
    let variables = [
        ("TRANSOM__CACHE__TTL", "2m"),
        ("TRANSOM__CACHE__MODELS", "chat-*,*"),
        ("TRANSOM__CACHE__REDIS", "redis://h"),
        ("TRANSOM__MODEL__0__CACHE", "false"),
    ];
    let settings = from_env(&text, variables).unwrap();
    assert_eq!(settings.cache.default.ttl, Duration::from_secs(120));
    assert_eq!(settings.cache.models, ["chat-*", "*"]);
    assert_eq!(settings.cache.redis, Some(RedisSettings::new(Secret::new("redis://h"))));
    assert_eq!(settings.model_caches["chat-large"], None);
    let one = from_env(&text, [("TRANSOM__MODEL__0__CACHE__TTL", "3m")]).unwrap();
    let ttl = one.model_caches["chat-large"].as_ref().map(|cache| cache.ttl);
    assert_eq!(ttl, Some(Duration::from_secs(180)));
}

fn redis(table: &str) -> String {
    format!("[cache]\nredis = {table}")
}

#[test]
fn a_shared_server_is_a_url_or_a_table() {
    let of = |table: &str| read(&redis(table)).unwrap().cache.redis.unwrap();
    let plain = RedisSettings::new(Secret::new("redis://h:1"));
    assert_eq!(of("\"redis://h:1\""), plain);
    assert_eq!(of("{ url = \"redis://h:1\" }"), plain);
    let sentinel = of("{ url = \"redis://h:1\", sentinel_master = \"m\", nodes = [\"i:2\"] }");
    assert_eq!(sentinel.topology, Topology::Sentinel { master: "m".to_owned() });
    assert_eq!(sentinel.nodes, ["i:2"]);
}

#[test]
fn a_shared_server_that_makes_no_sense_is_named() {
    let at = |what: &str| format!("transom.toml:2: cache.redis{what}");
    let cases = [
        ("\"http://h\"", ": the scheme of the URL must be redis, or rediss for TLS"),
        ("{}", ": needs a url, url_env or url_file"),
        (
            "1",
            ": expected a URL like \"redis://10.0.0.5:6379\" or \"rediss://cache.svc/1\" or a table, found a whole number",
        ),
        (
            "{ url = \"redis://h\", url_env = \"REDIS_URL\" }",
            ".url: the URL comes from url_env or url_file already; use only one",
        ),
        (
            "{ url_env = \"REDIS_URL\", url_file = \"x\" }",
            ".url_file: the URL comes from cache.redis.url_env (line 2) already; use only one",
        ),
        ("{ url_env = \"NONE\" }", ".url_env: the environment variable it names is not set"),
        ("{ url_env = \"EMPTY\" }", ".url_env: the URL it leads to is empty"),
        (
            "{ url_env = \"VLLM_KEY\" }",
            ".url_env: what it leads to: is not a URL; write it like \"redis://10.0.0.5:6379\"",
        ),
        (
            "{ url = \"redis://h\", nodes = [\"i:2\"] }",
            ".nodes: one server has no further nodes; say cluster = true or sentinel_master",
        ),
        (
            "{ url = \"redis://h\", nodes = [\"i\"], cluster = true }",
            ".nodes[0]: is not a host and port; write it like \"10.0.0.6:6379\"",
        ),
        (
            "{ url = \"redis://h\", cluster = true, sentinel_master = \"m\" }",
            ".sentinel_master: a cluster has no sentinels: use cluster or sentinel_master, not both",
        ),
        (
            "{ url = \"redis://h/1\", cluster = true }",
            ".url: a cluster has no databases but 0; leave the path of the URL out",
        ),
        ("{ url = \"redis://h\", timeout = \"0s\" }", ".timeout: must be longer than 0s"),
        ("{ url = \"redis://h\", prefix = \"{a}\" }", ".prefix: cannot hold { } or spaces"),
    ];
    for (table, expected) in cases {
        says(&redis(table), &[&at(expected)]);
    }
}

#[test]
fn a_password_of_a_shared_server_is_never_repeated() {
    let wrong = [
        "\"redis://:canary@h\"",
        "\"redis://canary\" \"canary\"",
        "\"canary\"",
        "{ url = \"redis://me:canary@h\" }",
        "{ url = \"redis://me:canary/@h\" }",
        "{ url = [\"canary\"] }",
        "{ url = \"redis://h\", password = \"canary\" }",
        "{ url_env = \"redis://:canary@h\" }",
        "{ url_file = \"redis://:canary@h\" }",
        "{ url = \"redis://h\", cluster = true, nodes = [\"me:canary@h:1\"] }",
    ];
    for table in wrong {
        let errors = read(&redis(table)).unwrap_err();
        assert!(!format!("{errors} {errors:?}").contains("canary"), "{errors}");
    }
    for url in ["redis://:canary@h:x", "canary", "redis://:canary/@h", "redis://h/canary"] {
        let text = redis("{ url_env = \"URL\", cluster = true }");
        let errors = from_env(&text, [("URL", url)]).unwrap_err();
        assert!(!format!("{errors} {errors:?}").contains("canary"), "{errors}");
        let errors = from_env("", [("TRANSOM__CACHE__REDIS", url)]).unwrap_err();
        assert!(!format!("{errors} {errors:?}").contains("canary"), "{errors}");
    }
    let settings = read(&redis("{ url_env = \"REDIS_URL\" }")).unwrap();
    let url = settings.cache.redis.as_ref().map(|redis| redis.url.expose());
    assert_eq!(url, Some("rediss://me:canary-of-redis@h:6379"));
    assert!(!format!("{settings:?}").contains("canary"));
}

#[test]
fn a_model_s_own_settings_have_no_defaults_in_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let model = &schema["properties"]["model"]["items"]["properties"]["cache"]["anyOf"];
    let [switch, table] = model.as_array().unwrap().as_slice() else { panic!("{model}") };
    assert_eq!(switch["type"], "boolean");
    let ttl = &table["properties"]["ttl"];
    assert_eq!(ttl["format"], "transom-duration");
    assert!(ttl["description"].is_string() && ttl.get("default").is_none(), "{ttl}");
    assert_eq!(schema["properties"]["cache"]["additionalProperties"], false);
    assert_eq!(table["additionalProperties"], false);
}
