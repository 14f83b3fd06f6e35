//! How fast a budget burns, and from when on that is too fast.
//!
//! Must not know: where events come from, or who is told.

use crate::types::EventCounts;
use serde::Serialize;
use std::time::Duration;

/// Fewer bad events than this prove nothing, whatever their share.
pub(super) const FEWEST_BAD: u64 = 5;

const DAY: u32 = 24 * 60;

/// How soon somebody has to look; the sooner comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Now.
    Page,
    /// On the next working day.
    Ticket,
}

/// A budget burns too fast when it does so over a long window, which proves that it matters,
/// and over a short one, which proves that it still goes on (Google's SRE workbook, chapter
/// 5).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    /// How soon somebody has to look.
    pub(super) severity: Severity,
    /// Minutes.
    pub(super) long: u32,
    /// Minutes.
    pub(super) short: u32,
    /// How many times faster than a budget that lasts exactly its period.
    pub(super) factor: f64,
}

/// For objectives over 30 days.
const MONTHLY: [Pair; 4] = [
    Pair { severity: Severity::Page, long: 60, short: 5, factor: 14.4 },
    Pair { severity: Severity::Page, long: 360, short: 30, factor: 6.0 },
    Pair { severity: Severity::Ticket, long: DAY, short: 120, factor: 3.0 },
    Pair { severity: Severity::Ticket, long: 3 * DAY, short: 360, factor: 1.0 },
];

/// The pairs for an objective over `period`: windows scale with it, up to whole minutes;
/// factors stay, so that the same share of the budget is spent when they fire.
pub(super) fn pairs(period: Duration) -> [Pair; 4] {
    MONTHLY.map(|pair| Pair {
        long: scaled(pair.long, period),
        short: scaled(pair.short, period),
        ..pair
    })
}

/// `minutes` of a 30-day objective for one over `period`, at least 1.
pub(super) fn scaled(minutes: u32, period: Duration) -> u32 {
    let month = u64::from(30 * DAY) * 60;
    let scaled = (u64::from(minutes) * period.as_secs()).div_ceil(month);
    u32::try_from(scaled.max(1)).unwrap_or(u32::MAX)
}

/// The windows of `pairs`, each once, ascending.
pub(super) fn windows(pairs: &[Pair]) -> Vec<u32> {
    let mut windows: Vec<u32> = pairs.iter().flat_map(|pair| [pair.long, pair.short]).collect();
    windows.sort_unstable();
    windows.dedup();
    windows
}

/// How fast a budget burns: 1 lasts exactly for the period. `None` without events.
pub(super) fn rate(counts: EventCounts, allowed: f64) -> Option<f64> {
    (counts.total > 0).then(|| counts.bad as f64 / counts.total as f64 / allowed)
}

/// Minutes as Prometheus writes them: `5m`, `1h24m`, `3d`.
pub(super) fn label(minutes: u32) -> String {
    let parts = [(minutes / DAY, 'd'), (minutes % DAY / 60, 'h'), (minutes % 60, 'm')];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    parts.map(|(count, unit)| format!("{count}{unit}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_days(days: u64) -> Vec<(String, String)> {
        let pairs = pairs(Duration::from_secs(days * 24 * 3600));
        pairs.iter().map(|pair| (label(pair.long), label(pair.short))).collect()
    }

    fn named(names: [(&str, &str); 4]) -> Vec<(String, String)> {
        names.map(|(long, short)| (long.to_owned(), short.to_owned())).to_vec()
    }

    #[test]
    fn windows_scale_with_the_period() {
        let month = [("1h", "5m"), ("6h", "30m"), ("1d", "2h"), ("3d", "6h")];
        assert_eq!(of_days(30), named(month));
        let week = [("14m", "2m"), ("1h24m", "7m"), ("5h36m", "28m"), ("16h48m", "1h24m")];
        assert_eq!(of_days(7), named(week));
        let day = [("2m", "1m"), ("12m", "1m"), ("48m", "4m"), ("2h24m", "12m")];
        assert_eq!(of_days(1), named(day));
    }

    #[test]
    fn each_window_is_there_once() {
        let windows = windows(&pairs(Duration::from_secs(30 * 24 * 3600)));
        assert_eq!(windows, [5, 30, 60, 120, 360, 1_440, 4_320]);
    }

    #[test]
    fn without_events_there_is_no_rate() {
        assert_eq!(rate(EventCounts { total: 0, bad: 0 }, 0.01), None);
        let rate = rate(EventCounts { total: 1_000, bad: 20 }, 0.01).unwrap();
        assert!((rate - 2.0).abs() < 1e-9);
    }
}
