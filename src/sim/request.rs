//! Reads what callers ask for, as strictly as OpenAI does where it matters to a test.
//!
//! Unknown fields are ignored. Must not know: settings beyond the seed, how it is answered.

use super::refusal::Refusal;
use super::text::{count_tokens, digest, mix};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A text to be generated.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) model: String,
    /// Stands for seed, model and prompt; nothing else shapes the words of the answer.
    pub(super) key: u64,
    pub(super) prompt_tokens: u64,
    /// The caller's `max_completion_tokens` or `max_tokens`, at least 1.
    pub(super) limit: Option<u64>,
    pub(super) delivery: Delivery,
}

/// How the answer is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// As one JSON object.
    Whole,
    /// As server-sent events.
    Stream(StreamUsage),
}

/// Whether a stream ends with a usage event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamUsage {
    Left,
    Asked,
}

/// Texts to be embedded.
#[derive(Debug)]
pub(super) struct EmbeddingAsk {
    pub(super) model: String,
    /// 1 to [`MAX_INPUTS`].
    pub(super) inputs: Vec<Input>,
    pub(super) dimensions: usize,
    pub(super) encoding: Encoding,
}

/// One text, or list of token ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Input {
    /// Stands for seed and content.
    pub(super) key: u64,
    pub(super) tokens: u64,
}

/// How a vector is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Encoding {
    /// A JSON list of numbers.
    #[default]
    Float,
    /// Little-endian `f32`s in base64.
    Base64,
}

const MAX_INPUTS: usize = 2048;
const MAX_DIMENSIONS: u64 = 4096;
/// Numbers in one answer: bounds what one request can make the server hold.
const MAX_NUMBERS: usize = 1 << 20;

#[derive(Deserialize)]
struct RawAsk<'a> {
    model: Option<String>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
    #[serde(borrow)]
    prompt: Option<&'a RawValue>,
    stream: Option<bool>,
    stream_options: Option<RawStreamOptions>,
    n: Option<u64>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct RawStreamOptions {
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct RawMessage<'a> {
    #[serde(rename = "role")]
    _role: IgnoredAny,
    #[serde(borrow)]
    content: Option<RawContent<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawContent<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Parts(Vec<RawPart>),
}

#[derive(Deserialize)]
struct RawPart {
    text: Option<String>,
}

#[derive(Deserialize)]
struct RawEmbeddingAsk<'a> {
    model: Option<String>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    dimensions: Option<u64>,
    encoding_format: Option<Encoding>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawInput<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Tokens(Vec<u64>),
    Texts(Vec<String>),
    TokenLists(Vec<Vec<u64>>),
}

/// Reads the body of `POST /v1/chat/completions`.
pub(super) fn chat(body: &[u8], seed: u64) -> Result<Ask, Refusal> {
    let raw: RawAsk<'_> = json(body)?;
    let messages = required(raw.messages, "messages")?;
    let parsed: Vec<RawMessage<'_>> = serde_json::from_str(messages.get())
        .map_err(|error| Refusal::field("messages", format!("Invalid `messages`: {error}.")))?;
    if parsed.is_empty() {
        return Err(Refusal::field("messages", "`messages` must not be empty."));
    }
    let prompt_tokens = parsed.iter().map(message_tokens).sum();
    raw.into_ask(messages, prompt_tokens, seed)
}

/// Reads the body of `POST /v1/completions`.
pub(super) fn completion(body: &[u8], seed: u64) -> Result<Ask, Refusal> {
    let raw: RawAsk<'_> = json(body)?;
    let prompt = required(raw.prompt, "prompt")?;
    match inputs(prompt, "prompt", seed)?[..] {
        [only] => raw.into_ask(prompt, only.tokens, seed),
        _ => Err(Refusal::field("prompt", "Only one `prompt` per request is simulated.")),
    }
}

