//! Every mistake is found at once, with its line and in an operator's words.

use super::{errors, read};

/// A file and all that must be said about it.
fn says(text: &str, expected: &[&str]) {
    assert_eq!(errors(read(text)), expected, "in\n{text}");
}

const UPSTREAM: &str = "[[upstream]]\nname = \"a\"\nendpoints = [\"http://h:1\"]\n";

#[test]
fn all_mistakes_are_found_at_once_in_the_order_of_the_file() {
    let text = r#"
[server]
listn = ["127.0.0.1:1"]
admin = "0.0.0.0:7081"

[[upstream]]
name = "vllm"
endpoints = ["http://h:8000", { url = "ftp://h", weight = 0 }]
timeouts = { connect = "2 parsecs" }

[[model]]
name = "m"
targets = [{ upstream = "vlm" }]

[log]
level = "inf"
"#;
    let result = read(text);
    let rendered = result.clone().map(|_| ()).unwrap_err().to_string();
    assert!(rendered.ends_with("\n7 errors"), "{rendered}");
    let expected = [
        r#"transom.toml:3: unknown key "listn" in [server]; did you mean "listen"?"#,
        r#"transom.toml:4: server.admin: 0.0.0.0:7081 can be reached from other machines, so it needs users, [[admin.user]], and TLS, `tls` or `behind_tls` in [admin]; or use a loopback address such as "127.0.0.1:7081""#,
        r#"transom.toml:8: upstream[0].endpoints[1].url: the scheme of a URL must be http or https"#,
        r#"transom.toml:8: upstream[0].endpoints[1].weight: must be 1 to 1000"#,
        r#"transom.toml:9: upstream[0].timeouts.connect: "2 parsecs" is not a duration; write it like "1.5s" or "200ms""#,
        r#"transom.toml:13: model[0].targets[0].upstream: there is no upstream "vlm"; did you mean "vllm"?"#,
        r#"transom.toml:16: log.level: "inf" is not one of "error", "warn", "info", "debug"; did you mean "info"?"#,
    ];
    assert_eq!(errors(result), expected);
}

#[test]
fn the_recent_requests_need_room() {
    says(
        "[admin]\nrecent = { bytes = \"1KiB\" }",
        &["transom.toml:2: admin.recent.bytes: must be 1MiB or more"],
    );
}

#[test]
fn an_error_can_be_taken_apart() {
    let errors = read("\n[server]\nthreads = -1").unwrap_err();
    let error = &errors.list()[0];
    assert_eq!(error.place, "transom.toml:3");
    assert_eq!(error.line, Some(3));
    assert_eq!(error.path, "server.threads");
    assert_eq!(error.message, "server.threads: must be 0 to 1024");
    assert!(errors.to_string().ends_with("\n1 error"));
}

#[test]
fn text_that_is_not_toml_has_line_and_column() {
    says("[server\n", &["transom.toml:1:8: not TOML: unclosed table, expected `]`"]);
    says(
        "[log]\nlevel = \"info\"\nlevel = \"warn\"\nformat = = 1\n",
        &[
            "transom.toml:3:1: not TOML: duplicate key",
            "transom.toml:4:10: not TOML: extra `=`, expected nothing",
        ],
    );
    says(
        "é = 1",
        &["transom.toml:1:1: not TOML: invalid unquoted key, expected letters, numbers, `-`, `_`"],
    );
    says(
        "a = \"é\" b",
        &["transom.toml:1:9: not TOML: unexpected key or value, expected newline, `#`"],
    );
}

