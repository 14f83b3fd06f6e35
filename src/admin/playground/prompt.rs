//! What somebody wants to ask a model, and the request that asks it.
//!
//! Must not know: where it is sent, or what came of it.

use crate::replay::request::Outgoing;
use crate::types::{Operation, RequestId, Secret};
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The longest of all texts together, in bytes.
const LONGEST: usize = 64 << 10;
/// Tokens that may be asked for.
const MOST_TOKENS: u64 = 1_000_000;
const AGENT: &str = concat!("transom-playground/", env!("CARGO_PKG_VERSION"));

/// A prompt, as programs say it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::admin) struct Prompt {
    model: String,
    call: Call,
    /// Of chats.
    system: String,
    user: String,
    max_tokens: Option<u64>,
    temperature: Option<f64>,
    stream: bool,
    /// Used once, and neither kept nor told.
    #[serde(deserialize_with = "secret")]
    key: Option<Secret>,
}

/// Which of OpenAI's calls is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Call {
    #[default]
    Chat,
    Completion,
}

impl Prompt {
    /// What a form says; what was left empty was not said.
    ///
    /// # Errors
    /// When a number is none.
    pub(in crate::admin) fn of_form(form: &BTreeMap<String, String>) -> Result<Self, String> {
        let said = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let number = |name: &str| match said(name).trim() {
            "" => Ok(Value::Null),
            text => serde_json::from_str(text)
                .ok()
                .filter(Value::is_number)
                .ok_or_else(|| format!("`{name}` is no number")),
        };
        let key = said("key").trim();
        let words = json!({
            "model": said("model"),
            "call": if said("call").is_empty() { "chat" } else { said("call") },
            "system": said("system"),
            "user": said("user"),
            "max_tokens": number("max_tokens")?,
            "temperature": number("temperature")?,
            "stream": !said("stream").is_empty(),
        });
        let prompt: Self = serde_json::from_value(words).map_err(|error| error.to_string())?;
        Ok(Self { key: (!key.is_empty()).then(|| Secret::new(key)), ..prompt })
    }

    /// The model that is asked.
    pub(super) fn model(&self) -> &str {
        &self.model
    }

    /// The request that asks it, under this id.
    ///
    /// # Errors
    /// When it makes none, with the reason.
    pub(super) fn outgoing(&self, id: &RequestId) -> Result<Outgoing, &'static str> {
        if self.model.is_empty() {
            return Err("`model` is missing");
        }
        if self.model.len() + self.system.len() + self.user.len() > LONGEST {
            return Err("a prompt has 64 KiB at most");
        }
        if self.max_tokens.is_some_and(|most| most == 0 || most > MOST_TOKENS) {
            return Err("`max_tokens` is from 1 to 1000000");
        }
        if self.temperature.is_some_and(|degree| !(0.0..=2.0).contains(&degree)) {
            return Err("`temperature` is from 0 to 2");
        }
        let (path, operation) = match self.call {
            Call::Chat => ("/v1/chat/completions", Operation::Chat),
            Call::Completion => ("/v1/completions", Operation::TextCompletion),
        };
        Ok(Outgoing {
            method: Method::POST,
            path: PathAndQuery::from_static(path),
            headers: self.headers(id)?,
            body: self.body().to_string().into(),
            operation,
            streamed: self.stream,
        })
    }

    fn headers(&self, id: &RequestId) -> Result<HeaderMap, &'static str> {
        let mut headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (USER_AGENT, HeaderValue::from_static(AGENT)),
        ]);
        if let Ok(id) = HeaderValue::try_from(id.as_str()) {
            headers.insert(HeaderName::from_static("x-request-id"), id);
        }
        if let Some(key) = &self.key {
            let bearer = HeaderValue::try_from(format!("Bearer {}", key.expose()));
            let mut bearer = bearer.map_err(|_| "the key holds what no header can")?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        Ok(headers)
    }

    fn body(&self) -> Value {
        let mut body = json!({ "model": self.model });
        match self.call {
            Call::Chat => {
                let turn = |role: &str, text: &str| json!({ "role": role, "content": text });
                let system = Some(turn("system", &self.system)).filter(|_| !self.system.is_empty());
                let turns = system.into_iter().chain([turn("user", &self.user)]);
                body["messages"] = turns.collect();
            }
            Call::Completion => body["prompt"] = self.user.as_str().into(),
        }
        if let Some(most) = self.max_tokens {
            body["max_tokens"] = most.into();
        }
        if let Some(degree) = self.temperature {
            body["temperature"] = degree.into();
        }
        if self.stream {
            body["stream"] = true.into();
            body["stream_options"] = json!({ "include_usage": true });
        }
        body
    }
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.filter(|text| !text.is_empty()).map(Secret::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Result<Prompt, String> {
        let form = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Prompt::of_form(&form.collect())
    }

    fn sent(pairs: &[(&str, &str)]) -> Result<Outgoing, String> {
        form(pairs)?.outgoing(&RequestId::mint(|| 7)).map_err(str::to_owned)
    }

    #[test]
    fn a_form_becomes_the_request_that_a_client_would_send() {
        let outgoing = sent(&[
            ("csrf", "x"),
            ("model", "m"),
            ("system", "Be brief."),
            ("user", "Hello"),
            ("max_tokens", "8"),
            ("temperature", ""),
            ("stream", "on"),
            ("key", " sk-canary "),
        ])
        .unwrap();
        let body: Value = serde_json::from_slice(&outgoing.body).unwrap();
        let wanted = json!({
            "model": "m",
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": "Hello" },
            ],
            "max_tokens": 8,
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        assert_eq!((body, outgoing.path.as_str()), (wanted, "/v1/chat/completions"));
        assert_eq!(outgoing.headers[AUTHORIZATION], "Bearer sk-canary");
        assert!(!format!("{outgoing:?}").contains("canary"));
        let plain = sent(&[("model", "m"), ("call", "completion"), ("user", "1, 2,")]).unwrap();
        let body: Value = serde_json::from_slice(&plain.body).unwrap();
        assert_eq!(body, json!({ "model": "m", "prompt": "1, 2," }));
        assert!(!plain.headers.contains_key(AUTHORIZATION));
    }

    #[test]
    fn what_cannot_be_asked_is_said() {
        let long = "x".repeat(LONGEST);
        for pairs in [
            &[("user", "no model")][..],
            &[("model", "m"), ("max_tokens", "0")],
            &[("model", "m"), ("max_tokens", "many")],
            &[("model", "m"), ("max_tokens", "-1")],
            &[("model", "m"), ("temperature", "3")],
            &[("model", "m"), ("call", "embeddings")],
            &[("model", "m"), ("key", "a\nb")],
            &[("model", "m"), ("user", &long)],
        ] {
            assert!(sent(pairs).is_err(), "{pairs:?}");
        }
    }
}
