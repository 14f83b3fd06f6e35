//! What of a request a cache reads, takes out and compares.

use super::*;
use crate::protocol::json::Ambiguous;
use crate::types::Random;
use bytes::Bytes;
use serde_json::{Value as Json, json};
use std::time::Duration;

fn view(members: &str) -> CacheView {
    view_of(Operation::Chat, members)
}

fn view_of(operation: Operation, members: &str) -> CacheView {
    read_cache_view(operation, format!("{{\"model\":\"m\",{members}}}").as_bytes())
}

fn form(model: &str, body: &str) -> Result<Vec<u8>, Ambiguous> {
    let mut form = Vec::new();
    write_canonical_request(body.as_bytes(), model, &mut |piece| form.extend_from_slice(piece))?;
    Ok(form)
}

/// The body without its `cache` object, and with the other edits asked for.
fn stripped(body: &str, edits: &Edits<'_>) -> String {
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    let parts = read_request(Operation::Chat, &bytes).unwrap().edit(&bytes, edits);
    String::from_utf8(parts.into_iter().flatten().collect()).unwrap()
}

const STRIP: Edits<'_> = Edits { model: None, ask_usage: AskUsage::No, cache: CacheMember::Strip };

#[test]
fn a_temperature_is_zero_however_zero_is_written() {
    for zero in ["0", "0.0", "-0", "-0.000", "0e5", "0E+9", "0.0e-1"] {
        let view = view(&format!("\"temperature\":{zero}"));
        assert_eq!(view.temperature, Temperature::Zero, "{zero}");
    }
    for other in ["1", "0.1", "0.01e5", "1e-400", "10", "\"0\"", "[0]", "true", "false", "{}"] {
        let view = view(&format!("\"temperature\":{other}"));
        assert_eq!(view.temperature, Temperature::Other, "{other}");
    }
    assert_eq!(view("\"temperature\":null").temperature, Temperature::Absent);
    assert_eq!(view("\"x\":{\"temperature\":0}").temperature, Temperature::Absent);
    assert_eq!(view("\"temperature\" : 0 , \"x\":1").temperature, Temperature::Zero);
}

#[test]
fn a_seed_fixes_chance_unless_servers_take_it_for_none() {
    for seed in ["0", "42", "4294967294", "9007199254740993", "18446744073709551614"] {
        assert!(view(&format!("\"seed\":{seed}")).is_seeded, "{seed}");
    }
    for none in ["null", "-1", "4294967295", "18446744073709551615", "\"1\"", "1.5", "[]"] {
        assert!(!view(&format!("\"seed\":{none}")).is_seeded, "{none}");
    }
    assert!(!view("\"x\":1").is_seeded);
}

#[test]
fn state_at_the_upstream_is_seen() {
    for member in [
        "\"store\":true",
        "\"store\":\"yes\"",
        "\"background\":true",
        "\"previous_response_id\":\"resp_1\"",
        "\"conversation\":\"conv_1\"",
        "\"conversation\":{\"id\":\"conv_1\"}",
        "\"st\\u006fre\":true",
    ] {
        assert!(view(member).is_stateful, "{member}");
    }
    for member in
        ["\"store\":false", "\"store\":null", "\"conversation\":null", "\"x\":{\"store\":true}"]
    {
        assert!(!view(member).is_stateful, "{member}");
    }
}

#[test]
fn tools_that_the_upstream_runs_are_told_from_those_of_the_caller() {
    for member in [
        "\"web_search_options\":{}",
        "\"search_parameters\":{\"mode\":\"auto\"}",
        "\"plugins\":[{\"id\":\"web\"}]",
        "\"mcp_servers\":[]",
        "\"tools\":[{\"type\":\"web_search_preview\"}]",
        "\"tools\":[{\"type\":\"function\",\"function\":{}},{\"type\":\"mcp\"}]",
        "\"tools\":[{\"function\":{\"type\":\"function\"}}]",
        "\"tools\":[{\"google_search\":{}}]",
        "\"tools\":[7]",
    ] {
        assert!(view(member).has_server_tools, "{member}");
    }
    for member in [
        "\"tools\":[]",
        "\"tools\":null",
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]",
        "\"tools\":[{\"function\":{},\"type\":\"custom\"},{\"type\":\"f\\u0075nction\"}]",
        "\"web_search_options\":null",
        "\"x\":{\"web_search_options\":{}}",
    ] {
        assert!(!view(member).has_server_tools, "{member}");
    }
}

