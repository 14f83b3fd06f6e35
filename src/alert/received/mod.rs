//! The alerts that an Alertmanager has sent, by their fingerprints, each for as long as it may be
//! true.
//!
//! | file | owns |
//! |---|---|
//! | `payload` | what is sent |
//!
//! Must not know: who may send, or what this proxy finds itself.

mod payload;

pub use payload::{Notification, NotificationError};

use super::{Source, Standing, Transition, as_rfc3339, as_rfc3339_or_null};
use payload::Said;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// Alerts that are kept.
const MOST: usize = 500;
/// How long a resolved alert is shown.
const SHOWN: Duration = Duration::from_secs(15 * 60);
/// How long an alert is believed that is not repeated: as long as an Alertmanager itself keeps
/// what it knows by default (`--data.retention`), so any sensible `repeat_interval` is shorter.
const BELIEVED: Duration = Duration::from_secs(120 * 3600);

/// An alert of somebody else's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceivedAlert {
    /// Firing or resolved.
    #[serde(rename = "state")]
    pub standing: Standing,
    /// What tells it from others.
    pub fingerprint: String,
    /// What is known of it; among it `alertname` and `severity`.
    pub labels: BTreeMap<String, String>,
    /// What is said about it.
    pub annotations: BTreeMap<String, String>,
    /// Since when it fires, as the sender says.
    #[serde(serialize_with = "as_rfc3339")]
    pub since: SystemTime,
    /// Since when it does not any more.
    #[serde(serialize_with = "as_rfc3339_or_null")]
    pub until: Option<SystemTime>,
    /// Where it comes from: `http` or `https`.
    pub generator_url: Option<String>,
    /// The Alertmanager that sent it: `http` or `https`.
    pub external_url: Option<String>,
    /// What it calls us.
    pub receiver: String,
    /// When it was sent last.
    #[serde(serialize_with = "as_rfc3339")]
    pub heard: SystemTime,
}

/// What became of a notification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Alerts that fire.
    pub firing: usize,
    /// Alerts that do not any more.
    pub resolved: usize,
    /// Alerts that there was no room for.
    pub left_out: usize,
}

/// All of them.
#[derive(Default)]
pub(super) struct Received {
    alerts: BTreeMap<String, ReceivedAlert>,
    left_out: u64,
}

impl Received {
    /// Takes what is said at `now`, and notes what is new in it.
    pub(super) fn take(
        &mut self,
        notification: Notification,
        now: SystemTime,
        mut note: impl FnMut(Transition),
    ) -> Taken {
        let Notification { receiver, external_url, alerts } = notification;
        let mut taken = Taken::default();
        for said in alerts {
            let alert = ReceivedAlert::new(said, (&receiver, external_url.as_deref()), now);
            let known = self.alerts.get(&alert.fingerprint);
            let is_new = known.is_none_or(|known| known.standing != alert.standing);
            if known.is_none() && !self.has_room() {
                taken.left_out += 1;
                self.left_out += 1;
                continue;
            }
            match alert.standing {
                Standing::Resolved => taken.resolved += 1,
                Standing::Firing | Standing::Pending => taken.firing += 1,
            }
            if is_new {
                note(alert.transition(now));
            }
            self.alerts.insert(alert.fingerprint.clone(), alert);
        }
        taken
    }

    /// Forgets what has been over for a while, and what nobody has repeated for days.
    pub(super) fn expire(&mut self, now: SystemTime) {
        self.alerts.retain(|_, alert| {
            let ago = now.duration_since(alert.heard).unwrap_or_default();
            ago < if alert.standing == Standing::Resolved { SHOWN } else { BELIEVED }
        });
    }

    /// All, those that fire first, by urgency, the latest first.
    pub(super) fn all(&self) -> Vec<ReceivedAlert> {
        let mut alerts: Vec<ReceivedAlert> = self.alerts.values().cloned().collect();
        let order = |alert: &ReceivedAlert| (alert.standing, alert.urgency());
        alerts.sort_by(|a, b| order(a).cmp(&order(b)).then(b.since.cmp(&a.since)));
        alerts
    }

    /// How many fire.
    pub(super) fn firing(&self) -> usize {
        self.alerts.values().filter(|alert| alert.standing == Standing::Firing).count()
    }

