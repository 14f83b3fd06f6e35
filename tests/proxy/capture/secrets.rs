//! What must not be written down, and is not.

use super::*;
use serde_json::json;

const BEARER: &str = "canary-bearer-4f1c";
const COOKIE: &str = "canary-cookie-77aa";
const API_KEY: &str = "canary-api-key-0b2e";
const QUERY: &str = "canary-query-91dd";
const STRANGE: &str = "canary-strange-c3d4";
const PROVIDER_KEY: &str = "sk-proj-Canary0123456789abcdefXYZ";
const EMAIL: &str = "jane.canary@example.com";
const CARD: &str = "4111 1111 1111 1111";
/// An address that comes in pieces.
const PIECES: [&str; 3] = ["mail joe.cana", "ry@exam", "ple.org now"];
const SET_COOKIE: &str = "canary-set-cookie-5e6f";

/// What no mode writes down.
const CREDENTIALS: [&str; 6] = [BEARER, COOKIE, API_KEY, QUERY, STRANGE, SET_COOKIE];

fn stream_of_pieces() -> String {
    let events = PIECES.map(token).concat();
    role() + &events + &finish() + DONE
}

fn backend() -> Upstream {
    Upstream::start(|mut call| async move {
        call.body().await?;
        let cookie = format!("Set-Cookie: id={SET_COOKIE}\r\n\r\n");
        call.write(STREAM_HEAD.replace("\r\n\r\n", &format!("\r\n{cookie}"))).await?;
        for event in [role(), token(PIECES[0]), token(PIECES[1]), token(PIECES[2])] {
            call.write(chunk(event)).await?;
        }
        call.write(chunk(finish() + DONE)).await?;
        call.answer(LAST_CHUNK).await
    })
}

/// Captures an exchange full of secrets in `mode`, which the client gets back untouched.
async fn capture_secrets(mode: &str) -> (Home, String) {
    let (data, upstream) = (Home::new(), backend());
    let proxy = capturing(&data, &upstream, mode).start().await;
    let prompt = format!("Use {PROVIDER_KEY}, write to {EMAIL}, pay with {CARD}.");
    let body = json!({"model": "m", "stream": true, "user": EMAIL,
        "messages": [{"role": "user", "content": prompt}]});
    let body = body.to_string();
    let bearer = format!("Bearer {BEARER}");
    let cookie = format!("session={COOKIE}");
    let headers = [
        ("Authorization", &*bearer),
        ("Cookie", &cookie),
        ("X-Api-Key", API_KEY),
        ("X-Strange", STRANGE),
    ];
    let mut client = proxy.client().await;
    let path = format!("/v1/chat/completions?api_key={QUERY}&page=2");
    client.post(&path, &headers, body.as_bytes()).await;
    let response = client.response().await;
    assert_eq!(response.text(), stream_of_pieces(), "traffic is left alone");
    stop(proxy).await;
    (data, body)
}

