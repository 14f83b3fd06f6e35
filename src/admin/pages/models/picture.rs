//! The heatmap of a model, and where its cells lead.
//!
//! Must not know: how it is drawn.

use crate::admin::AdminState;
use crate::admin::charts::{Heatmap, Row, clock, heatmap};
use crate::history::rollup::{Heatmap as Cells, Period, Quantity};
use crate::human;
use crate::observe::slo::BudgetReport;
use std::time::Duration;
use url::form_urlencoded::Serializer;

/// Columns of a picture at most.
const COLUMNS: usize = 60;
/// Rows around what is there, so that a change of place is seen.
const MARGIN: usize = 1;

/// The picture; `None` where nothing was measured.
pub(super) fn heatmap_of(
    state: &AdminState,
    model: &str,
    quantity: Quantity,
    (period, base, budgets): (&Period, &str, &[BudgetReport]),
) -> Option<String> {
    let cells = state.history.rollups().heatmap(Some(model), quantity, (period, COLUMNS)).ok()?;
    let buckets = cells.buckets();
    if buckets.is_empty() {
        return None;
    }
    let (low, high) = (buckets.start.saturating_sub(MARGIN), buckets.end + MARGIN - 1);
    let shown: Vec<usize> = (low..=high.min(crate::history::rollup::BUCKETS - 1)).rev().collect();
    let rows = shown.iter().map(|bucket| row(&cells, *bucket)).collect();
    let limit = limit(quantity, budgets).and_then(|(limit, words)| {
        let bucket = shown.iter().position(|bucket| quantity.bucket(*bucket).start < limit)?;
        Some((bucket as f64, words))
    });
    let map = Heatmap { rows, marks: marks(&cells), columns: cells.columns.len(), limit };
    let label = format!("{} of {model} over time, by how many requests", quantity.label());
    Some(heatmap(&map, &label, |row, column| {
        let bucket = shown.get(row).copied().unwrap_or_default();
        link(base, model, (&cells, quantity), (bucket, column))
    }))
}

fn row(cells: &Cells, bucket: usize) -> Row {
    let range = cells.quantity.bucket(bucket);
    let said = |time: Duration| human::brief(&human::seconds(time.as_secs_f64()));
    let counts = cells.columns.iter().map(|column| column.map_or(0, |counts| counts[bucket]));
    let (from, to) = (said(range.start), range.end);
    let range = match to {
        Duration::MAX => format!("{from} and more"),
        to => format!("{from} to {}", said(to)),
    };
    // Every third has room for its name.
    let mark = if bucket.is_multiple_of(3) { from } else { String::new() };
    Row { mark, range, counts: counts.collect() }
}

/// The limit of an objective about this.
fn limit(quantity: Quantity, budgets: &[BudgetReport]) -> Option<(Duration, String)> {
    let kind = match quantity {
        Quantity::FirstToken => "ttft",
        Quantity::Duration => "latency",
        Quantity::PerToken => "tpot",
    };
    let budget = budgets.iter().find(|budget| budget.kind == kind)?;
    let limit = Duration::from_secs_f64(budget.threshold_seconds?);
    let said = human::brief(&human::seconds(limit.as_secs_f64()));
    let share = human::brief(&human::share(budget.objective));
    Some((limit, format!("objective {said}, {share}")))
}

/// The beginning, the middle and the end.
fn marks(cells: &Cells) -> Vec<(usize, String)> {
    let columns = cells.columns.len();
    let at = [0, columns / 2, columns.saturating_sub(4)];
    let days = cells.dates.first().zip(cells.dates.last());
    let long = days.and_then(|(first, last)| last.duration_since(*first).ok());
    let with_day = long.is_some_and(|long| long > Duration::from_secs(36 * 3_600));
    let mark = |column: usize| Some((column, clock(*cells.dates.get(column)?, with_day)));
    at.into_iter().filter_map(mark).collect()
}

/// To the requests of a cell.
fn link(
    base: &str,
    model: &str,
    (cells, quantity): (&Cells, Quantity),
    (bucket, column): (usize, usize),
) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("model", model).append_pair("measured", "yes");
    if let Some(ended) = cells.ended(column) {
        query.append_pair("from", &humantime::format_rfc3339_seconds(ended.start).to_string());
        query.append_pair("to", &humantime::format_rfc3339_seconds(ended.end).to_string());
    }
    let range = quantity.bucket(bucket);
    let (least, most) = match quantity {
        Quantity::FirstToken => ("min_ttft", "max_ttft"),
        _ => ("min", "max"),
    };
    query.append_pair(least, &humantime::format_duration(range.start).to_string());
    if range.end != Duration::MAX {
        query.append_pair(most, &humantime::format_duration(range.end).to_string());
    }
    format!("{base}/requests?{}", query.finish())
}
