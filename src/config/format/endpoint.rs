//! `http://10.0.0.1:8000`
//!
//! Must not know: what is served there. Refusals never repeat the text: a URL can hold a
//! password.

use super::{Format, Refusal};
use crate::upstream::{Origin, Scheme};
use http::Uri;
use std::net::Ipv6Addr;

/// Where a server of an upstream listens, and what is put before the caller's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct EndpointUrl {
    /// Scheme, host and port.
    pub origin: Origin,
    /// Empty, or `/prefix` without a trailing slash.
    pub prefix: String,
}

impl Format for EndpointUrl {
    const NAME: &'static str = "transom-endpoint";
    const NOUN: &'static str = "a URL";
    const EXAMPLES: &'static [&'static str] = &["http://10.0.0.1:8000"];

    fn read(text: &str) -> Result<Self, Refusal> {
        read(text).map_err(|words| Refusal::Because(words.to_owned()))
    }

    fn write(&self) -> String {
        let scheme = match self.origin.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        format!("{scheme}://{}{}", self.origin.authority(), self.prefix)
    }
}

fn read(text: &str) -> Result<EndpointUrl, &'static str> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err("is not a URL; write it like \"http://10.0.0.1:8000\"");
    };
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return Err("the scheme of a URL must be http or https"),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("a URL cannot hold a user or password; use api_key_env or api_key_file");
    }
    if text.contains('?') {
        return Err("a URL cannot hold a query");
    }
    if text.contains('#') {
        return Err("a URL cannot hold a fragment");
    }
    let uri: Uri = text.parse().map_err(|_| "is not a URL: it holds characters it must not")?;
    let (host, port) = host_and_port(authority)?;
    let default = if scheme == Scheme::Http { 80 } else { 443 };
    let origin = Origin { scheme, host, port: port.unwrap_or(default) };
    Ok(EndpointUrl { origin, prefix: prefix(uri.path())? })
}

/// RFC 3986 §3.2; IPv6 comes without its brackets.
pub(super) fn host_and_port(authority: &str) -> Result<(String, Option<u16>), &'static str> {
    let bracketed = authority.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = match bracketed {
        Some((host, port)) => {
            let host: Ipv6Addr = host.parse().map_err(|_| "the brackets must hold IPv6")?;
            (host.to_string(), port)
        }
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            let (host, port) = authority.split_at(end);
            (host.to_ascii_lowercase(), port)
        }
    };
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if host.is_empty() || !host.bytes().all(in_name) {
        return Err("a URL needs the name or address of a host");
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        digits => match digits.unwrap_or_default().parse() {
            Ok(0) | Err(_) => return Err("the port of a URL must be 1 to 65535"),
            Ok(port) => Some(port),
        },
    };
    Ok((host, port))
}

/// Without empty segments, so that it can be put before any path.
fn prefix(path: &str) -> Result<String, &'static str> {
    let mut prefix = String::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        if segment == "." || segment == ".." {
            return Err("the path of a URL cannot hold . or .. segments");
        }
        prefix.push('/');
        prefix.push_str(segment);
    }
    Ok(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_an_origin_and_a_prefix() {
        let cases = [
            ("http://10.0.0.1:8000", "http://10.0.0.1:8000"),
            ("HTTPS://API.Example:443/", "https://api.example"),
            ("http://[::1]:8000//openai//v1/", "http://[::1]:8000/openai/v1"),
            ("http://gpu_1.svc", "http://gpu_1.svc"),
        ];
        for (written, meant) in cases {
            assert_eq!(EndpointUrl::read(written).unwrap().write(), meant);
        }
        assert_eq!(EndpointUrl::read("http://[::1]:8000").unwrap().origin.host, "::1");
    }

    #[test]
    fn what_cannot_be_connected_to_is_refused_without_being_repeated() {
        let wrong = [
            "canary",
            "ftp://canary",
            "http://",
            "http://:80",
            "http://canary:",
            "http://canary:0",
            "http://canary:70000",
            "http://canary:-1",
            "http://me:canary@h",
            "http://h/?k=canary",
            "http://h/#canary",
            "http://h/canary/../x",
            "http://h /canary",
            "http://[canary]:80",
            "http://[::1]80",
            "http://a,canary",
            "http://h/ca nary",
            "http://é",
            "http://[::1",
        ];
        for text in wrong {
            let Err(Refusal::Because(words)) = EndpointUrl::read(text) else { panic!("{text}") };
            assert!(!words.contains("canary"), "{words}");
        }
    }
}
