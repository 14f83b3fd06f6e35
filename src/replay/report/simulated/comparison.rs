//! What is concluded of simulated runs.
//!
//! Must not know: how runs are simulated. It is not how anything is really judged; enough to look
//! at.

use crate::replay::compare::PRIMARY;
use crate::replay::report::{Arm, words};
use crate::replay::{
    AnswerComparison, Better, Comparison, Effect, Metric, MetricComparison, Quantity, Role, Rung,
    Statistic, Verdict,
};

pub(super) fn comparison((a, b): (&Arm, &Arm), verdict: Verdict, reasons: &[&str]) -> Comparison {
    let family = [
        (Quantity::Ttft, Statistic::P95),
        (Quantity::Latency, Statistic::P95),
        (Quantity::Failures, Statistic::Total),
        (Quantity::Ttft, Statistic::P50),
        (Quantity::Ttft, Statistic::P99),
        (Quantity::Latency, Statistic::P50),
        (Quantity::Tpot, Statistic::P50),
        (Quantity::OutputTokens, Statistic::Total),
        (Quantity::Goodput, Statistic::Total),
    ];
    let metric = |(quantity, statistic)| metric(Metric { quantity, statistic }, a, b);
    Comparison {
        verdict,
        reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
        runs: (a.runs.len(), b.runs.len()),
        alpha: 0.05,
        margin: 0.03,
        share_margin: 0.01,
        metrics: family.into_iter().map(metric).collect(),
        answers: Some(answers()),
    }
}

fn metric(metric: Metric, a: &Arm, b: &Arm) -> MetricComparison {
    let values =
        |arm: &Arm| arm.runs.iter().filter_map(|run| run.figures.get(&metric).copied()).collect();
    let (a, b): (Vec<f64>, Vec<f64>) = (values(a), values(b));
    let is_ratio = metric.quantity != Quantity::Failures;
    let scale = |value: &f64| if is_ratio { value.ln() } else { *value };
    let mean = |of: &[f64]| of.iter().map(scale).sum::<f64>() / of.len() as f64;
    let spread = |of: &[f64]| {
        let mean = mean(of);
        of.iter().map(|value| (scale(value) - mean).powi(2)).sum::<f64>()
            / (of.len() - 1).max(1) as f64
    };
    let shift = mean(&b) - mean(&a);
    let error = if a.is_empty() || b.is_empty() {
        f64::NAN
    } else {
        (spread(&a) / a.len() as f64 + spread(&b) / b.len() as f64).sqrt()
    };
    let (low, high) = (shift - 2.3 * error, shift + 2.3 * error);
    let better = match metric.quantity {
        Quantity::OutputTokens | Quantity::Goodput => Better::Higher,
        _ => Better::Lower,
    };
    let worse = if better == Better::Lower { low } else { -high };
    let verdict = match () {
        () if worse > 0.0 => Verdict::Regressed,
        () if low > -0.03 && high < 0.03 => Verdict::Equivalent,
        () => Verdict::Inconclusive,
    };
    let effect = if is_ratio {
        Effect::Ratio { value: shift.exp(), low: low.exp(), high: high.exp() }
    } else {
        Effect::Difference { value: shift, low, high }
    };
    let (p, p_adjusted) =
        if verdict == Verdict::Regressed { (0.0079, 0.032) } else { (0.31, 0.62) };
    let role = if PRIMARY.contains(&metric) { Role::Primary } else { Role::Informative };
    MetricComparison { metric, role, better, a, b, effect, p, p_adjusted, verdict }
}

pub(super) fn reason(metric: &MetricComparison) -> String {
    let unit = words::unit(metric.metric.quantity);
    format!(
        "{} changed by {} ({}), p = {} after correction.",
        words::metric(metric.metric),
        unit.say_effect(&metric.effect),
        unit.say_interval(&metric.effect),
        metric.p_adjusted,
    )
}

fn answers() -> AnswerComparison {
    let rung = |name: &str, floor: f64, differ: f64, half: f64| {
        let value = differ - floor;
        let (low, high) = (value - half, value + half);
        let excess = match name {
            "length" => Effect::Ratio { value: 1.0 + value, low: 1.0 + low, high: 1.0 + high },
            _ => Effect::Difference { value, low, high },
        };
        let is_worse = value > half;
        let examples = if is_worse { vec![17, 204, 391, 1_288, 2_045] } else { Vec::new() };
        let (p_adjusted, verdict) =
            if is_worse { (0.001, Verdict::Regressed) } else { (0.4, Verdict::Equivalent) };
        let (name, role) = (name.to_owned(), Role::Primary);
        Rung { name, role, floor, differ, excess, p_adjusted, verdict, examples }
    };
    AnswerComparison {
        pairs: 68_750,
        alpha: 0.01,
        confidence: 0.95,
        margin: 0.02,
        length_margin: 0.05,
        rungs: vec![
            rung("status", 0.004, 0.006, 0.003),
            rung("structure", 0.0, 0.0005, 0.001),
            rung("tools", 0.009, 0.031, 0.008),
            rung("finish", 0.012, 0.013, 0.006),
            rung("length", 0.21, 0.21, 0.02),
            rung("text", 0.94, 0.945, 0.02),
            rung("similarity", 0.31, 0.315, 0.017),
        ],
        verdict: Verdict::Regressed,
    }
}
