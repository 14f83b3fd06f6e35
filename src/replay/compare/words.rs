//! Sentences that say why.
//!
//! Must not know: what follows from what they say.

use super::judge::JudgedMetric;
use super::power::runs_by_formula;
use super::{CompareSettings, Order};
use crate::replay::{Effect, MetricComparison};

/// The power that a suggested number of runs has.
const POWER: f64 = 0.8;

/// `p95 TTFT rose by 6.1 % (2.9 to 9.4 %), p = 0.016 after correction.`
pub fn moved(one: &JudgedMetric) -> String {
    let found = &one.comparison;
    let shown = Shown::of(found);
    let verb = if shown.value < 0.0 { "fell" } else { "rose" };
    let (near, far) = if shown.value < 0.0 { (-shown.high, -shown.low) } else { shown.bounds() };
    format!(
        "{} {verb} by {} ({} to {}), {} after correction.",
        found.metric,
        shown.with_unit(shown.value.abs()),
        number(near),
        shown.with_unit(far),
        probability(found.p_adjusted),
    )
}

/// `p95 TTFT is equal within 5 %: B is 0.4 % above A (-1.1 to 1.9 %).`
pub fn equal(one: &JudgedMetric, settings: &CompareSettings) -> String {
    let (name, found) = (&one.comparison.metric, beside(&one.comparison));
    // What rounding has done to `1 - alpha` is undone.
    let percent = |alpha: f64| (1e3 * (1.0 - alpha)).round() / 10.0;
    let levels = leaves_margin(one).then(|| {
        let (shown, judged) = (percent(settings.alpha), percent(2.0 * settings.alpha));
        format!("; that is the interval at {shown} %, and the one at {judged} % decides")
    });
    format!(
        "{name} is equal within {}: {found}{}.",
        margin(one, settings),
        levels.unwrap_or_default()
    )
}

/// Whether the interval that is shown, which is wider than the one that decides, does.
fn leaves_margin(one: &JudgedMetric) -> bool {
    let (low, high) = match one.comparison.effect {
        Effect::Ratio { low, high, .. } => (low.ln(), high.ln()),
        Effect::Difference { low, high, .. } => (low, high),
    };
    low < -one.margin || high > one.margin
}

/// `p95 TTFT cannot be told: B is 1.8 % above A (-0.9 to 4.6 %), p = 0.19 after correction;
/// about 9 runs of each would find a change of 5 %.` `level` is the p that would be found
/// significant; `None` where no p can be, which is said elsewhere.
pub fn unclear(one: &JudgedMetric, settings: &CompareSettings, level: Option<f64>) -> String {
    let found = &one.comparison;
    let runs = level.and_then(|level| runs_by_formula(one.margin / one.noise, level, POWER));
    let advice = runs.filter(|runs| *runs > found.a.len().min(found.b.len())).map(|runs| {
        format!("; about {runs} runs of each would find a change of {}", margin(one, settings))
    });
    format!(
        "{} cannot be told: {}, {} after correction{}.",
        found.metric,
        beside(found),
        probability(found.p_adjusted),
        advice.unwrap_or_default(),
    )
}

/// Why nothing could be found.
pub fn too_few(
    (a, b): (usize, usize),
    metrics: usize,
    smallest: f64,
    enough: Option<usize>,
) -> String {
    let adjusted = (smallest * metrics as f64).min(1.0);
    let enough = enough.map(|runs| format!(" {runs} and {runs} runs would do."));
    let metrics = if metrics == 1 { "1 metric".to_owned() } else { format!("{metrics} metrics") };
    format!(
        "{a} and {b} runs are too few to find a difference in {metrics}: their smallest p is {}, \
         {} after correction.{}",
        number(smallest),
        number(adjusted),
        enough.unwrap_or_default(),
    )
}

/// Why a run does not count.
pub fn invalid_run(number: usize, arm: &str, why: &[String]) -> String {
    let why = why.iter().map(|why| why.trim_end_matches('.')).collect::<Vec<_>>().join("; ");
    format!("Run {number} of {arm} does not count: {why}.")
}

/// What is to be kept in mind about runs in that order.
pub const fn order(order: Order) -> Option<&'static str> {
    match order {
        Order::Interleaved => None,
        Order::InTurn => Some(
            "The arms were not interleaved: what changed between them in time looks like a \
             difference between A and B.",
        ),
        Order::Recorded => Some(
            "A is recorded traffic cut into blocks of time, and the arms were not interleaved: \
             hours and days differ, and so do a client's network and the replay's.",
        ),
    }
}

/// A number with as many decimals as one can use.
pub fn number(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        _ if size >= 100.0 || size == 0.0 => 0,
        _ if size >= 1.0 => 1,
        _ if size >= 0.095 => 2,
        _ if size >= 0.0095 => 3,
        _ if size >= 0.001 => 4,
        _ => return format!("{value:.1e}"),
    };
    format!("{value:.decimals$}")
}

/// `p = 0.016`.
pub fn probability(p: f64) -> String {
    match p {
        _ if p < 0.001 => "p < 0.001".to_owned(),
        _ if p < 0.1 => format!("p = {p:.3}"),
        _ => format!("p = {p:.2}"),
    }
}

/// `B is 1.8 % above A (-0.9 to 4.6 %)`.
fn beside(found: &MetricComparison) -> String {
    let shown = Shown::of(found);
    let side = if shown.value < 0.0 { "below" } else { "above" };
    format!(
        "B is {} {side} A ({} to {})",
        shown.with_unit(shown.value.abs()),
        number(shown.low),
        shown.with_unit(shown.high),
    )
}

fn margin(one: &JudgedMetric, settings: &CompareSettings) -> String {
    let shown = Shown::of(&one.comparison);
    match one.comparison.effect {
        Effect::Ratio { .. } => shown.with_unit(settings.margin * 100.0),
        Effect::Difference { .. } => shown.with_unit(one.margin * shown.factor),
    }
}

/// An effect as it is said: in per cent, percentage points or the metric's unit.
struct Shown {
    value: f64,
    low: f64,
    high: f64,
    unit: &'static str,
    /// What differences are multiplied by.
    factor: f64,
}

impl Shown {
    fn of(found: &MetricComparison) -> Self {
        let factor = if found.metric.is_share() { 100.0 } else { 1.0 };
        let percent = |ratio: f64| (ratio - 1.0) * 100.0;
        match found.effect {
            Effect::Ratio { value, low, high } => {
                let (value, low, high) = (percent(value), percent(low), percent(high));
                Self { value, low, high, unit: "%", factor }
            }
            Effect::Difference { value, low, high } => {
                let (value, low, high) = (value * factor, low * factor, high * factor);
                Self { value, low, high, unit: found.metric.unit(), factor }
            }
        }
    }

    const fn bounds(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    fn with_unit(&self, value: f64) -> String {
        format!("{} {}", number(value), self.unit)
    }
}
