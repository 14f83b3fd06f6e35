//! An alert of this proxy, and how it is told.
//!
//! Must not know: when it fires.

use super::{Facts, Source, Subject, Transition, as_rfc3339, as_rfc3339_or_null};
use crate::observe::slo::Severity;
use serde::Serialize;
use serde_json::{Value, json};
use std::time::SystemTime;

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Something is wrong, and has been for some time.
    Firing,
    /// Something is wrong since a moment ago.
    Pending,
    /// It is right again.
    Resolved,
}

/// An alert of this proxy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alert {
    /// Where it stands.
    #[serde(rename = "state")]
    pub standing: Standing,
    /// What it is about.
    #[serde(flatten)]
    pub subject: Subject,
    /// Since when something has been wrong.
    #[serde(serialize_with = "as_rfc3339")]
    pub since: SystemTime,
    /// Since when it has been right again.
    #[serde(serialize_with = "as_rfc3339_or_null")]
    pub until: Option<SystemTime>,
    /// What is known of it, or was when it was wrong last.
    #[serde(flatten)]
    pub facts: Facts,
}

impl Alert {
    /// `page` or `ticket`.
    pub const fn severity_word(&self) -> &'static str {
        match self.subject.severity() {
            Severity::Page => "page",
            Severity::Ticket => "ticket",
        }
    }

    /// All of it, for programs.
    pub fn told(&self) -> Value {
        let mut told = json!(self);
        if let Value::Object(members) = &mut told {
            members.insert("name".to_owned(), self.subject.name().into());
            members.insert("severity".to_owned(), self.severity_word().into());
            members.insert("summary".to_owned(), self.sentence().into());
            members.insert("runbook".to_owned(), self.runbook().into());
        }
        told
    }

    /// Where the documentation says what to do.
    pub fn runbook(&self) -> String {
        format!("docs/runbook.md#{}", self.subject.name().to_ascii_lowercase())
    }

    /// What is or was wrong, in a sentence.
    pub fn sentence(&self) -> String {
        match self.standing {
            Standing::Resolved => format!("{}: right again", self.subject.words()),
            _ => format!("{}: {}", self.subject.words(), self.facts.words()),
        }
    }

    /// What goes into the log when it changes.
    pub(super) fn transition(&self, at: SystemTime) -> Transition {
        Transition {
            at,
            source: Source::Transom,
            name: self.subject.name().to_owned(),
            about: self.subject.words(),
            severity: self.severity_word().to_owned(),
            firing: self.standing == Standing::Firing,
            summary: self.facts.words(),
        }
    }
}
