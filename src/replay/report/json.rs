//! A report for programs: JSON whose members stay what they are for as long as the version does.
//!
//! | member | holds |
//! |---|---|
//! | `schema` | always `transom.replay.report` |
//! | `version` | 1; grows when a member changes its meaning or goes, not when one is added |
//! | `id`, `began`, `program` | the name of the report, RFC 3339, the version of the program |
//! | `outcome` | `REGRESSED`, `IMPROVED`, `EQUIVALENT`, `INCONCLUSIVE` or `INVALID`; `VALID` without a comparison |
//! | `headline`, `reasons` | the same in words |
//! | `plan` | the head of the plan: `options` (schedule, seed, warm-up in µs …), digest of the capture |
//! | `arms[]` | one, or A and B: `letter`, `name`, `target`, `figures[]` over the runs that count, `runs[]` |
//! | `arms[].figures[]` | `quantity`, `statistic`, `unit` (`seconds`, `per_second`, `share`), `mean` (geometric where all are above 0), `low`, `high` |
//! | `arms[].runs[]` | `label`, `id`, `validity` (`is`, `why`), `requests`, `failures` by reason, `intended_rate`, `figures[]` with a `value`, `send_lag` |
//! | `arms[].runs[].send_lag` | `p99` and `limit` in µs, `buckets[]` of `from`, `to` in seconds and `requests` |
//! | `comparison` | null, or the whole comparison: `metrics[]` with their `role` (`primary`, which decide, or `informative`) and the values of every run, `answers` with their `rungs[]` |
//! | `study` | null, or `calibrated` (`floors[]`, `deals`, `alarms`) or `swept` (`stages[]`, `knee`) |
//!
//! What is not known is null; so is what is no finite number. Must not know: where it is written.

use super::input::{ReportInput, Run, SendLag};
use super::summary::{ArmSummary, Summary};
use super::{Study, words};
use crate::replay::{Comparison, Failure, Metric, PlanHead, Quantity, Statistic, Validity};
use crate::types::Micros;
use serde::Serialize;
use std::collections::BTreeMap;

/// The version of the members and their meanings.
pub const JSON_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    version: u32,
    id: &'a str,
    began: String,
    program: &'a str,
    outcome: &'static str,
    headline: &'a str,
    reasons: &'a [String],
    plan: &'a PlanHead,
    arms: Vec<ArmObject<'a>>,
    comparison: Option<&'a Comparison>,
    study: Option<&'a Study>,
}

#[derive(Serialize)]
struct ArmObject<'a> {
    letter: Option<&'a str>,
    name: &'a str,
    target: &'a str,
    figures: Vec<SpreadObject>,
    runs: Vec<RunObject<'a>>,
}

#[derive(Serialize)]
struct SpreadObject {
    #[serde(flatten)]
    of: Named,
    mean: f64,
    low: f64,
    high: f64,
}

#[derive(Serialize)]
struct FigureObject {
    #[serde(flatten)]
    of: Named,
    value: f64,
}

#[derive(Serialize)]
struct Named {
    quantity: Quantity,
    statistic: Statistic,
    unit: &'static str,
}

#[derive(Serialize)]
struct RunObject<'a> {
    label: String,
    id: &'a str,
    validity: &'a Validity,
    requests: u64,
    failures: &'a BTreeMap<Failure, u64>,
    intended_rate: Option<f64>,
    figures: Vec<FigureObject>,
    send_lag: LagObject,
}

#[derive(Serialize)]
struct LagObject {
    p99: Option<Micros>,
    limit: Option<Micros>,
    buckets: Vec<BucketObject>,
}

#[derive(Serialize)]
struct BucketObject {
    from: f64,
    to: f64,
    requests: u64,
}

/// The report as one JSON document, indented.
///
/// # Errors
/// When a value cannot be JSON, which none of these can.
pub fn json(input: &ReportInput) -> Result<String, serde_json::Error> {
    let summary = Summary::of(input);
    let document = Document {
        schema: "transom.replay.report",
        version: JSON_VERSION,
        id: &input.id,
        began: humantime::format_rfc3339_micros(input.began).to_string(),
        program: &input.program,
        outcome: summary.standing.word,
        headline: &summary.headline,
        reasons: &summary.reasons,
        plan: &input.plan,
        arms: summary.arms.iter().map(arm).collect(),
        comparison: input.comparison(),
        study: input.study.as_ref(),
    };
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

fn arm<'a>(summary: &'a ArmSummary<'_>) -> ArmObject<'a> {
    let figures = summary.figures.iter().map(|(metric, spread)| SpreadObject {
        of: Named::from(*metric),
        mean: spread.mean,
        low: spread.low,
        high: spread.high,
    });
    let runs = summary.arm.runs.iter().enumerate();
    ArmObject {
        letter: (!summary.letter.is_empty()).then_some(summary.letter),
        name: &summary.arm.name,
        target: &summary.arm.target,
        figures: figures.collect(),
        runs: runs.map(|(at, run)| run_object(summary.label(at), run)).collect(),
    }
}

fn run_object(label: String, run: &Run) -> RunObject<'_> {
    let figure =
        |(metric, value): (&Metric, &f64)| FigureObject { of: Named::from(*metric), value: *value };
    RunObject {
        label,
        id: &run.id,
        validity: &run.validity,
        requests: run.requests,
        failures: &run.failures,
        intended_rate: run.intended_rate,
        figures: run.figures.iter().map(figure).collect(),
        send_lag: LagObject::from(&run.lag),
    }
}

impl From<Metric> for Named {
    fn from(metric: Metric) -> Self {
        let unit = words::unit(metric.quantity).name();
        Self { quantity: metric.quantity, statistic: metric.statistic, unit }
    }
}

impl From<&SendLag> for LagObject {
    fn from(lag: &SendLag) -> Self {
        let buckets = lag.counts.buckets().into_iter();
        let buckets = buckets
            .map(|bucket| BucketObject {
                from: bucket.from,
                to: bucket.to,
                requests: bucket.requests,
            })
            .collect();
        Self { p99: lag.p99, limit: lag.limit, buckets }
    }
}
