//! What each role may, and what is written down of it.

use super::*;

const VIEW: [&str; 4] =
    ["GET /api/v1/slo", "GET /api/v1/overview", "GET /api/v1/captures/exchanges", "GET /metrics"];

#[tokio::test]
async fn a_role_may_what_it_says_and_no_more() {
    let upstream = Upstream::start(serve_well);
    let tables = users() + "[capture]\nmodels = [\"*\"]\nmode = \"full\"\n";
    let home = Home::new();
    let data = format!("data_dir = {:?}", home.path());
    let proxy = Setup::to([upstream.url()]).server(&data).tables(&tables).start().await;
    for token in [VIEWER, READER, OPERATOR, ADMIN] {
        for what in VIEW {
            assert_eq!(send_as(&proxy, token, what, "").await.status, 200, "{token} {what}");
        }
    }
    let acts = [
        ("POST /api/v1/cache/purge", EVERYTHING, 200),
        ("PUT /api/v1/log", r#"{"level":"info"}"#, 200),
        ("POST /api/v1/replays", r#"{"a":{"upstream":"x"}}"#, 400),
        ("POST /api/v1/replays/none/stop", "{}", 409),
        ("POST /api/v1/playground", r#"{"model":"m","user":"a","max_tokens":0}"#, 400),
        ("GET /playground", "", 200),
        ("GET /debug/pprof/profile?seconds=0", "", 400),
    ];
    let administers = [
        ("POST /api/v1/captures/erase", r#"{"key":"team"}"#, 200),
        ("POST /api/v1/config/check", r#"{"toml":""}"#, 200),
        ("GET /api/v1/support-bundle", "", 200),
        ("GET /api/v1/audit", "", 200),
    ];
    for token in [VIEWER, READER, OPERATOR, ADMIN] {
        for (what, body, allowed) in acts {
            let may = matches!(token, OPERATOR | ADMIN);
            let answer = send_as(&proxy, token, what, body).await;
            assert_eq!(answer.status, if may { allowed } else { 403 }, "{token} {what}");
        }
        for (what, body, allowed) in administers {
            let answer = send_as(&proxy, token, what, body).await;
            assert_eq!(answer.status, if token == ADMIN { allowed } else { 403 }, "{token} {what}");
        }
    }
    let refused = send_as(&proxy, VIEWER, "POST /api/v1/cache/purge", EVERYTHING).await;
    let why = "The role viewer does not include the right to act.";
    assert_eq!(refused.json()["error"], why);
    // What callers wrote must not leave by a detour.
    let elsewhere = json!({ "a": { "url": upstream.url() } }).to_string();
    let refused = send_as(&proxy, OPERATOR, "POST /api/v1/replays", &elsewhere).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert_eq!(
        send_as(&proxy, ADMIN, "POST /api/v1/replays", &elsewhere).await.status,
        400,
        "empty"
    );
}

#[tokio::test]
async fn the_playground_shows_answers_to_those_alone_who_may_see_content() {
    let upstream = Upstream::start(serve_well);
    let proxy = with_users(&upstream).await;
    let prompt = r#"{"model":"m","user":"Hello"}"#;
    for (token, sees) in [(OPERATOR, false), (ADMIN, true)] {
        let played = send_as(&proxy, token, "POST /api/v1/playground", prompt).await.json();
        assert_eq!((&played["status"], played["may_see_content"] == true), (&json!(200), sees));
        assert_eq!((played["text"].is_string(), played["raw"].is_string()), (sees, sees));
        assert!(played["total_seconds"].is_number(), "{played}");
    }
    let page = send_as(&proxy, OPERATOR, "GET /system", "").await;
    assert!(page.text().contains("Level of logs") && !page.text().contains("Who did what"));
    let page = send_as(&proxy, VIEWER, "GET /config", "").await;
    assert!(!page.text().contains("/playground") && !page.text().contains("<textarea"));
}

#[tokio::test]
async fn strangers_see_whether_it_lives_and_the_way_in() {
    let upstream = Upstream::start(serve_well);
    let proxy = with_users(&upstream).await;
    for what in
        ["GET /health", "GET /ready", "GET /metrics", "GET /sign-in", "GET /assets/style.css"]
    {
        assert_eq!(send(&proxy, what, &[], "").await.status, 200, "{what}");
    }
    for what in ["GET /", "GET /api/v1/overview", "GET /api/v1/captures", "GET /debug/pprof/heap"] {
        let refused = send(&proxy, what, &[], "").await;
        assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer")));
        assert!(refused.json()["error"].is_string(), "{what}");
    }
    let unknown = send_as(&proxy, "ta-other", "GET /api/v1/slo", "").await;
    assert_eq!(unknown.status, 401);
    assert_eq!(send(&proxy, "POST /api/v1/cache/purge", &[JSON], EVERYTHING).await.status, 401);
    assert_eq!(send(&proxy, "DELETE /metrics", &[], "").await.status, 405);
    let led = send(&proxy, "GET /api/v1/slo?x=1", &[HTML], "").await;
    let to = "/sign-in?back=/api/v1/slo%3fx%3d1";
    assert_eq!((led.status, led.header("location")), (303, Some(to)));
}

#[tokio::test]
async fn nothing_is_nobodys_token() {
    let upstream = Upstream::start(serve_well);
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let table =
        format!("[[admin.user]]\nname = \"a\"\nrole = \"admin\"\ntoken_sha256 = \"{hash}\"");
    let proxy = Setup::to([upstream.url()]).tables(&table).start().await;
    assert_eq!(send_as(&proxy, "", "GET /api/v1/slo", "").await.status, 401);
}

#[tokio::test]
async fn metrics_can_be_kept_for_those_who_may_see_them() {
    let upstream = Upstream::start(serve_well);
    let tables = "[admin]\nmetrics = \"viewer\"\n".to_owned() + &users();
    let proxy = Setup::to([upstream.url()]).tables(&tables).start().await;
    assert_eq!(send(&proxy, "GET /metrics", &[], "").await.status, 401);
    assert_eq!(send_as(&proxy, VIEWER, "GET /metrics", "").await.status, 200);
}

#[tokio::test]
async fn what_is_done_is_written_down_with_who_did_it() {
    let upstream = Upstream::start(serve_well);
    let proxy = with_users(&upstream).await;
    send_as(&proxy, OPERATOR, "POST /api/v1/cache/purge", r#"{"model":"m"}"#).await;
    send_as(&proxy, OPERATOR, "PUT /api/v1/log", r#"{"level":"error"}"#).await;
    send_as(&proxy, VIEWER, "POST /api/v1/cache/purge", EVERYTHING).await;
    send_as(&proxy, "ta-other", "GET /api/v1/slo", "").await;
    let told = send_as(&proxy, ADMIN, "GET /api/v1/audit", "").await.json();
    let events: Vec<Value> = told["events"].as_array().expect("a list").clone();
    let short = |event: &Value| {
        let word = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        [word("who"), word("action"), word("object"), word("result")].join(" ")
    };
    assert_eq!(
        events.iter().map(short).collect::<Vec<_>>(),
        [
            "127.0.0.1 sign_in  refused",
            "vera refused POST /api/v1/cache/purge refused",
            "otto log_level  done",
            "otto cache_purge tagged done",
        ]
    );
    assert!(events.iter().all(|event| event["from"] == "127.0.0.1" && event["date"].is_string()));
    assert_eq!((&events[3]["detail"]["model"], &told["forgotten"]), (&json!("m"), &json!(0)));
    // The log has them, too, whatever its level is.
    until("the lines", || proxy.diagnostics().matches("transom::audit").count() == 4).await;
    let log = proxy.diagnostics();
    assert!(log.contains("the response cache was purged") && log.contains("otto"), "{log}");
}

#[tokio::test]
async fn without_users_everybody_here_may_everything() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    for what in ["GET /", "GET /api/v1/audit", "GET /metrics"] {
        assert_eq!(send(&proxy, what, &[], "").await.status, 200, "{what}");
    }
    let there = send(&proxy, "GET /sign-in", &[HTML], "").await;
    assert_eq!((there.status, there.header("location")), (303, Some("/")), "nothing to do there");
    // A browser is known again, so that its forms can be told from those of other sites.
    let page = send(&proxy, "GET /", &[HTML], "").await;
    let known = cookie(&page);
    let attributes = page.header("set-cookie").unwrap();
    assert!(attributes.contains("HttpOnly; SameSite=Strict") && !attributes.contains("Secure"));
    let again = send(&proxy, "GET /", &[HTML, ("Cookie", &known)], "").await;
    assert_eq!(again.header("set-cookie"), None);
    let purge = "POST /api/v1/cache/purge";
    let browser = [JSON, ("Cookie", known.as_str())];
    assert_eq!(send(&proxy, purge, &browser, EVERYTHING).await.status, 403);
    let ours = [browser[0], browser[1], ("Origin", "http://localhost")];
    assert_eq!(send(&proxy, purge, &ours, EVERYTHING).await.status, 200);
    // A program that looks at numbers gets no cookie.
    assert_eq!(send(&proxy, "GET /api/v1/slo", &[], "").await.header("set-cookie"), None);
}

/// What a command says with this token in its environment, and whether it went well.
async fn command(proxy: &Proxy, token: &str, arguments: &[&str]) -> (bool, String) {
    let url = format!("http://{}", proxy.admin);
    let mut command = tokio::process::Command::new(BINARY);
    command.args(arguments).arg(&url).env("TRANSOM_ADMIN_TOKEN", token);
    let output = within("the command", command.output()).await.expect("the binary runs");
    let said = [&output.stdout[..], &output.stderr].concat();
    (output.status.success(), String::from_utf8(said).expect("UTF-8"))
}

#[tokio::test]
async fn commands_take_a_token_from_the_environment() {
    let upstream = Upstream::start(serve_well);
    let proxy = with_users(&upstream).await;
    let purge = ["cache", "purge", "--all", "--of"];
    let status = ["slo", "status", "--admin"];
    let stats = ["cache", "stats", "--of"];
    for arguments in [&purge[..], &status, &stats] {
        let (done, said) = command(&proxy, OPERATOR, arguments).await;
        assert!(done, "{said}");
        let (done, said) = command(&proxy, "", arguments).await;
        assert!(!done && said.contains("401"), "{said}");
    }
    let (done, said) = command(&proxy, VIEWER, &purge).await;
    assert!(!done && said.contains("does not include the right to act"), "{said}");
    assert!(!said.contains(VIEWER), "{said}");
}

#[tokio::test]
async fn a_token_that_was_just_made_opens_the_door_and_is_not_written_in_the_file() {
    let made = std::process::Command::new(BINARY)
        .args(["keys", "user", "--name", "nora \"n\"", "--role", "viewer-content"])
        .output()
        .expect("the binary runs");
    let made = String::from_utf8(made.stdout).expect("UTF-8");
    let (first, table) = made.split_once("\n\n").expect("a token and a table");
    let token = first.split(": ").nth(1).expect("the token").trim();
    assert!(token.starts_with("ta-") && token.len() > 40 && !table.contains(token), "{made}");
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).tables(table).start().await;
    assert_eq!(send_as(&proxy, token, "GET /api/v1/slo", "").await.status, 200);
    assert_eq!(send_as(&proxy, token, "GET /api/v1/audit", "").await.status, 403);
}
