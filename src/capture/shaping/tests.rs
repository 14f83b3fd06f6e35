//! Shapes say nothing, and what is made up from them looks like the original.

use super::{Form, Shaper};
use crate::capture::{BLOCK, MessageShape, Shape};
use crate::protocol::StreamMode;
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

fn shaper() -> Shaper {
    Shaper::new([7; 32])
}

fn chat(messages: &Value) -> Shape {
    shaper().request(CHAT, json!({"messages": messages}).to_string().as_bytes())
}

fn blocks(shape: &Shape) -> Vec<u64> {
    shape.messages.iter().flat_map(|message| message.blocks.clone()).collect()
}

#[test]
fn a_shape_has_lengths_roles_and_parameters() {
    let long = "x".repeat(2 * BLOCK + 1);
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let body = json!({"model": "m", "max_tokens": 9, "tools": tools,
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": long}]});
    let body = body.to_string();
    let shape = shaper().request(CHAT, body.as_bytes());
    assert_eq!(shape.length, body.len() as u64);
    assert_eq!(shape.tools, tools.to_string().len() as u64);
    assert_eq!(Value::Object(shape.parameters.clone()), json!({"max_tokens": 9}));
    let told: Vec<_> = shape
        .messages
        .iter()
        .map(|message| (message.role.as_str(), message.length, message.blocks.len()))
        .collect();
    assert_eq!(told, [("system", 8, 1), ("user", 2 * BLOCK as u64 + 1, 3)]);
}

#[test]
fn equal_beginnings_have_equal_ids_and_others_do_not() {
    let system = "s".repeat(BLOCK + 10);
    let turn = |role: &str, text: &str| json!({"role": role, "content": text});
    let first = chat(&json!([turn("system", &system), turn("user", "Hi")]));
    let second =
        chat(&json!([turn("system", &system), turn("user", "Hi"), turn("assistant", "Yes")]));
    assert_eq!(blocks(&second)[..3], blocks(&first));
    let other_user = chat(&json!([turn("system", &system), turn("user", "Ho")]));
    assert_eq!(blocks(&other_user)[..2], blocks(&first)[..2]);
    assert_ne!(blocks(&other_user)[2], blocks(&first)[2]);
    let other_system = chat(&json!([turn("system", "x"), turn("user", "Hi")]));
    assert_ne!(blocks(&other_system)[1], blocks(&first)[2]);
    let other_role = chat(&json!([turn("user", &system), turn("user", "Hi")]));
    assert_ne!(blocks(&other_role)[0], blocks(&first)[0]);
    let one_message = chat(&json!([turn("system", &format!("{system}Hi"))]));
    assert_ne!(blocks(&one_message)[1], blocks(&first)[1]);
    let other_key = Shaper::new([8; 32]);
    let body = json!({"messages": [turn("system", &system), turn("user", "Hi")]}).to_string();
    assert_ne!(blocks(&other_key.request(CHAT, body.as_bytes())), blocks(&first));
    let with_tools = json!({"tools": [1], "messages": [turn("user", "Hi")]}).to_string();
    let with_tools = shaper().request(CHAT, with_tools.as_bytes());
    assert_ne!(blocks(&with_tools), blocks(&chat(&json!([turn("user", "Hi")]))));
}

#[test]
fn an_answer_has_the_ids_that_it_has_in_the_next_request() {
    let turn = |role: &str, text: &str| json!({"role": role, "content": text});
    let first = chat(&json!([turn("user", "Hi")]));
    let event = |text: &str| {
        format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": text}}]}))
    };
    let streamed = shaper().answer(&first, (event("Ye") + &event("s")).as_bytes());
    let plain =
        json!({"choices": [{"message": {"role": "assistant", "content": "Yes"}}]}).to_string();
    let plain = shaper().answer(&first, plain.as_bytes());
    let second = chat(&json!([turn("user", "Hi"), turn("assistant", "Yes"), turn("user", "Why?")]));
    assert_eq!(streamed.messages, plain.messages);
    assert_eq!(plain.messages[0], second.messages[1]);
}

#[test]
fn prompts_do_not_stand_for_those_before_them() {
    let shape = |prompt: Value| {
        shaper().request("/v1/embeddings", json!({"input": prompt}).to_string().as_bytes())
    };
    let both = shape(json!(["a", "b"]));
    assert_eq!(both.messages[1], shape(json!("b")).messages[0]);
}

#[test]
fn of_what_has_no_known_form_there_is_only_the_length() {
    let bodies: [(&str, &[u8]); 4] =
        [("/x", b"{\"messages\":[]}"), (CHAT, b"[1]"), (CHAT, b"\xff"), ("/v1/models", b"")];
    for (path, body) in bodies {
        let length = body.len() as u64;
        assert_eq!(shaper().request(path, body), Shape { length, ..Shape::default() });
    }
}

#[test]
fn nothing_of_a_body_is_in_its_shape() {
    let canary = "c4n4ry";
    let tools = json!([{"type": "function", "function": {"name": canary, "description": canary,
        "parameters": {"properties": {canary: {"enum": [canary]}}}}}]);
    let call =
        json!({"id": canary, "type": canary, "function": {"name": canary, "arguments": canary}});
    let bodies = [
        (
            CHAT,
            json!({"model": canary, canary: canary, "tools": tools, "user": canary, "stop": [canary],
            "tool_choice": {"function": {"name": canary}}, "reasoning_effort": canary, "n": canary,
            "response_format": {"type": canary, "json_schema": {"name": canary}},
            "metadata": {canary: canary}, "messages": [{"role": canary, "name": canary, "content": canary},
            {"role": "assistant", "tool_calls": [call]}, {"role": "user", "content": [{"type": canary, "text": canary}]}]}),
        ),
        (
            "/v1/messages",
            json!({"system": canary, "metadata": {"user_id": canary}, "thinking": {"type": canary},
            "messages": [{"role": "user", "content": [{"type": "tool_use", "name": canary, "input": {canary: canary}}]}]}),
        ),
        (
            "/v1/responses",
            json!({"instructions": canary, "input": [{"type": canary, "content": canary}],
            "prompt_cache_key": canary, "text": {"format": {"name": canary}}}),
        ),
        ("/v1/completions", json!({"prompt": [canary], "suffix": canary})),
        ("/v1/embeddings", json!({"input": canary, "encoding_format": canary})),
    ];
    for (path, body) in bodies {
        let shape = shaper().request(path, body.to_string().as_bytes());
        assert!(!shape.messages.is_empty());
        assert!(!serde_json::to_string(&shape).unwrap().contains(canary), "{shape:?}");
        let composed = shape.compose(Form::of(path).unwrap(), "m", StreamMode::Whole).unwrap();
        assert!(!String::from_utf8(composed).unwrap().contains(canary));
    }
    let answer = json!({"id": canary, "model": canary, "choices": [{"finish_reason": canary,
        "message": {"role": canary, "content": canary, "tool_calls": [call]}}]});
    let shape = shaper().answer(&Shape::default(), answer.to_string().as_bytes());
    assert_eq!(shape.messages[0].length, 12);
    assert!(!serde_json::to_string(&shape).unwrap().contains(canary));
}

#[test]
fn what_is_made_up_has_the_shape_it_was_made_from() {
    let tools =
        json!([{"type": "function", "function": {"name": "f", "description": "d".repeat(300)}}]);
    let messages = json!([{"role": "system", "content": "s".repeat(3000)},
        {"role": "user", "content": "u".repeat(10)}, {"role": "assistant", "content": "a".repeat(BLOCK)}]);
    let body = json!({"max_tokens": 5, "temperature": 0.5, "stream": true, "tools": tools,
        "stream_options": {"include_usage": true}, "tool_choice": "auto", "messages": messages});
    let shape = shaper().request(CHAT, body.to_string().as_bytes());
    let composed = shape.compose(Form::Chat, "other", StreamMode::Streamed).unwrap();
    let again = shaper().request(CHAT, &composed);
    let told = |shape: &Shape| {
        let told = |message: &MessageShape| (message.role.clone(), message.length);
        (shape.messages.iter().map(told).collect::<Vec<_>>(), shape.tools, shape.parameters.clone())
    };
    assert_eq!(told(&again), told(&shape));
    let read: Value = serde_json::from_slice(&composed).unwrap();
    assert_eq!(read["model"], "other");
    assert_eq!(composed, shape.compose(Form::Chat, "other", StreamMode::Streamed).unwrap());
    let whole = shape.compose(Form::Chat, "other", StreamMode::Whole).unwrap();
    let whole: Value = serde_json::from_slice(&whole).unwrap();
    assert!(whole.get("stream").is_none() && whole.get("stream_options").is_none());
}

#[test]
fn what_is_made_up_begins_alike_where_the_originals_did() {
    let turn = |role: &str, text: &str| json!({"role": role, "content": text});
    let system = "s".repeat(2 * BLOCK);
    let text = |messages: &Value| {
        let body = chat(messages).compose(Form::Chat, "m", StreamMode::Whole).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let contents = body["messages"].as_array().unwrap().iter();
        contents.map(|message| message["content"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = text(&json!([turn("system", &system), turn("user", "Hi")]));
    let second =
        text(&json!([turn("system", &system), turn("user", "Hi"), turn("assistant", "Yes")]));
    let third = text(&json!([turn("system", &system), turn("user", "Ho")]));
    assert_eq!(first[..], second[..2]);
    assert_eq!(first[0], third[0]);
    assert_ne!(first[1], third[1]);
}

#[test]
fn each_form_can_be_made_up() {
    let message =
        |role: &str, length| MessageShape { role: role.into(), length, blocks: vec![length] };
    let messages = vec![message("system", 5), message("user", 9), message("tool", 3)];
    let shape = Shape { length: 100, messages, tools: 10, ..Shape::default() };
    let made = |form| -> Value {
        serde_json::from_slice(&shape.compose(form, "m", StreamMode::Whole).unwrap()).unwrap()
    };
    assert_eq!(made(Form::Chat)["messages"][2]["role"], "user");
    assert_eq!(made(Form::Responses)["input"][0]["role"], "system");
    let messages = made(Form::Messages);
    assert_eq!(messages["system"].as_str().unwrap().len(), 5);
    assert_eq!(messages["messages"].as_array().unwrap().len(), 2);
    assert_eq!(messages["max_tokens"], 4096);
    assert_eq!(made(Form::Completion)["prompt"].as_array().unwrap().len(), 3);
    assert_eq!(made(Form::Embeddings)["input"][1].as_str().unwrap().len(), 9);
    assert!(made(Form::Chat).get("tools").is_none());
    assert_eq!(Shape::default().compose(Form::Chat, "m", StreamMode::Whole), None);
}

#[test]
fn longer_blocks_of_other_captures_are_filled() {
    let made = |length, blocks: &[u64]| {
        let message = MessageShape { role: "user".into(), length, blocks: blocks.to_vec() };
        let shape = Shape { messages: vec![message], ..Shape::default() };
        let body = shape.compose(Form::Completion, "m", StreamMode::Whole).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        body["prompt"].as_str().unwrap().to_owned()
    };
    let (first, second) = (made(4096, &[1, 2]), made(5000, &[1, 2, 3]));
    assert_eq!((first.len(), second.len()), (4096, 5000));
    assert_eq!(first, second[..4096]);
    assert_eq!(made(100, &[]).len(), 100);
}
