//! The interchange format of captures: JSON Lines, a request a line, plain or zstd.
//!
//! Only `received`, `path` and one of `request` and `request_body` must be there. What else
//! is missing or null is not known, and whoever reads the capture has to say so: nothing is
//! made up here. Members of other names are ignored, so that a line may say more.
//!
//! | member | is |
//! |---|---|
//! | `v` | the version of the format: 1, also where it is missing |
//! | `received` | when the request arrived: RFC 3339 in UTC (`2026-01-01T00:00:00.123Z`), or Unix seconds as a number |
//! | `path` | of the request, with its query |
//! | `request` | the request body, where it is JSON |
//! | `request_body` | the request body as a text, where it is anything else |
//! | `headers` | those of the request that were kept: a name with its value, or with a list of values |
//! | `model` | the configured model that was meant, whatever the caller called it |
//! | `key` | the alias of the API key, where the proxy checks keys |
//! | `tenant` | whom that key belongs to |
//! | `credential` | where it does not: any word that stands for the credential that was shown (never itself), `""` where none was |
//! | `status` | of the answer |
//! | `complete` | whether the answer came to its end: the terminator of a stream was seen, every choice was finished |
//! | `duration_seconds` | from the request received to the answer's last byte |
//! | `response_bytes` | the answer's body |
//! | `usage` | `{"input_tokens", "output_tokens"}` as the upstream counted them |
//! | `cost_usd` | what the upstream charged |
//! | `cache` | what a cache in the way said: `hit`, `stale`, `collapsed`, `miss`, `bypass` or `none` |
//!
//! Must not know: where a capture lies, or what it is used for.

use crate::types::NanoUsd;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::time::{Duration, UNIX_EPOCH};

/// The version that is read and written here.
const VERSION: u32 = 1;
/// Longest line, in bytes: a body of the largest size that anybody lets through, escaped.
const MAX_LINE: u64 = 256 * 1024 * 1024;
/// What a zstd frame begins with (RFC 8878 §3.1.1).
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The end of the year 9999, beyond which there are no dates to write.
const LAST_DATE: Duration = Duration::from_secs(253_402_300_800);
/// The words of `cache` that mean that no upstream was asked.
const SPARED: [&str; 3] = ["hit", "stale", "collapsed"];

/// A request of a capture, and what came of it. `None` is what the capture does not say.
#[derive(Clone, Debug, PartialEq)]
pub struct CapturedRequest {
    /// When it arrived, since 1970.
    pub received: Duration,
    /// The path with its query.
    pub path: String,
    /// The body, as it was sent or with other white space.
    pub body: Vec<u8>,
    /// Those of its headers that were kept.
    pub headers: HeaderMap,
    /// The configured model that was meant.
    pub model: Option<String>,
    /// The alias of its API key.
    pub key: Option<String>,
    /// Whom the key belongs to.
    pub tenant: Option<String>,
    /// What stands for the credential of a caller without a key that is checked; empty where
    /// none was shown.
    pub credential: Option<String>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Whether the answer came to its end.
    pub completeness: Option<Completeness>,
    /// From the request received to the answer's last byte, where an upstream gave it.
    pub took: Option<Duration>,
    /// The answer's body, in bytes.
    pub response_bytes: Option<u64>,
    /// As the upstream counted them.
    pub tokens: Option<Tokens>,
    /// What the upstream charged.
    pub cost: Option<NanoUsd>,
}

/// Whether an answer came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// Its end was seen, and every choice was finished.
    Complete,
    /// It broke off.
    Cut,
}

/// Tokens of a request and of its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Tokens {
    /// Of the prompt.
    #[serde(rename = "input_tokens", default)]
    pub input: Option<u64>,
    /// Generated.
    #[serde(rename = "output_tokens", default)]
    pub output: Option<u64>,
}

/// Why a capture cannot be read on. Nothing of a body is in its text.
#[derive(Debug, thiserror::Error)]
pub enum JsonlError {
    /// A line makes no sense.
    #[error("line {line}: {why}")]
    Line {
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// The bytes cannot be had.
    #[error("after line {line}: {source}")]
    Io {
        /// The last line that could be read.
        line: u64,
        /// The reason.
        source: io::Error,
    },
}

/// The requests of a capture, in the order they are written. Holds one line at a time, and
/// ends with the first line that cannot be read.
pub struct Records {
    source: Box<dyn BufRead>,
    line: Vec<u8>,
    number: u64,
    ended: Ended,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    No,
    Yes,
}

impl Records {
    /// Reads `source`, which may be compressed with zstd.
    ///
    /// # Errors
    /// When nothing at all can be read.
    pub fn new(mut source: impl Read + 'static) -> io::Result<Self> {
        let mut head = Vec::with_capacity(ZSTD_MAGIC.len());
        source.by_ref().take(ZSTD_MAGIC.len() as u64).read_to_end(&mut head)?;
        let is_zstd = head == ZSTD_MAGIC;
        let whole = Cursor::new(head).chain(source);
        let source: Box<dyn BufRead> = if is_zstd {
            Box::new(BufReader::new(zstd::stream::read::Decoder::new(whole)?))
        } else {
            Box::new(BufReader::new(whole))
        };
        Ok(Self { source, line: Vec::new(), number: 0, ended: Ended::No })
    }

    /// The line that was read last, counted from 1.
    pub fn line(&self) -> u64 {
        self.number
    }

