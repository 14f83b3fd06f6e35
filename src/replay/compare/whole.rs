//! The verdict on the whole, and its reasons in order of weight.
//!
//! A run that does not count makes all INVALID. Else one regressed primary metric is enough
//! for REGRESSED; IMPROVED needs an improved one and none regressed; EQUIVALENT needs all of
//! them equivalent; all else is INCONCLUSIVE. Must not know: how a metric was judged.

use super::family::{can_decide, runs_to_decide};
use super::judge::{Judged, JudgedMetric};
use super::swaps::smallest_p;
use super::{Arms, CompareSettings, RunFigures, words};
use crate::replay::{AnswerComparison, Comparison, Role, Validity, Verdict};

/// Puts the metrics together.
pub fn conclude(arms: &Arms<'_>, settings: &CompareSettings, judged: Judged) -> Comparison {
    let verdict = verdict(arms, settings, &judged);
    let mut reasons = invalid(arms);
    if verdict != Verdict::Invalid {
        reasons.extend(too_few(arms, settings, &judged));
        reasons.extend(of_metrics(arms, settings, &judged));
        reasons.extend(missing(settings, &judged));
    }
    reasons.extend(words::order(arms.order).map(str::to_owned));
    let mut metrics: Vec<_> = judged.metrics.into_iter().map(|one| one.comparison).collect();
    if verdict == Verdict::Invalid {
        metrics.iter_mut().for_each(|metric| metric.verdict = Verdict::Invalid);
    }
    Comparison {
        verdict,
        reasons,
        runs: (arms.a.len(), arms.b.len()),
        alpha: settings.alpha,
        margin: settings.margin,
        share_margin: settings.share_margin,
        metrics,
        answers: None,
    }
}

/// The verdict alone.
pub fn verdict(arms: &Arms<'_>, settings: &CompareSettings, judged: &Judged) -> Verdict {
    if invalid(arms).is_empty() { of_primary(judged, settings) } else { Verdict::Invalid }
}

/// Adds what the answers said.
pub fn add_answers(
    mut comparison: Comparison,
    answers: AnswerComparison,
    reasons: Vec<String>,
) -> Comparison {
    comparison.verdict = match (comparison.verdict, answers.verdict) {
        (Verdict::Invalid, _) | (_, Verdict::Invalid) => Verdict::Invalid,
        (_, Verdict::Regressed) => Verdict::Regressed,
        (Verdict::Equivalent, Verdict::Inconclusive) => Verdict::Inconclusive,
        (metrics, _) => metrics,
    };
    if answers.verdict == Verdict::Regressed {
        comparison.reasons.splice(0..0, reasons);
    } else {
        comparison.reasons.extend(reasons);
    }
    comparison.answers = Some(answers);
    comparison
}

fn invalid(arms: &Arms<'_>) -> Vec<String> {
    let of_arm = |name: &'static str, runs: &[RunFigures]| -> Vec<String> {
        let why = (1..).zip(runs).filter_map(|(number, run)| match &run.validity {
            Validity::Valid => None,
            Validity::Invalid(why) => Some(words::invalid_run(number, name, why)),
        });
        let none = runs.is_empty().then(|| format!("There is no run of {name}."));
        why.chain(none).collect()
    };
    [of_arm("A", arms.a), of_arm("B", arms.b)].concat()
}

fn of_primary(judged: &Judged, settings: &CompareSettings) -> Verdict {
    let verdicts: Vec<Verdict> = primary(judged).map(|one| one.comparison.verdict).collect();
    let is_whole = judged.missing.iter().all(|metric| !settings.primary.contains(metric));
    let any = |verdict| verdicts.contains(&verdict);
    if any(Verdict::Regressed) {
        Verdict::Regressed
    } else if any(Verdict::Improved) {
        Verdict::Improved
    } else if any(Verdict::Equivalent) && !any(Verdict::Inconclusive) && is_whole {
        Verdict::Equivalent
    } else {
        Verdict::Inconclusive
    }
}

fn primary(judged: &Judged) -> impl Iterator<Item = &JudgedMetric> {
    judged.metrics.iter().filter(|one| one.comparison.role == Role::Primary)
}

/// Whether anything could have been found at all.
fn too_few(arms: &Arms<'_>, settings: &CompareSettings, judged: &Judged) -> Option<String> {
    let (runs, counted) = ((arms.a.len(), arms.b.len()), judged.family(Role::Primary).max(1));
    if can_decide(runs, counted, settings.alpha) {
        return None;
    }
    let enough = runs_to_decide(counted, settings.alpha);
    Some(words::too_few(runs, counted, smallest_p(runs.0, runs.1), enough))
}

/// The primary metrics, the gravest first; of the others those that moved.
fn of_metrics(arms: &Arms<'_>, settings: &CompareSettings, judged: &Judged) -> Vec<String> {
    let counted = judged.family(Role::Primary).max(1);
    let level = settings.alpha / counted as f64;
    let could = can_decide((arms.a.len(), arms.b.len()), counted, settings.alpha);
    let mut told: Vec<&JudgedMetric> = primary(judged).collect();
    told.sort_by_key(|one| one.comparison.verdict != Verdict::Regressed);
    let sentence = |one: &JudgedMetric| match one.comparison.verdict {
        Verdict::Regressed | Verdict::Improved => words::moved(one),
        Verdict::Equivalent => words::equal(one, settings),
        Verdict::Inconclusive | Verdict::Invalid => {
            words::unclear(one, settings, could.then_some(level))
        }
    };
    let beside = judged.metrics.iter().filter(|one| {
        let has_moved = matches!(one.comparison.verdict, Verdict::Regressed | Verdict::Improved);
        one.comparison.role == Role::Informative && has_moved
    });
    let beside = beside.map(|one| format!("It decides nothing: {}", words::moved(one)));
    told.into_iter().map(sentence).chain(beside).collect()
}

fn missing(settings: &CompareSettings, judged: &Judged) -> Vec<String> {
    let partly = judged.missing.iter();
    let partly = partly.map(|metric| format!("Not every run has {metric}: it is left out."));
    let has = |metric| {
        judged.missing.contains(metric)
            || judged.metrics.iter().any(|one| one.comparison.metric == *metric)
    };
    let absent =
        settings.primary.iter().filter(|metric| !has(metric) && !judged.metrics.is_empty());
    partly.chain(absent.map(|metric| format!("No run has {metric}."))).collect()
}
