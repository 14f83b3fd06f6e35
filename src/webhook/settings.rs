//! What an operator says about receivers, validated.
//!
//! Must not know: TOML, or how anything is sent.

use super::{Event, EventKind, SigningKey};
use http::Uri;
use http::uri::Scheme;
use std::fmt;
use wildmatch::WildMatch;

/// A receiver.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// Unique; a metric label.
    pub name: String,
    /// Where it listens.
    pub url: WebhookUrl,
    /// What it knows us by.
    pub key: SigningKey,
    /// What it wants to hear of.
    pub events: Vec<EventKind>,
    /// The models that it wants to hear of, by `*` and `?`; empty for all.
    pub models: Vec<String>,
}

/// The URL of a receiver. Its path and its query are often all that protects it, so they are
/// never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(Uri);

impl WebhookSettings {
    /// Whether the receiver wants to hear of `event`. What is about no model is for all.
    pub(super) fn want(&self, event: &Event) -> bool {
        let is_named = |pattern: &String| {
            let pattern = WildMatch::new(pattern);
            event.models.iter().any(|model| pattern.matches(model))
        };
        let of_models = self.models.is_empty() || event.models.is_empty();
        self.events.contains(&event.kind) && (of_models || self.models.iter().any(is_named))
    }
}

impl WebhookUrl {
    /// Reads `https://host/path`.
    ///
    /// # Errors
    /// In words that do not repeat the text.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let uri: Uri = text.parse().map_err(|_| "is not a URL such as https://example.org/hook")?;
        if uri.scheme() != Some(&Scheme::HTTP) && uri.scheme() != Some(&Scheme::HTTPS) {
            return Err("the scheme of a URL must be http or https");
        }
        let authority = uri.authority().ok_or("a URL needs the name or address of a host")?;
        if authority.as_str().contains('@') {
            return Err("a URL cannot hold a user or password; the signature says who we are");
        }
        if authority.host().is_empty() || authority.as_str().ends_with(':') {
            return Err("a URL needs the name or address of a host");
        }
        if text.contains('#') {
            return Err("a URL cannot hold a fragment");
        }
        Ok(Self(uri))
    }

    /// The URL itself, for the one place that needs it.
    pub(super) fn expose(&self) -> &Uri {
        &self.0
    }

    /// Whether the receiver has to be trusted.
    pub(super) fn is_tls(&self) -> bool {
        self.0.scheme() == Some(&Scheme::HTTPS)
    }
}

/// Scheme and host, and whether there is more.
impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.scheme_str().unwrap_or_default();
        let host = self.0.authority().map_or("", |authority| authority.as_str());
        let rest = if self.0.path() == "/" && self.0.query().is_none() { "" } else { "/…" };
        write!(f, "{scheme}://{host}{rest}")
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn of_a_url_only_the_host_is_shown() {
        let url = WebhookUrl::read("https://hooks.example.org:8443/T0/canary?k=canary").unwrap();
        assert_eq!(
            format!("{url} {url:?}"),
            "https://hooks.example.org:8443/… https://hooks.example.org:8443/…"
        );
        assert_eq!(WebhookUrl::read("http://h").unwrap().to_string(), "http://h");
    }

    #[test]
    fn what_cannot_be_sent_to_is_refused_without_being_repeated() {
        for text in [
            "canary",
            "/canary",
            "ftp://canary",
            "https://me:canary@h/",
            "https:///canary",
            "http://h/#canary",
            "http://h:/canary",
        ] {
            let words = WebhookUrl::read(text).unwrap_err();
            assert!(!words.contains("canary"), "{text}: {words}");
        }
    }

    #[test]
    fn a_receiver_hears_of_what_it_wants() {
        let key = SigningKey::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let hook = WebhookSettings {
            name: "ops".into(),
            url: WebhookUrl::read("http://h").unwrap(),
            key,
            events: vec![EventKind::Budget],
            models: vec!["chat-*".into()],
        };
        let event = |kind, models: &[&str]| Event {
            kind,
            name: "x",
            models: models.iter().map(|&model| model.to_owned()).collect(),
            data: Value::Null,
        };
        assert!(hook.want(&event(EventKind::Budget, &["chat-large"])));
        assert!(hook.want(&event(EventKind::Budget, &[])), "it is about a route");
        assert!(!hook.want(&event(EventKind::Budget, &["embed"])));
        assert!(!hook.want(&event(EventKind::Upstream, &["chat-large"])));
    }
}