#[test]
fn choices_are_expected_for_every_prompt() {
    let choices = |operation, members: &str| view_of(operation, members).choices;
    let (chat, text) = (Operation::Chat, Operation::TextCompletion);
    for (operation, members, expected) in [
        (chat, "\"x\":1", 1),
        (chat, "\"n\":null", 1),
        (chat, "\"n\":3,\"prompt\":[\"a\",\"b\"]", 3),
        (chat, "\"n\":0", 1),
        (text, "\"prompt\":\"a\"", 1),
        (text, "\"prompt\":[\"a\",\"b\"],\"n\":2", 4),
        (text, "\"n\":2,\"prompt\":[[1,2],[3]]", 4),
        (text, "\"prompt\":[1,2,3]", 1),
        (text, "\"prompt\":[],\"n\":2", 2),
        (text, "\"prompt\":[\"a\",\"b\"],\"n\":18446744073709551615", u64::MAX),
        (Operation::Embeddings, "\"input\":[\"a\",\"b\"]", 0),
    ] {
        assert_eq!(choices(operation, members), expected, "{members}");
    }
}

#[test]
fn litellms_controls_are_read_with_the_cautious_meaning_of_what_is_odd() {
    let control = |object: &str| view(&format!("\"cache\":{object}")).control;
    let all = r#"{"no-cache":true,"no-store":true,"use-cache":true,"ttl":600,"s-maxage":1.5,
        "namespace":"te\u0061m"}"#;
    let expected = LiteLlmCache {
        no_cache: true,
        no_store: true,
        use_cache: true,
        ttl: Some(Duration::from_secs(600)),
        max_age: Some(Duration::from_millis(1500)),
        namespace: Some("team".into()),
    };
    assert_eq!(control(all), Some(expected));
    assert_eq!(control("{}"), Some(LiteLlmCache::default()));
    let none = r#"{"no-cache":false,"no-store":null,"use-cache":1,"ttl":null,"s-maxage":null}"#;
    assert_eq!(control(none), Some(LiteLlmCache::default()));
    let odd = r#"{"no-cache":"yes","no-store":1,"ttl":"600","s-max-age":-5}"#;
    let expected = LiteLlmCache {
        no_cache: true,
        no_store: true,
        max_age: Some(Duration::ZERO),
        ..LiteLlmCache::default()
    };
    assert_eq!(control(odd), Some(expected));
    for other in ["null", "true", "[]", "\"no-cache\""] {
        assert_eq!(control(other), None, "{other}");
    }
    assert_eq!(view("\"x\":{\"cache\":{\"no-cache\":true}}").control, None);
}

