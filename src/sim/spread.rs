//! A latency that varies: exact, even over a range, or log-normal around a median.
//!
//! Must not know: what waits for it.

use crate::sim::SettingError;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A distribution of durations, each at most [`Spread::MAX`].
///
/// On the command line, in milliseconds: `200` is exact, `150..400` even over the range, and
/// `~250` log-normal around that median with sigma 0.3, the skewed shape of real servers
/// (nine draws in ten lie between 0.6 and 1.6 times the median).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread(Shape);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Exact(Duration),
    Even { least: Duration, most: Duration },
    Around { median: Duration },
}

const SIGMA: f64 = 0.3;

impl Spread {
    /// No draw is longer.
    pub const MAX: Duration = Duration::from_secs(3600);

    /// Always `latency`.
    pub fn exact(latency: Duration) -> Self {
        Self(Shape::Exact(latency.min(Self::MAX)))
    }

    /// Log-normal around `median` with sigma 0.3.
    pub fn around(median: Duration) -> Self {
        Self(Shape::Around { median: median.min(Self::MAX) })
    }

    pub(super) fn draw(self, rng: &mut fastrand::Rng) -> Duration {
        match self.0 {
            Shape::Exact(latency) => latency,
            Shape::Even { least, most } => least + (most - least).mul_f64(rng.f64()),
            Shape::Around { median } => {
                let factor = (SIGMA * standard_normal(rng)).exp();
                median.mul_f64(factor).min(Self::MAX)
            }
        }
    }
}

/// Box and Muller, 1958. At most 9 in size, since `rng.f64()` has 53 bits.
fn standard_normal(rng: &mut fastrand::Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.f64()).cos()
}

impl FromStr for Spread {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        let shape = if let Some(median) = text.strip_prefix('~') {
            milliseconds(median).map(|median| Shape::Around { median })
        } else if let Some((least, most)) = text.split_once("..") {
            milliseconds(least)
                .zip(milliseconds(most))
                .filter(|(least, most)| least <= most)
                .map(|(least, most)| Shape::Even { least, most })
        } else {
            milliseconds(text).map(Shape::Exact)
        };
        shape.map(Self).ok_or_else(|| {
            SettingError::new(
                text,
                "a latency: milliseconds as `200`, a range as `150..400`, \
                 or `~250` to vary around that median; at most one hour",
            )
        })
    }
}

fn milliseconds(text: &str) -> Option<Duration> {
    let milliseconds: f64 = text.trim().parse().ok()?;
    let latency = Duration::try_from_secs_f64(milliseconds / 1e3).ok()?;
    (latency <= Spread::MAX).then_some(latency)
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |latency: Duration| latency.as_secs_f64() * 1e3;
        match self.0 {
            Shape::Exact(latency) => write!(f, "{}", shown(latency)),
            Shape::Even { least, most } => write!(f, "{}..{}", shown(least), shown(most)),
            Shape::Around { median } => write!(f, "~{}", shown(median)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(text: &str) -> Vec<Duration> {
        let (spread, mut rng): (Spread, _) = (text.parse().unwrap(), fastrand::Rng::with_seed(5));
        (0..10_000).map(|_| spread.draw(&mut rng)).collect()
    }

    #[test]
    fn a_number_is_exact() {
        assert!(draws("0.5").iter().all(|latency| *latency == Duration::from_micros(500)));
    }

    #[test]
    fn a_range_is_kept_and_filled() {
        let drawn = draws("150..400");
        let (least, most) = (drawn.iter().min().unwrap(), drawn.iter().max().unwrap());
        assert!((150..155).contains(&least.as_millis()), "{least:?}");
        assert!((395..=400).contains(&most.as_millis()), "{most:?}");
    }

    #[test]
    fn a_tilde_gives_the_median_and_a_longer_tail_above_it() {
        let mut drawn = draws("~250");
        drawn.sort();
        let at = |share: usize| drawn[drawn.len() * share / 100].as_millis();
        assert!((240..260).contains(&at(50)), "{}", at(50));
        assert!((140..165).contains(&at(5)), "{}", at(5));
        assert!((390..430).contains(&at(95)), "{}", at(95));
    }

    #[test]
    fn latencies_are_shown_as_they_are_read() {
        for text in ["0", "200", "0.25", "150..400", "~250", "3600000"] {
            assert_eq!(text.parse::<Spread>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_grammar() {
        for bad in ["", "fast", "-1", "~", "5..", "400..150", "inf", "NaN", "3600001", "10ms"] {
            let error = bad.parse::<Spread>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{bad}` is not a latency")), "{error}");
        }
    }
}
