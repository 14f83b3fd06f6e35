//! The names this listener answers to, and the pages that may change something.
//!
//! A page of a stranger can point a name of its own at 127.0.0.1 (DNS rebinding) and then reads
//! what is there as its own; but the browser still says in `Host` which name it asked for. And a
//! browser says in `Origin` whose page sends a form. Must not know: requests or answers.

use super::settings::{AdminTls, HostName};
use http::Uri;
use http::uri::Authority;
use std::net::IpAddr;

/// The names of one listener.
#[derive(Debug)]
pub(super) struct Hosts {
    own: IpAddr,
    named: Vec<HostName>,
    /// The port that is meant where `Host` has none; `None` where the scheme that browsers use
    /// is not known here.
    usual: Option<u16>,
}

impl HostName {
    /// Reads what `Host` or `:authority` say (RFC 9110 §7.2).
    pub(super) fn parse(text: &str) -> Option<Self> {
        let authority: Authority = text.parse().ok()?;
        let with_user = text.contains('@');
        (!with_user).then(|| Self::of(authority.host(), authority.port_u16()))
    }

    fn of(host: &str, port: Option<u16>) -> Self {
        let name = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
        Self { name, port }
    }
}

impl Hosts {
    /// For a listener at `own` that is also called `named`.
    pub(super) fn new(own: IpAddr, named: Vec<HostName>, tls: &AdminTls) -> Self {
        let usual = match tls {
            AdminTls::None => Some(80),
            AdminTls::Here(_) => Some(443),
            AdminTls::Before => None,
        };
        Self { own: own.to_canonical(), named, usual }
    }

    /// Whether a request to `host` is meant for this listener. Its port does not matter: a
    /// published port is another one, and names are what rebinding lies about.
    pub(super) fn know(&self, host: &HostName) -> bool {
        match host.name.parse::<IpAddr>() {
            // An address cannot be rebound. A listener on all addresses does not know them.
            Ok(address) => {
                let address = address.to_canonical();
                address.is_loopback() || address == self.own || self.own.is_unspecified()
            }
            Err(_) => host.name == "localhost" || self.named.iter().any(|n| n.name == host.name),
        }
    }

    /// Whether a page of `origin` (RFC 6454 §6.2) may change something at `host`: it is a page of
    /// that same host and port, or of a name that was configured.
    pub(super) fn trust(&self, origin: &str, host: &HostName) -> bool {
        let Ok(uri) = origin.parse::<Uri>() else { return false };
        let usual = match uri.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            _ => return false,
        };
        let Some(page) = uri.authority().and_then(|name| HostName::parse(name.as_str())) else {
            return false;
        };
        let port = page.port.unwrap_or(usual);
        let is_page = |known: &HostName, usual: u16| {
            known.name == page.name && known.port.unwrap_or(usual) == port
        };
        is_page(host, self.usual.unwrap_or(usual)) || self.named.iter().any(|n| is_page(n, usual))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(own: &str) -> Hosts {
        let named = ["transom.example.org", "other.example.org:8443"];
        let named = named.map(|name| HostName::parse(name).unwrap()).into();
        Hosts::new(own.parse().unwrap(), named, &AdminTls::None)
    }

    #[test]
    fn a_name_that_is_not_ours_is_not_known() {
        let known = |own: &str, host| HostName::parse(host).is_some_and(|h| hosts(own).know(&h));
        for host in [
            "127.0.0.1:7081",
            "127.0.0.1",
            "localhost:1",
            "LOCALHOST.",
            "[::1]:7081",
            "Transom.Example.org:443",
            "other.example.org",
        ] {
            assert!(known("127.0.0.1", host), "{host}");
        }
        for host in [
            "evil.test",
            "127.0.0.1.evil.test",
            "localhost.evil.test",
            "transom.example.org.evil.test",
            "xtransom.example.org",
            "10.0.0.1",
            "localhost@evil.test",
            "evil@localhost",
            "",
            "a b",
            "http://localhost",
        ] {
            assert!(!known("127.0.0.1", host), "{host}");
        }
        assert!(known("10.0.0.1", "10.0.0.1:7081") && !known("10.0.0.1", "10.0.0.2"));
        // A published port leads to addresses the listener does not know.
        assert!(known("0.0.0.0", "192.168.0.7:80") && !known("0.0.0.0", "evil.test"));
    }

    #[test]
    fn only_pages_of_the_same_host_and_port_change_something() {
        let trusted =
            |origin, host| hosts("127.0.0.1").trust(origin, &HostName::parse(host).unwrap());
        assert!(trusted("http://127.0.0.1:7081", "127.0.0.1:7081"));
        assert!(trusted("http://localhost", "localhost"));
        assert!(trusted("http://localhost:80", "localhost"));
        assert!(!trusted("https://localhost", "localhost"), "nobody speaks TLS here");
        assert!(trusted("https://transom.example.org", "127.0.0.1:7081"), "a proxy before it");
        assert!(trusted("https://other.example.org:8443", "127.0.0.1:7081"));
        for origin in [
            "null",
            "",
            "http://localhost:3000",
            "http://localhost:7081",
            "http://evil.test",
            "http://127.0.0.1:7081.evil.test",
            "https://transom.example.org:8443",
            "https://other.example.org",
            "file://",
            "chrome-extension://127.0.0.1:7081",
        ] {
            assert!(!trusted(origin, "127.0.0.1:7081"), "{origin}");
        }
    }
}
