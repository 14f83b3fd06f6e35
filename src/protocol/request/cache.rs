//! What a request body means to a response cache.
//!
//! Owns which members decide whether an answer can be had again, which of them have no part
//! in it, and LiteLLM's `cache` object. Must not know: what a cache does about it.

use crate::protocol::json::{Ambiguous, Cursor, Kind, Part, Step, write_canonical};
use crate::types::Operation;
use std::time::Duration;

/// The top-level members that have no part in the answer.
///
/// OpenAI documents each of the first five as a label for its own dashboards, abuse
/// detection or prompt cache; `cache` is LiteLLM's, and for us. Not among them: vLLM's
/// `request_id` (it is in the answer's `id`) and `cache_salt` (it is there to keep callers
/// apart), and `service_tier` (it is in the answer).
const WITHOUT_PART: [&str; 6] = [
    "user",
    "metadata",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "cache",
];

/// The members by which an upstream is told to use tools of its own: OpenAI's, xAI's,
/// OpenRouter's and Anthropic's.
const SERVER_TOOLS: [&[u8]; 4] =
    [b"web_search_options", b"search_parameters", b"plugins", b"mcp_servers"];

/// Whatever of a request is not left out, in one form for all bodies that ask the same: see
/// [`write_canonical`]. `model` is the name of the model that is meant, whatever the caller
/// calls it.
///
/// # Errors
/// [`Ambiguous`], possibly after part of the form was given.
pub fn write_canonical_request(
    body: &[u8],
    model: &str,
    sink: &mut impl FnMut(&[u8]),
) -> Result<(), Ambiguous> {
    let choose = |name: &str| match name {
        "model" => Part::Replaced(model),
        name if WITHOUT_PART.contains(&name) => Part::LeftOut,
        _ => Part::Kept,
    };
    write_canonical(body, choose, sink)
}

/// What a request says about whether its answer can be had again. Null counts as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheView {
    /// How freely the model chooses its words.
    pub temperature: Temperature,
    /// Whether the request fixes its chance by a `seed`.
    pub is_seeded: bool,
    /// Whether it continues a conversation that the upstream holds, has its answer stored
    /// there, or is carried out in the background.
    pub is_stateful: bool,
    /// Whether the upstream is to use tools of its own, such as a web search: anything but
    /// functions and custom tools, which the caller runs.
    pub has_server_tools: bool,
    /// How many choices there should be; 0 for embeddings.
    pub choices: u64,
    /// LiteLLM's `cache` object.
    pub control: Option<LiteLlmCache>,
}

/// The `temperature` of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Temperature {
    /// The upstream's default, which is not 0.
    #[default]
    Absent,
    /// Zero, however it is written.
    Zero,
    /// Anything else.
    Other,
}

/// LiteLLM's `cache` object
/// (<https://docs.litellm.ai/docs/proxy/caching#dynamic-cache-controls>). A value that
/// cannot be read counts as the more cautious one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiteLlmCache {
    /// `no-cache`: do not answer from the cache.
    pub no_cache: bool,
    /// `no-store`: do not keep the answer.
    pub no_store: bool,
    /// `use-cache`: cache where only those who ask for it are cached.
    pub use_cache: bool,
    /// `ttl`, in seconds: how long the answer is fresh.
    pub ttl: Option<Duration>,
    /// `s-maxage` or `s-max-age`, in seconds: the oldest answer that will do.
    pub max_age: Option<Duration>,
    /// `namespace`, as it stands there.
    pub namespace: Option<String>,
}

/// Reads a request of `operation` that [`super::read_request`] has taken. Of any other it
/// says what could be read.
pub fn read_cache_view(operation: Operation, body: &[u8]) -> CacheView {
    let mut view = CacheView::default();
    let (mut choices, mut prompts) = (None, 1);
    let mut cursor = Cursor::new(body);
    // A body that is no JSON has no canonical form, and so no place in a cache.
    let _broken = cursor.members(|cursor, name| {
        match &*name.bytes() {
            b"temperature" => view.temperature = Temperature::read(cursor)?,
            b"seed" => view.is_seeded = is_seed(cursor)?,
            b"n" => choices = cursor.count()?,
            b"prompt" => prompts = count_prompts(cursor)?,
            b"tools" => view.has_server_tools |= has_server_tools(cursor)?,
            b"cache" => view.control = LiteLlmCache::read(cursor)?,
            b"store" | b"background" | b"previous_response_id" | b"conversation" => {
                view.is_stateful |= is_set(cursor)?;
            }
            name if SERVER_TOOLS.contains(&name) => view.has_server_tools |= is_set(cursor)?,
            _ => cursor.skip()?,
        }
        Ok(())
    });
    let choices = choices.unwrap_or(1).max(1);
    view.choices = match operation {
        Operation::TextCompletion => prompts.max(1).saturating_mul(choices),
        Operation::Embeddings => 0,
        _ => choices,
    };
    view
}