#[test]
fn unknown_keys_say_where_they_are_and_what_was_meant() {
    says("[sever]\n", &[r#"transom.toml:1: unknown key "sever"; did you mean "server"?"#]);
    says("[tier.basic]\nrequests = 1\n", &[r#"transom.toml:1: unknown key "tier""#]);
    says(
        &format!("{UPSTREAM}timeouts.conect = \"1s\"\n\"a b\" = 1\n"),
        &[
            r#"transom.toml:4: unknown key "conect" in upstream[0].timeouts; did you mean "connect"?"#,
            r#"transom.toml:5: unknown key "a b" in upstream[0]"#,
        ],
    );
}

#[test]
fn values_of_the_wrong_kind_say_what_was_expected() {
    says(
        "server.listen = \"127.0.0.1:1\"\nserver.drain = 5\nserver.max_body = 1.5\nserver.threads = \"4\"",
        &[
            "transom.toml:1: server.listen: expected a list, found text; write it in [ ]",
            r#"transom.toml:2: server.drain: expected a duration like "1.5s" or "200ms", found a whole number"#,
            r#"transom.toml:3: server.max_body: expected a size like "32MiB" or "64KiB" or a whole number, found a fraction"#,
            "transom.toml:4: server.threads: expected a whole number, found text",
        ],
    );
    says("log = 1979-05-27", &["transom.toml:1: log: expected a table, found a date"]);
    says(
        "[upstream]\nname = \"a\"\n[[model]]\nname = \"m\"\ntargets = [{ upstream = \"a\" }]",
        &["transom.toml:1: upstream: expected a list, found a table; write [[upstream]]"],
    );
    says(
        "[[upstream]]\nname = \"a\"\nendpoints = [\n  \"http://h:1\",\n  8000,\n]\ninclude_usage = 1\nbalance = 3",
        &[
            r#"transom.toml:5: upstream[0].endpoints[1]: expected a URL like "http://10.0.0.1:8000" or a table, found a whole number"#,
            "transom.toml:7: upstream[0].include_usage: expected true or false, found a whole number",
            r#"transom.toml:8: upstream[0].balance: expected one of "p2c_tokens", "round_robin", found a whole number"#,
        ],
    );
}

#[test]
fn what_is_missing_or_empty_is_named() {
    says(
        "[server]\nlisten = []\ndata_dir = \"\"\n[[upstream]]\n[[model]]\nname = \"\"\ntargets = []\n[[key]]\n",
        &[
            "transom.toml:2: server.listen: the list is empty",
            "transom.toml:3: server.data_dir: is empty",
            r#"transom.toml:4: upstream[0].endpoints: is missing"#,
            r#"transom.toml:4: upstream[0].name: is missing"#,
            "transom.toml:6: model[0].name: is empty",
            "transom.toml:7: model[0].targets: the list is empty",
            r#"transom.toml:8: key[0].alias: is missing"#,
            r#"transom.toml:8: key[0].sha256: is missing"#,
        ],
    );
}

#[test]
fn a_name_is_used_once_and_the_first_use_is_mentioned() {
    let hash = "0".repeat(64);
    says(
        &format!("{UPSTREAM}\n{UPSTREAM}"),
        &[r#"transom.toml:6: upstream[1].name: "a" is already used by upstream[0].name (line 2)"#],
    );
    says(
        &format!(
            "{UPSTREAM}[[model]]\nname = \"m\"\naliases = [\"n\", \"x\"]\ntargets = [{{ upstream = \"a\" }}]\n\
             [[model]]\nname = \"n\"\naliases = [\"x\", \"y\"]\ntargets = [{{ upstream = \"a\" }}]"
        ),
        &[
            r#"transom.toml:6: model[0].aliases[0]: "n" is already used by model[1].name (line 9)"#,
            r#"transom.toml:10: model[1].aliases[0]: "x" is already used by model[0].aliases[1] (line 6)"#,
        ],
    );
    says(
        &format!(
            "[[key]]\nalias = \"k\"\nsha256 = \"{hash}\"\n[[key]]\nalias = \"k\"\nsha256 = \"{hash}\""
        ),
        &[
            r#"transom.toml:5: key[1].alias: "k" is already used by key[0].alias (line 2)"#,
            "transom.toml:6: key[1].sha256: the same value is already used by key[0].sha256 (line 3)",
        ],
    );
    says(
        "[[upstream]]\nname = \"a\"\nendpoints = [\"http://h/v1/\", \"http://H:80\"]",
        &[
            r#"transom.toml:3: upstream[0].endpoints[1]: "http://h" is already used by upstream[0].endpoints[0] (line 3)"#,
        ],
    );
}

#[test]
fn a_faulty_upstream_is_not_also_reported_as_unknown() {
    says(
        "[[upstream]]\nname = \"a*\"\nendpoints = [\"http://h\"]\n[[model]]\nname = \"m\"\ntargets = [{ upstream = \"a*\" }]",
        &[
            "transom.toml:2: upstream[0].name: a name cannot hold * or ?; only a model's aliases can",
        ],
    );
}

#[test]
fn models_need_somewhere_to_go() {
    says(
        &format!(
            "{UPSTREAM}[[model]]\nname = \"m\"\ntargets = [{{ upstream = \"a\", weight = 0 }}]\naliases = [\"[ab]\"]"
        ),
        &[
            "transom.toml:6: model[0].targets: every target has weight 0, so none would be used",
            r"transom.toml:7: model[0].aliases[0]: patterns know only * and ?; [ ] { } and \ cannot be used",
        ],
    );
    says(
        "[[model]]\nname = \"_other\"\ntargets = [{ upstream = \"a\", weight = 1001 }]",
        &[
            r#"transom.toml:2: model[0].name: "_other" stands for what is not configured"#,
            r#"transom.toml:3: model[0].targets[0].upstream: there is no upstream "a""#,
            "transom.toml:3: model[0].targets[0].weight: must be 0 to 1000",
        ],
    );
}

#[test]
fn addresses_must_not_clash() {
    says(
        "[server]\nlisten = [\"127.0.0.1:7081\", \"0.0.0.0:1\", \"127.0.0.1:1\", \"127.0.0.1:0\", \"127.0.0.1:0\", \"h:1\"]",
        &[
            r#"transom.toml:2: server.listen[5]: "h:1" is not an address; write it like "127.0.0.1:7080" or "[::1]:7080""#,
        ],
    );
    says(
        "[server]\nlisten = [\"127.0.0.1:7081\", \"0.0.0.0:1\", \"127.0.0.1:1\", \"127.0.0.1:0\", \"127.0.0.1:0\"]",
        &[
            "transom.toml:2: server.listen[0]: 127.0.0.1:7081 is also the address of server.admin (line 1)",
            "transom.toml:2: server.listen[2]: 127.0.0.1:1 is already covered by server.listen[1] (line 2)",
        ],
    );
}

#[test]
fn limits_must_make_sense() {
    says(
        &format!(
            "server = {{ max_body = \"2GiB\", drain = \"0s\" }}\n{UPSTREAM}timeouts = {{ connect = \"0s\", total = \"400d\" }}"
        ),
        &[
            "transom.toml:1: server.body_budget: 1GiB is less than one request body, max_body = 2GiB",
            "transom.toml:5: upstream[0].timeouts.connect: must be longer than 0s",
            "transom.toml:5: upstream[0].timeouts.total: is longer than 365d",
        ],
    );
    says(
        "[server]\nmax_body = 0\nbody_budget = 99999999999999999999999",
        &[
            "transom.toml:2: server.max_body: must be 1 byte or more",
            "transom.toml:3: server.body_budget: must be 0 or more",
        ],
    );
}
