//! Which parameters of a request are part of its shape.
//!
//! Numbers and truth values of known names, and words of a closed list: nothing that could
//! hold a text. Must not know: what a parameter does.

use crate::capture::shaping::node::Members;
use serde_json::{Map, Value};

/// Parameters that are numbers or truth values.
const PLAIN: [&str; 36] = [
    "add_special_tokens",
    "background",
    "best_of",
    "dimensions",
    "early_stopping",
    "echo",
    "frequency_penalty",
    "ignore_eos",
    "include_stop_str_in_output",
    "length_penalty",
    "logprobs",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "max_tool_calls",
    "min_p",
    "min_tokens",
    "n",
    "parallel_tool_calls",
    "presence_penalty",
    "priority",
    "prompt_logprobs",
    "repetition_penalty",
    "return_token_ids",
    "seed",
    "skip_special_tokens",
    "store",
    "stream",
    "temperature",
    "top_a",
    "top_k",
    "top_logprobs",
    "top_p",
    "truncate_prompt_tokens",
    "typical_p",
    "use_beam_search",
];

/// Parameters that are words, with the words that they may be.
const WORDS: [(&str, &[&str]); 7] = [
    ("encoding_format", &["base64", "float"]),
    ("reasoning_effort", EFFORTS),
    ("service_tier", &["auto", "default", "flex", "priority", "scale", "standard_only"]),
    ("tool_choice", &["any", "auto", "none", "required"]),
    ("truncation", &["auto", "disabled"]),
    ("verbosity", EFFORTS),
    ("type", &["adaptive", "auto", "disabled", "enabled", "json_object", "text"]),
];

const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// Parameters that are objects, with the members that are kept of them.
const OBJECTS: [(&str, &[&str]); 5] = [
    ("reasoning", &["effort", "max_tokens"]),
    ("response_format", &["type"]),
    ("stream_options", &["include_usage"]),
    ("thinking", &["budget_tokens", "type"]),
    ("output_config", &["effort"]),
];

/// The parameters of a request that are part of its shape.
pub(super) fn read(members: &Members<'_>) -> Map<String, Value> {
    let mut found = Map::new();
    let value = |name| members.raw(name).and_then(|raw| serde_json::from_str::<Value>(raw).ok());
    for name in PLAIN.into_iter().chain(WORDS.map(|(name, _)| name)) {
        // `type` is only known inside of others.
        let kept = value(name).filter(|value| name != "type" && is_kept(name, value));
        found.extend(kept.map(|value| (name.to_owned(), value)));
    }
    for (name, inner) in OBJECTS {
        let Some(Value::Object(object)) = value(name) else { continue };
        let kept = object
            .into_iter()
            .filter(|(name, value)| inner.contains(&name.as_str()) && is_kept(name, value));
        let kept: Map<_, _> = kept.collect();
        if !kept.is_empty() {
            found.insert(name.to_owned(), Value::Object(kept));
        }
    }
    found
}

fn is_kept(name: &str, value: &Value) -> bool {
    match value {
        Value::Bool(_) => true,
        // Of more digits than that it is no setting, and could be anything.
        Value::Number(number) => number.to_string().len() <= 12,
        Value::String(word) => {
            let name = if name == "effort" { "reasoning_effort" } else { name };
            let words = WORDS.iter().find(|(other, _)| *other == name).map(|(_, words)| *words);
            words.is_some_and(|words| words.contains(&word.as_str()))
        }
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_cannot_hold_a_text_is_kept() {
        let body = json!({
            "model": "m", "max_tokens": 5, "temperature": 0.5, "stream": true, "seed": 4111111111111111_u64,
            "reasoning_effort": "low", "service_tier": "secret", "tool_choice": {"name": "secret"},
            "stop": ["secret"], "user": "secret", "type": "text", "n": "secret", "top_p": null,
            "stream_options": {"include_usage": true, "secret": 1}, "reasoning": {"summary": "auto"},
            "response_format": {"type": "json_schema", "json_schema": {}},
            "thinking": {"type": "enabled", "budget_tokens": 1024},
        });
        let body = body.to_string();
        let kept = read(&Members::read(body.as_bytes()).unwrap());
        let expected = json!({
            "max_tokens": 5, "temperature": 0.5, "stream": true, "reasoning_effort": "low",
            "stream_options": {"include_usage": true},
            "thinking": {"type": "enabled", "budget_tokens": 1024},
        });
        assert_eq!(Value::Object(kept), expected);
    }
}
