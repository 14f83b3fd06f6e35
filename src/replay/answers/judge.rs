//! The verdict on the answers.
//!
//! A rung regressed when its excess is significant after Holm's correction, when dealing whole
//! runs anew hardly ever gives as much, and when it is not surely within the margin. With three
//! runs of each, the second cannot say more than that at most one deal in ten does.
//!
//! There is no improvement: answers that differ less from A's than A's from each other are as
//! good as equal. Must not know: how excesses are put together.

use super::ladder::Step;
use super::panel::Dealer;
use super::tally::Tally;
use super::{AnswerSettings, AnswersCompared};
use crate::replay::compare::{holm, number, probability};
use crate::replay::{AnswerComparison, Effect, Role, Rung, Verdict};

/// One rung that some request says something about.
struct Judged<'a> {
    step: Step,
    role: Role,
    tally: &'a Tally,
    p_adjusted: f64,
    verdict: Verdict,
}

/// Puts the rungs together.
pub fn conclude(
    settings: &AnswerSettings,
    tallies: &[(Step, Tally)],
    dealer: &mut Dealer,
    pairs: u64,
) -> AnswersCompared {
    let judged = judge(settings, tallies, dealer);
    let decisive: Vec<&Judged<'_>> =
        judged.iter().filter(|one| one.role == Role::Primary).collect();
    let any = |verdict| decisive.iter().any(|one| one.verdict == verdict);
    let verdict = if any(Verdict::Regressed) {
        Verdict::Regressed
    } else if any(Verdict::Inconclusive) || decisive.is_empty() {
        Verdict::Inconclusive
    } else {
        Verdict::Equivalent
    };
    let reasons = reasons(verdict, &decisive, settings);
    let rungs = judged.iter().map(|one| rung(one, settings)).collect();
    let comparison = AnswerComparison {
        pairs,
        alpha: settings.alpha,
        confidence: settings.confidence,
        margin: settings.margin,
        length_margin: settings.length_margin,
        rungs,
        verdict,
    };
    AnswersCompared { comparison, reasons }
}

fn judge<'a>(
    settings: &AnswerSettings,
    tallies: &'a [(Step, Tally)],
    dealer: &mut Dealer,
) -> Vec<Judged<'a>> {
    let mut judged: Vec<Judged<'a>> = tallies
        .iter()
        .filter(|(_, tally)| tally.requests() > 0)
        .map(|(step, tally)| {
            let p = tally.p(|excess| step.size(excess));
            let is_decisive = settings.decisive.contains(step);
            let role = if is_decisive { Role::Primary } else { Role::Informative };
            Judged { step: *step, role, tally, p_adjusted: p, verdict: Verdict::Inconclusive }
        })
        .collect();
    for role in [Role::Primary, Role::Informative] {
        decide(&mut judged, role, settings, dealer);
    }
    judged
}

