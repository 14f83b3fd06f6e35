//! What is read of a request, and edits, against `serde_json::Value`.

use super::*;
use bytes::Bytes;
use serde_json::{Value as Json, json};

fn read(body: &str) -> Result<RequestView, RequestError> {
    read_request(Operation::Chat, body.as_bytes())
}

/// The body after `edits`, and how many pieces it came in.
fn edited(body: &str, model: Option<&str>, ask_usage: AskUsage) -> (String, usize) {
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    let edits = Edits { model, ask_usage, ..Edits::default() };
    let parts = read(body).unwrap().edit(&bytes, &edits);
    let (length, pieces) = (parts.len(), parts.iter().count());
    let whole: Vec<u8> = parts.into_iter().flatten().collect();
    assert_eq!(whole.len(), length);
    (String::from_utf8(whole).unwrap(), pieces)
}

#[test]
fn what_a_request_asks_for_is_read_from_its_top_level_alone() {
    let body = r#" {"messages":[{"role":"user","content":"{\"model\":\"x\",\"stream\":false}"}],
        "meta":{"model":"y","max_tokens":1},"stream" : true,"max_tokens":128,
        "model":"caf\u00e9/1"} "#;
    let view = read(body).unwrap();
    assert_eq!(view.model(), "café/1");
    assert_eq!((view.mode(), view.streams()), (StreamMode::Streamed, true));
    assert_eq!(view.max_tokens(), Some(128));
    assert_eq!(view.estimated_input_tokens(), (body.len() as u64).div_ceil(4));
    assert_eq!(view.estimated_tokens(), view.estimated_input_tokens() + 128);
}

