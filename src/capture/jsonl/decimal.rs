//! Decimal numbers with nine digits after the point, exact.
//!
//! JSON has no limit on digits, and a binary fraction of a second or a dollar is not what was
//! meant. Must not know: which member a number is of.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::fmt;
use std::time::Duration;

/// A number that is not negative, in billionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::capture) struct Billionths(pub(in crate::capture) u128);

const DIGITS: usize = 9;
const ONE: u128 = 1_000_000_000;
/// Digits after the point beyond which none can matter.
const MOST_DIGITS: usize = 24;

impl Billionths {
    /// Reads a number of JSON (RFC 8259 §6), rounded to the nearest billionth; `None` for
    /// anything else, what is negative and what is too large.
    pub(in crate::capture) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let fraction = fraction.get(..MOST_DIGITS).unwrap_or(fraction);
        let digits = format!("{whole}{fraction}");
        if whole.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let number: u128 = digits.parse().ok()?;
        let shift = exponent.checked_add(DIGITS as i32)?.checked_sub(fraction.len() as i32)?;
        let power = 10_u128.checked_pow(shift.unsigned_abs());
        if shift >= 0 {
            return match number {
                0 => Some(Self(0)),
                _ => number.checked_mul(power?).map(Self),
            };
        }
        let Some(power) = power else { return Some(Self(0)) };
        Some(Self(number / power + u128::from(number % power >= power.div_ceil(2))))
    }

    /// As a span of time, in seconds.
    pub(in crate::capture) fn seconds(self) -> Option<Duration> {
        let nanoseconds = u32::try_from(self.0 % ONE).ok()?;
        Some(Duration::new(u64::try_from(self.0 / ONE).ok()?, nanoseconds))
    }
}

impl From<Duration> for Billionths {
    fn from(seconds: Duration) -> Self {
        Self(seconds.as_nanos())
    }
}

impl fmt::Display for Billionths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / ONE, self.0 % ONE);
        if fraction == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{fraction:09}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl Serialize for Billionths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = RawValue::from_string(self.to_string()).map_err(S::Error::custom)?;
        number.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Billionths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(number.get())
            .ok_or_else(|| D::Error::custom("a number is negative, too large or none"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_however_they_are_written() {
        for (text, billionths, written) in [
            ("0", 0, "0"),
            ("1.5", 1_500_000_000, "1.5"),
            ("1767225600.123456789", 1_767_225_600_123_456_789, "1767225600.123456789"),
            ("15e-7", 1500, "0.0000015"),
            ("1.5E+3", 1_500_000_000_000, "1500"),
            ("0.0000000005", 1, "0.000000001"),
            ("0.00000000049", 0, "0"),
            ("1e-400", 0, "0"),
            ("0e400", 0, "0"),
            ("0.10000000000000000000000000000000000000000000001", 100_000_000, "0.1"),
        ] {
            let read = Billionths::parse(text);
            assert_eq!(read, Some(Billionths(billionths)), "{text}");
            assert_eq!(Billionths(billionths).to_string(), written);
        }
        for bad in ["-1", "", ".5", "1e300", "NaN", "0x1", "\"1\"", "1e99999999999", "null", "1 2"]
        {
            assert_eq!(Billionths::parse(bad), None, "{bad}");
        }
    }
}
