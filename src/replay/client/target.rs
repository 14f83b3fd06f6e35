//! Where requests go, and as whom.
//!
//! Owns the reading of a target's URL and the joining of paths. Must not know: connections, or
//! what is asked for.

use crate::protocol::{read_replay_mark, replace_replay_mark};
use crate::types::{ReplayMark, ReplayWishes, Secret};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use std::fmt;

/// Where requests go.
#[derive(Clone, Debug)]
pub struct Target {
    scheme: Scheme,
    authority: Authority,
    host_header: HeaderValue,
    /// What comes before each path: empty, or with a slash at its beginning and none at its end.
    prefix: String,
    credentials: Vec<(HeaderName, HeaderValue)>,
    wishes: ReplayWishes,
}

/// Why a text is no target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It is no URL.
    #[error("a target is a URL such as http://127.0.0.1:8000, not `{0}`")]
    NotAUrl(String),
    /// It is one of something else.
    #[error("a target begins with http:// or https://, not {0}://")]
    Scheme(String),
    /// It holds a user's name or a password, which would be shown.
    #[error("give credentials by an option of their own, not in the target's URL")]
    Credentials,
    /// It has a query or a fragment.
    #[error("a target is a URL without `?`")]
    Query,
    /// The name or the value of a header is none.
    #[error("`{0}` and its value are no header")]
    Header(String),
}

impl Target {
    /// Reads `http://host:port` or `https://host/prefix`. A prefix `/v1` is not repeated where
    /// a path begins with it, because clients are used to a base URL that ends so.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        if url.split_once("://").is_some_and(|(_, rest)| {
            rest.split('/').next().is_some_and(|authority| authority.contains('@'))
        }) {
            return Err(TargetError::Credentials);
        }
        let uri: Uri = url.parse().map_err(|_| TargetError::NotAUrl(url.to_owned()))?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(TargetError::NotAUrl(url.to_owned()));
        };
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err(TargetError::Scheme(scheme.to_string()));
        }
        let path = parts.path_and_query;
        if path.as_ref().is_some_and(|path| path.query().is_some()) {
            return Err(TargetError::Query);
        }
        let host_header = HeaderValue::from_str(authority.as_str())
            .map_err(|_| TargetError::NotAUrl(url.to_owned()))?;
        let prefix = path.map(|path| path.path().trim_end_matches('/').to_owned());
        let prefix = prefix.unwrap_or_default();
        let (credentials, wishes) = (Vec::new(), ReplayWishes::default());
        Ok(Self { scheme, authority, host_header, prefix, credentials, wishes })
    }

    /// Sends a header with every request in place of any recorded one: `authorization`,
    /// `x-api-key` …
    ///
    /// # Errors
    /// When it is no header.
    pub fn with_header(mut self, name: &str, value: &Secret) -> Result<Self, TargetError> {
        let no_header = || TargetError::Header(name.to_owned());
        let header = HeaderName::try_from(name).map_err(|_| no_header())?;
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| no_header())?;
        value.set_sensitive(true);
        self.credentials.push((header, value));
        Ok(self)
    }

    /// Asks the proxy there, in the mark of each request, to treat it like any other in what
    /// `wishes` say.
    #[must_use]
    pub fn with_wishes(self, wishes: ReplayWishes) -> Self {
        Self { wishes, ..self }
    }

    /// Puts on a request what it is to have here: credentials, and wishes beside its mark.
    pub(super) fn dress(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.credentials {
            headers.insert(name.clone(), value.clone());
        }
        let mark = read_replay_mark(headers);
        let mark = mark.map(|mark| ReplayMark { wishes: self.wishes, ..mark });
        replace_replay_mark(headers, mark.as_ref());
    }

    pub(super) fn host_header(&self) -> &HeaderValue {
        &self.host_header
    }

    /// Whether somebody has to be trusted.
    pub fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The host without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        self.authority.host().trim_start_matches('[').trim_end_matches(']')
    }

    /// The port, which may go without saying.
    pub fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.is_tls() { 443 } else { 80 })
    }

    /// The path that stands for the recorded one.
    pub(super) fn path_of(&self, recorded: &PathAndQuery) -> PathAndQuery {
        if self.prefix.is_empty() {
            return recorded.clone();
        }
        let path = recorded.as_str();
        let path = match self.prefix.ends_with("/v1") {
            true => path.strip_prefix("/v1").filter(|rest| rest.starts_with('/')).unwrap_or(path),
            false => path,
        };
        // Two good paths make a good one.
        format!("{}{path}", self.prefix).parse().unwrap_or_else(|_| recorded.clone())
    }

    pub(super) fn uri_of(&self, path: PathAndQuery) -> Uri {
        let whole = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path.clone());
        // All three are good already.
        whole.build().unwrap_or_else(|_| path.into())
    }
}