#[test]
fn a_limit_is_read_from_either_member_and_left_to_the_upstream_when_odd() {
    let cases = [
        ("", None),
        (r#","max_tokens":5"#, Some(5)),
        (r#","max_tokens":5,"max_completion_tokens":7"#, Some(7)),
        (r#","max_completion_tokens":null,"max_tokens":5"#, Some(5)),
        (r#","max_tokens":"5""#, None),
        (r#","max_tokens":-5"#, None),
        (r#","max_tokens":5.5"#, None),
        (r#","max_tokens":99999999999999999999"#, None),
        (r#","max_tokens":18446744073709551615"#, Some(u64::MAX)),
    ];
    for (members, expected) in cases {
        let view = read(&format!("{{\"model\":\"m\"{members}}}")).unwrap();
        assert_eq!(view.max_tokens(), expected, "{members}");
        assert!(view.estimated_tokens() >= view.estimated_input_tokens());
    }
}

#[test]
fn a_body_that_is_no_request_is_refused_with_its_reason() {
    let wrong = |field, expected| RequestError::WrongType { field, expected };
    let cases = [
        ("[]", RequestError::NotAnObject),
        ("7", RequestError::NotAnObject),
        ("{}", RequestError::MissingModel),
        (r#"{"model":null}"#, RequestError::MissingModel),
        (r#"{"model":""}"#, RequestError::MissingModel),
        (r#"{"model":7}"#, wrong("model", "a string")),
        (r#"{"model":"m","stream":"true"}"#, wrong("stream", "a boolean")),
        (r#"{"model":"m","stream":1}"#, wrong("stream", "a boolean")),
        (r#"{"model":"a\nb"}"#, RequestError::BadModelName),
        (r#"{"model":"a\u202eb"}"#, RequestError::BadModelName),
        (r#"{"model":"\ud800"}"#, RequestError::BadModelName),
    ];
    for (body, expected) in cases {
        assert_eq!(read(body).unwrap_err(), expected, "{body}");
    }
    assert_eq!(wrong("stream", "a boolean").param(), Some("stream"));
    assert_eq!(RequestError::MissingModel.param(), Some("model"));
    assert_eq!(RequestError::NotAnObject.param(), None);
}

#[test]
fn a_model_name_has_at_most_256_characters() {
    let with_name = |name: String| read(&json!({ "model": name }).to_string());
    assert!(with_name("é".repeat(256)).is_ok());
    assert_eq!(with_name("é".repeat(257)).unwrap_err(), RequestError::BadModelName);
    assert_eq!(with_name("m".repeat(100_000)).unwrap_err(), RequestError::BadModelName);
}

#[test]
fn a_syntax_error_is_told_with_line_and_column() {
    let message = |body: &[u8]| read_request(Operation::Chat, body).unwrap_err().to_string();
    let start = "the request body is not valid JSON: ";
    let cases: [(&[u8], &str); 6] = [
        (b"", "unexpected end at line 1 column 1"),
        (b"{\"model\":\"m\",\n  \"a\": x}", "expected a value at line 2 column 8"),
        (b"{\"model\":\"m\"}}", "unexpected text after the value at line 1 column 14"),
        (b"{\"model\":\"m\",}", "expected a member name at line 1 column 14"),
        (b"{\"model\":\"\xff\"}", "not UTF-8 at line 1 column 11"),
        (b"hello", "expected a value at line 1 column 1"),
    ];
    for (body, expected) in cases {
        assert_eq!(message(body), format!("{start}{expected}"));
    }
}

#[test]
fn a_deeply_nested_body_is_an_error_and_no_overflow() {
    for open in ["[", "{\"a\":"] {
        let body = format!("{{\"model\":\"m\",\"x\":{}", open.repeat(1_000_000));
        let error = read(&body).unwrap_err().to_string();
        assert!(error.contains("nested too deeply"), "{error}");
    }
}

#[test]
fn a_stream_is_one_only_where_there_are_streams() {
    let body = br#"{"model":"m","stream":true}"#;
    assert!(read_request(Operation::TextCompletion, body).unwrap().streams());
    assert!(!read_request(Operation::Embeddings, body).unwrap().streams());
    for stream in ["false", "null"] {
        assert!(!read(&format!("{{\"model\":\"m\",\"stream\":{stream}}}")).unwrap().streams());
    }
}

#[test]
fn a_body_without_edits_is_one_untouched_piece() {
    let body = r#"{"model":"m","stream":true}"#;
    assert_eq!(edited(body, None, AskUsage::No), (body.to_owned(), 1));
    // Bytes that were not read are not edited either.
    let other = Bytes::from_static(b"{}");
    let edits = Edits { model: Some("x"), ask_usage: AskUsage::Yes, cache: CacheMember::Strip };
    let parts = read(body).unwrap().edit(&other, &edits);
    assert_eq!(parts.into_iter().collect::<Vec<_>>(), ["{}"]);
}

#[test]
fn usage_is_asked_for_where_it_is_missing_and_nothing_else_changes() {
    let asked = "\"stream_options\":{\"include_usage\":true}";
    let cases = [
        (r#"{"model":"m","stream":true}"#, format!("{{{asked},\"model\":\"m\",\"stream\":true}}")),
        (r#" { "model":"m","stream":true}"#, format!(" {{{asked}, \"model\":\"m\",\"stream\":true}}")),
        (
            r#"{"stream_options" : null ,"model":"m","stream":true}"#,
            r#"{"stream_options" : {"include_usage":true} ,"model":"m","stream":true}"#.into(),
        ),
        (
            r#"{"stream_options":{},"model":"m","stream":true}"#,
            r#"{"stream_options":{"include_usage":true},"model":"m","stream":true}"#.into(),
        ),
        (
            r#"{"stream_options":{ "x":1 },"model":"m","stream":true}"#,
            r#"{"stream_options":{"include_usage":true, "x":1 },"model":"m","stream":true}"#.into(),
        ),
        (
            r#"{"stream_options":{"include_usage":false,"x":1},"model":"m","stream":true}"#,
            r#"{"stream_options":{"include_usage":true,"x":1},"model":"m","stream":true}"#.into(),
        ),
        (
            r#"{"stream_options":{"include_usage":true,"include_usage":null},"model":"m","stream":true}"#,
            r#"{"stream_options":{"include_usage":true,"include_usage":true},"model":"m","stream":true}"#.into(),
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(read(body).unwrap().usage_to_ask_for(), AskUsage::Yes, "{body}");
        assert_eq!(edited(body, None, AskUsage::Yes).0, expected);
    }
}

#[test]
fn usage_is_not_asked_for_where_it_would_change_what_the_caller_asked() {
    for members in [
        r#""stream":true,"stream_options":{"include_usage":true}"#,
        r#""stream":true,"stream_options":{"include_usage":1}"#,
        r#""stream":true,"stream_options":"x""#,
        r#""stream":true,"stream_options":[]"#,
        r#""stream":false"#,
        r#""stream":true,"stream":null"#,
    ] {
        let body = format!("{{\"model\":\"m\",{members}}}");
        assert_eq!(read(&body).unwrap().usage_to_ask_for(), AskUsage::No, "{body}");
        assert_eq!(edited(&body, None, AskUsage::Yes), (body, 1));
    }
}

#[test]
fn another_model_name_is_escaped_and_put_where_the_last_one_counts() {
    let body = r#"{"model":"a","stream":true,"mod\u0065l" : "b","x":[1]}"#;
    assert_eq!(read(body).unwrap().model(), "b");
    let (renamed, pieces) = edited(body, Some("q\"\n"), AskUsage::Yes);
    let expected = r#"{"stream_options":{"include_usage":true},"model":"a","stream":true,"mod\u0065l" : "q\"\n","x":[1]}"#;
    assert_eq!(renamed, expected);
    assert_eq!(pieces, 5);
}

#[test]
fn pieces_of_an_edited_body_share_its_memory() {
    let body = Bytes::from(json!({ "model": "m", "x": "y".repeat(1000) }).to_string());
    let view = read_request(Operation::Chat, &body).unwrap();
    let parts = view.edit(&body, &Edits { model: Some("n"), ..Edits::default() });
    let inside = body.as_ptr_range();
    let shared = parts.iter().filter(|part| inside.contains(&part.as_ptr()));
    assert_eq!((parts.iter().count(), shared.count()), (3, 2));
}

const NAMES: [&str; 9] = [
    "model",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "x",
    "mod\\u0065l",
    "stre\\u0061m",
    "stream_option\\u0073",
];

const VALUES: [&str; 16] = [
    "\"m\"",
    "\"n\\u00e9\\\"\"",
    "true",
    "true",
    "false",
    "null",
    "12",
    "-1",
    "1.5e3",
    "[]",
    "{}",
    "[{\"model\":\"z\"},\"}\"]",
    "{\"include_usage\":false}",
    "{\"include_usage\":true}",
    "{\"y\":{},\"include_usage\":null}",
    "{\"include_usage\":true,\"include_usage\":false , \"z\":0}",
];

/// A body with repeated members, escaped names, odd types and odd white space; a usable
/// model and stream flag are likely.
fn random_body(random: &mut fastrand::Rng) -> String {
    let mut members: Vec<_> = (0..8)
        .map(|_| (NAMES[random.usize(..NAMES.len())], VALUES[random.usize(..VALUES.len())]))
        .collect();
    for likely in [("model", "\"m\""), ("stream", "true")] {
        if random.u8(..4) > 0 {
            members.insert(random.usize(4..=members.len()), likely);
        }
    }
    let mut space = || ["", "", " ", "\n\t"][random.usize(..4)];
    let members: Vec<String> = members
        .into_iter()
        .map(|(name, value)| {
            [space(), "\"", name, "\"", space(), ":", space(), value, space()].concat()
        })
        .collect();
    [space(), "{", &members.join(","), "}", space()].concat()
}

#[test]
fn repeated_members_count_as_serde_json_counts_them_and_edits_take_effect() {
    let mut random = fastrand::Rng::with_seed(3);
    let mut read_well = 0;
    for _ in 0..20_000 {
        let body = random_body(&mut random);
        let oracle: Json = serde_json::from_str(&body).unwrap();
        let Ok(view) = read(&body) else {
            let bad_model = oracle["model"].as_str().is_none_or(str::is_empty);
            let bad_stream = !matches!(oracle["stream"], Json::Bool(_) | Json::Null);
            assert!(bad_model || bad_stream, "{body}");
            continue;
        };
        read_well += 1;
        assert_eq!(Some(view.model()), oracle["model"].as_str(), "{body}");
        assert_eq!(view.streams(), oracle["stream"] == Json::Bool(true), "{body}");
        let limit = |name: &str| oracle.get(name).filter(|value| !value.is_null());
        let limit = limit("max_completion_tokens").or(limit("max_tokens"));
        assert_eq!(view.max_tokens(), limit.and_then(Json::as_u64), "{body}");

        let (after, _) = edited(&body, Some("other \"one\""), view.usage_to_ask_for());
        let mut expected = oracle.clone();
        expected["model"] = "other \"one\"".into();
        if view.usage_to_ask_for() == AskUsage::Yes {
            expected["stream_options"]["include_usage"] = true.into();
        }
        assert_eq!(serde_json::from_str::<Json>(&after).unwrap(), expected, "{body}");
    }
    assert!(read_well > 4_000, "{read_well}");
}

#[test]
fn a_damaged_body_is_refused_exactly_when_serde_json_refuses_it() {
    let mut random = fastrand::Rng::with_seed(4);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..20_000 {
        let mut body = random_body(&mut random).into_bytes();
        let at = random.usize(..body.len());
        match random.u8(..3) {
            0 => drop(body.remove(at)),
            1 => body[at] = b"{}[],:\"\\ 0\x1fe\xc3"[random.usize(..13)],
            _ => body.truncate(at),
        }
        let is_json =
            !matches!(read_request(Operation::Chat, &body), Err(RequestError::NotJson { .. }));
        let oracle = serde_json::from_slice::<Json>(&body);
        assert_eq!(is_json, oracle.is_ok(), "{:?} {oracle:?}", String::from_utf8_lossy(&body));
        *(if is_json { &mut good } else { &mut bad }) += 1;
    }
    assert!(good > 1_000 && bad > 1_000, "{good} {bad}");
}
