//! A run as a whole.
//!
//! Must not know: how it was made, or where it is written.

use super::figures::Figures;
use super::judge::judge;
use super::tally::{Objectives, Tally};
use crate::replay::{PlanHead, Validity};
use crate::types::{Clock, Micros};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The id of a run: 1 to 64 letters, digits, `-` and `_`, so that it can name a directory and
/// stand in a header. Those that are made here sort by time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

/// What a run was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunHead {
    /// The version of this format: 1.
    pub version: u32,
    /// Its id, which is the mark on its requests too.
    pub id: RunId,
    /// When it began, since 1970.
    pub began: Micros,
    /// Where requests went, without credentials.
    pub target: String,
    /// The version of the program that ran it.
    pub program: String,
    /// What it was going to do.
    pub plan: PlanHead,
    /// What the plan's file says of itself: BLAKE3, in hexadecimal.
    pub plan_digest: String,
    /// What a good answer is.
    pub objectives: Objectives,
    /// The model that was asked for instead of the recorded ones.
    pub model: Option<String>,
    /// How long an answer was waited for.
    pub timeout: Micros,
    /// Requests that might be in flight at a time.
    pub in_flight: u32,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunResult {
    /// What it was.
    pub head: RunHead,
    /// Whether the figures count.
    pub validity: Validity,
    /// The figures.
    pub figures: Figures,
    /// The sums that they are read off.
    pub tally: Tally,
}

impl RunResult {
    /// Judges a run and reads off its figures.
    pub fn of(head: RunHead, tally: Tally) -> Self {
        let validity = judge(&head.plan, &tally);
        Self { validity, figures: Figures::of(&tally), head, tally }
    }
}

impl RunId {
    /// The id of a run that begins now; `random` tells apart those of one second.
    pub fn mint(clock: Clock, random: u64) -> Self {
        let since = clock.date().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::at(since, random)
    }

    /// Reads an id.
    pub fn parse(text: &str) -> Option<Self> {
        let harmless = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let well_formed = (1..=64).contains(&text.len()) && text.bytes().all(harmless);
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn at(since: Duration, random: u64) -> Self {
        let date = SystemTime::UNIX_EPOCH + since;
        // 2025-11-21T15:45:12Z
        let date = humantime::format_rfc3339_seconds(date).to_string();
        let digits: String = date.chars().filter(char::is_ascii_digit).collect();
        let (day, time) = digits.split_at_checked(8).unwrap_or((&digits, ""));
        Self(format!("{day}-{time}-{:06x}", random & 0x00ff_ffff))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl TryFrom<String> for RunId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("the id of a run is 1 to 64 letters, digits, `-` and `_`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_leave_no_directory() {
        let id = RunId::at(Duration::from_secs(1_763_739_912), 0xabcdef12);
        assert_eq!(id.as_str(), "20251121-154512-cdef12");
        assert_eq!(RunId::parse(id.as_str()), Some(id));
        for bad in ["", "..", "a/b", "a b", "é", &"x".repeat(65)] {
            assert_eq!(RunId::parse(bad), None, "{bad}");
        }
    }
}
