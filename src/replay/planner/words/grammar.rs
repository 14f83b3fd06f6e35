//! Rates, times and numbers as they are typed.
//!
//! Must not know: what schedule they belong to.

use super::WordsError;
use crate::replay::planner::arrivals::MAX_RATE;
use crate::types::Micros;
use std::time::Duration;

/// The longest time that can be said.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);
/// What a rate may end with, and the seconds of it.
const UNITS: [(&str, f64); 4] = [("/s", 1.0), ("/min", 60.0), ("/m", 60.0), ("/h", 3_600.0)];
/// The most that may be sent at a time, and the most stages.
const MAX_CONCURRENCY: u32 = 100_000;
const MAX_STAGES: usize = 1_000;

/// A word with the name of its flag and what may be said there.
#[derive(Clone, Copy)]
pub(super) struct Flag(pub(super) &'static str, pub(super) &'static str);

impl Flag {
    pub(super) fn unreadable(self, given: &str) -> WordsError {
        WordsError::Unreadable { flag: self.0, given: given.to_owned(), wanted: self.1 }
    }

    /// A time above 0.
    pub(super) fn time(self, text: &str) -> Result<Micros, WordsError> {
        let time = self.any_time(text)?;
        if time == Micros(0) { Err(self.unreadable(text)) } else { Ok(time) }
    }

    /// A time that may be 0.
    pub(super) fn any_time(self, text: &str) -> Result<Micros, WordsError> {
        let time = humantime::parse_duration(text.trim()).ok().filter(|time| *time <= YEAR);
        time.map(Micros::from).ok_or_else(|| self.unreadable(text))
    }

    /// Requests a second; 0 is one, too.
    pub(super) fn rate(self, text: &str) -> Option<f64> {
        let text = text.trim();
        let with_unit = UNITS.iter().find_map(|(unit, of)| Some((text.strip_suffix(unit)?, *of)));
        let (digits, seconds) = with_unit.unwrap_or((text, 1.0));
        number(digits).map(|number| number / seconds).filter(|rate| *rate <= MAX_RATE)
    }

    /// What comes before `word`, and the time after it.
    pub(super) fn timed<'a>(
        self,
        text: &'a str,
        word: &str,
    ) -> Result<(&'a str, Option<Micros>), WordsError> {
        let Some((before, time)) = text.split_once(word) else { return Ok((text, None)) };
        let time = self.time(time).map_err(|_| self.unreadable(text))?;
        Ok((before, Some(time)))
    }

    /// Two rates with `..` between them. Where the first one has no unit, it has that of the
    /// second one.
    pub(super) fn range(self, text: &str) -> Option<(f64, f64)> {
        let (from, to) = text.split_once("..")?;
        Some((self.rate(&with_unit_of(from, to))?, self.rate(to)?))
    }

    /// Rates above 0 with commas between them. Those without a unit have that of the last one.
    pub(super) fn rates(self, text: &str) -> Option<Vec<f64>> {
        let last = text.rsplit(',').next()?;
        let rate = |text| self.rate(&with_unit_of(text, last)).filter(|rate| *rate > 0.0);
        let rates: Option<Vec<f64>> = text.split(',').map(rate).collect();
        rates.filter(|rates| rates.len() <= MAX_STAGES)
    }

    /// Numbers of requests at a time, and how many there are each.
    pub(super) fn counts(self, text: &str) -> Result<(Vec<u32>, Option<u64>), WordsError> {
        let (counts, each) = match text.split_once(" each ") {
            None => (text, None),
            Some((counts, each)) => {
                let each = each.trim().parse().ok().filter(|each| *each > 0);
                (counts, Some(each.ok_or_else(|| self.unreadable(text))?))
            }
        };
        let is_count = |count: &u32| (1..=MAX_CONCURRENCY).contains(count);
        let count = |text: &str| text.trim().parse().ok().filter(is_count);
        let counts: Option<Vec<u32>> = counts.split(',').map(count).collect();
        let counts = counts.filter(|counts| counts.len() <= MAX_STAGES);
        Ok((counts.ok_or_else(|| self.unreadable(text))?, each))
    }
}

/// A decimal number that is not below 0: digits, perhaps with a point.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_plain = text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|number: &f64| is_plain && number.is_finite())
}

fn with_unit_of(text: &str, other: &str) -> String {
    match other.split_once('/') {
        Some((_, unit)) if !text.contains('/') => format!("{}/{}", text.trim(), unit.trim()),
        _ => text.to_owned(),
    }
}