    fn read_line(&mut self) -> Result<Option<CapturedRequest>, JsonlError> {
        loop {
            self.line.clear();
            let read = (&mut self.source).take(MAX_LINE).read_until(b'\n', &mut self.line);
            let read = read.map_err(|source| JsonlError::Io { line: self.number, source })?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            let is_cut = read as u64 == MAX_LINE && self.line.last() != Some(&b'\n');
            let line = self.line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let parsed = if is_cut { Err("it is too long".to_owned()) } else { parse(line) };
            return parsed.map(Some).map_err(|why| JsonlError::Line { line: self.number, why });
        }
    }
}

impl Iterator for Records {
    type Item = Result<CapturedRequest, JsonlError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended == Ended::Yes {
            return None;
        }
        let read = self.read_line();
        if !matches!(read, Ok(Some(_))) {
            self.ended = Ended::Yes;
        }
        read.transpose()
    }
}

/// A line as it is written.
#[derive(Deserialize)]
struct Line<'a> {
    v: Option<u32>,
    #[serde(borrow)]
    received: Received<'a>,
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(borrow)]
    request: Option<&'a RawValue>,
    request_body: Option<String>,
    #[serde(borrow, default)]
    headers: Option<BTreeMap<Cow<'a, str>, Values<'a>>>,
    model: Option<String>,
    key: Option<String>,
    tenant: Option<String>,
    credential: Option<String>,
    status: Option<u16>,
    complete: Option<bool>,
    duration_seconds: Option<f64>,
    response_bytes: Option<u64>,
    usage: Option<Tokens>,
    cost_usd: Option<f64>,
    #[serde(borrow)]
    cache: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Received<'a> {
    Seconds(f64),
    Date(#[serde(borrow)] Cow<'a, str>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Values<'a> {
    One(#[serde(borrow)] Cow<'a, str>),
    Many(Vec<String>),
}

fn parse(line: &[u8]) -> Result<CapturedRequest, String> {
    let line: Line<'_> = serde_json::from_slice(line).map_err(|error| told(&error))?;
    if line.v.is_some_and(|version| version != VERSION) {
        return Err(format!("`v` is not {VERSION}, and no other version is known here"));
    }
    let was_asked = !line.cache.as_deref().is_some_and(|word| SPARED.contains(&word));
    let took = line.duration_seconds.map(|seconds| {
        Duration::try_from_secs_f64(seconds).map_err(|_| "`duration_seconds` is not a time")
    });
    let completeness = |complete| if complete { Completeness::Complete } else { Completeness::Cut };
    Ok(CapturedRequest {
        received: line.received.read()?,
        path: line.path.into_owned(),
        body: body(line.request, line.request_body)?,
        headers: headers(line.headers.unwrap_or_default())?,
        model: line.model,
        key: line.key,
        tenant: line.tenant,
        credential: line.credential,
        status: line.status,
        completeness: line.complete.map(completeness),
        // What a cache took, or did not charge, says nothing about the upstream.
        took: took.transpose()?.filter(|_| was_asked),
        response_bytes: line.response_bytes,
        tokens: line.usage,
        cost: line.cost_usd.map(money).transpose()?.filter(|_| was_asked),
    })
}

impl Received<'_> {
    fn read(&self) -> Result<Duration, String> {
        let read = match self {
            Self::Seconds(seconds) => Duration::try_from_secs_f64(*seconds).ok(),
            Self::Date(text) => {
                let date = humantime::parse_rfc3339(text).ok();
                date.and_then(|date| date.duration_since(UNIX_EPOCH).ok())
            }
        };
        read.filter(|date| *date < LAST_DATE).ok_or_else(|| {
            "`received` is neither a date such as 2026-01-01T00:00:00Z nor Unix seconds".to_owned()
        })
    }
}

fn body(request: Option<&RawValue>, text: Option<String>) -> Result<Vec<u8>, String> {
    match (request, text) {
        (Some(json), None) => Ok(json.get().as_bytes().to_vec()),
        (None, Some(text)) => Ok(text.into_bytes()),
        (None, None) => Err("neither `request` nor `request_body` is there".to_owned()),
        (Some(_), Some(_)) => Err("`request` and `request_body` are both there".to_owned()),
    }
}

fn headers(written: BTreeMap<Cow<'_, str>, Values<'_>>) -> Result<HeaderMap, String> {
    const BAD: &str = "`headers` has a name or a value that HTTP does not allow";
    let mut headers = HeaderMap::new();
    for (name, values) in written {
        let name = HeaderName::try_from(name.as_bytes()).map_err(|_| BAD)?;
        let values = match values {
            Values::One(value) => vec![value],
            Values::Many(values) => values.into_iter().map(Cow::Owned).collect(),
        };
        for value in values {
            headers.append(name.clone(), HeaderValue::try_from(&*value).map_err(|_| BAD)?);
        }
    }
    Ok(headers)
}

fn money(dollars: f64) -> Result<NanoUsd, String> {
    let billionths = (dollars * 1e9).round();
    // Beyond 2^53 billionths the number was not exact before, either.
    if (0.0..9e15).contains(&billionths) {
        return Ok(NanoUsd(billionths as u64));
    }
    Err("`cost_usd` is not a sum of money".to_owned())
}

/// The reason without serde's own idea of a line.
fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    format!("{} (column {})", &text[..end], error.column())
}

#[cfg(test)]
mod tests;