/// The text of a stream.
fn said(events: &[u8]) -> String {
    let text = std::str::from_utf8(events).unwrap();
    let events = text.lines().filter_map(|line| line.strip_prefix("data: {"));
    let said = events.map(|event| {
        let event: Value = serde_json::from_str(&format!("{{{event}")).unwrap();
        event["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned()
    });
    said.collect()
}

#[tokio::test]
async fn by_default_secrets_are_written_down_nowhere() {
    let (data, _) = capture_secrets("").await;
    assert_nowhere(&data, &CREDENTIALS);
    assert_nowhere(&data, &[PROVIDER_KEY, EMAIL, CARD, "joe.cana", "ry@exam"]);
    let exchange = only_exchange(&data);
    let said = said(answered(&exchange));
    assert!(said.starts_with("mail ") && said.ends_with(" now"), "{said}");
    assert!(!said.contains('@') && !said.contains("joe"), "{said}");
    let prompt = asked(&exchange);
    assert!(prompt.starts_with("Use [redacted:") && prompt.ends_with('.'), "{prompt}");
    assert!(exchange.call.path.ends_with("&page=2"), "{}", exchange.call.path);
    for rule in ["api_key", "email", "card"] {
        assert!(exchange.redactions.contains_key(rule), "{rule}: {:?}", exchange.redactions);
    }
}

#[tokio::test]
async fn in_full_mode_content_is_kept_and_credentials_are_not() {
    let (data, body) = capture_secrets("mode = \"full\"").await;
    assert_nowhere(&data, &CREDENTIALS);
    let exchange = only_exchange(&data);
    assert_eq!(String::from_utf8_lossy(whole(&exchange.request.body)), body);
    assert_eq!(String::from_utf8_lossy(answered(&exchange)), stream_of_pieces());
}

#[tokio::test]
async fn in_shape_mode_no_content_is_kept() {
    let (data, body) = capture_secrets("mode = \"shape\"").await;
    assert_nowhere(&data, &CREDENTIALS);
    let words = [PROVIDER_KEY, EMAIL, CARD, "write to", "pay with", "mail joe", "ple.org"];
    assert_nowhere(&data, &words);
    let exchange = only_exchange(&data);
    let Content::Shape(shape) = &exchange.request.body else { panic!("{exchange:?}") };
    assert_eq!((shape.length, shape.messages.len()), (body.len() as u64, 1));
    assert_eq!(shape.messages[0].role, "user");
    let answer = exchange.answer.as_ref().unwrap();
    let Content::Shape(shape) = &answer.message.body else { panic!("{exchange:?}") };
    assert_eq!(shape.length, stream_of_pieces().len() as u64);
    let length = PIECES.concat().len() as u64;
    assert_eq!(shape.messages.iter().map(|said| said.length).sum::<u64>(), length);
    assert_eq!(answer.bytes, Some(stream_of_pieces().len() as u64));
    assert!(!answer.chunks.is_empty() && exchange.call.streamed == Some(true));
}

#[tokio::test]
async fn an_operators_own_rules_are_followed() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let rules = "[capture.redact]\nheaders = [\"X-Team\", \"Authorization\"]\nrules = [\
         { name = \"order\", pattern = \"ORD-[0-9]+\" }, { name = \"who\", pointer = \"/user\" }]";
    let proxy = capturing(&data, &upstream, rules).start().await;
    let body = saying("Where is ORD-12345?").replace("\"model\"", "\"user\":\"canary\",\"model\"");
    let headers = [("X-Team", "blue"), ("Authorization", "Bearer canary-header")];
    ask(&proxy, &headers, &body).await;
    stop(proxy).await;
    assert_nowhere(&data, &["ORD-12345", "canary"]);
    let exchange = only_exchange(&data);
    assert_eq!(asked(&exchange), "Where is [redacted:order]?");
    assert_eq!(exchange.request.headers["x-team"], "blue");
    assert_eq!((exchange.redactions["order"], exchange.redactions["who"]), (1, 1));
}

#[tokio::test]
async fn what_is_encrypted_cannot_be_read_without_its_key() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let key = "0f".repeat(32);
    let setup = capturing(&data, &upstream, "key_env = \"CAPTURE_KEY\"\nmode = \"full\"");
    let proxy = setup.env("CAPTURE_KEY", &key).start().await;
    proxy.chat(&saying("canary-sealed")).await;
    stop(proxy).await;
    for file in files_below(&captures(&data)) {
        let bytes = std::fs::read(&file).unwrap();
        assert_without(&bytes, &["canary-sealed", &key], &file.display().to_string());
    }
    let archive = Archive::open(captures(&data), None).unwrap();
    let found: Vec<_> = archive.exchanges(Filter::all()).unwrap().collect();
    assert!(matches!(&found[..], [Err(_)]), "{found:?}");
    let master = transom::capture::MasterKey(transom::types::Secret::new(key));
    let archive = Archive::open(captures(&data), Some(&master)).unwrap();
    let found: Vec<_> = archive.exchanges(Filter::all()).unwrap().collect();
    assert!(matches!(&found[..], [Ok((_, exchange))] if asked(exchange) == "canary-sealed"));
}
