//! What is wrong now: error budgets that burn, endpoints that fail, and what an Alertmanager
//! says.
//!
//! | file | owns |
//! |---|---|
//! | `subject` | what an alert is about |
//! | `facts` | what is known of it, and in which words it is told |
//! | `standing` | an alert, and how it is told |
//! | `budgets` | what the reports on error budgets say is wrong |
//! | `endpoints` | which endpoints fail, from the attempts of finished requests |
//! | `book` | the alerts: pending, firing, resolved |
//! | `received` | the alerts of others |
//! | `log` | what became of them, lately |
//!
//! All of it is in memory: after a restart, what is still wrong fires again. Must not know:
//! pages, who is told, configuration.

mod book;
mod budgets;
mod endpoints;
mod facts;
mod log;
mod received;
mod standing;
mod subject;

pub use book::AlertBook;
pub use endpoints::EndpointWatch;
pub use facts::{BudgetFacts, EndpointFacts, Facts, Finding};
pub use log::{Source, Transition};
pub use received::{Notification, NotificationError, ReceivedAlert, Taken};
pub use standing::{Alert, Standing};
pub use subject::Subject;

use std::time::{SystemTime, UNIX_EPOCH};

/// A date as it is written in JSON, to the millisecond (RFC 3339).
pub fn rfc3339(date: SystemTime) -> String {
    humantime::format_rfc3339_millis(date.max(UNIX_EPOCH)).to_string()
}

/// The same, for serde.
fn as_rfc3339<S: serde::Serializer>(date: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&rfc3339(*date))
}

/// The same of a date that may not have come.
fn as_rfc3339_or_null<S: serde::Serializer>(
    date: &Option<SystemTime>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match date {
        Some(date) => as_rfc3339(date, to),
        None => to.serialize_none(),
    }
}
