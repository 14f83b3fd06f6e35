//! Keys that are made, revoked and restored while the proxy runs.

use crate::access::{ADMIN, FORM, HTML, OPERATOR, VIEWER, send, send_as, signed_in, users};
use crate::support::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const FILE_KEY: &str = "sk-canary-of-the-file";
const MAKE: &str = "POST /api/v1/keys";

fn file_key() -> String {
    let hash: String = Sha256::digest(FILE_KEY).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("[[key]]\nalias = \"team-file\"\nsha256 = \"{hash}\"\n")
}

fn setup(upstream: &Upstream, data: &Home, tables: &str) -> Setup {
    let data = format!("data_dir = {:?}", data.path());
    Setup::to([upstream.url()]).server(&data).tables(tables)
}

/// The status of a chat with this key, and the words of a refusal.
async fn chat(proxy: &Proxy, key: &str) -> (u16, Value) {
    let mut client = proxy.client().await;
    let bearer = format!("Bearer {key}");
    client.post("/v1/chat/completions", &[("Authorization", &bearer)], br#"{"model":"m"}"#).await;
    let response = client.response().await;
    let error = if response.status == 200 { Value::Null } else { response.openai_error() };
    (response.status, error)
}

async fn states(proxy: &Proxy) -> Value {
    let told = send_as(proxy, VIEWER, "GET /keys.json", "").await.json();
    let state = |key: &Value| json!([key["alias"], key["origin"], key["revoked"].is_string()]);
    told["keys"].as_array().into_iter().flatten().map(state).collect()
}

#[tokio::test]
async fn a_key_that_is_made_works_at_once_and_after_a_restart_until_it_is_revoked() {
    let (upstream, data) = (Upstream::start(serve_well), Home::new());
    let tables = users() + &file_key();
    let mut proxy = setup(&upstream, &data, &tables).start().await;
    let order = r#"{"alias":"team-new","tenant":"search"}"#;
    assert_eq!(send_as(&proxy, OPERATOR, MAKE, order).await.status, 403);
    let made = send_as(&proxy, ADMIN, MAKE, order).await;
    assert_eq!((made.status, &made.json()["until_restart"]), (201, &Value::Null));
    let key = made.json()["key"].as_str().unwrap().to_owned();
    assert!(key.len() > 40 && made.header("cache-control") == Some("no-store"));
    assert_eq!(chat(&proxy, &key).await.0, 200);
    assert_eq!(send_as(&proxy, ADMIN, MAKE, order).await.status, 409, "the name is taken");
    assert_eq!(send_as(&proxy, ADMIN, "DELETE /api/v1/keys/team-file", "{}").await.status, 200);
    let (status, error) = chat(&proxy, FILE_KEY).await;
    assert_eq!((status, &error["code"]), (401, &"invalid_api_key".into()));
    let line = proxy.settled(2).await.remove(0);
    assert_eq!(line.text("key"), "team-new");
    proxy.terminate();
    assert!(proxy.exited().await.success());

    let mut proxy = setup(&upstream, &data, &tables).start().await;
    assert_eq!((chat(&proxy, &key).await.0, chat(&proxy, FILE_KEY).await.0), (200, 401));
    let expected = json!([["team-file", "file", true], ["team-new", "page", false]]);
    assert_eq!(states(&proxy).await, expected);
    let restore = "POST /api/v1/keys/team-file/restore";
    assert_eq!(send_as(&proxy, ADMIN, restore, "{}").await.status, 200);
    assert_eq!(send_as(&proxy, ADMIN, "DELETE /api/v1/keys/team-new", "{}").await.status, 200);
    assert_eq!(send_as(&proxy, ADMIN, "DELETE /api/v1/keys/team-new", "{}").await.status, 404);
    assert_eq!((chat(&proxy, &key).await.0, chat(&proxy, FILE_KEY).await.0), (401, 200));
    // A crash keeps it, too.
    proxy.kill().await;
    let proxy = setup(&upstream, &data, &tables).start().await;
    assert_eq!((chat(&proxy, &key).await.0, chat(&proxy, FILE_KEY).await.0), (401, 200));
    assert!(!proxy.diagnostics().contains(&key));
}

#[tokio::test]
async fn the_first_key_closes_the_door_only_when_that_is_wanted() {
    let (upstream, data) = (Upstream::start(serve_well), Home::new());
    let proxy = setup(&upstream, &data, &users()).start().await;
    assert_eq!(chat(&proxy, "any").await.0, 200);
    let refused = send_as(&proxy, ADMIN, MAKE, r#"{"alias":"first"}"#).await;
    assert_eq!(refused.status, 409);
    assert!(refused.json()["error"].as_str().unwrap().contains("callers need none"));
    assert_eq!(chat(&proxy, "any").await.0, 200, "nothing has changed");
    let made = send_as(&proxy, ADMIN, MAKE, r#"{"alias":"first","close":true}"#).await;
    let key = made.json()["key"].as_str().unwrap().to_owned();
    assert_eq!((chat(&proxy, "any").await.0, chat(&proxy, &key).await.0), (401, 200));
    send_as(&proxy, ADMIN, "DELETE /api/v1/keys/first", "{}").await;
    assert_eq!(chat(&proxy, "any").await.0, 401, "without its last key the door stays closed");
    for order in [r#"{"alias":""}"#, r#"{"alias":"a*"}"#, r#"{"alias":"a","other":1}"#] {
        assert_eq!(send_as(&proxy, ADMIN, MAKE, order).await.status, 400, "{order}");
    }
}

#[tokio::test]
async fn a_key_made_on_the_page_is_shown_once_and_written_down_without_it() {
    let (upstream, data) = (Upstream::start(serve_well), Home::new());
    let proxy = setup(&upstream, &data, &users()).start().await;
    let (session, csrf) = signed_in(&proxy, ADMIN).await;
    let browser = [FORM, HTML, ("Cookie", session.as_str())];
    let form = format!("csrf={csrf}&alias=team-page&tenant=&close=on");
    assert_eq!(send(&proxy, "POST /keys", &browser, "alias=team-page&close=on").await.status, 403);
    let open = format!("csrf={csrf}&alias=team-page");
    let asked = send(&proxy, "POST /keys", &browser, &open).await;
    assert!(asked.status == 409 && asked.text().contains("callers need none"));
    let made = send(&proxy, "POST /keys", &browser, &form).await;
    assert_eq!(made.status, 201);
    let (_, rest) = made.text().split_once("<pre>").unwrap();
    let key = rest.split("</pre>").next().unwrap().to_owned();
    assert_eq!(chat(&proxy, &key).await.0, 200);
    proxy.settled(1).await;
    let page = send(&proxy, "GET /keys", &browser[1..], "").await;
    assert!(page.text().contains("team-page") && !page.text().contains(&key));
    let form = format!("csrf={csrf}&alias=team-page");
    let revoked = send(&proxy, "POST /keys/revoke", &browser, &form).await;
    assert_eq!(
        (revoked.status, revoked.header("location")),
        (303, Some("/keys?revoked=team-page"))
    );
    assert_eq!(chat(&proxy, &key).await.0, 401);
    let restored = send(&proxy, "POST /keys/restore", &browser, &form).await;
    assert_eq!(restored.header("location"), Some("/keys?restored=team-page"));
    let told = send_as(&proxy, VIEWER, "GET /api/v1/keys", "").await.json();
    let row = &told["keys"][0];
    assert_eq!(
        (&row["requests"], &row["errors"], &row["tokens"]),
        (&1.into(), &0.into(), &10.into())
    );
    let audit = send_as(&proxy, ADMIN, "GET /api/v1/audit", "").await;
    assert!(!audit.text().contains(&key));
    for action in ["key_make", "key_revoke", "key_restore"] {
        assert!(audit.text().contains(action), "{action}");
    }
    let page = send_as(&proxy, VIEWER, "GET /keys", "").await;
    assert!(!page.text().contains("Make a key") && !page.text().contains("Revoke"));
}
