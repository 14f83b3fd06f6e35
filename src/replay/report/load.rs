//! A run as a part of a report: from what came of it, and from its directory.
//!
//! Must not know: how a run is written down, or what a report looks like.

use super::input::{Arm, Arms, ReportInput, Run, SendLag};
use super::{LagCounts, Reservoir, Study};
use crate::replay::Schedule;
use crate::replay::compare;
use crate::replay::directory::{DirectoryError, RunDirectory};
use crate::replay::experiment::{ExperimentRecord, Findings};
use crate::replay::outcome::{RunResult, Tally, lag_limit};
use crate::types::Micros;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

/// Requests of a run that pictures show.
const SHOWN: usize = 4_096;

/// The run in the directory at `path`, with some of its requests for pictures. One that has not
/// ended is what it was until now, and does not count.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn load(path: &Path) -> Result<Run, DirectoryError> {
    let directory = RunDirectory::open(path)?;
    let mut run = Run::of(&directory.result_so_far()?);
    for sample in directory.samples()? {
        run.seen.add(&sample?);
    }
    Ok(run)
}

/// The report of an experiment whose runs are below `root`; `None` where it has none yet.
///
/// # Errors
/// When one of them cannot be read.
pub fn report_of(
    record: &ExperimentRecord,
    root: &Path,
) -> Result<Option<ReportInput>, DirectoryError> {
    let Some(first) = record.runs(compare::Arm::A).first() else { return Ok(None) };
    let head = RunDirectory::open(&root.join(first.as_str()))?.head().clone();
    let arm = |name: &str, of: compare::Arm, record: &ExperimentRecord| {
        let runs = record.runs(of).iter().map(|id| load(&root.join(id.as_str())));
        let at = usize::from(of == compare::Arm::B);
        let target = record.arms.get(at).map(|arm| arm.target.clone()).unwrap_or_default();
        Ok::<_, DirectoryError>(Arm {
            name: name.to_owned(),
            target,
            runs: runs.collect::<Result<_, _>>()?,
        })
    };
    let name = if record.arms.len() > 1 { "A" } else { head.target.as_str() };
    let a = arm(name, compare::Arm::A, record)?;
    let (arms, study) = match Findings::of(record, root)? {
        Findings::Runs => (Arms::One(a), None),
        Findings::Calibrated(found) => (Arms::One(a), Some(Study::Calibrated(found))),
        Findings::Swept(found) => (Arms::One(a), Some(Study::Swept(found))),
        Findings::Compared(comparison) => {
            let b = arm("B", compare::Arm::B, record)?;
            (Arms::Two { a, b, comparison }, None)
        }
    };
    let (id, began) = (record.id.to_string(), UNIX_EPOCH + Duration::from(record.began));
    Ok(Some(ReportInput { id, began, program: head.program, plan: head.plan, arms, study }))
}

impl Run {
    /// What came of a run, without any of its requests.
    pub fn of(result: &RunResult) -> Self {
        let figures = &result.figures;
        let is_closed = matches!(result.head.plan.options.schedule, Schedule::Closed { .. });
        Self {
            id: result.head.id.to_string(),
            validity: result.validity.clone(),
            figures: figures.values.clone(),
            requests: figures.requests,
            failures: figures.failures.clone(),
            intended_rate: figures.rate.intended.filter(|_| !is_closed),
            seen: Reservoir::new(SHOWN),
            lag: SendLag::of(&result.tally),
        }
    }
}

impl SendLag {
    /// Of the requests that count.
    pub fn of(tally: &Tally) -> Self {
        let mut counts = LagCounts::default();
        for (lag, requests) in tally.lag.bars() {
            counts.add(micros(lag), requests);
        }
        let p99 = tally.lag.quantile(0.99).map(micros);
        Self { counts, p99, limit: p99.map(|_| micros(lag_limit(tally))) }
    }
}

fn micros(seconds: f64) -> Micros {
    Duration::try_from_secs_f64(seconds).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::compare::RunFigures;
    use crate::replay::directory::tests::{Scratch, head, samples, write};
    use crate::replay::{Failure, Metric, Quantity, Statistic, Validity};

    #[test]
    fn a_run_is_reported_as_it_was_written() {
        let scratch = Scratch::new("load");
        let directory = RunDirectory::create(&scratch.0, &head("a")).unwrap();
        let mut samples = samples(600);
        samples[7].failure = Some(Failure::ServerError);
        drop(write(&directory, &samples));
        directory.finish(&directory.recount(600).unwrap()).unwrap();
        let run = load(directory.path()).unwrap();
        assert_eq!((run.id.as_str(), run.requests, run.failed()), ("a", 600, 1));
        assert_eq!(run.seen.dots().len(), 600);
        assert_eq!((run.lag.counts.total(), run.lag.p99), (600, Some(Micros(6))));
        assert_eq!(run.lag.limit, Some(Micros(10_000)));
        let p95 = Metric { quantity: Quantity::Latency, statistic: Statistic::P95 };
        assert!((run.figures[&p95] - 0.001).abs() < 1e-5, "{:?}", run.figures[&p95]);
        assert!(run.intended_rate.is_some());
        let compared = RunFigures::of(&directory.result_so_far().unwrap());
        assert_eq!((compared.values, compared.validity), (run.figures, Validity::Valid));
        assert!(load(&scratch.0).is_err(), "that is no run");
    }
}
