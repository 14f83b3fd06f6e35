//! Which stretch of the past a page is about.
//!
//! Must not know: what is on the page.

use crate::history::rollup::Period;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;
use std::convert::Infallible;
use std::time::{Duration, SystemTime};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// What can be chosen.
const CHOICES: [(&str, u64); 6] = [
    ("15m", 15 * MINUTE),
    ("1h", HOUR),
    ("6h", 6 * HOUR),
    ("1d", DAY),
    ("7d", 7 * DAY),
    ("30d", 30 * DAY),
];
/// What is shown unless somebody chose.
const USUAL: usize = 1;

/// The stretch before now that was chosen.
#[derive(Clone, Copy, Debug)]
pub(in crate::admin) struct Window {
    chosen: usize,
}

/// A choice in the bar.
pub(in crate::admin) struct Choice {
    pub(in crate::admin) name: &'static str,
    pub(in crate::admin) href: String,
    pub(in crate::admin) here: bool,
}

#[derive(Deserialize)]
struct Asked {
    window: Option<String>,
}

impl Window {
    /// In a word, such as `1h`.
    pub(in crate::admin) fn name(self) -> &'static str {
        CHOICES.get(self.chosen).map_or("1h", |(name, _)| name)
    }

    /// In words, as they stand behind "the last".
    pub(in crate::admin) fn words(self) -> &'static str {
        match self.name() {
            "15m" => "15 minutes",
            "6h" => "6 hours",
            "1d" => "day",
            "7d" => "7 days",
            "30d" => "30 days",
            _ => "hour",
        }
    }

    /// How long it is.
    pub(in crate::admin) fn length(self) -> Duration {
        Duration::from_secs(CHOICES.get(self.chosen).map_or(HOUR, |(_, length)| *length))
    }

    /// The time that it means at `now`.
    pub(in crate::admin) fn period(self, now: SystemTime) -> Period {
        Period::last(self.length(), now)
    }

    /// The choices, as links to `path`.
    pub(in crate::admin) fn choices(self, path: &str) -> Vec<Choice> {
        let choice = |(at, (name, _)): (usize, (&'static str, u64))| Choice {
            name,
            href: format!("{path}?window={name}"),
            here: at == self.chosen,
        };
        CHOICES.into_iter().enumerate().map(choice).collect()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Window {
    type Rejection = Infallible;

    /// By `?window=`; anything unknown is the usual one.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let asked = Query::<Asked>::from_request_parts(parts, state).await.ok();
        let asked = asked.and_then(|Query(asked)| asked.window).unwrap_or_default();
        let chosen = CHOICES.iter().position(|(name, _)| *name == asked).unwrap_or(USUAL);
        Ok(Self { chosen })
    }
}
