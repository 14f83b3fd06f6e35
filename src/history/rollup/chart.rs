//! What charts and tables are made of: points of time, cells of a heatmap, sums of a period.
//!
//! Where nothing is known of a time, there is nothing: a gap is not zero. Must not know: how
//! any of it is drawn.

use super::buckets::{BUCKETS, Quantity};
use super::period::{Columns, Period, Step};
use super::tally::Tally;
use super::{Rollups, Unavailable};
use std::ops::Range;
use std::time::{Duration, SystemTime};

/// Points in time, in order, one for each step of the period.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// How far apart they are.
    pub step: Step,
    /// The points.
    pub points: Vec<Point>,
}

/// A step of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// When it begins.
    pub from: SystemTime,
    /// How long it has lasted; less than a step for the one in progress.
    pub lasts: Duration,
    /// What happened; `None` where nothing is known, since there was no proxy.
    pub tally: Option<Tally>,
}

/// How many requests took how long, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heatmap {
    /// What was measured.
    pub quantity: Quantity,
    /// When each column begins, and when the last one ends.
    pub dates: Vec<SystemTime>,
    /// By column, requests by bucket, of which [`Quantity::bucket`] tells the bounds; `None`
    /// where nothing is known.
    pub columns: Vec<Option<[u64; BUCKETS]>>,
}

impl Point {
    /// Requests a second.
    pub fn requests_per_second(&self) -> Option<f64> {
        self.per_second(Tally::requests)
    }

    /// Generated tokens a second.
    pub fn tokens_per_second(&self) -> Option<f64> {
        self.per_second(Tally::tokens_out)
    }

    /// What an hour like this step costs, in dollars.
    pub fn cost_per_hour(&self) -> Option<f64> {
        let tally = self.tally.as_ref().filter(|_| !self.lasts.is_zero())?;
        Some(tally.cost().dollars() * 3_600.0 / self.lasts.as_secs_f64())
    }

    fn per_second(&self, sum: impl Fn(&Tally) -> u64) -> Option<f64> {
        let tally = self.tally.as_ref().filter(|_| !self.lasts.is_zero())?;
        Some(sum(tally) as f64 / self.lasts.as_secs_f64())
    }
}

impl Heatmap {
    /// When the requests of a column ended, to look for those of a cell.
    pub fn ended(&self, column: usize) -> Option<Range<SystemTime>> {
        Some(*self.dates.get(column)?..*self.dates.get(column + 1)?)
    }

    /// The most that is in any cell.
    pub fn most(&self) -> u64 {
        self.columns.iter().flatten().flatten().copied().max().unwrap_or_default()
    }

    /// The buckets that hold anything, from the first to the last; empty where none does.
    pub fn buckets(&self) -> Range<usize> {
        let holds =
            |bucket: &usize| self.columns.iter().flatten().any(|counts| counts[*bucket] > 0);
        let first = (0..BUCKETS).find(holds).unwrap_or_default();
        first..(first..BUCKETS).rfind(holds).map_or(first, |last| last + 1)
    }
}

impl Rollups {
    /// What happened to `model`, or to all, step by step. A period of too many steps is cut off
    /// at its beginning, to the last 3,000.
    ///
    /// # Errors
    /// As all questions, when the shelf fails or is busy for too long.
    pub fn series(
        &self,
        model: Option<&str>,
        period: &Period,
        step: Step,
    ) -> Result<Series, Unavailable> {
        let columns = period.columns(step.minutes(), step.span());
        let (tallies, now) = (self.tallies(model, &columns)?, self.clock.date());
        let point = |(from, tally)| {
            let so_far = now.duration_since(from).unwrap_or_default();
            Point { from, lasts: step.length().min(so_far), tally }
        };
        let points = columns.dates().into_iter().zip(tallies).map(point).collect();
        Ok(Series { step, points })
    }

    /// How long requests to `model`, or to all, took over time, in at most so many columns.
    ///
    /// # Errors
    /// As [`Rollups::series`].
    pub fn heatmap(
        &self,
        model: Option<&str>,
        quantity: Quantity,
        (period, columns): (&Period, usize),
    ) -> Result<Heatmap, Unavailable> {
        let span = period.finest(self.clock.date());
        let most = u32::try_from(columns).unwrap_or(u32::MAX).max(1);
        // One more column may be begun where the period does not begin with one.
        let width = period.length().div_ceil(most).next_multiple_of(span.minutes());
        let columns = period.columns(width, span);
        let counts = |tally: Tally| *tally.times(quantity).counts();
        let tallies = self.tallies(model, &columns)?;
        Ok(Heatmap {
            quantity,
            dates: columns.dates(),
            columns: tallies.into_iter().map(|tally| tally.map(counts)).collect(),
        })
    }

    /// All that happened to `model`, or to all, in the shortest slots that are still kept of
    /// the whole period: outcomes, errors by type, the split by upstream, percentiles. `None`
    /// where nothing is known.
    ///
    /// # Errors
    /// As [`Rollups::series`].
    pub fn total(
        &self,
        model: Option<&str>,
        period: &Period,
    ) -> Result<Option<Tally>, Unavailable> {
        let span = period.finest(self.clock.date());
        let columns = period.columns(span.minutes(), span);
        let tallies = self.tallies(model, &columns)?.into_iter().flatten();
        Ok(tallies.reduce(|mut sum, more| {
            sum.add(&more);
            sum
        }))
    }

    fn tallies(
        &self,
        model: Option<&str>,
        columns: &Columns,
    ) -> Result<Vec<Option<Tally>>, Unavailable> {
        let mut tallies = vec![None; columns.len()];
        for (slot, tally) in self.rows(model, (columns.span, columns.slots()))? {
            let column = columns.position(slot).and_then(|at| tallies.get_mut(at));
            if let Some(column) = column {
                column.get_or_insert_with(Tally::default).add(&tally);
            }
        }
        Ok(tallies)
    }
}
