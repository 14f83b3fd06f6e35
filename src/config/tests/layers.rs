//! The environment goes before the file, the command line before both.

use super::{FILE, errors, from_env, read};
use crate::config::{Environment, Overrides, empty, from_text};
use std::path::PathBuf;

const UPSTREAM: &str = "[[upstream]]\nname = \"a\"\nendpoints = [\"http://h:1\"]\n";

fn flags(overrides: &Overrides) -> Result<crate::config::Settings, crate::config::ConfigErrors> {
    from_text(FILE, UPSTREAM, &Environment::default(), overrides)
}

#[test]
fn variables_go_before_the_file() {
    let settings = from_env(
        &format!("{UPSTREAM}[server]\nthreads = 2\nmax_body = \"1MiB\""),
        [
            ("TRANSOM__SERVER__LISTEN", "127.0.0.1:9000, [::1]:9000"),
            ("TRANSOM__SERVER__THREADS", "8"),
            ("TRANSOM__SERVER__MAX_BODY", "2MiB"),
            ("TRANSOM__UPSTREAM__0__INCLUDE_USAGE", "false"),
            ("TRANSOM__UPSTREAM__0__ENDPOINTS__1", "http://i"),
            ("TRANSOM__UPSTREAM__0__ENDPOINTS__2__URL", "http://j"),
            ("TRANSOM__UPSTREAM__1__NAME", "b"),
            ("TRANSOM__UPSTREAM__1__ENDPOINTS", "http://h:2,http://h:3"),
            ("TRANSOM_CONFIG", "not a setting"),
        ],
    )
    .unwrap();
    assert_eq!(settings.server.listen.len(), 2);
    assert_eq!((settings.server.threads, settings.server.max_body), (8, 2 << 20));
    let [a, b] = settings.upstreams.as_slice() else { panic!("{settings:?}") };
    assert_eq!((a.name.as_str(), a.endpoints.len()), ("a", 3));
    assert_eq!((b.name.as_str(), b.endpoints.len()), ("b", 2));
    assert_eq!(a.stream_usage, crate::upstream::StreamUsage::AsSent);
}

#[test]
fn items_are_added_in_their_order_however_many_digits_they_have() {
    let variables: Environment = (0..12)
        .flat_map(|i| {
            let name = format!("TRANSOM__UPSTREAM__{i}__");
            [
                (format!("{name}NAME"), format!("u{i}")),
                (format!("{name}ENDPOINTS"), "http://h".into()),
            ]
        })
        .collect();
    let settings = empty(&variables, &Overrides::default()).unwrap();
    let names: Vec<String> = settings.upstreams.into_iter().map(|u| u.name).collect();
    assert_eq!(names, (0..12).map(|i| format!("u{i}")).collect::<Vec<_>>());
}

#[test]
fn mistakes_in_the_environment_name_the_variable() {
    let result = from_env(
        UPSTREAM,
        [
            ("TRANSOM__LOG__LEVEL", "loud"),
            ("TRANSOM__SERVER__LISTEN__X", "1"),
            ("TRANSOM__SERVER__THREADS", "many"),
            ("TRANSOM__SERVER__ADMIN__PORT", "1"),
            ("TRANSOM__SERVER__LISTEN", ""),
            ("TRANSOM__SERVR__LISTEN", "127.0.0.1:1"),
            ("TRANSOM__UPSTREAM__0__API_KEY", "canary"),
            ("TRANSOM__UPSTREAM__0__NAME", "b*"),
            ("TRANSOM__UPSTREAM__5__NAME", "b"),
            ("TRANSOM__UPSTREAM__NAME", "b"),
            ("TRANSOM__SERVER__0", "b"),
            ("TRANSOM__0", "b"),
        ],
    );
    let expected = [
        "TRANSOM__0: has keys, not numbered items",
        r#"TRANSOM__LOG__LEVEL: log.level: "loud" is not one of "error", "warn", "info", "debug""#,
        "TRANSOM__SERVER__0: server: has keys, not numbered items",
        "TRANSOM__SERVER__ADMIN__PORT: server.admin: is a single value",
        "TRANSOM__SERVER__LISTEN: server.listen: the list is empty",
        "TRANSOM__SERVER__LISTEN__X: server.listen: has numbered items, from 0, not keys",
        "TRANSOM__SERVER__THREADS: server.threads: expected a whole number, found text",
        r#"TRANSOM__SERVR__LISTEN: unknown key "servr"; did you mean "server"?"#,
        r#"TRANSOM__UPSTREAM__0__API_KEY: unknown key "api_key" in upstream[0]; secrets are not written here: use "api_key_env" or "api_key_file""#,
        "TRANSOM__UPSTREAM__0__NAME: upstream[0].name: a name cannot hold * or ?; only a model's aliases can",
        "TRANSOM__UPSTREAM__5__NAME: upstream[5]: items have no gaps between them; next is upstream[1]",
        "TRANSOM__UPSTREAM__NAME: upstream: has numbered items, from 0, not keys",
    ];
    assert_eq!(errors(result), expected);
}