/// The URL, which holds no secret.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(target: &str, recorded: &str) -> String {
        Target::parse(target).unwrap().path_of(&recorded.parse().unwrap()).to_string()
    }

    #[test]
    fn paths_are_joined_and_v1_is_not_repeated() {
        let chat = "/v1/chat/completions";
        for (target, expected) in [
            ("http://h:8000", "/v1/chat/completions"),
            ("http://h:8000/", "/v1/chat/completions"),
            ("http://h/v1", "/v1/chat/completions"),
            ("https://h/openai/v1/", "/openai/v1/chat/completions"),
            ("https://h/api", "/api/v1/chat/completions"),
        ] {
            assert_eq!(path(target, chat), expected, "{target}");
        }
        assert_eq!(path("http://h/v1", "/v1x/y?a=b"), "/v1/v1x/y?a=b");
    }

    #[test]
    fn what_is_no_target_is_refused_in_words() {
        for (text, expected) in [
            ("localhost:8000/v1", TargetError::NotAUrl("localhost:8000/v1".into())),
            ("/v1", TargetError::NotAUrl("/v1".into())),
            ("ftp://h", TargetError::Scheme("ftp".into())),
            ("https://me:secret@h", TargetError::Credentials),
            ("https://h/?key=1", TargetError::Query),
        ] {
            assert_eq!(Target::parse(text).err(), Some(expected), "{text}");
        }
    }

    #[test]
    fn credentials_are_never_shown() {
        let target = Target::parse("https://h/v1").unwrap();
        let target = target.with_header("authorization", &Secret::new("Bearer canary")).unwrap();
        assert!(!format!("{target} {target:?}").contains("canary"));
        assert_eq!(target.to_string(), "https://h/v1");
        assert!(target.with_header("x y", &Secret::new("a")).is_err());
    }

    #[test]
    fn wishes_stand_beside_the_mark_of_a_run() {
        let target = Target::parse("http://h").unwrap();
        let wishes = ReplayWishes { slos: true, cache: true, ..ReplayWishes::default() };
        for (target, expected) in
            [(target.clone(), "run-7"), (target.with_wishes(wishes), "run-7; slo; cache")]
        {
            let mut headers = HeaderMap::new();
            target.dress(&mut headers);
            assert!(headers.is_empty(), "there is no run");
            headers.insert("x-transom-replay", HeaderValue::from_static("run-7"));
            target.dress(&mut headers);
            assert_eq!(headers["x-transom-replay"], expected);
        }
    }

    #[test]
    fn ports_and_hosts_are_read() {
        let of = |url: &str| {
            let target = Target::parse(url).unwrap();
            (target.host().to_owned(), target.port())
        };
        assert_eq!(of("http://[::1]:8000"), ("::1".into(), 8000));
        assert_eq!(of("https://example.org"), ("example.org".into(), 443));
        assert_eq!(of("http://example.org/v1"), ("example.org".into(), 80));
    }
}