#[test]
fn the_cache_object_is_taken_out_with_its_comma_wherever_it_stands() {
    let cases = [
        (r#"{"cache":{"ttl":1},"model":"m"}"#, r#"{"model":"m"}"#),
        (r#"{"model":"m","cache":{"ttl":1}}"#, r#"{"model":"m"}"#),
        (r#"{"model":"m","cache":{},"x":1}"#, r#"{"model":"m","x":1}"#),
        ("{ \"cache\" : { } ,\n \"model\":\"m\" }", "{ \n \"model\":\"m\" }"),
        ("{ \"model\":\"m\" ,\n \"cache\" : {\"a\":[]} }", "{ \"model\":\"m\"  }"),
        (r#"{"model":"m","c\u0061che":{},"x":","}"#, r#"{"model":"m","x":","}"#),
        (r#"{"x":",","cache":{"cache":{}},"model":"m"}"#, r#"{"x":",","model":"m"}"#),
    ];
    for (body, expected) in cases {
        assert_eq!(stripped(body, &STRIP), expected);
        assert_eq!(stripped(body, &Edits::default()), body, "only when it is to be");
    }
}

#[test]
fn a_cache_member_that_is_not_ours_goes_on() {
    for body in [
        r#"{"model":"m"}"#,
        r#"{"model":"m","cache":true}"#,
        r#"{"model":"m","cache":null}"#,
        r#"{"model":"m","cache":"x"}"#,
        r#"{"cache":{},"model":"m","cache":{}}"#,
        r#"{"cache":{},"model":"m","cache":1,"cache":{}}"#,
        r#"{"model":"m","x":{"cache":{}}}"#,
    ] {
        assert_eq!(stripped(body, &STRIP), body);
    }
}

#[test]
fn every_edit_takes_effect_beside_the_others() {
    let body = r#"{"cache":{},"model":"m","stream":true}"#;
    let edits = Edits { model: Some("n"), ask_usage: AskUsage::Yes, cache: CacheMember::Strip };
    let expected = r#"{"stream_options":{"include_usage":true},"model":"n","stream":true}"#;
    assert_eq!(stripped(body, &edits), expected);

    let random = Random::seeded(9);
    let pick = |of: &[&'static str]| of[random.below(of.len() as u64) as usize];
    for _ in 0..5_000 {
        let mut members = vec![
            r#""model":"m""#,
            pick(&[r#""stream":true"#, r#""stream" : true "#]),
            pick(&[r#""cache":{}"#, r#" "cache" : {"ttl":1} "#, "\n\"c\\u0061che\":{\"a\":\",\"}"]),
            pick(&[r#""x":1"#, r#""y":{"cache":{}}"#, r#" "z":"\"cache\":{}" "#]),
        ];
        let options = pick(&["", r#""stream_options":null"#, r#""stream_options":{"a":1}"#]);
        members.extend((!options.is_empty()).then_some(options));
        for at in (1..members.len()).rev() {
            members.swap(at, random.below(at as u64 + 1) as usize);
        }
        let body = format!("{{{}}}", members.join(","));
        let mut expected: Json = serde_json::from_str(&body).unwrap();
        expected["model"] = "n".into();
        expected["stream_options"]["include_usage"] = true.into();
        expected.as_object_mut().unwrap().remove("cache");
        let after = stripped(&body, &edits);
        assert_eq!(serde_json::from_str::<Json>(&after).unwrap(), expected, "{body}\n{after}");
    }
}

#[test]
fn labels_have_no_part_in_the_form_and_everything_else_has() {
    let plain = form("m", r#"{"model":"m","x":1}"#).unwrap();
    for label in WITHOUT_PART_NAMES {
        let body = json!({ "model": "m", "x": 1, label: { "any": [1] } }).to_string();
        assert_eq!(form("m", &body).unwrap(), plain, "{label}");
        let inside = json!({ "model": "m", "x": { label: 1 } }).to_string();
        let without = json!({ "model": "m", "x": {} }).to_string();
        assert_ne!(form("m", &inside), form("m", &without), "{label} inside");
    }
    for other in ["request_id", "cache_salt", "service_tier", "stream", "stream_options", "new"] {
        let body = json!({ "model": "m", "x": 1, other: null }).to_string();
        assert_ne!(form("m", &body).unwrap(), plain, "{other}");
    }
}

const WITHOUT_PART_NAMES: [&str; 6] = [
    "user",
    "metadata",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "cache",
];

#[test]
fn a_model_counts_by_what_is_meant_and_not_by_what_it_is_called() {
    let called = |name: &str| form("meant", &json!({ "x": 1, "model": name }).to_string()).unwrap();
    assert_eq!(called("alias"), called("meant"));
    let body = r#"{"model":"a"}"#;
    assert_ne!(form("one", body), form("other", body));
}
