//! Secrets that come in pieces.

use super::canary::{self, Canary};
use super::{body, redactor};
use crate::capture::redact::{Counts, Redactor};
use serde_json::{Value, json};

/// How one dialect sends a piece of text.
type Event = fn(&str) -> Value;

const EVENTS: [(&str, Event); 9] = [
    ("chat", |text| json!({"id": "c", "choices": [{"index": 0, "delta": {"content": text}}]})),
    (
        "reasoning",
        |text| json!({"choices": [{"delta": {"reasoning_content": text}, "index": 1}], "usage": null}),
    ),
    ("refusal", |text| json!({"choices": [{"index": 0, "delta": {"refusal": text}}]})),
    ("tool", |text| {
        let call = json!({"index": 1, "function": {"arguments": text}});
        json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})
    }),
    ("completion", |text| json!({"choices": [{"text": text, "index": 0, "finish_reason": null}]})),
    ("responses", |text| {
        json!({"type": "response.output_text.delta", "item_id": "m", "output_index": 0,
            "content_index": 0, "delta": text})
    }),
    ("messages", |text| {
        json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "text_delta", "text": text}})
    }),
    ("thinking", |text| {
        json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "thinking_delta", "thinking": text}})
    }),
    ("input", |text| {
        json!({"type": "content_block_delta", "index": 2,
            "delta": {"type": "input_json_delta", "partial_json": text}})
    }),
];

fn stream(event: Event, pieces: &[String]) -> String {
    let events = pieces.iter().map(|piece| format!("data: {}\n\n", event(piece)));
    events.chain(["data: [DONE]\n\n".to_owned()]).collect()
}

/// All strings of all events, joined by their names.
fn said(stream: &str) -> String {
    fn collect(value: &Value, text: &mut String) {
        match value {
            Value::String(string) => text.push_str(string),
            Value::Array(values) => values.iter().for_each(|value| collect(value, text)),
            Value::Object(members) => {
                // The text of an event, without what only says what it is.
                let texts = members
                    .iter()
                    .filter(|(name, _)| !["type", "id", "item_id"].contains(&name.as_str()));
                texts.for_each(|(_, value)| collect(value, text));
            }
            _ => {}
        }
    }
    let mut text = String::new();
    for data in stream.lines().filter_map(|line| line.strip_prefix("data: ")) {
        if data != "[DONE]" {
            collect(&serde_json::from_str(data).unwrap(), &mut text);
        }
    }
    text
}

fn assert_gone(redactor: &Redactor, canary: &Canary, event: Event, pieces: &[String]) {
    let planted = stream(event, pieces);
    assert!(said(&planted).contains(&canary.secret), "not planted: {planted}");
    let (left, counts) = body(redactor, planted.clone());
    let text = said(&left);
    assert!(!text.contains(&canary.secret), "{canary:?}\n{planted}\n{left}");
    assert!(text.contains("[redacted:") && !counts.is_empty());
    assert_eq!(left.matches("\n\n").count(), planted.matches("\n\n").count());
    assert_eq!(body(redactor, left.clone()), (left, Counts::new()));
}

fn pieces(text: &str, size: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(size).map(|chunk| chunk.iter().collect()).collect()
}

#[test]
fn no_secret_is_left_in_pieces_of_any_size_in_any_dialect() {
    let redactor = redactor();
    for (index, canary) in canary::all().into_iter().enumerate() {
        let text = format!("Sure: {} is it.", canary.text);
        // Each in two of them, so that each of them has all kinds.
        for index in [index, index + 4] {
            let (_, event) = EVENTS[index % EVENTS.len()];
            assert_gone(&redactor, &canary, event, &pieces(&text, 1 + index % 4));
        }
    }
}

#[test]
fn no_secret_is_left_wherever_it_is_split() {
    let redactor = redactor();
    for canary in canary::one_of_each() {
        let text = format!("It is {}\n", canary.text);
        for at in text.char_indices().map(|(at, _)| at) {
            let pieces = [text[..at].to_owned(), text[at..].to_owned()];
            assert_gone(&redactor, &canary, EVENTS[0].1, &pieces);
        }
    }
}

