//! Secrets in every part of an exchange.

use super::canary::{self, Canary, all_escaped, ascii, unescaped};
use super::{body, exchange, redactor, typed};
use crate::capture::redact::Redactor;
use crate::capture::{Content, Message};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

/// JSON strings that hold a secret in one way or another, without their quotes.
fn strings(canary: &Canary) -> Vec<String> {
    let quoted = |text: &str| {
        let quoted = serde_json::to_string(text).unwrap();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let text = &canary.text;
    let nested = |text: &str| json!({ "note": text, "list": [1, { "deep": text }] }).to_string();
    vec![
        quoted(text),
        quoted(&format!("Before {text} and after.")),
        quoted(&format!("Line\n{text}\nline\t{text}")),
        quoted(&format!("(\"{text}\", '{text}')")),
        quoted(&format!("\u{4e2d}\u{6587}{text}\u{3002}")),
        ascii(&format!("\u{4e2d}\u{6587}{text}\u{3002}")),
        ascii(&format!("\u{1f600} {text}")),
        all_escaped(text),
        all_escaped(&format!("x {text} y")),
        quoted(text).replace('/', "\\/"),
        quoted(&nested(text)),
        quoted(&nested(&nested(text))),
        quoted(&format!("{{\"k\": \"{}\"}}", all_escaped(text))),
        quoted(&format!("Say: {}", nested(&nested(text)))),
        quoted(&format!("cut {}", &nested(text)[..nested(text).len() - 3])),
    ]
}

/// Whether a secret can still be read somewhere.
fn is_there(canary: &Canary, text: &str) -> bool {
    let mut text = text.to_owned();
    for _ in 0..5 {
        if text.contains(&canary.secret) {
            return true;
        }
        let plainer = unescaped(&text);
        if plainer == text {
            return false;
        }
        text = plainer;
    }
    false
}

fn assert_gone(redactor: &Redactor, canary: &Canary, planted: &str) {
    assert!(is_there(canary, planted), "not planted: {planted}");
    let (left, counts) = body(redactor, planted.to_owned());
    assert!(!is_there(canary, &left), "{canary:?}\n{planted}\n{left}");
    assert!(left.contains("[redacted:") && !counts.is_empty());
    let is_json = |text: &str| serde_json::from_str::<Value>(text).is_ok();
    assert_eq!(is_json(planted), is_json(&left), "{planted}\n{left}");
    assert_eq!(body(redactor, left.clone()), (left, super::Counts::new()));
}

#[test]
fn there_are_more_than_200_secrets_of_more_than_50_kinds() {
    assert!(canary::all().len() > 200 && canary::one_of_each().len() > 50);
}

#[test]
fn no_secret_is_left_in_a_json_body() {
    let redactor = redactor();
    for canary in canary::all() {
        for string in strings(&canary) {
            let user =
                format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{string}"}}]}}"#);
            assert_gone(&redactor, &canary, &user);
        }
    }
}

#[test]
fn no_secret_is_left_wherever_a_json_body_has_it() {
    let redactor = redactor();
    for canary in canary::one_of_each() {
        for (index, string) in strings(&canary).into_iter().enumerate() {
            let call = format!(r#"{{"name":"f","arguments":"{{\"x\":1}}","{string}":1}}"#);
            let everywhere = [
                format!(r#"{{"{string}": 1}}"#),
                format!(r#"["{string}"]"#),
                format!(r#"{{"a": [[{{"b": {{"c": "{string}"}}}}]], "d": 1.5}}"#),
                format!(r#"{{"messages":[{{"content":[{{"type":"text","text":"{string}"}}]}}]}}"#),
                format!(r#"{{"input": ["x", "{string}"], "metadata": {{"k": "{string}"}}}}"#),
                format!(
                    r#"{{"choices":[{{"message":{{"tool_calls":[{{"function":{call}}}]}}}}]}}"#
                ),
                format!("{{\"a\": 1}}\n{{\"b\": \"{string}\"}}\n"),
                format!("{{broken: \"{string}\", \"more"),
            ];
            // Each in three places, so that each place has all kinds.
            for place in [index, index + 3, index + 5] {
                assert_gone(&redactor, &canary, &everywhere[place % everywhere.len()]);
            }
        }
    }
}

#[test]
fn no_secret_is_left_in_other_text() {
    let redactor = redactor();
    for canary in canary::all() {
        let text = &canary.text;
        for planted in [
            format!("{text}\n"),
            format!("Hello {text}, and <b>{text}</b>"),
            format!("--x\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\n{text}\r\n--x--"),
            format!("q={}", text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>()),
            format!("const key = \"{}\";", all_escaped(text)),
        ] {
            // Bytes beyond ASCII are two escapes of a URL, which is another encoding again.
            if planted.starts_with("q=") && !text.is_ascii() {
                continue;
            }
            // An escaped newline in a URL is no part of a key.
            if planted.starts_with("q=") && text.contains('\n') {
                continue;
            }
            assert_gone(&redactor, &canary, &planted);
        }
    }
}

#[test]
fn a_number_that_is_a_secret_becomes_a_string() {
    let redactor = redactor();
    let (left, counts) =
        body(&redactor, r#"{"card": 4111111111111111, "n": [37828224631000, 5.5]}"#);
    assert_eq!(left, r#"{"card": "[redacted:card]", "n": [37828224631000, 5.5]}"#);
    assert_eq!(counts["card"], 1);
    let nested = r#"{"arguments": "{\"card\": 4111111111111111, \"x\": 1}"}"#;
    let (left, _) = body(&redactor, nested);
    assert_eq!(left, r#"{"arguments": "{\"card\": \"[redacted:card]\", \"x\": 1}"}"#);
}

#[test]
fn a_member_whose_name_says_that_it_is_a_key_loses_its_value() {
    let (left, _) = body(
        &redactor(),
        r#"{"apiKey": "0a1b2c3d4e5f60718293", "cache_key": "0a1b2c3d4e5f60718293"}"#,
    );
    assert_eq!(left, r#"{"apiKey": "[redacted:api_key]", "cache_key": "0a1b2c3d4e5f60718293"}"#);
}

#[test]
fn what_repeats_a_text_token_by_token_goes_with_it() {
    let token = r#"{"token":"sk","bytes":[115,107]}"#;
    let answer = |text: &str| {
        format!(
            r#"{{"choices":[{{"text":"{text}","logprobs":{{"content":[{token}]}}}}],"logprobs":true}}"#
        )
    };
    let (left, _) = body(&redactor(), answer("mail a@b.io"));
    assert_eq!(
        left,
        r#"{"choices":[{"text":"mail [redacted:email]","logprobs":null}],"logprobs":true}"#
    );
    assert_eq!(body(&redactor(), answer("nothing")).0, answer("nothing"));
}

#[test]
fn no_secret_is_left_in_a_whole_exchange() {
    let redactor = redactor();
    for canary in canary::all().into_iter().filter(|canary| canary.text.is_ascii()) {
        let text = &canary.text;
        let escaped: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let names =
            ["user-agent", "x-request-id", "x-stainless-lang", "authorization", "x-stranger"];
        let value = HeaderValue::try_from(format!("a {} b", text.replace('\n', " "))).unwrap();
        let headers = names.map(|name| (HeaderName::from_static(name), value.clone()));
        let json = json!({ "messages": [{ "role": "user", "content": text }] }).to_string();
        let message = || Message {
            headers: HeaderMap::from_iter(headers.clone()),
            body: Content::Whole(json.clone().into()),
        };
        let mut exchange = exchange(message(), message());
        exchange.call.path = format!("/v1/x?key={escaped}&q={escaped}");
        exchange.call.model_asked = Some(text.clone());
        exchange.request_id = Some(text.clone());
        exchange.error = Some(format!("no {text}"));
        redactor.apply(&mut exchange);
        let bodies = [&exchange.request, &exchange.answer.as_ref().unwrap().message];
        let bodies = bodies.map(|message| message.body.kept().unwrap().to_vec());
        let bodies = bodies.map(|bytes| String::from_utf8(bytes).unwrap());
        let all = format!("{exchange:?}\n{}", bodies.concat());
        assert!(!is_there(&canary, &all.replace("\\n", "\n")), "{canary:?} {all}");
        assert!(!is_there(&canary, &all), "{canary:?} {all}");
        assert!(exchange.redactions.len() >= 2, "{:?}", exchange.redactions);
        let mut again = exchange.clone();
        redactor.apply(&mut again);
        assert_eq!(again, exchange);
    }
}

#[test]
fn what_is_never_written_down_is_stripped_whatever_the_mode() {
    let mut headers = typed("application/json");
    headers.insert("authorization", HeaderValue::from_static("Bearer x"));
    let body = Content::Whole("{\"mail\":\"a@b.io\"}".into());
    let mut exchange = exchange(Message { headers, body: body.clone() }, Message::default());
    exchange.call.path = "/x?key=abc".into();
    redactor().strip(&mut exchange);
    assert_eq!(exchange.request, Message { headers: typed("application/json"), body });
    assert_eq!(exchange.call.path, "/x?key=[redacted:credential]");
    assert_eq!(exchange.redactions["credential"], 1);
}