#[test]
fn flags_go_before_everything() {
    let overrides = Overrides {
        listen: vec!["127.0.0.1:1".parse().unwrap()],
        admin: Some("127.0.0.1:2".parse().unwrap()),
        data_dir: Some(PathBuf::from("/data")),
        upstreams: vec!["http://10.0.0.1:8000/x".into(), "https://api.example/v1".into()],
    };
    let env = [("TRANSOM__SERVER__ADMIN", "127.0.0.1:3")].into_iter().collect();
    let settings = from_text(FILE, UPSTREAM, &env, &overrides).unwrap();
    assert_eq!(settings.server.listen, overrides.listen);
    assert_eq!(Some(settings.server.admin), overrides.admin);
    assert_eq!(Some(settings.server.data_dir), overrides.data_dir);
    let names: Vec<&str> = settings.upstreams.iter().map(|u| u.name.as_str()).collect();
    assert_eq!(names, ["a", "10.0.0.1:8000", "api.example"]);
    assert_eq!(settings.upstreams[1].endpoints[0].prefix, "/x");
}

#[test]
fn mistakes_on_the_command_line_name_the_flag() {
    let overrides = Overrides {
        admin: Some("192.168.0.1:7080".parse().unwrap()),
        upstreams: vec!["canary".into(), "http://h:1".into(), "http://h:1/x".into()],
        data_dir: Some(PathBuf::new()),
        ..Overrides::default()
    };
    let expected = [
        r#"--admin: server.admin: 192.168.0.1:7080 can be reached from other machines, so it needs users, [[admin.user]], and TLS, `tls` or `behind_tls` in [admin]; or use a loopback address such as "127.0.0.1:7081""#,
        "--data-dir: server.data_dir: is empty",
        r#"--upstream: is not a URL; write it like "http://10.0.0.1:8000""#,
        r#"--upstream: upstream[2].name: "h:1" is already used by upstream[1].name (--upstream)"#,
    ];
    assert_eq!(errors(flags(&overrides)), expected);
}

#[test]
fn a_faulty_section_is_reported_once_whatever_lies_over_it() {
    let overrides = Overrides {
        admin: Some("127.0.0.1:7081".parse().unwrap()),
        upstreams: vec!["http://h".into()],
        ..Overrides::default()
    };
    let result = from_text(FILE, "server = 1\nupstream = 1", &Environment::default(), &overrides);
    assert_eq!(
        errors(result),
        [
            "transom.toml:1: server: expected a table, found a whole number",
            "transom.toml:2: upstream: expected a list, found a whole number",
        ]
    );
}

#[test]
fn the_environment_is_shown_without_values() {
    let env: Environment = [("VLLM_KEY", "canary")].into_iter().collect();
    assert_eq!(format!("{env:?}"), r#"{"VLLM_KEY"}"#);
    assert!(read("").is_ok());
}
