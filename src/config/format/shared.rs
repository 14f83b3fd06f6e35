//! `redis://10.0.0.5:6379` and `10.0.0.6:6379`: where a Redis or Valkey listens.
//!
//! Must not know: what is kept there. Refusals never repeat the text: a URL can hold a
//! password.

use super::endpoint::host_and_port;
use super::{Format, Refusal};

/// A URL as it may stand in a file: without user and password.
#[derive(Clone, Debug)]
pub(in crate::config) struct RedisUrl(pub String);

/// `host:port` of one server of several.
#[derive(Clone, Debug)]
pub(in crate::config) struct NodeAddress(pub String);

impl RedisUrl {
    /// The number of the database that `url` asks for.
    ///
    /// # Errors
    /// When it is no `redis://[user:password@]host[:port][/database]`, in words that do not
    /// repeat it.
    pub(in crate::config) fn database(url: &str) -> Result<u32, &'static str> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err("is not a URL; write it like \"redis://10.0.0.5:6379\"");
        };
        if !["redis", "rediss", "valkey", "valkeys"].contains(&scheme.to_ascii_lowercase().as_str())
        {
            return Err("the scheme of the URL must be redis, or rediss for TLS");
        }
        if rest.contains(['?', '#']) {
            return Err("the URL cannot hold a query or a fragment; write ? as %3F, # as %23");
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, server) = authority.rsplit_once('@').unwrap_or(("", authority));
        // What a password holds beyond these is written in percent (RFC 3986 §3.2.1).
        let in_user = |byte: u8| byte.is_ascii_graphic() && !b"@/\"<>[]\\^`{|}".contains(&byte);
        if path.contains('@') || !user.bytes().all(in_user) || !is_encoded(user) {
            return Err("the URL's user or password holds characters that must be written as %XX");
        }
        host_and_port(server)?;
        let database = match path {
            "" => Some(0),
            path if path.bytes().all(|byte| byte.is_ascii_digit()) => path.parse().ok(),
            _ => None,
        };
        database.ok_or("the path of the URL must be the number of a database")
    }
}

/// Whether every `%` begins a byte in hex.
fn is_encoded(text: &str) -> bool {
    let hex = |digits: &[u8]| digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit);
    let mut escapes = text.split('%').skip(1);
    escapes.all(|after| after.as_bytes().get(..2).is_some_and(hex))
}

impl Format for RedisUrl {
    const NAME: &'static str = "transom-redis";
    const NOUN: &'static str = "a URL";
    const EXAMPLES: &'static [&'static str] = &["redis://10.0.0.5:6379", "rediss://cache.svc/1"];

    fn read(text: &str) -> Result<Self, Refusal> {
        let because = |words: &str| Err(Refusal::Because(words.to_owned()));
        match Self::database(text) {
            _ if text.contains('@') => because(
                "secrets are not written here: use { url_env = \"…\" } or { url_file = \"…\" } \
                 for a URL with a user or password",
            ),
            Err(words) => because(words),
            Ok(_) => Ok(Self(text.to_owned())),
        }
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

impl Format for NodeAddress {
    const NAME: &'static str = "transom-node";
    const NOUN: &'static str = "a host and port";
    const EXAMPLES: &'static [&'static str] = &["10.0.0.6:6379", "[::1]:26379"];

    fn read(text: &str) -> Result<Self, Refusal> {
        match host_and_port(text) {
            Ok((_, Some(_))) => Ok(Self(text.to_owned())),
            _ => Err(Refusal::Because(
                "is not a host and port; write it like \"10.0.0.6:6379\"".to_owned(),
            )),
        }
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_a_server_and_a_database() {
        let cases = [
            ("redis://h", 0),
            ("rediss://h:1/", 0),
            ("redis://[::1]:6379/3", 3),
            ("valkey://:p%40ss@h/2", 2),
            ("redis://user:a+b:c=d@h:1", 0),
        ];
        for (url, database) in cases {
            assert_eq!(RedisUrl::database(url), Ok(database), "{url}");
        }
    }

    #[test]
    fn what_is_no_such_url_is_refused_without_being_repeated() {
        let wrong = [
            "canary",
            "http://canary",
            "redis://",
            "redis://canary:0",
            "redis://me:canary@",
            "redis://me:canary/@h",
            "redis://me:canary#@h",
            "redis://me:canary?@h",
            "redis://me:canary@x@h",
            "redis://me:canary%@h",
            "redis://me:canary%1é@h",
            "redis://me:can ary@h",
            "redis://h/canary",
            "redis://h/1/canary",
            "redis://h/-1",
            "redis://h/99999999999",
            "redis://h?canary",
            "redis://h/#insecure",
        ];
        for url in wrong {
            let words = RedisUrl::database(url).unwrap_err();
            assert!(!words.contains("canary"), "{words}");
            assert!(RedisUrl::read(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_password_may_not_stand_in_a_file() {
        for url in ["redis://:canary@h", "redis://canary@h", "redis://a:canary/@h"] {
            let Err(Refusal::Because(words)) = RedisUrl::read(url) else { panic!("{url}") };
            assert!(words.contains("url_env") && !words.contains("canary"), "{words}");
        }
        assert_eq!(RedisUrl::read("redis://h/1").unwrap().write(), "redis://h/1");
    }

    #[test]
    fn a_node_has_a_host_and_a_port() {
        for text in ["10.0.0.6:6379", "[::1]:26379", "cache-1.svc:7000"] {
            assert_eq!(NodeAddress::read(text).unwrap().write(), text);
        }
        for wrong in ["", "h", ":1", "h:0", "redis://h:1", "h:70000", "me:canary@h:1"] {
            assert!(NodeAddress::read(wrong).is_err(), "{wrong}");
        }
    }
}
