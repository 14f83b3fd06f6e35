//! The verdict of each metric.
//!
//! Equivalence comes first: two one-sided tests at alpha (Schuirmann 1987), which is to say
//! that the interval at 1 - 2 alpha lies within the margin. What is surely smaller than what
//! counts as equal is no regression, however sure it is. That all primary metrics are
//! equivalent needs no correction, because each of them has to be (Berger 1982). Must not
//! know: what follows from all metrics together.

use super::family::holm;
use super::figure::Scale;
use super::student::{pooled_deviation, t_interval};
use super::swaps::{Effort, Swaps};
use super::{Arms, CompareSettings, RunFigures, mean};
use crate::replay::{Better, Effect, Metric, MetricComparison, Role, Verdict};
use std::collections::BTreeSet;

/// All metrics, the primary ones first.
pub struct Judged {
    /// Those that every run has.
    pub metrics: Vec<JudgedMetric>,
    /// Those that only some runs have, or that decide and none has.
    pub missing: Vec<Metric>,
}

/// One metric.
pub struct JudgedMetric {
    /// What was found.
    pub comparison: MetricComparison,
    /// The standard deviation between runs of an arm, on the metric's scale.
    pub noise: f64,
    /// How far from 0 counts as equal, on the metric's scale.
    pub margin: f64,
    /// Whether it is one of the metrics that are corrected for: it differs between runs.
    pub is_counted: bool,
}

impl Judged {
    /// How many metrics of that role are corrected for.
    pub fn family(&self, role: Role) -> usize {
        self.metrics.iter().filter(|one| one.is_of(role)).count()
    }
}

impl JudgedMetric {
    /// Whether it is one of the family of `role`.
    fn is_of(&self, role: Role) -> bool {
        self.comparison.role == role && self.is_counted
    }
}

/// Judges each metric; two runs at least of each arm.
pub fn judge(arms: &Arms<'_>, settings: &CompareSettings) -> Judged {
    let known: BTreeSet<Metric> = runs(arms).flat_map(|run| run.values.keys().copied()).collect();
    let enough = arms.a.len().min(arms.b.len()) >= 2;
    let has = |run: &RunFigures, metric| run.values.get(metric).is_some_and(|v| v.is_finite());
    let (whole, missing): (Vec<Metric>, Vec<Metric>) =
        known.iter().partition(|metric| runs(arms).all(|run| has(run, metric)));
    let whole = if enough { whole } else { Vec::new() };
    let mut metrics: Vec<_> = whole.iter().map(|metric| test(*metric, arms, settings)).collect();
    correct(&mut metrics);
    metrics.sort_by_key(|one| (one.comparison.role, place(one.comparison.metric, settings)));
    for one in &mut metrics {
        decide(one, settings.alpha);
    }
    Judged { metrics, missing }
}

fn runs<'a>(arms: &Arms<'a>) -> impl Iterator<Item = &'a RunFigures> + use<'a> {
    arms.a.iter().chain(arms.b)
}

/// Primary metrics in the order in which they were named.
fn place(metric: Metric, settings: &CompareSettings) -> (Option<usize>, Metric) {
    (settings.primary.iter().position(|named| *named == metric), metric)
}

/// Tests without correction; equivalence is already decided.
fn test(metric: Metric, arms: &Arms<'_>, settings: &CompareSettings) -> JudgedMetric {
    let values = |runs: &[RunFigures]| -> Vec<f64> {
        runs.iter().filter_map(|run| run.values.get(&metric).copied()).collect()
    };
    let (a, b) = (values(arms.a), values(arms.b));
    let scale = metric.scale(&[a.as_slice(), &b].concat());
    let scaled = |values: &[f64]| values.iter().map(|value| scale.of(*value)).collect::<Vec<_>>();
    let (on_a, on_b) = (scaled(&a), scaled(&b));
    let swaps = Swaps::new(&on_a, &on_b, Effort::VERDICT, settings.seed);
    let margin = margin(metric, scale, mean(&a), settings);
    let is_within =
        swaps.p_below(margin) <= settings.alpha && swaps.p_above(-margin) <= settings.alpha;
    let interval = swaps.interval(settings.alpha);
    let interval = interval.or_else(|| t_interval(&on_a, &on_b, settings.alpha));
    let estimate = swaps.estimate();
    let p = swaps.p();
    JudgedMetric {
        noise: pooled_deviation(&on_a, &on_b).unwrap_or_default(),
        margin,
        is_counted: !swaps.is_flat(),
        comparison: MetricComparison {
            metric,
            role: role(metric, settings),
            better: metric.better(),
            a,
            b,
            effect: effect(scale, estimate, interval.unwrap_or((estimate, estimate))),
            p,
            p_adjusted: p,
            verdict: if is_within { Verdict::Equivalent } else { Verdict::Inconclusive },
        },
    }
}

fn role(metric: Metric, settings: &CompareSettings) -> Role {
    if settings.primary.contains(&metric) { Role::Primary } else { Role::Informative }
}

fn margin(metric: Metric, scale: Scale, mean_a: f64, settings: &CompareSettings) -> f64 {
    match scale {
        Scale::Ratio => settings.margin.ln_1p(),
        Scale::Difference if metric.is_share() => settings.share_margin,
        Scale::Difference => settings.margin * mean_a.abs(),
    }
}

fn effect(scale: Scale, value: f64, (low, high): (f64, f64)) -> Effect {
    // A bound beyond all numbers would not survive being written down.
    let exp = |x: f64| x.exp().clamp(f64::MIN_POSITIVE, f64::MAX);
    match scale {
        Scale::Ratio => Effect::Ratio { value: exp(value), low: exp(low), high: exp(high) },
        Scale::Difference => Effect::Difference { value, low, high },
    }
}

/// Each role is a family of its own.
fn correct(metrics: &mut [JudgedMetric]) {
    for role in [Role::Primary, Role::Informative] {
        let family = metrics.iter().filter(|one| one.is_of(role));
        let p: Vec<f64> = family.map(|one| one.comparison.p).collect();
        let counted = metrics.iter_mut().filter(|one| one.is_of(role));
        for (one, adjusted) in counted.zip(holm(&p)) {
            one.comparison.p_adjusted = adjusted;
        }
    }
}

fn decide(one: &mut JudgedMetric, alpha: f64) {
    let found = &mut one.comparison;
    if found.verdict == Verdict::Equivalent || !one.is_counted || found.p_adjusted > alpha {
        return;
    }
    let is_higher = match found.effect {
        Effect::Ratio { value, .. } => value > 1.0,
        Effect::Difference { value, .. } => value > 0.0,
    };
    let is_better = is_higher == (found.better == Better::Higher);
    found.verdict = if is_better { Verdict::Improved } else { Verdict::Regressed };
}
