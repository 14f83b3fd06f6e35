//! A request with everything in it, and every change to it.

use super::{Request, key};
use serde_json::{Value as Json, json};
use std::collections::HashSet;

/// A request that uses most of what there is.
const RICH: &str = r#"{
    "model": "llama",
    "messages": [
        { "role": "system", "content": "Be brief." },
        { "role": "user", "name": "ann", "content": [
            { "type": "text", "text": "What is this?" },
            { "type": "image_url",
              "image_url": { "url": "data:image/png;base64,AAAA", "detail": "low" } },
            { "type": "input_audio", "input_audio": { "data": "UklG", "format": "wav" } }
        ] },
        { "role": "assistant", "content": null, "tool_calls": [
            { "id": "call_1", "type": "function",
              "function": { "name": "look", "arguments": "{\"at\":1}" } }
        ] },
        { "role": "tool", "tool_call_id": "call_1", "content": "a cat" }
    ],
    "tools": [{ "type": "function", "function": { "name": "look", "strict": true,
        "parameters": { "type": "object", "properties": { "at": { "type": "integer" } } } } }],
    "tool_choice": "auto",
    "parallel_tool_calls": true,
    "response_format": { "type": "json_schema", "json_schema": { "name": "n", "schema": {} } },
    "temperature": 0,
    "top_p": 0.9,
    "top_k": 40,
    "min_p": 0.1,
    "seed": 7,
    "n": 2,
    "stop": ["\n", "END"],
    "max_tokens": 100,
    "max_completion_tokens": 100,
    "presence_penalty": 0.5,
    "frequency_penalty": 0.5,
    "repetition_penalty": 1.1,
    "logit_bias": { "50256": -100 },
    "logprobs": true,
    "top_logprobs": 3,
    "stream": true,
    "stream_options": { "include_usage": true, "include_obfuscation": false },
    "reasoning_effort": "low",
    "verbosity": "low",
    "modalities": ["text"],
    "prediction": { "type": "content", "content": "x" },
    "service_tier": "auto",
    "store": false,
    "chat_template_kwargs": { "enable_thinking": false },
    "guided_json": { "type": "object" },
    "cache_salt": "s",
    "request_id": "r",
    "dimensions": 256,
    "encoding_format": "float",
    "prompt": "p",
    "suffix": "s",
    "echo": false,
    "best_of": 1,
    "input": ["a", "b"],
    "x_unheard_of": { "deep": [{ "er": null }] }
}"#;

fn rich() -> Json {
    serde_json::from_str(RICH).unwrap()
}

/// Every value that differs from `value` in one place.
fn mutations(value: &Json) -> Vec<Json> {
    let mut found: Vec<Json> =
        [json!(null), json!("other"), json!(987), json!(false), json!([]), json!({})].into();
    match value {
        Json::Array(elements) => {
            for at in 0..elements.len() {
                let with = |element| {
                    let mut elements = elements.clone();
                    elements[at] = element;
                    Json::Array(elements)
                };
                found.extend(mutations(&elements[at]).into_iter().map(with));
                let mut shorter = elements.clone();
                shorter.remove(at);
                found.push(shorter.into());
            }
            let mut turned = elements.clone();
            turned.reverse();
            found.push(turned.into());
        }
        Json::Object(members) => {
            for (name, value) in members {
                let with = |value| {
                    let mut members = members.clone();
                    members.insert(name.clone(), value);
                    Json::Object(members)
                };
                found.extend(mutations(value).into_iter().map(with));
                let mut fewer = members.clone();
                let value = fewer.remove(name).unwrap();
                found.push(fewer.clone().into());
                fewer.insert(format!("{name}_"), value);
                found.push(fewer.into());
            }
        }
        Json::String(text) => found.extend([json!(format!("{text} ")), json!(text.to_uppercase())]),
        _ => {}
    }
    found.retain(|other| other != value);
    found
}

#[test]
fn every_field_that_changes_gives_another_key() {
    let Json::Object(rich) = rich() else { panic!("an object") };
    let mut keys = HashSet::from([Request::new(Json::Object(rich.clone())).key()]);
    let mut bodies = HashSet::from([Json::Object(rich.clone()).to_string()]);
    for (name, value) in &rich {
        // What the model is called has no part: see below.
        if name == "model" {
            continue;
        }
        for value in mutations(value) {
            let mut body = rich.clone();
            body.insert(name.clone(), value);
            let body = Json::Object(body);
            if bodies.insert(body.to_string()) {
                assert!(keys.insert(Request::new(&body).key()), "{name}: {}", body[name]);
            }
        }
        let mut body = rich.clone();
        body.remove(name);
        assert!(keys.insert(Request::new(Json::Object(body)).key()), "without {name}");
    }
    assert!(keys.len() > 800, "{}", keys.len());
}

#[test]
fn order_of_members_and_white_space_have_no_part() {
    fn reversed(value: &Json) -> String {
        match value {
            Json::Object(members) => {
                let write = |(name, value): (&String, &Json)| {
                    format!("\n {} :\t{} ", json!(name), reversed(value))
                };
                format!("{{{} }}", members.iter().rev().map(write).collect::<Vec<_>>().join(","))
            }
            Json::Array(elements) => {
                let elements: Vec<_> = elements.iter().map(reversed).collect();
                format!(" [ {} ]\r\n", elements.join(" , "))
            }
            other => other.to_string(),
        }
    }
    let rich = rich();
    assert_ne!(rich.to_string(), reversed(&rich));
    assert_eq!(key(&rich.to_string()), key(&reversed(&rich)));
    assert_eq!(key(r#"{"a":"\u00e9\/","model":"m"}"#), key(r#"{"model":"m","\u0061":"é/"}"#));
}
