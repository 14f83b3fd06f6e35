//! Which stretch of the past a page is about.
//!
//! Must not know: what is on the page.

use crate::history::rollup::Period;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use humantime::{format_duration, format_rfc3339_seconds};
use serde::Deserialize;
use std::convert::Infallible;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// The stretch that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Window {
    /// One of the choices, before now.
    Last(usize),
    /// Any other.
    Between(SystemTime, SystemTime),
}

/// A choice in the bar.
pub(in crate::admin) struct Choice {
    pub(in crate::admin) name: String,
    pub(in crate::admin) href: String,
    pub(in crate::admin) here: bool,
}

#[derive(Deserialize)]
struct Asked {
    window: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

impl Window {
    /// As a query, such as `window=1h`.
    pub(in crate::admin) fn query(self) -> String {
        match self {
            Self::Last(choice) => format!("window={}", name_of(choice)),
            Self::Between(from, to) => {
                format!("from={}&to={}", format_rfc3339_seconds(from), format_rfc3339_seconds(to))
            }
        }
    }

    /// As that stands behind "the", such as `last hour`.
    pub(in crate::admin) fn said(self) -> String {
        match self {
            Self::Last(_) => format!("last {}", self.words()),
            Self::Between(from, to) => format!("time from {}", span(from, to)),
        }
    }

    /// How long it is, as that stands behind "the" or "the last".
    pub(in crate::admin) fn words(self) -> String {
        match self {
            Self::Last(choice) => match name_of(choice) {
                "15m" => "15 minutes",
                "6h" => "6 hours",
                "1d" => "day",
                "7d" => "7 days",
                "30d" => "30 days",
                _ => "hour",
            }
            .to_owned(),
            Self::Between(from, to) => {
                let length = to.duration_since(from).unwrap_or_default();
                format_duration(length).to_string()
            }
        }
    }

    /// When it begins, as what is captured is asked for: how long ago, or a date.
    pub(in crate::admin) fn since(self) -> String {
        match self {
            Self::Last(choice) => name_of(choice).to_owned(),
            Self::Between(from, _) => format_rfc3339_seconds(from).to_string(),
        }
    }

    /// When it begins and ends, at `now`.
    pub(in crate::admin) fn dates(self, now: SystemTime) -> Range<SystemTime> {
        match self {
            Self::Last(choice) => {
                let length = CHOICES.get(choice).map_or(HOUR, |(_, length)| *length);
                now.checked_sub(Duration::from_secs(length)).unwrap_or(UNIX_EPOCH)..now
            }
            Self::Between(from, to) => from..to,
        }
    }

    /// The time that it means at `now`.
    pub(in crate::admin) fn period(self, now: SystemTime) -> Period {
        let Range { start, end } = self.dates(now);
        Period::new(start, end)
    }

    /// The choices, as links to `path`.
    pub(in crate::admin) fn choices(self, path: &str) -> Vec<Choice> {
        let choice = |at: usize| Choice {
            name: name_of(at).to_owned(),
            href: format!("{path}?{}", Self::Last(at).query()),
            here: self == Self::Last(at),
        };
        let mut choices: Vec<_> = (0..CHOICES.len()).map(choice).collect();
        if let Self::Between(from, to) = self {
            let href = format!("{path}?{}", self.query());
            choices.push(Choice { name: span(from, to), href, here: true });
        }
        choices
    }

    fn of(Asked { window, from, to }: Asked) -> Self {
        let date = |text: Option<String>| humantime::parse_rfc3339_weak(&text?).ok();
        match date(from).zip(date(to)) {
            Some((from, to)) if from < to => Self::Between(from, to),
            _ => {
                let asked = window.unwrap_or_default();
                let known = CHOICES.iter().position(|(name, _)| *name == asked);
                Self::Last(known.unwrap_or(USUAL))
            }
        }
    }
}

fn name_of(choice: usize) -> &'static str {
    CHOICES.get(choice).map_or("1h", |(name, _)| name)
}

/// `2026-11-21 10:05 to 10:35 UTC`
fn span(from: SystemTime, to: SystemTime) -> String {
    let text = |time| format_rfc3339_seconds(time).to_string();
    let (from, to) = (text(from), text(to));
    let part = |text: &str, range: Range<usize>| text.get(range).unwrap_or_default().to_owned();
    let (day, last_day) = (part(&from, 0..10), part(&to, 0..10));
    let end = if day == last_day { String::new() } else { format!("{last_day} ") };
    format!("{day} {} to {end}{} UTC", part(&from, 11..16), part(&to, 11..16))
}

impl<S: Send + Sync> FromRequestParts<S> for Window {
    type Rejection = Infallible;

    /// By `?window=`, or `?from=` and `?to=` (RFC 3339); anything unknown is the usual one.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let asked = Query::<Asked>::from_request_parts(parts, state).await;
        Ok(asked.map_or(Self::Last(USUAL), |Query(asked)| Self::of(asked)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(window: &str, from: &str, to: &str) -> Window {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Window::of(Asked { window: some(window), from: some(from), to: some(to) })
    }

    #[test]
    fn a_stretch_is_a_choice_or_between_two_dates() {
        let day = asked("1d", "", "");
        assert_eq!((&*day.query(), &*day.said()), ("window=1d", "last day"));
        let (from, to) = ("2026-11-21T10:05:00Z", "2026-11-21T10:35:00Z");
        let between = asked("1d", from, to);
        assert_eq!(between.query(), format!("from={from}&to={to}"));
        assert_eq!(between.said(), "time from 2026-11-21 10:05 to 10:35 UTC");
        assert_eq!(between.words(), "30m");
        let choices = between.choices("/x");
        let here: Vec<_> = choices.iter().filter(|choice| choice.here).collect();
        assert_eq!((choices.len(), here.len()), (7, 1));
        assert_eq!(here[0].href, format!("/x?from={from}&to={to}"));
    }

    #[test]
    fn what_makes_no_sense_is_the_usual_hour() {
        let usual = Window::Last(USUAL);
        assert_eq!(asked("2y", "", ""), usual);
        assert_eq!(asked("", "yesterday", "2026-11-21T10:35:00Z"), usual);
        assert_eq!(asked("", "2026-11-21T10:35:00Z", "2026-11-21T10:05:00Z"), usual);
        assert_eq!(asked("", "2026-11-21T10:35:00Z", ""), usual);
    }
}
