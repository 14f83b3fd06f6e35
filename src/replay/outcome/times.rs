//! A histogram of durations in microseconds, exact to three digits.
//!
//! Owns how it is written: HdrHistogram V2, in base64, as its other implementations read it.
//! Must not know: what lasted so long.

use crate::types::Micros;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer as V2Deserializer, Serializer as _, V2Serializer};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::io;

/// Longer than this counts as this: a week.
const LONGEST: u64 = 7 * 24 * 3_600 * 1_000_000;
const DIGITS: u8 = 3;

/// Durations.
#[derive(Clone, Debug, Default)]
pub struct Times {
    /// Made for the first one.
    histogram: Option<Histogram<u64>>,
    /// Their sum, so that the mean is exact.
    sum: u64,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    count: u64,
    sum: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hdr: Option<String>,
}

impl Times {
    /// Adds one.
    pub fn record(&mut self, time: Micros) {
        let time = time.0.min(LONGEST);
        // It grows as it must.
        if let Some(histogram) = self.histogram()
            && histogram.record(time).is_ok()
        {
            self.sum = self.sum.saturating_add(time);
        }
    }

    /// Adds all of `other`.
    pub fn add(&mut self, other: &Self) {
        let Some(theirs) = &other.histogram else { return };
        if let Some(ours) = self.histogram()
            && ours.add(theirs).is_ok()
        {
            self.sum = self.sum.saturating_add(other.sum);
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.histogram.as_ref().map_or(0, Histogram::len)
    }

    /// Their mean, in seconds.
    pub fn mean(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| Micros(self.sum).seconds() / count as f64)
    }

    /// The one below which `quantile` of them are, from 0 to 1, in seconds.
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        let histogram = self.histogram.as_ref().filter(|histogram| !histogram.is_empty())?;
        Some(Micros(histogram.value_at_quantile(quantile)).seconds())
    }

    /// The longest, in seconds.
    pub fn max(&self) -> Option<f64> {
        self.quantile(1.0)
    }

    /// The bars of a picture: the upper end of each in seconds, and how many are in it.
    pub fn bars(&self) -> impl Iterator<Item = (f64, u64)> {
        let recorded = self.histogram.iter().flat_map(Histogram::iter_recorded);
        recorded.map(|bar| {
            (Micros(bar.value_iterated_to()).seconds(), bar.count_since_last_iteration())
        })
    }

    fn histogram(&mut self) -> Option<&mut Histogram<u64>> {
        if self.histogram.is_none() {
            // Three digits are always allowed.
            self.histogram = Histogram::new(DIGITS).ok();
        }
        self.histogram.as_mut()
    }
}

impl PartialEq for Times {
    fn eq(&self, other: &Self) -> bool {
        self.count() == other.count() && self.sum == other.sum && self.histogram == other.histogram
    }
}

impl Serialize for Times {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hdr = match &self.histogram {
            None => None,
            Some(histogram) => {
                let mut bytes = Vec::new();
                V2Serializer::new().serialize(histogram, &mut bytes).map_err(S::Error::custom)?;
                Some(STANDARD.encode(bytes))
            }
        };
        Written { count: self.count(), sum: self.sum, hdr }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { sum, hdr, .. } = Written::deserialize(deserializer)?;
        let histogram = hdr.map(|hdr| read(&hdr)).transpose().map_err(D::Error::custom)?;
        Ok(Self { histogram, sum })
    }
}

fn read(base64: &str) -> io::Result<Histogram<u64>> {
    let bytes = STANDARD.decode(base64).map_err(io::Error::other)?;
    let read = V2Deserializer::new().deserialize::<u64, _>(&mut &*bytes);
    let mut histogram = read.map_err(|error| io::Error::other(error.to_string()))?;
    // It may be added to.
    histogram.auto(true);
    Ok(histogram)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(micros: impl IntoIterator<Item = u64>) -> Times {
        let mut times = Times::default();
        micros.into_iter().for_each(|micros| times.record(Micros(micros)));
        times
    }

    #[test]
    fn what_is_read_off_is_exact_to_three_digits() {
        let times = times(1..=100_000);
        for (quantile, expected) in [(0.5, 0.05), (0.95, 0.095), (1.0, 0.1)] {
            let read = times.quantile(quantile).unwrap();
            assert!((read / expected - 1.0).abs() < 0.001, "{read} {expected}");
        }
        assert_eq!(times.mean(), Some(0.050_000_5));
        assert_eq!((Times::default().mean(), Times::default().quantile(0.5)), (None, None));
    }

    #[test]
    fn histograms_add_up_to_that_of_all() {
        let all = times((1..2_000_000).step_by(7));
        let mut sum = times((1..2_000_000).step_by(7).filter(|n| n % 2 == 0));
        sum.add(&times((1..2_000_000).step_by(7).filter(|n| n % 2 == 1)));
        sum.add(&Times::default());
        assert_eq!(sum, all);
    }

    #[test]
    fn they_are_read_as_they_were_written_and_can_grow() {
        for times in [times([]), times([0, 1, 5_000, u64::MAX])] {
            let written = serde_json::to_string(&times).unwrap();
            let mut read: Times = serde_json::from_str(&written).unwrap();
            assert_eq!(read, times);
            read.record(Micros(LONGEST));
            read.add(&self::times([LONGEST]));
            assert_eq!(read.count(), times.count() + 2);
        }
        let broken = "{\"count\":1,\"sum\":1,\"hdr\":\"AAAA\"}";
        assert!(serde_json::from_str::<Times>(broken).is_err());
    }
}
