//! What callers say to a cache in headers, and what it says back.
//!
//! Owns the `x-transom-cache` headers; `standard` owns `Cache-Control`, `report` the
//! answer's headers. Must not know: which answers there are, or what the operator allows.

mod report;
mod standard;

pub use report::{CacheReport, Forwarded, age, cache_status, x_cache};
pub use standard::{CacheControl, MaxStale};

use http::header::{HeaderMap, HeaderValue};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const MODE: &str = "x-transom-cache";
const TTL: &str = "x-transom-cache-ttl";
const NAMESPACE: &str = "x-transom-cache-namespace";

/// Longest that a caller may have an answer kept.
const MAX_TTL: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// Longest name of a namespace, in characters.
const MAX_NAMESPACE: usize = 128;

/// What the headers of a request say to a cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheHeaders {
    /// `Cache-Control`.
    pub standard: CacheControl,
    /// `x-transom-cache`.
    pub mode: Option<CacheMode>,
    /// `x-transom-cache-ttl`: how long the answer is fresh; at most 365 days.
    pub ttl: Option<Duration>,
    /// `x-transom-cache-namespace`.
    pub namespace: Option<Namespace>,
}

/// What `x-transom-cache` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheMode {
    /// `on`: answer from the cache, and keep the answer.
    On,
    /// `off`: neither.
    Off,
    /// `refresh`: do not answer from the cache, but keep the new answer.
    Refresh,
    /// `read-only`: answer from the cache, but keep nothing.
    ReadOnly,
    /// `write-only`: as `refresh`.
    WriteOnly,
}

/// A caller's own division of its entries: 1 to 128 visible ASCII characters, or empty
/// where it names none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Namespace(Arc<str>);

/// A wish that cannot be understood. Its `Display` is fit for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlError {
    /// The header or field it is about.
    pub name: &'static str,
    /// What it must be.
    pub expected: &'static str,
}

/// Reads the headers that are for a cache.
///
/// # Errors
/// When one of the `x-transom-cache` headers is there twice or makes no sense: a caller who
/// has gone to the trouble of one must not get something else. `Cache-Control` is read as
/// RFC 9111 says, and never an error.
pub fn read_cache_headers(headers: &HeaderMap) -> Result<CacheHeaders, ControlError> {
    let namespace = only(headers, NAMESPACE)?.map(|name| Namespace::named(NAMESPACE, name));
    Ok(CacheHeaders {
        standard: CacheControl::read(headers),
        mode: only(headers, MODE)?.map(CacheMode::parse).transpose()?,
        ttl: only(headers, TTL)?.map(ttl).transpose()?,
        namespace: namespace.transpose()?,
    })
}

impl CacheMode {
    fn parse(text: &str) -> Result<Self, ControlError> {
        match text {
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            "refresh" => Ok(Self::Refresh),
            "read-only" => Ok(Self::ReadOnly),
            "write-only" => Ok(Self::WriteOnly),
            _ => {
                let expected = "`on`, `off`, `refresh`, `read-only` or `write-only`";
                Err(ControlError { name: MODE, expected })
            }
        }
    }
}

impl Namespace {
    /// The namespace `text`, which the caller gave in the field `name`.
    ///
    /// # Errors
    /// When it is empty, longer than 128 characters or has characters other than visible
    /// ASCII.
    pub fn named(name: &'static str, text: &str) -> Result<Self, ControlError> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (1..=MAX_NAMESPACE).contains(&text.len()) {
            return Ok(Self(text.into()));
        }
        Err(ControlError { name, expected: "1 to 128 visible ASCII characters" })
    }

    /// The name; empty where there is none.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, to be shared.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` must be {}", self.name, self.expected)
    }
}

impl std::error::Error for ControlError {}

/// Seconds, or a text such as `10m` or `1h 30m`.
fn ttl(text: &str) -> Result<Duration, ControlError> {
    let seconds = text.parse().map(Duration::from_secs).ok();
    let parsed = seconds.or_else(|| humantime::parse_duration(text).ok());
    let expected = "seconds or a time such as `10m`, at most 365 days";
    parsed.filter(|ttl| *ttl <= MAX_TTL).ok_or(ControlError { name: TTL, expected })
}

/// The one header of this name; bytes beyond ASCII are nowhere allowed.
fn only<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, ControlError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(ControlError { name, expected: "given once" });
    }
    let text = value.map(HeaderValue::to_str).transpose();
    text.map(|text| text.map(str::trim))
        .map_err(|_| ControlError { name, expected: "visible ASCII characters" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&'static str, &str)]) -> Result<CacheHeaders, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        read_cache_headers(&headers).map_err(|error| error.to_string())
    }

    #[test]
    fn a_request_without_such_headers_says_nothing() {
        assert_eq!(read(&[("accept", "*/*")]), Ok(CacheHeaders::default()));
        assert_eq!(Namespace::default().as_str(), "");
    }

    #[test]
    fn each_mode_has_its_word_and_no_other_word_is_one() {
        let mode = |word| read(&[(MODE, word)]).map(|headers| headers.mode);
        assert_eq!(mode("on"), Ok(Some(CacheMode::On)));
        assert_eq!(mode(" off "), Ok(Some(CacheMode::Off)));
        assert_eq!(mode("refresh"), Ok(Some(CacheMode::Refresh)));
        assert_eq!(mode("read-only"), Ok(Some(CacheMode::ReadOnly)));
        assert_eq!(mode("write-only"), Ok(Some(CacheMode::WriteOnly)));
        for word in ["", "ON", "yes", "on, off", "é"] {
            assert!(mode(word).unwrap_err().starts_with("`x-transom-cache` must be"), "{word}");
        }
        let twice = read(&[(MODE, "on"), (MODE, "off")]);
        assert_eq!(twice.unwrap_err(), "`x-transom-cache` must be given once");
    }

    #[test]
    fn a_ttl_is_seconds_or_a_time_with_its_unit() {
        let ttl = |text| read(&[(TTL, text)]).map(|headers| headers.ttl);
        let seconds = |seconds| Ok(Some(Duration::from_secs(seconds)));
        assert_eq!(ttl("90"), seconds(90));
        assert_eq!(ttl("10m"), seconds(600));
        assert_eq!(ttl("1h 30m"), seconds(5400));
        assert_eq!(ttl("0"), seconds(0));
        assert_eq!(ttl("365d"), seconds(31_536_000));
        for text in ["", "-1", "1.5", "ten", "366d", "99999999999999999999", "18446744073709551615"]
        {
            assert!(ttl(text).unwrap_err().starts_with("`x-transom-cache-ttl` must be"), "{text}");
        }
    }

    #[test]
    fn a_namespace_is_short_and_visible() {
        let namespace = |text: &str| read(&[(NAMESPACE, text)]).map(|headers| headers.namespace);
        let longest = "n".repeat(128);
        for text in ["a", "team/search:v2", &longest] {
            assert_eq!(namespace(text).unwrap().unwrap().as_str(), text);
        }
        for text in ["", "two words", "caf\u{e9}", &"n".repeat(129)] {
            let error = namespace(text).unwrap_err();
            assert!(error.starts_with("`x-transom-cache-namespace` must be"), "{error}");
        }
    }
}
