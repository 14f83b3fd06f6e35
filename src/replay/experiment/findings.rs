//! What came of an experiment, read back from the disk: of one that has just ended as of one of
//! last year.
//!
//! Must not know: how it is shown.

use super::record::{ExperimentRecord, Question};
use crate::replay::answers::{ANSWERS_ROOM, AnswerLadder, AnswerSettings};
use crate::replay::compare::{
    Arm, Arms, Calibration, CompareSettings, Order, RunFigures, calibrate, compare, with_answers,
};
use crate::replay::directory::{DirectoryError, RunDirectory};
use crate::replay::outcome::RunResult;
use crate::replay::planner::{Knee, StageResult, Sweep};
use crate::replay::{Comparison, Schedule, Validity};
use serde::Serialize;
use std::path::Path;

/// What came of an experiment.
#[derive(Clone, Debug)]
pub enum Findings {
    /// Nothing but its runs.
    Runs,
    /// Whether B is worse than A.
    Compared(Box<Comparison>),
    /// How much runs differ.
    Calibrated(Calibration),
    /// What rate is borne.
    Swept(Swept),
}

/// What a search has found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Swept {
    /// Its stages, in the order of time.
    pub stages: Vec<SweptStage>,
    /// The share of answers that had to be good.
    pub attain: f64,
    /// Where the target gives in; `None` where the search was stopped before.
    pub knee: Option<Knee>,
}

/// A stage of a search.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweptStage {
    /// The id of its run.
    pub run: String,
    /// Requests a second.
    pub rate: f64,
    /// The share of good answers; `None` where none was due.
    pub good_share: Option<f64>,
    /// What became of it.
    pub result: StageResult,
}

impl Findings {
    /// Those of `record`, whose runs are below `root`.
    ///
    /// # Errors
    /// When a run cannot be read.
    pub fn of(record: &ExperimentRecord, root: &Path) -> Result<Self, DirectoryError> {
        let open = |arm| -> Result<Vec<RunDirectory>, DirectoryError> {
            let runs = record.runs(arm).iter();
            runs.map(|id| RunDirectory::open(&root.join(id.as_str()))).collect()
        };
        let a = open(Arm::A)?;
        match record.question {
            Question::Run => Ok(Self::Runs),
            Question::Compare { margin, answers, .. } => {
                let settings = CompareSettings { margin, ..CompareSettings::default() };
                let b = open(Arm::B)?;
                let figures = (figures(&a)?, figures(&b)?);
                let arms = Arms { a: &figures.0, b: &figures.1, order: Order::Interleaved };
                let comparison = compare(&arms, &settings);
                let both = if answers { say_alike(comparison, &a, &b)? } else { comparison };
                Ok(Self::Compared(Box::new(both)))
            }
            Question::Calibrate { .. } => {
                Ok(Self::Calibrated(calibrate(&figures(&a)?, &CompareSettings::default())))
            }
            Question::Sweep { search, attain } => {
                let mut sweep = Sweep::new(search);
                let (mut stages, mut last) = (Vec::new(), None);
                for run in &a {
                    sweep.next(last);
                    let stage = SweptStage::of(&run.result_so_far()?, attain);
                    last = Some(stage.result);
                    stages.push(stage);
                }
                sweep.next(last);
                Ok(Self::Swept(Swept { stages, attain, knee: sweep.knee() }))
            }
        }
    }
}

/// The comparison with what the answers say beside it.
///
/// # Errors
/// When they cannot be read.
pub fn say_alike(
    comparison: Comparison,
    a: &[RunDirectory],
    b: &[RunDirectory],
) -> Result<Comparison, DirectoryError> {
    let mut ladder = AnswerLadder::new(AnswerSettings::default());
    ladder.take_runs(a, b, ANSWERS_ROOM)?;
    let found = ladder.finish();
    Ok(with_answers(comparison, found.comparison, found.reasons))
}

/// The figures of runs.
///
/// # Errors
/// When one cannot be read.
pub fn figures(runs: &[RunDirectory]) -> Result<Vec<RunFigures>, DirectoryError> {
    runs.iter().map(|run| Ok(RunFigures::of(&run.result_so_far()?))).collect()
}

/// What became of a stage.
pub(super) fn stage_result(result: &RunResult, attain: f64) -> StageResult {
    match (&result.validity, result.figures.good_share) {
        (Validity::Invalid(_), _) | (_, None) => StageResult::Invalid,
        (_, Some(share)) if share >= attain => StageResult::Kept,
        _ => StageResult::Missed,
    }
}

impl SweptStage {
    fn of(result: &RunResult, attain: f64) -> Self {
        let rate = match &result.head.plan.options.schedule {
            Schedule::Open { stages, .. } => stages.last().map_or(0.0, |stage| stage.to),
            _ => 0.0,
        };
        Self {
            run: result.head.id.to_string(),
            rate,
            good_share: result.figures.good_share,
            result: stage_result(result, attain),
        }
    }
}
