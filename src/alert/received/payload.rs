//! What an Alertmanager sends: its webhook payload, version 4
//! (<https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>).
//!
//! It comes from outside: what is shown of it is cut, and cannot forge what stands beside it.
//! Members that later versions have are let pass. Must not know: which alerts there are already.

use crate::protocol::{clean_text, parse_date};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// The version of the payload that is understood.
const VERSION: &str = "4";
/// Alerts of one notification.
const MOST_ALERTS: usize = 500;
/// Labels, and annotations, of one alert.
const MOST_LABELS: usize = 48;
/// Characters of a label's or an annotation's name.
const LONGEST_NAME: usize = 128;
/// Characters of its value; what is longer is cut.
const LONGEST_VALUE: usize = 1_024;
/// Characters of a fingerprint, which is 16 hex digits.
const LONGEST_FINGERPRINT: usize = 64;
/// Characters of a link; one that is longer is left out.
const LONGEST_LINK: usize = 2_048;

/// A notification that makes sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub(super) receiver: String,
    pub(super) external_url: Option<String>,
    pub(super) alerts: Vec<Said>,
}

/// What it says of one alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) fingerprint: String,
    pub(super) is_firing: bool,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) starts: Option<SystemTime>,
    pub(super) ends: Option<SystemTime>,
    pub(super) generator_url: Option<String>,
}

/// Why a notification makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum NotificationError {
    /// It is not JSON of the right shape.
    #[error("this is no notification of an Alertmanager: {0}")]
    Shape(#[from] serde_json::Error),
    /// It is of another version.
    #[error("the payload's version is {0:?}; only {VERSION:?} is understood")]
    Version(String),
    /// It has too many alerts.
    #[error(
        "there are {0} alerts; {MOST_ALERTS} at most are taken, see `max_alerts` of webhook_config"
    )]
    Alerts(usize),
    /// An alert's fingerprint is none.
    #[error("alerts[{0}].fingerprint has to be 1 to {LONGEST_FINGERPRINT} letters and digits")]
    Fingerprint(usize),
    /// An alert has too many labels, or one with too long a name.
    #[error(
        "alerts[{0}] has too many labels or annotations, or one with too long a name: \
         {MOST_LABELS} of each at most, names of {LONGEST_NAME} characters"
    )]
    Labels(usize),
}