#[test]
fn no_secret_is_left_in_the_arguments_of_a_tool_call_in_pieces() {
    let redactor = redactor();
    for canary in canary::one_of_each() {
        let arguments = json!({"query": canary.text, "n": 1}).to_string();
        let planted = stream(EVENTS[3].1, &pieces(&arguments, 3));
        let (left, _) = body(&redactor, planted);
        let arguments: Value = serde_json::from_str(&said(&left)).unwrap();
        assert!(!arguments["query"].as_str().unwrap().contains(&canary.secret), "{arguments}");
    }
}

#[test]
fn choices_that_come_in_turns_are_told_apart() {
    let event = |index: usize, text: &str| {
        let event = json!({"choices": [{"delta": {"content": text}, "index": index}]});
        format!("data: {event}\n\n")
    };
    let texts = ["mail jane.doe@example.com now", "call +1 415 555 0132 at once"];
    let turns: String = pieces(texts[0], 2)
        .iter()
        .zip(pieces(texts[1], 2))
        .flat_map(|(first, second)| [event(0, first), event(1, &second)])
        .collect();
    let (left, counts) = body(&redactor(), turns);
    assert_eq!(counts, Counts::from([("email".to_owned(), 1), ("phone".to_owned(), 1)]));
    let text = |index: usize| {
        let events = left.lines().filter_map(|line| line.strip_prefix("data: "));
        let events = events.map(|data| serde_json::from_str::<Value>(data).unwrap());
        let events = events.filter(|event| event["choices"][0]["index"] == index);
        let text =
            |event: Value| event["choices"][0]["delta"]["content"].as_str().map(str::to_owned);
        events.filter_map(text).collect::<String>()
    };
    assert!(text(0).starts_with("mail [redacted:email]"), "{}", text(0));
    assert!(text(1).starts_with("call [redacted:phone]"), "{}", text(1));
}

#[test]
fn a_marker_stands_in_the_first_piece_and_nothing_in_the_others() {
    let pieces = ["Use ", "sk-pr", "oj-0123456789", "abcdefghij", " now"].map(str::to_owned);
    let (left, _) = body(&redactor(), stream(EVENTS[0].1, &pieces));
    let expected = ["Use ", "[redacted:api_key]", "", "", " now"].map(str::to_owned);
    assert_eq!(left, stream(EVENTS[0].1, &expected));
}

#[test]
fn documents_by_line_and_events_of_plain_text_are_joined_too() {
    let redactor = redactor();
    for canary in canary::one_of_each().iter().filter(|canary| !canary.text.contains('\n')) {
        let lines: String = pieces(&canary.text, 4)
            .iter()
            .map(|piece| format!("{}\n", json!({"model": "m", "message": {"content": piece}})))
            .collect();
        let (left, _) = body(&redactor, lines);
        let text = left.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let text: String =
            text.map(|line| line["message"]["content"].as_str().unwrap().to_owned()).collect();
        assert!(!text.contains(&canary.secret), "{left}");

        let events: String =
            pieces(&canary.text, 5).iter().map(|piece| format!("data: {piece}\r\n\r\n")).collect();
        let (left, _) = body(&redactor, events);
        assert!(!left.replace("data: ", "").replace("\r\n", "").contains(&canary.secret), "{left}");
    }
}

#[test]
fn what_else_an_event_says_is_searched_as_well() {
    let stream =
        ": to a@b.io\nid: c@d.io\nevent: x\ndata: {\"user\": \"e@f.io\",\ndata: \"n\": 1}\n\n";
    let (left, counts) = body(&redactor(), stream);
    assert_eq!(counts["email"], 3);
    let gone = "[redacted:email]";
    let expected = format!(
        ": to {gone}\nid: {gone}\nevent: x\ndata: {{\"user\": \"{gone}\",\ndata: \"n\": 1}}\n\n"
    );
    assert_eq!(left, expected);
}

#[test]
fn a_stream_that_breaks_off_is_searched_to_its_last_byte() {
    let begin = stream(EVENTS[0].1, &["mail jane".to_owned()]).replace("data: [DONE]\n\n", "");
    let last = r#"data: {"id":"c","choices":[{"index":0,"delta":{"content":".doe@example.com"#;
    let (left, _) = body(&redactor(), format!("{begin}{last}"));
    assert!(!left.contains("doe") && !left.contains("jane"), "{left}");
}