/// The rungs of one role, which are a family of their own.
fn decide(judged: &mut [Judged<'_>], role: Role, settings: &AnswerSettings, dealer: &mut Dealer) {
    let counts = |one: &Judged<'_>| one.role == role && !one.tally.is_flat();
    let p: Vec<f64> = judged.iter().filter(|one| counts(one)).map(|one| one.p_adjusted).collect();
    for (one, adjusted) in judged.iter_mut().filter(|one| counts(one)).zip(holm(&p)) {
        one.p_adjusted = adjusted;
    }
    for one in judged.iter_mut().filter(|one| one.role == role) {
        one.verdict = if is_equal(one, settings) {
            Verdict::Equivalent
        } else if one.p_adjusted <= settings.alpha && is_beyond_runs(one, dealer, p.len()) {
            Verdict::Regressed
        } else {
            Verdict::Inconclusive
        };
    }
}

/// Two one-sided tests, as for the metrics; of shares only more is worse.
fn is_equal(one: &Judged<'_>, settings: &AnswerSettings) -> bool {
    let (low, high) = one.tally.bounds(0.05, one.step.largest());
    match one.step {
        Step::Length => low.abs().max(high.abs()) <= settings.length_margin.ln_1p(),
        _ => high <= settings.margin,
    }
}

/// `rungs` are those that are corrected for.
fn is_beyond_runs(one: &Judged<'_>, dealer: &mut Dealer, rungs: usize) -> bool {
    one.tally.by_runs(dealer).is_beyond(rungs, |excess| one.step.size(excess))
}

fn rung(one: &Judged<'_>, settings: &AnswerSettings) -> Rung {
    let (floor, differ) = one.tally.distances();
    Rung {
        name: one.step.name().to_owned(),
        role: one.role,
        floor,
        differ,
        excess: excess(one, settings),
        p_adjusted: one.p_adjusted,
        verdict: one.verdict,
        examples: one.tally.examples(),
    }
}

fn excess(one: &Judged<'_>, settings: &AnswerSettings) -> Effect {
    let value = one.tally.excess();
    let (low, high) = one.tally.bounds((1.0 - settings.confidence) / 2.0, one.step.largest());
    match one.step {
        Step::Length => Effect::Ratio { value: value.exp(), low: low.exp(), high: high.exp() },
        _ => Effect::Difference { value, low, high },
    }
}

const NOTHING: &str = "Answers cannot be compared: no request was answered in two runs of A and \
                       in one of B, and without two runs of A nobody knows how much its answers \
                       differ by themselves.";
const STATUS_ONLY: &str = "Of the answers only the statuses could be compared.";

fn reasons(verdict: Verdict, decisive: &[&Judged<'_>], settings: &AnswerSettings) -> Vec<String> {
    let requests = decisive.iter().map(|one| one.tally.requests()).max().unwrap_or_default();
    if requests == 0 {
        return vec![NOTHING.to_owned()];
    }
    let is_unseen = |one: &&Judged<'_>| one.verdict == Verdict::Inconclusive && one.tally.is_flat();
    let told =
        decisive.iter().filter(|one| !is_unseen(one)).filter_map(|one| reason(one, settings));
    let only = decisive.iter().all(|one| one.step == Step::Status).then(|| STATUS_ONLY.to_owned());
    let equal = (verdict == Verdict::Equivalent).then(|| equal(settings));
    let unseen = decisive.iter().any(is_unseen).then(|| unseen(requests, settings));
    told.chain(equal).chain(unseen).chain(only).collect()
}

fn equal(settings: &AnswerSettings) -> String {
    format!(
        "B's answers differ from A's no more than A's from each other, within {} percentage \
         points, and their lengths are equal within {} %.",
        number(settings.margin * 100.0),
        number(settings.length_margin * 100.0),
    )
}

/// No difference, but not enough requests to say that there is none.
fn unseen(requests: u64, settings: &AnswerSettings) -> String {
    let enough = (0.05_f64.ln() / (-settings.margin).ln_1p()).ceil();
    format!(
        "Some ways in which answers may differ were not seen, but {requests} requests cannot rule \
         them out: {enough} with such an answer could, to within {} percentage points.",
        number(settings.margin * 100.0),
    )
}

/// Of a rung that is not equal.
fn reason(one: &Judged<'_>, settings: &AnswerSettings) -> Option<String> {
    let end = format!("{} after correction", probability(one.p_adjusted));
    let what = what(one, settings);
    match one.verdict {
        Verdict::Regressed => {
            Some(format!("Answers differ in {}: {what}, {end}{}.", one.step.name(), shown(one)))
        }
        Verdict::Inconclusive => {
            Some(format!("Answers cannot be told in {}: {what}, {end}.", one.step.name()))
        }
        Verdict::Improved | Verdict::Equivalent | Verdict::Invalid => None,
    }
}

fn what(one: &Judged<'_>, settings: &AnswerSettings) -> String {
    let (floor, differ) = one.tally.distances();
    let percent = |share: f64| number(share * 100.0);
    match excess(one, settings) {
        Effect::Ratio { value, low, high } => format!(
            "B's are {} times as long as A's ({} to {})",
            number(value),
            number(low),
            number(high)
        ),
        Effect::Difference { value, low, high } => format!(
            "{} % between A and B, {} % between runs of A, {} percentage points more ({} to {})",
            percent(differ),
            percent(floor),
            percent(value),
            percent(low),
            percent(high),
        ),
    }
}

fn shown(one: &Judged<'_>) -> String {
    let examples = one.tally.examples();
    let numbers: Vec<String> = examples.iter().take(3).map(u64::to_string).collect();
    if numbers.is_empty() {
        String::new()
    } else {
        format!("; see requests {}", numbers.join(", "))
    }
}
