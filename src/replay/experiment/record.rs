//! What an experiment is, on disk beside its runs.
//!
//! Must not know: how it is carried out.

use crate::files;
use crate::replay::compare::Arm;
use crate::replay::outcome::RunId;
use crate::replay::planner::SweepSettings;
use crate::types::Micros;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;

/// An experiment. Its file is written anew after every run, so that what was done is known
/// whatever ends it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentRecord {
    /// The version of this format: 1.
    pub version: u32,
    /// Its id, which names its file.
    pub id: RunId,
    /// When it began, since 1970.
    pub began: Micros,
    /// What is asked.
    pub question: Question,
    /// What runs: one arm, or A and B.
    pub arms: Vec<ArmRecord>,
    /// How it ended; `None` while it goes on, and of one that was killed.
    pub ending: Option<Ending>,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Question {
    /// How does it do?
    Run,
    /// Is B worse than A?
    Compare {
        /// Runs of each arm.
        runs: u32,
        /// The margin within which figures count as equal: 0.05 is 5 %.
        margin: f64,
        /// Whether what the answers say is compared as well.
        answers: bool,
        /// What the order of runs comes from.
        seed: u64,
    },
    /// How much do runs of the same differ?
    Calibrate {
        /// Runs.
        runs: u32,
    },
    /// What rate does it bear?
    Sweep {
        /// Between which rates.
        search: SweepSettings,
        /// The share of answers that have to be good: 0.95 is 95 %.
        attain: f64,
    },
}

/// Runs against one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmRecord {
    /// Where requests went, without credentials.
    pub target: String,
    /// The runs so far, in the order of time.
    pub runs: Vec<RunId>,
}

/// How an experiment ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how", content = "why")]
pub enum Ending {
    /// All of it was done.
    Done,
    /// Somebody, or a cap of spending, stopped it.
    Stopped(String),
    /// It could not go on.
    Failed(String),
}

/// Why a record cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The disk says no.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// It is no file of an experiment, or of another version.
    #[error("{0} is no file of an experiment: {1}")]
    Malformed(PathBuf, serde_json::Error),
    /// It was written by another program version.
    #[error("{0} has version {1}; this program reads version {VERSION}")]
    Version(PathBuf, u32),
}

impl ExperimentRecord {
    /// One that begins now.
    pub fn new(id: RunId, began: Micros, question: Question, targets: &[String]) -> Self {
        let arm = |target: &String| ArmRecord { target: target.clone(), runs: Vec::new() };
        let arms = targets.iter().map(arm).collect();
        Self { version: VERSION, id, began, question, arms, ending: None }
    }

    /// Writes it below `root`, at once or not at all.
    ///
    /// # Errors
    /// When that fails.
    pub fn save(&self, root: &Path) -> Result<(), RecordError> {
        let path = path(root, &self.id);
        let mut json = serde_json::to_vec_pretty(self)
            .map_err(|error| RecordError::Malformed(path.clone(), error))?;
        json.push(b'\n');
        let made = files::create_directory(root);
        let saved = made.and_then(|()| files::replace_with(&path, &json));
        saved.map_err(|error| RecordError::Io(path, error))
    }

    /// Reads the one that has this id below `root`.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn load(root: &Path, id: &RunId) -> Result<Self, RecordError> {
        Self::open(&path(root, id))
    }

    /// Reads the file of one.
    ///
    /// # Errors
    /// When it is none.
    pub fn open(path: &Path) -> Result<Self, RecordError> {
        let json = fs::read(path).map_err(|error| RecordError::Io(path.to_owned(), error))?;
        let record: Self = serde_json::from_slice(&json)
            .map_err(|error| RecordError::Malformed(path.to_owned(), error))?;
        if record.version == VERSION {
            Ok(record)
        } else {
            Err(RecordError::Version(path.to_owned(), record.version))
        }
    }

    /// The experiments below `root`, the newest first. What is none is passed over.
    ///
    /// # Errors
    /// When `root` cannot be read.
    pub fn list(root: &Path) -> io::Result<Vec<RunId>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(root)? {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
            found.extend(id.and_then(RunId::parse));
        }
        found.sort_by(|a, b| b.as_str().cmp(a.as_str()));
        Ok(found)
    }

    /// The runs of an arm so far.
    pub fn runs(&self, arm: Arm) -> &[RunId] {
        let index = match arm {
            Arm::A => 0,
            Arm::B => 1,
        };
        self.arms.get(index).map_or(&[], |arm| &arm.runs)
    }

    pub(super) fn add(&mut self, arm: Arm, run: RunId) {
        let index = match arm {
            Arm::A => 0,
            Arm::B => 1,
        };
        if let Some(arm) = self.arms.get_mut(index) {
            arm.runs.push(run);
        }
    }
}

impl Question {
    /// Runs that there will be; `None` where that depends on what is found.
    pub fn runs(&self) -> Option<u32> {
        match self {
            Self::Run => Some(1),
            Self::Compare { runs, .. } => Some(runs.saturating_mul(2)),
            Self::Calibrate { runs } => Some(*runs),
            Self::Sweep { .. } => None,
        }
    }
}

fn path(root: &Path, id: &RunId) -> PathBuf {
    root.join(format!("{id}.json"))
}
