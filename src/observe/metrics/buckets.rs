//! The upper bounds of histograms: the usual ones and every limit that an objective draws.
//!
//! Must not know: which metric uses which.

use super::exposition::Exposition;
use super::lines;
use super::names::Kind;
use crate::observe::{Indicator, SloSettings};
use std::time::Duration;

/// A set of upper bounds, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buckets {
    /// Waiting for the first token, or in the queue before it.
    FirstToken,
    /// Whole requests.
    EndToEnd,
    /// One output token.
    PerToken,
    /// Between two chunks of a stream.
    InterChunk,
    /// The longest silence of a stream.
    MaxGap,
    /// Transom's own share.
    Overhead,
    /// Whole requests that the cache answered, from memory at once to replayed at a pace.
    Cached,
}

/// Upper bounds between chunks, in seconds. No limit is added to them: every stream counts
/// its own gaps by these, in an array of fixed size.
pub const INTER_CHUNK_SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Upper bounds of token counts: powers of four.
pub const TOKEN_BOUNDS: [f64; 12] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
];

impl Buckets {
    /// The usual upper bounds, ascending, without +Inf: a superset of those that the GenAI
    /// semantic conventions advise.
    pub const fn usual(self) -> &'static [f64] {
        match self {
            Self::FirstToken => &[
                0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 7.5, 10.0, 15.0, 20.0,
                30.0, 60.0, 120.0,
            ],
            Self::EndToEnd => &[
                0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0,
                600.0, 1800.0,
            ],
            Self::PerToken | Self::InterChunk => &INTER_CHUNK_SECONDS,
            Self::MaxGap => &[0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0],
            Self::Overhead => {
                &[0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25]
            }
            Self::Cached => &[
                0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
            ],
        }
    }

    /// The limit that `indicator` draws among values of this kind. A histogram that has it
    /// as a bound tells exactly how many requests kept it.
    fn limit_of(self, indicator: Indicator) -> Option<Duration> {
        match (self, indicator) {
            (Self::FirstToken, Indicator::FirstToken(limit))
            | (Self::PerToken, Indicator::PerToken(limit))
            | (Self::EndToEnd, Indicator::Latency(limit)) => Some(limit),
            (Self::FirstToken, Indicator::Goodput(limits)) => limits.first_token,
            (Self::PerToken, Indicator::Goodput(limits)) => limits.per_token,
            (Self::EndToEnd, Indicator::Goodput(limits)) => limits.latency,
            _ => None,
        }
    }
}

/// The upper bounds of one histogram family. Counting compares whole numbers, so that a
/// value on a bound is never on the wrong side of it.
#[derive(Debug)]
pub struct Bounds {
    exported: Box<[f64]>,
    /// The same in nanoseconds or tokens.
    units: Box<[u64]>,
    /// As each format writes them, +Inf included.
    written: [Box<[String]>; Exposition::ALL.len()],
}

impl Bounds {
    /// The bounds of a histogram of this `kind`, with the limits of `objectives`; none for
    /// what is no histogram.
    pub fn of(kind: Kind, objectives: &[SloSettings]) -> Self {
        let scale = kind.units_per_one();
        let usual = kind.usual_bounds().unwrap_or_default().iter();
        let mut units: Vec<u64> = usual.map(|bound| (bound * scale).round() as u64).collect();
        if let Kind::Seconds(buckets) = kind {
            let limits = objectives.iter().filter_map(|slo| buckets.limit_of(slo.indicator));
            units.extend(limits.map(nanoseconds));
        }
        units.sort_unstable();
        units.dedup();
        let exported: Box<[f64]> = units.iter().map(|unit| *unit as f64 / scale).collect();
        let written = Exposition::ALL.map(|exposition| {
            let all = exported.iter().copied().chain([f64::INFINITY]);
            all.map(|bound| lines::bound(bound, exposition)).collect()
        });
        Self { exported, units: units.into(), written }
    }

    /// Ascending, without +Inf, in seconds or tokens.
    pub fn exported(&self) -> &[f64] {
        &self.exported
    }

    /// Ascending, with +Inf, as `exposition` writes them.
    pub fn written(&self, exposition: Exposition) -> &[String] {
        &self.written[exposition as usize]
    }

    /// The position of the bucket that `value`, in nanoseconds or tokens, belongs to.
    pub fn bucket_of(&self, value: u64) -> usize {
        self.units.partition_point(|bound| *bound < value)
    }
}

/// Whole nanoseconds; all of time for what does not fit.
pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Goodput;

    fn objective(indicator: Indicator) -> SloSettings {
        SloSettings { indicator, ..SloSettings::standard() }
    }

    #[test]
    fn usual_bounds_ascend_and_are_exported_as_they_are_written() {
        use Buckets::{Cached, EndToEnd, FirstToken, InterChunk, MaxGap, Overhead, PerToken};
        for buckets in [FirstToken, EndToEnd, PerToken, InterChunk, MaxGap, Overhead, Cached] {
            assert!(buckets.usual().is_sorted(), "{buckets:?}");
            assert_eq!(Bounds::of(Kind::Seconds(buckets), &[]).exported(), buckets.usual());
        }
        assert_eq!(Bounds::of(Kind::Tokens, &[]).exported(), TOKEN_BOUNDS);
    }

    #[test]
    fn limits_of_objectives_become_bounds_of_their_kind_once() {
        let ms = Duration::from_millis;
        let objectives = [
            objective(Indicator::Availability),
            objective(Indicator::FirstToken(ms(1_200))),
            objective(Indicator::FirstToken(ms(1_500))),
            objective(Indicator::PerToken(ms(33))),
            objective(Indicator::Latency(ms(7_300))),
            objective(Indicator::Goodput(Goodput {
                first_token: Some(ms(1_200)),
                per_token: None,
                latency: Some(ms(45_000)),
            })),
        ];
        let added = |buckets: Buckets| {
            let bounds = Bounds::of(Kind::Seconds(buckets), &objectives);
            assert!(bounds.exported().is_sorted());
            let is_new = |bound: &f64| !buckets.usual().contains(bound);
            bounds.exported().iter().copied().filter(is_new).collect::<Vec<_>>()
        };
        assert_eq!(added(Buckets::FirstToken), [1.2]);
        assert_eq!(added(Buckets::PerToken), [0.033]);
        assert_eq!(added(Buckets::EndToEnd), [7.3, 45.0]);
        for fixed in [Buckets::InterChunk, Buckets::MaxGap, Buckets::Overhead, Buckets::Cached] {
            assert!(added(fixed).is_empty(), "{fixed:?}");
        }
    }

    #[test]
    fn a_value_on_a_bound_is_within_it() {
        let bounds = Bounds::of(Kind::Seconds(Buckets::MaxGap), &[]);
        assert_eq!(bounds.bucket_of(nanoseconds(Duration::from_millis(250))), 1);
        assert_eq!(bounds.bucket_of(nanoseconds(Duration::from_nanos(250_000_001))), 2);
        assert_eq!(bounds.bucket_of(u64::MAX), bounds.exported().len());
    }
}
