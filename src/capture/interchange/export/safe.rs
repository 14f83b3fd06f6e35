//! Headers and URLs without credentials.
//!
//! A capture holds none, as it is redacted before it is written; a file that leaves the house
//! is looked through once more. Must not know: formats.

use crate::capture::interchange::export::{ExportReport, Loss};
use crate::protocol::strip_hop_by_hop;
use http::HeaderMap;
use std::borrow::Cow;

/// Words that a name consists of where its value opens something.
const CREDENTIALS: [&str; 15] = [
    "authorization",
    "auth",
    "cookie",
    "cookie2",
    "key",
    "apikey",
    "token",
    "accesstoken",
    "secret",
    "password",
    "passwd",
    "credential",
    "credentials",
    "signature",
    "sig",
];
/// Headers that belong to one request and not to its repetition.
const ONCE: [&str; 8] = [
    "host",
    "content-length",
    "expect",
    "accept-encoding",
    "traceparent",
    "tracestate",
    "x-request-id",
    "x-trace-id",
];

/// What a capture's headers and paths are looked through for.
#[derive(Default)]
pub(super) struct Safe {
    found: bool,
}

impl Safe {
    /// All headers but credentials.
    pub(super) fn headers(&mut self, headers: &HeaderMap) -> HeaderMap {
        let mut kept = headers.clone();
        for name in headers.keys().filter(|name| is_credential(name.as_str())) {
            kept.remove(name);
            self.found = true;
        }
        kept
    }

    /// Those that a repetition of the request has, too.
    pub(super) fn repeatable(&mut self, headers: &HeaderMap) -> HeaderMap {
        let mut kept = self.headers(headers);
        strip_hop_by_hop(&mut kept);
        for name in ONCE {
            kept.remove(name);
        }
        kept
    }

    /// A path without the parts of its query that are credentials.
    pub(super) fn path<'a>(&mut self, path: &'a str) -> Cow<'a, str> {
        let Some((before, query)) = path.split_once('?') else { return Cow::Borrowed(path) };
        let name = |part: &'a str| part.split('=').next().unwrap_or(part);
        let kept: Vec<&str> = query.split('&').filter(|part| !is_credential(name(part))).collect();
        let kept = kept.join("&");
        if kept.len() == query.len() {
            return Cow::Borrowed(path);
        }
        self.found = true;
        Cow::Owned(if kept.is_empty() { before.to_owned() } else { format!("{before}?{kept}") })
    }

    /// A whole URL: `path` at `target`, which loses a user and a password.
    pub(super) fn url(&mut self, target: &str, path: &str) -> String {
        let (scheme, rest) = target.split_once("://").unwrap_or(("http", target));
        let (authority, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = authority.rsplit('@').next().unwrap_or(authority);
        format!("{scheme}://{host}{}{}", prefix.trim_end_matches('/'), self.path(path))
    }

    /// Counts what was found.
    pub(super) fn tell(self, report: &mut ExportReport) {
        if self.found {
            report.lose(Loss::Credential);
        }
    }
}

fn is_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.split(['-', '_', '.']).any(|word| CREDENTIALS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    #[test]
    fn nothing_that_opens_anything_is_left() {
        let mut headers = HeaderMap::new();
        for name in [
            "authorization",
            "proxy-authorization",
            "cookie",
            "x-api-key",
            "api-key",
            "x-amz-security-token",
            "openai-organization",
            "x-ratelimit-remaining-tokens",
            "traceparent",
            "connection",
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("canary"));
        }
        let kept = |headers: HeaderMap| -> Vec<String> {
            let mut kept: Vec<_> = headers.keys().map(ToString::to_string).collect();
            kept.sort();
            kept
        };
        let mut safe = Safe::default();
        let all = ["connection", "openai-organization", "traceparent"];
        let all: Vec<_> = all.into_iter().chain(["x-ratelimit-remaining-tokens"]).collect();
        assert_eq!(kept(safe.headers(&headers)), all);
        let again = ["openai-organization", "x-ratelimit-remaining-tokens"];
        assert_eq!(kept(safe.repeatable(&headers)), again);
        assert!(safe.found);
    }

    #[test]
    fn a_path_loses_its_credentials_and_nothing_else() {
        for (path, kept) in [
            ("/v1/x", "/v1/x"),
            ("/v1/x?", "/v1/x?"),
            ("/v1/x?api-version=1&api_key=canary&b", "/v1/x?api-version=1&b"),
            ("/v1/x?key=canary", "/v1/x"),
            ("/v1/x?X-Amz-Signature=canary&a=1", "/v1/x?a=1"),
        ] {
            assert_eq!(Safe::default().path(path), kept);
        }
        let url = Safe::default().url("https://user:canary@host:1/base/", "/v1/x?sig=canary");
        assert_eq!(url, "https://host:1/base/v1/x");
    }
}
