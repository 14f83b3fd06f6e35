//! What an address asks for: `/requests?model=m&outcome=upstream_error&min=2s`.
//!
//! Must not know: how requests are looked for.

use crate::history::recent::{Filter, MissedSlo, Place, Seq};
use crate::types::{ErrorType, Operation, Outcome};
use serde::Deserialize;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What stands in an address. Empty is not said.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub(in crate::admin) struct Wanted {
    pub(super) model: Option<String>,
    pub(super) upstream: Option<String>,
    pub(super) key: Option<String>,
    pub(super) outcome: Option<String>,
    pub(super) error: Option<String>,
    pub(super) status: Option<String>,
    pub(super) operation: Option<String>,
    pub(super) stream: Option<String>,
    pub(super) cache: Option<String>,
    pub(super) slo: Option<String>,
    /// Took at least so long.
    pub(super) min: Option<String>,
    /// Took less.
    pub(super) max: Option<String>,
    /// Until the first token at least so long.
    pub(super) min_ttft: Option<String>,
    pub(super) max_ttft: Option<String>,
    /// Ended then or later; RFC 3339.
    pub(super) from: Option<String>,
    /// Ended before.
    pub(super) to: Option<String>,
    /// Part of an id.
    pub(super) q: Option<String>,
    /// Only those whose times are counted in charts.
    pub(super) measured: Option<String>,
    /// The page before which this one begins.
    pub(super) before: Option<u64>,
}

impl Wanted {
    /// The members that are said, by name, without the place.
    pub(super) fn said(&self) -> Vec<(&'static str, &str)> {
        let members = [
            ("model", &self.model),
            ("upstream", &self.upstream),
            ("key", &self.key),
            ("outcome", &self.outcome),
            ("error", &self.error),
            ("status", &self.status),
            ("operation", &self.operation),
            ("stream", &self.stream),
            ("cache", &self.cache),
            ("slo", &self.slo),
            ("min", &self.min),
            ("max", &self.max),
            ("min_ttft", &self.min_ttft),
            ("max_ttft", &self.max_ttft),
            ("from", &self.from),
            ("to", &self.to),
            ("q", &self.q),
            ("measured", &self.measured),
        ];
        let said =
            members.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?.trim())));
        said.filter(|(_, value)| !value.is_empty()).collect()
    }

    /// As the query of an address, with `name` said as `value`, or not said.
    pub(super) fn with(&self, name: &str, value: Option<&str>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (said, value) in self.said().into_iter().filter(|(said, _)| *said != name) {
            query.append_pair(said, value);
        }
        if let Some(value) = value {
            query.append_pair(name, value);
        }
        query.finish()
    }

    /// Where the page lies.
    pub(super) fn place(&self) -> Place {
        Place { before: self.before.map(Seq), after: None }
    }

    /// Which requests are meant.
    ///
    /// # Errors
    /// When a word is none that there is.
    pub(super) fn filter(&self) -> Result<Filter, String> {
        let mut filter = Filter::default();
        for (name, value) in self.said() {
            let unknown = || format!("`{value}` is no {name}");
            match name {
                "model" => filter.model = Some(value.to_owned()),
                "upstream" => filter.upstream = Some(value.to_owned()),
                "key" => filter.key = Some(value.to_owned()),
                "outcome" => {
                    let found = Outcome::ALL.iter().find(|outcome| outcome.label() == value);
                    filter.outcomes = vec![*found.ok_or_else(unknown)?];
                }
                "error" => {
                    let mut known = ErrorType::all();
                    let found = known.find(|error| error.label() == value);
                    filter.error = Some(found.ok_or_else(unknown)?);
                }
                "status" => {
                    let class = value.chars().next().and_then(|digit| digit.to_digit(10));
                    let class =
                        class.filter(|class| (1..=5).contains(class)).ok_or_else(unknown)?;
                    filter.status_class = Some(class as u16);
                }
                "operation" => {
                    let found = Operation::ALL.iter().find(|it| it.label() == value);
                    filter.operation = Some(*found.ok_or_else(unknown)?);
                }
                "stream" => filter.streamed = Some(value == "true" || value == "yes"),
                "cache" => filter.cache = Some(value.to_owned()),
                "slo" if value == "any" => filter.slo = Some(MissedSlo::Any),
                "slo" => filter.slo = Some(MissedSlo::Named(value.to_owned())),
                "q" => filter.text = Some(value.to_owned()),
                "measured" => filter.measured = value == "yes",
                _ => {}
            }
        }
        filter.duration = range(&self.min, &self.max)?;
        filter.first_token = range(&self.min_ttft, &self.max_ttft)?;
        filter.ended = dates(&self.from, &self.to)?;
        Ok(filter)
    }
}

fn range(
    from: &Option<String>,
    to: &Option<String>,
) -> Result<Option<std::ops::Range<Duration>>, String> {
    let read = |text: &Option<String>| match text.as_deref().map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => humantime::parse_duration(text)
            .map(Some)
            .map_err(|_| format!("`{text}` is no time such as 500ms")),
    };
    let (from, to) = (read(from)?, read(to)?);
    let said = from.is_some() || to.is_some();
    Ok(said.then(|| from.unwrap_or_default()..to.unwrap_or(Duration::MAX)))
}

fn dates(
    from: &Option<String>,
    to: &Option<String>,
) -> Result<Option<std::ops::Range<SystemTime>>, String> {
    let read = |text: &Option<String>| match text.as_deref().map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => humantime::parse_rfc3339_weak(text)
            .map(Some)
            .map_err(|_| format!("`{text}` is no date such as 2026-01-01T00:00:00Z")),
    };
    let (from, to) = (read(from)?, read(to)?);
    let said = from.is_some() || to.is_some();
    // Nothing ends later.
    let never = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    Ok(said.then(|| from.unwrap_or(UNIX_EPOCH)..to.unwrap_or(never)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_which_requests_are_meant() {
        let wanted = Wanted {
            model: Some("m".into()),
            outcome: Some("upstream_error".into()),
            min: Some("2s".into()),
            slo: Some("any".into()),
            key: Some(" ".into()),
            ..Wanted::default()
        };
        let filter = wanted.filter().unwrap();
        assert_eq!(filter.model.as_deref(), Some("m"));
        assert_eq!((filter.outcomes, filter.key), (vec![Outcome::UpstreamError], None));
        assert_eq!(filter.duration, Some(Duration::from_secs(2)..Duration::MAX));
        assert_eq!(filter.slo, Some(MissedSlo::Any));
        assert_eq!(
            wanted.with("model", Some("a b")),
            "outcome=upstream_error&slo=any&min=2s&model=a+b"
        );
        assert_eq!(wanted.with("slo", None), "model=m&outcome=upstream_error&min=2s");
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (name, wanted) in [
            ("outcome", Wanted { outcome: Some("fine".into()), ..Wanted::default() }),
            ("no time", Wanted { min: Some("soon".into()), ..Wanted::default() }),
            ("no date", Wanted { from: Some("soon".into()), ..Wanted::default() }),
            ("status", Wanted { status: Some("9".into()), ..Wanted::default() }),
        ] {
            assert!(wanted.filter().unwrap_err().contains(name), "{name}");
        }
    }
}