#[derive(Deserialize)]
struct Raw {
    version: String,
    #[serde(default)]
    receiver: String,
    #[serde(default, rename = "externalURL")]
    external_url: String,
    alerts: Vec<RawAlert>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawAlert {
    status: Status,
    labels: BTreeMap<String, String>,
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    starts_at: String,
    #[serde(default)]
    ends_at: String,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
    fingerprint: String,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Status {
    Firing,
    Resolved,
}

impl Notification {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// In words that tell whoever configures the Alertmanager what is wrong.
    pub fn read(body: &[u8]) -> Result<Self, NotificationError> {
        let raw: Raw = serde_json::from_slice(body)?;
        if raw.version != VERSION {
            return Err(NotificationError::Version(clean_text(&raw.version, 16)));
        }
        if raw.alerts.len() > MOST_ALERTS {
            return Err(NotificationError::Alerts(raw.alerts.len()));
        }
        let alerts = raw.alerts.into_iter().enumerate();
        Ok(Self {
            receiver: clean_text(&raw.receiver, LONGEST_NAME),
            external_url: link(&raw.external_url),
            alerts: alerts.map(|(at, alert)| alert.read(at)).collect::<Result<_, _>>()?,
        })
    }
}

impl RawAlert {
    fn read(self, at: usize) -> Result<Said, NotificationError> {
        let is_fingerprint = (1..=LONGEST_FINGERPRINT).contains(&self.fingerprint.len())
            && self.fingerprint.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_fingerprint {
            return Err(NotificationError::Fingerprint(at));
        }
        let texts = |texts| texts_of(texts).ok_or(NotificationError::Labels(at));
        Ok(Said {
            fingerprint: self.fingerprint,
            is_firing: self.status == Status::Firing,
            labels: texts(self.labels)?,
            annotations: texts(self.annotations.unwrap_or_default())?,
            starts: date(&self.starts_at),
            ends: date(&self.ends_at),
            generator_url: link(&self.generator_url),
        })
    }
}

/// `None` when there are too many, or one with too long a name.
fn texts_of(raw: BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    let is_short = |name: &String| (1..=LONGEST_NAME).contains(&name.chars().count());
    if raw.len() > MOST_LABELS || !raw.keys().all(is_short) {
        return None;
    }
    let clean = |(name, value): (String, String)| {
        (clean_text(&name, LONGEST_NAME), clean_text(&value, LONGEST_VALUE))
    };
    Some(raw.into_iter().map(clean).collect())
}

/// Go's zero date, of what has not come yet, lies before 1970.
fn date(text: &str) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(parse_date(text)?)
}

/// Only what leads to a page: nothing that a browser would run.
fn link(text: &str) -> Option<String> {
    let is_web = text.starts_with("http://") || text.starts_with("https://");
    let is_whole = text.len() <= LONGEST_LINK && clean_text(text, LONGEST_LINK) == text;
    (is_web && is_whole).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// As Alertmanager 0.27 sends it.
    fn payload() -> Value {
        json!({
            "receiver": "transom", "status": "firing", "groupKey": "{}:{alertname=\"A\"}",
            "truncatedAlerts": 0, "externalURL": "http://alertmanager:9093",
            "groupLabels": { "alertname": "A" }, "commonLabels": {}, "commonAnnotations": {},
            "version": "4",
            "alerts": [{
                "status": "firing",
                "labels": { "alertname": "A", "severity": "critical", "instance": "h:1" },
                "annotations": { "summary": "It \u{202e}burns" },
                "startsAt": "2026-01-01T02:00:00.25+02:00",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
                "fingerprint": "c1cd8a9b7ae3e4d5"
            }]
        })
    }

    fn read(payload: &Value) -> Result<Notification, String> {
        Notification::read(payload.to_string().as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_notification_is_read_as_it_is_sent() {
        let Notification { receiver, external_url, alerts } = read(&payload()).unwrap();
        assert_eq!((&*receiver, &*external_url.unwrap()), ("transom", "http://alertmanager:9093"));
        let [alert] = &alerts[..] else { panic!("{alerts:?}") };
        assert!(alert.is_firing && alert.ends.is_none());
        let starts = humantime::format_rfc3339_millis(alert.starts.unwrap()).to_string();
        assert_eq!(starts, "2026-01-01T00:00:00.250Z");
        assert_eq!(
            (&*alert.labels["severity"], &*alert.annotations["summary"]),
            ("critical", "It burns")
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_words() {
        let with = |pointer: &str, value: Value| {
            let mut payload = payload();
            *payload.pointer_mut(pointer).unwrap() = value;
            read(&payload).unwrap_err()
        };
        assert!(read(&json!({ "alerts": [] })).unwrap_err().contains("missing field `version`"));
        assert!(with("/version", json!("3")).contains("version is \"3\""));
        assert!(with("/alerts/0/status", json!("gone")).contains("unknown variant `gone`"));
        assert!(with("/alerts/0/labels/severity", json!(1)).contains("expected a string"));
        assert!(with("/alerts/0/fingerprint", json!("a b")).contains("alerts[0].fingerprint"));
        assert!(with("/alerts", json!(vec![payload()["alerts"][0].clone(); 501])).contains("501"));
        let labels: BTreeMap<_, _> = (0..49).map(|n| (format!("l{n}"), "v")).collect();
        assert!(with("/alerts/0/labels", json!(labels)).contains("alerts[0] has too many labels"));
    }

    #[test]
    fn only_links_to_pages_are_links_and_long_texts_are_cut() {
        let mut payload = payload();
        for harmful in ["javascript:alert(1)", "data:text/html,x", "", "http://h/\u{202e}x"] {
            payload["alerts"][0]["generatorURL"] = json!(harmful);
            assert_eq!(read(&payload).unwrap().alerts[0].generator_url, None, "{harmful}");
        }
        payload["alerts"][0]["annotations"]["summary"] = json!("x".repeat(5_000));
        assert_eq!(read(&payload).unwrap().alerts[0].annotations["summary"].len(), LONGEST_VALUE);
    }
}