/// Reads the body of `POST /v1/embeddings`.
pub(super) fn embedding(body: &[u8], seed: u64) -> Result<EmbeddingAsk, Refusal> {
    let raw: RawEmbeddingAsk<'_> = json(body)?;
    let inputs = inputs(required(raw.input, "input")?, "input", seed)?;
    let dimensions = raw.dimensions.unwrap_or(384);
    if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
        return Err(Refusal::field("dimensions", "`dimensions` must be 1 to 4096."));
    }
    let dimensions = dimensions as usize;
    if inputs.len() * dimensions > MAX_NUMBERS {
        return Err(Refusal::field("input", "`input` asks for more than 1048576 numbers."));
    }
    Ok(EmbeddingAsk {
        model: required(raw.model, "model")?,
        inputs,
        dimensions,
        encoding: raw.encoding_format.unwrap_or_default(),
    })
}

impl RawAsk<'_> {
    fn into_ask(self, prompt: &RawValue, prompt_tokens: u64, seed: u64) -> Result<Ask, Refusal> {
        let delivery = self.delivery()?;
        if self.n.is_some_and(|n| n != 1) {
            return Err(Refusal::field("n", "Only `n` = 1 is simulated."));
        }
        let limit = self.max_completion_tokens.or(self.max_tokens);
        if limit == Some(0) {
            return Err(Refusal::field("max_tokens", "`max_tokens` must be at least 1."));
        }
        let model = required(self.model, "model")?;
        let key = mix(digest(seed, model.as_bytes()), digest(seed, prompt.get().as_bytes()));
        Ok(Ask { model, key, prompt_tokens, limit, delivery })
    }

    fn delivery(&self) -> Result<Delivery, Refusal> {
        match (self.stream.unwrap_or(false), &self.stream_options) {
            (true, Some(RawStreamOptions { include_usage: Some(true) })) => {
                Ok(Delivery::Stream(StreamUsage::Asked))
            }
            (true, _) => Ok(Delivery::Stream(StreamUsage::Left)),
            (false, None) => Ok(Delivery::Whole),
            (false, Some(_)) => Err(Refusal::field(
                "stream_options",
                "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            )),
        }
    }
}

fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::Invalid {
        message: format!("We could not parse the JSON body of your request: {error}."),
        param: None,
    })
}

fn required<T>(field: Option<T>, name: &'static str) -> Result<T, Refusal> {
    field.ok_or_else(|| Refusal::field(name, format!("Missing required parameter: '{name}'.")))
}

fn message_tokens(message: &RawMessage<'_>) -> u64 {
    match &message.content {
        None => 0,
        Some(RawContent::Text(text)) => count_tokens(text),
        Some(RawContent::Parts(parts)) => {
            parts.iter().filter_map(|part| part.text.as_deref()).map(count_tokens).sum()
        }
    }
}

fn inputs(raw: &RawValue, name: &'static str, seed: u64) -> Result<Vec<Input>, Refusal> {
    let wrong = |what: &str| Refusal::field(name, format!("`{name}` must {what}."));
    let text =
        |text: &str| Input { key: digest(seed, text.as_bytes()), tokens: count_tokens(text) };
    let ids = |ids: &Vec<u64>| Input {
        key: ids.iter().fold(seed, |key, id| mix(key, *id)),
        tokens: ids.len() as u64,
    };
    let inputs: Vec<Input> = match serde_json::from_str(raw.get()) {
        Ok(RawInput::Text(only)) => vec![text(&only)],
        Ok(RawInput::Tokens(only)) if only.is_empty() => vec![],
        Ok(RawInput::Tokens(only)) => vec![ids(&only)],
        Ok(RawInput::Texts(texts)) => texts.iter().map(|each| text(each)).collect(),
        Ok(RawInput::TokenLists(lists)) => lists.iter().map(ids).collect(),
        Err(_) => {
            return Err(wrong("be a string, a list of strings, of token ids or of their lists"));
        }
    };
    if !(1..=MAX_INPUTS).contains(&inputs.len()) {
        return Err(wrong("hold 1 to 2048 texts"));
    }
    Ok(inputs)
}