impl Temperature {
    fn read(cursor: &mut Cursor<'_>) -> Step<Self> {
        let kind = cursor.kind()?;
        let written = cursor.passed()?;
        // Every digit before the exponent is 0, so the number is, whatever its exponent.
        let mut mantissa = written.iter().take_while(|byte| !matches!(byte, b'e' | b'E'));
        Ok(match kind {
            Kind::Null => Self::Absent,
            Kind::Number if mantissa.all(|byte| b"-.0".contains(byte)) => Self::Zero,
            _ => Self::Other,
        })
    }
}

impl LiteLlmCache {
    fn read(cursor: &mut Cursor<'_>) -> Step<Option<Self>> {
        if cursor.kind()? != Kind::Object {
            return cursor.skip().map(|()| None);
        }
        let mut found = Self::default();
        cursor.members(|cursor, name| {
            match &*name.bytes() {
                b"no-cache" => found.no_cache = is_set(cursor)?,
                b"no-store" => found.no_store = is_set(cursor)?,
                b"use-cache" => found.use_cache = is_true(cursor)?,
                b"ttl" => found.ttl = seconds(cursor)?,
                b"s-maxage" | b"s-max-age" if cursor.kind()? != Kind::Null => {
                    found.max_age = Some(seconds(cursor)?.unwrap_or_default());
                }
                b"namespace" => {
                    let named = cursor.text()?.and_then(|text| text.decode());
                    found.namespace = named.map(std::borrow::Cow::into_owned);
                }
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        Ok(Some(found))
    }
}

/// Whether there is anything but `null` and `false`.
fn is_set(cursor: &mut Cursor<'_>) -> Step<bool> {
    let kind = cursor.kind()?;
    cursor.skip()?;
    Ok(!matches!(kind, Kind::Null | Kind::False))
}

fn is_true(cursor: &mut Cursor<'_>) -> Step<bool> {
    let kind = cursor.kind()?;
    cursor.skip()?;
    Ok(kind == Kind::True)
}

/// Whether the value is a whole number that servers take for a seed: -1, and what becomes
/// -1 in 32 bits, means "draw one" to llama.cpp, vLLM and Ollama.
fn is_seed(cursor: &mut Cursor<'_>) -> Step<bool> {
    let seed = cursor.count()?;
    Ok(seed.is_some_and(|seed| seed & u64::from(u32::MAX) != u64::from(u32::MAX)))
}

/// Texts or lists of tokens, each a prompt; a list of numbers is one prompt.
fn count_prompts(cursor: &mut Cursor<'_>) -> Step<u64> {
    let (mut prompts, mut tokens) = (0, 0);
    cursor.elements(|cursor| {
        let one = if cursor.kind()? == Kind::Number { &mut tokens } else { &mut prompts };
        *one += 1;
        cursor.skip()
    })?;
    Ok(prompts + u64::from(tokens > 0))
}

/// Whether one of the tools is not the caller's to run.
fn has_server_tools(cursor: &mut Cursor<'_>) -> Step<bool> {
    let mut found = false;
    cursor.elements(|cursor| {
        let mut is_callers = false;
        cursor.members(|cursor, name| {
            if *name.bytes() == *b"type" {
                let kind = cursor.text()?;
                is_callers =
                    kind.is_some_and(|kind| matches!(&*kind.bytes(), b"function" | b"custom"));
            } else {
                cursor.skip()?;
            }
            Ok(())
        })?;
        found |= !is_callers;
        Ok(())
    })?;
    Ok(found)
}

/// The time here, in seconds; `None` when it is none.
fn seconds(cursor: &mut Cursor<'_>) -> Step<Option<Duration>> {
    let written = std::str::from_utf8(cursor.passed()?).ok();
    let seconds = written.and_then(|written| written.parse::<f64>().ok());
    Ok(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
}