    /// How many there was no room for, ever.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// What is over makes room, the oldest first.
    fn has_room(&mut self) -> bool {
        if self.alerts.len() < MOST {
            return true;
        }
        let over = self.alerts.values().filter(|alert| alert.standing == Standing::Resolved);
        let oldest = over.min_by_key(|alert| alert.heard).map(|alert| alert.fingerprint.clone());
        oldest.is_some_and(|oldest| self.alerts.remove(&oldest).is_some())
    }
}

impl ReceivedAlert {
    fn new(said: Said, (receiver, url): (&str, Option<&str>), now: SystemTime) -> Self {
        Self {
            standing: if said.is_firing { Standing::Firing } else { Standing::Resolved },
            fingerprint: said.fingerprint,
            labels: said.labels,
            annotations: said.annotations,
            since: said.starts.unwrap_or(now),
            until: if said.is_firing { None } else { Some(said.ends.unwrap_or(now)) },
            generator_url: said.generator_url,
            external_url: url.map(str::to_owned),
            receiver: receiver.to_owned(),
            heard: now,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.labels.get("alertname").map_or("alert", String::as_str)
    }

    /// How urgent its sender finds it; empty when it does not say.
    pub fn severity(&self) -> &str {
        self.labels.get("severity").map_or("", String::as_str)
    }

    /// What is said about it.
    pub fn summary(&self) -> &str {
        let said = ["summary", "description", "message"].map(|name| self.annotations.get(name));
        said.into_iter().flatten().next().map_or("", String::as_str)
    }

    /// By the words that are common: the most urgent first.
    pub fn urgency(&self) -> u8 {
        match self.severity() {
            "critical" | "page" | "emergency" => 0,
            "warning" | "ticket" | "error" => 1,
            _ => 2,
        }
    }

    fn transition(&self, at: SystemTime) -> Transition {
        let about = ["slo", "model", "upstream", "job", "instance"];
        let about: Vec<&str> =
            about.iter().filter_map(|name| Some(self.labels.get(*name)?.as_str())).collect();
        Transition {
            at,
            source: Source::Alertmanager,
            name: self.name().to_owned(),
            about: about.join(" "),
            severity: self.severity().to_owned(),
            firing: self.standing == Standing::Firing,
            summary: self.summary().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::UNIX_EPOCH;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
    }

    fn say(
        received: &mut Received,
        status: &str,
        numbers: std::ops::Range<u32>,
        now: u64,
    ) -> (Taken, usize) {
        let alert = |number: u32| {
            json!({ "status": status, "labels": { "alertname": format!("A{number}") },
                    "fingerprint": format!("{number:x}") })
        };
        let alerts: Vec<_> = numbers.map(alert).collect();
        let payload = json!({ "version": "4", "alerts": alerts }).to_string();
        let mut noted = 0;
        let notification = Notification::read(payload.as_bytes()).unwrap();
        (received.take(notification, at(now), |_| noted += 1), noted)
    }

    #[test]
    fn what_is_repeated_is_one_alert_and_what_is_resolved_goes_after_a_while() {
        let mut received = Received::default();
        assert_eq!(say(&mut received, "firing", 0..2, 0).1, 2);
        assert_eq!(say(&mut received, "firing", 0..2, 60).1, 0);
        assert_eq!((received.all().len(), received.firing()), (2, 2));
        assert_eq!(say(&mut received, "resolved", 0..1, 120).1, 1);
        assert_eq!((received.all().len(), received.firing()), (2, 1));
        received.expire(at(120 + 899));
        assert_eq!(received.all().len(), 2);
        received.expire(at(120 + 900));
        assert_eq!(received.all().len(), 1);
        received.expire(at(60 + 120 * 3600));
        assert_eq!(received.all().len(), 0, "nobody has repeated it for days");
    }

    #[test]
    fn there_is_room_for_so_many_and_what_is_over_makes_room() {
        let mut received = Received::default();
        say(&mut received, "firing", 0..500, 0);
        let (taken, noted) = say(&mut received, "firing", 498..510, 1);
        assert_eq!((taken, noted), (Taken { firing: 2, resolved: 0, left_out: 10 }, 0));
        assert_eq!(received.left_out(), 10);
        say(&mut received, "resolved", 0..1, 2);
        let (taken, _) = say(&mut received, "firing", 600..602, 3);
        assert_eq!((taken.firing, taken.left_out), (1, 1));
        assert_eq!((received.all().len(), received.firing()), (500, 500));
    }
}
