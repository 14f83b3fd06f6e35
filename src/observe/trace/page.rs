//! Where a trace can be looked at: in Jaeger, Grafana, or whatever else shows traces.
//!
//! Must not know: how spans get there.

use crate::types::TraceId;
use http::Uri;
use http::uri::Scheme;
use std::fmt;

/// What stands for the id of a trace.
const PLACE: &str = "{trace_id}";

/// The address of a trace's page, such as `http://127.0.0.1:16686/trace/{trace_id}`: `http` or
/// `https`, so that a browser runs nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracePage(String);

impl TracePage {
    /// Reads an address with a place for the id.
    ///
    /// # Errors
    /// In words that do not repeat the text.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        if !text.contains(PLACE) {
            return Err("has no place for the id of a trace: write {trace_id} where it belongs");
        }
        let uri = text.replace(PLACE, "0").parse::<Uri>();
        let uri = uri.ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_graphic()));
        let uri = uri.ok_or("is not a URL: it holds characters it must not")?;
        if uri.scheme() != Some(&Scheme::HTTP) && uri.scheme() != Some(&Scheme::HTTPS) {
            return Err("the scheme of a URL must be http or https");
        }
        match uri.authority() {
            Some(authority) if authority.as_str().contains('@') => {
                Err("a URL cannot hold a user or password: everybody who looks would see it")
            }
            Some(authority) if !authority.host().is_empty() => Ok(Self(text.to_owned())),
            _ => Err("a URL needs the name or address of a host"),
        }
    }

    /// Where this trace is.
    pub fn of(&self, trace: &TraceId) -> String {
        self.0.replace(PLACE, &trace.to_string())
    }
}

impl fmt::Display for TracePage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_has_its_place_in_the_address() {
        let page = TracePage::read("https://grafana.example.org/x?q={trace_id}").unwrap();
        let trace = TraceId::mint(|| 0x5ea1);
        assert_eq!(page.of(&trace), format!("https://grafana.example.org/x?q={trace}"));
    }

    #[test]
    fn what_leads_nowhere_or_would_be_run_is_refused() {
        for text in [
            "http://jaeger:16686/trace/",
            "javascript:alert('{trace_id}')",
            "ftp://jaeger/{trace_id}",
            "//jaeger/{trace_id}",
            "/trace/{trace_id}",
            "http:///{trace_id}",
            "http://user:canary@jaeger/{trace_id}",
            "http://jaeger/ {trace_id}",
            "http://jaeger/\u{202e}{trace_id}",
        ] {
            let refused = TracePage::read(text);
            assert!(refused.is_err_and(|why| !why.contains("canary")), "{text}");
        }
    }
}
