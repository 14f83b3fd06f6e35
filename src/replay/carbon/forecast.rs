//! Forecasts of carbon intensity, in the shapes in which they are published.
//!
//! | shape | from |
//! |---|---|
//! | `[{"from" or "timestamp", "to", "intensity"}]` | a file of one's own |
//! | `{"data": [{"from", "to", "intensity": {"forecast"}}]}`, of a region one `data` deeper | the Carbon Intensity API of Great Britain |
//! | `{"forecast": [{"datetime", "carbonIntensity"}]}` | Electricity Maps, v3 |
//! | `{"data": [{"point_time", "value"}], "meta": {"units"}}`, or the list alone | WattTime, v3 and v2 |
//!
//! Dates are RFC 3339, with or without seconds, and Unix seconds are taken, too. Where an entry
//! does not say when it ends, it does when the next one begins. Must not know: what a forecast
//! is good for.

use serde_json::Value;
use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

/// Most entries: a year in steps of five minutes.
const MAX_SLOTS: usize = 110_000;
/// How deep lists lie inside `data`.
const MAX_DEPTH: u8 = 4;
/// Grams a kilowatt-hour of a pound a megawatt-hour: the avoirdupois pound is 453.59237 g.
const GRAMS: f64 = 0.453_592_37;
/// What entries call their beginning, their end and their value.
const FROM: [&str; 6] = ["from", "timestamp", "datetime", "point_time", "time", "start"];
const TO: [&str; 2] = ["to", "end"];
const VALUE: [&str; 3] = ["intensity", "carbonIntensity", "value"];

/// The carbon intensity of the hours to come.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// In order, without overlaps.
    slots: Vec<Slot>,
    unit: IntensityUnit,
}

/// A time with one value. Times are since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slot {
    pub(super) from: Duration,
    pub(super) to: Duration,
    pub(super) intensity: f64,
}

/// What intensities are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntensityUnit {
    /// Grams of carbon dioxide, or what equals it, a kilowatt-hour.
    GramsPerKwh,
    /// Something else, of which less is better.
    Other,
}

/// Why a forecast cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ForecastError {
    /// It is no JSON.
    #[error("the forecast is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Nothing in it is known.
    #[error("the forecast has no list of entries with a time and an intensity")]
    Unknown,
    /// An entry makes no sense.
    #[error("entry {entry} of the forecast has no {lacks}")]
    Entry {
        /// Counted from 1.
        entry: usize,
        /// What is missing or makes no sense.
        lacks: &'static str,
    },
    /// It is too long.
    #[error("the forecast has more than {MAX_SLOTS} entries")]
    TooLong,
}

impl Forecast {
    /// Reads a forecast in any of the known shapes.
    ///
    /// # Errors
    /// When it has none of them, or holds nothing.
    pub fn read(json: &[u8]) -> Result<Self, ForecastError> {
        let document: Value = serde_json::from_slice(json)?;
        let entries = entries(&document, MAX_DEPTH).ok_or(ForecastError::Unknown)?;
        if entries.len() > MAX_SLOTS {
            return Err(ForecastError::TooLong);
        }
        let units = document.pointer("/meta/units").and_then(Value::as_str);
        let is_watttime = entries.first().is_some_and(|entry| entry.get("point_time").is_some());
        let (unit, factor) = match units {
            Some("lbs_co2_per_mwh") => (IntensityUnit::GramsPerKwh, GRAMS),
            None if !is_watttime => (IntensityUnit::GramsPerKwh, 1.0),
            _ => (IntensityUnit::Other, 1.0),
        };
        let read = |(number, entry)| read(number, entry, factor);
        let read: Result<Vec<_>, _> = (1..).zip(entries).map(read).collect();
        Ok(Self { slots: placed(read?), unit })
    }

    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub(super) fn unit(&self) -> IntensityUnit {
        self.unit
    }
}

impl fmt::Display for IntensityUnit {
    /// As it stands behind a number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GramsPerKwh => f.write_str(" gCO2/kWh"),
            Self::Other => Ok(()),
        }
    }
}

/// The list whose entries have a beginning and a value.
fn entries(value: &Value, depth: u8) -> Option<&Vec<Value>> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::Array(list) => {
            let first = list.first()?;
            let is_entry = FROM.iter().any(|name| first.get(name).is_some())
                && VALUE.iter().any(|name| first.get(name).is_some());
            if is_entry { Some(list) } else { list.iter().find_map(|inner| entries(inner, depth)) }
        }
        Value::Object(members) => {
            let known = ["forecast", "data"].iter().filter_map(|name| members.get(*name));
            known.into_iter().find_map(|inner| entries(inner, depth))
        }
        _ => None,
    }
}

/// An entry, whose end may not be said.
struct Entry {
    from: Duration,
    to: Option<Duration>,
    intensity: f64,
}

fn read(number: usize, entry: &Value, factor: f64) -> Result<Entry, ForecastError> {
    let wrong = |lacks| ForecastError::Entry { entry: number, lacks };
    let named = |names: &[&str]| names.iter().find_map(|name| entry.get(name));
    let from = named(&FROM).and_then(date).ok_or_else(|| wrong("time"))?;
    let to = match named(&TO) {
        None | Some(Value::Null) => None,
        Some(to) => Some(date(to).filter(|to| *to > from).ok_or_else(|| wrong("end after it"))?),
    };
    let value = named(&VALUE).map(|value| value.get("forecast").unwrap_or(value));
    let intensity = value.and_then(Value::as_f64).ok_or_else(|| wrong("intensity"))?;
    Ok(Entry { from, to, intensity: intensity * factor })
}

/// Entries in order, each with an end that is not after the next one's beginning.
fn placed(mut entries: Vec<Entry>) -> Vec<Slot> {
    entries.sort_by_key(|entry| entry.from);
    entries.dedup_by_key(|entry| entry.from);
    // The last one is as long as the one before, where it does not say.
    let mut length = Duration::ZERO;
    let mut slots = Vec::with_capacity(entries.len());
    for (at, Entry { from, to, intensity }) in entries.iter().enumerate() {
        let next = entries.get(at + 1).map(|next| next.from);
        let to = match (to, next) {
            (Some(to), Some(next)) => (*to).min(next),
            (Some(to), None) => *to,
            (None, Some(next)) => next,
            (None, None) => *from + length,
        };
        length = to - *from;
        slots.push(Slot { from: *from, to, intensity: *intensity });
    }
    slots
}

/// Since 1970.
fn date(value: &Value) -> Option<Duration> {
    match value {
        Value::Number(seconds) => Duration::try_from_secs_f64(seconds.as_f64()?).ok(),
        Value::String(text) => rfc3339(text),
        _ => None,
    }
}

/// A date of RFC 3339 with any offset; seconds may be missing, as in `2026-01-01T00:30Z`.
fn rfc3339(text: &str) -> Option<Duration> {
    let (local, offset) = match text.strip_suffix(['Z', 'z']) {
        Some(local) => (local, None),
        None => {
            let sign = text.len().checked_sub(6)?;
            (text.get(..sign)?, Some(text.get(sign..)?))
        }
    };
    let seconds = if local.len() == "2026-01-01T00:30".len() { ":00" } else { "" };
    let date = humantime::parse_rfc3339_weak(&format!("{local}{seconds}Z")).ok()?;
    let local = date.duration_since(UNIX_EPOCH).ok()?;
    let Some(offset) = offset else { return Some(local) };
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let (hours, minutes): (u64, u64) = (hours.parse().ok()?, minutes.parse().ok()?);
    let ahead = Duration::from_secs(hours * 3_600 + minutes * 60);
    match offset.as_bytes().first()? {
        b'+' => local.checked_sub(ahead),
        b'-' => local.checked_add(ahead),
        _ => None,
    }
}
