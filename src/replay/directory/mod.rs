//! A run on disk: a directory of its own.
//!
//! | file in it | holds |
//! |---|---|
//! | `run.json` | what the run is; once it has ended, its validity and figures |
//! | `plan.jsonl.zst` | the plan |
//! | `samples.jsonl.zst` | a sample a line, readable while it grows and after a crash |
//! | `histograms.json` | the sums, with histograms in HdrHistogram V2, for merging |
//!
//! Files are their owner's alone: answers may be in them. Must not know: how a plan is written,
//! or how figures are made.

mod merged;
mod samples;
#[cfg(test)]
pub(in crate::replay) mod tests;

pub use merged::MergeFailure;
pub use samples::{SampleWriter, Samples};

use crate::files;
use crate::replay::answers::SampleSource;
use crate::replay::outcome::{Figures, RunHead, RunId, RunResult, Tally};
use crate::replay::{Plan, PlanFileError, Sample, Validity};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;
const RUN: &str = "run.json";
const PLAN: &str = "plan.jsonl.zst";
const SAMPLES: &str = "samples.jsonl.zst";
const HISTOGRAMS: &str = "histograms.json";

/// A run on disk.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    path: PathBuf,
    head: RunHead,
}

/// Why a run cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The disk says no.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// It is no file of a run.
    #[error("{0} is no file of a run: {1}")]
    Malformed(PathBuf, serde_json::Error),
    /// Its plan cannot be read.
    #[error("{0}: {1}")]
    Plan(PathBuf, PlanFileError),
    /// It was written by another program version.
    #[error("{0} has version {1}; this program reads version {VERSION}")]
    Version(PathBuf, u32),
}

/// `run.json`.
#[derive(Serialize, Deserialize)]
struct RunFile<H> {
    #[serde(flatten)]
    head: H,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    validity: Option<Validity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    figures: Option<Figures>,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl RunDirectory {
    /// Makes the directory of a run that is about to begin, named after its id, below `root`,
    /// with what is known so far.
    ///
    /// # Errors
    /// When it is there already, or cannot be written.
    pub fn create(root: &Path, head: &RunHead) -> Result<Self, DirectoryError> {
        let path = root.join(head.id.as_str());
        let made = files::create_directory(root).and_then(|()| files::begin_directory(&path));
        made.map_err(|error| DirectoryError::Io(path.clone(), error))?;
        let directory = Self { path, head: head.clone() };
        let file = RunFile { head, validity: None, figures: None };
        directory.write(RUN, &file)?;
        Ok(directory)
    }

    /// Opens the directory of a run, whether that has ended or not.
    ///
    /// # Errors
    /// When it is none, or of another version.
    pub fn open(path: &Path) -> Result<Self, DirectoryError> {
        let file = path.join(RUN);
        let Version { version } = read(&file)?;
        if version != VERSION {
            return Err(DirectoryError::Version(file, version));
        }
        let RunFile { head, .. } = read(&file)?;
        Ok(Self { path: path.to_owned(), head })
    }

    /// The runs below `root`, the oldest first. What is no run is passed over.
    ///
    /// # Errors
    /// When `root` cannot be read.
    pub fn list(root: &Path) -> Result<Vec<RunId>, DirectoryError> {
        let failed = |error| DirectoryError::Io(root.to_owned(), error);
        let mut runs = Vec::new();
        for entry in fs::read_dir(root).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let id = entry.file_name().to_str().and_then(RunId::parse);
            runs.extend(id.filter(|_| entry.path().join(RUN).is_file()));
        }
        runs.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        Ok(runs)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the run is.
    pub fn head(&self) -> &RunHead {
        &self.head
    }

    /// Begins the file of the plan.
    ///
    /// # Errors
    /// When it is there already, or cannot be written.
    pub fn plan_file(&self) -> Result<File, DirectoryError> {
        let path = self.plan_path();
        files::begin(&path).map_err(|error| DirectoryError::Io(path, error))
    }

    /// Where the plan is.
    pub fn plan_path(&self) -> PathBuf {
        self.path.join(PLAN)
    }

    /// Begins the file of samples.
    ///
    /// # Errors
    /// When it is there already, or cannot be written.
    pub fn sample_writer(&self) -> Result<SampleWriter, DirectoryError> {
        let path = self.path.join(SAMPLES);
        let writer = files::begin(&path).and_then(SampleWriter::new);
        writer.map_err(|error| DirectoryError::Io(path, error))
    }

    /// The samples so far, in the order in which they ended.
    ///
    /// # Errors
    /// When there is no file of samples.
    pub fn samples(&self) -> Result<Samples, DirectoryError> {
        Samples::open(self.path.join(SAMPLES))
    }

    /// Writes down what came of the run, at once or not at all.
    ///
    /// # Errors
    /// When that fails.
    pub fn finish(&self, result: &RunResult) -> Result<(), DirectoryError> {
        self.write(HISTOGRAMS, &result.tally)?;
        let (validity, figures) = (Some(result.validity.clone()), Some(result.figures.clone()));
        self.write(RUN, &RunFile { head: &result.head, validity, figures })
    }

    /// What came of the run; `None` where it has not ended.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn result(&self) -> Result<Option<RunResult>, DirectoryError> {
        let file: RunFile<RunHead> = read(&self.path.join(RUN))?;
        let Some(validity) = file.validity else { return Ok(None) };
        let tally = read(&self.path.join(HISTOGRAMS))?;
        // Those in the file are for its readers: their last digit may be off.
        let figures = Figures::of(&tally);
        Ok(Some(RunResult { head: file.head, validity, figures, tally }))
    }

    /// What came of the run; where it has not ended, what its samples say until now, which does
    /// not count.
    ///
    /// # Errors
    /// When that, or the plan, cannot be read.
    pub fn result_so_far(&self) -> Result<RunResult, DirectoryError> {
        if let Some(result) = self.result()? {
            return Ok(result);
        }
        let path = self.plan_path();
        let plan = File::open(&path).map_err(PlanFileError::Io).and_then(Plan::read);
        let plan = plan.map_err(|error| DirectoryError::Plan(path, error))?;
        let mut result = self.recount(plan.requests.len() as u64)?;
        let mut why = vec!["The run has not come to its end.".to_owned()];
        if let Validity::Invalid(more) = result.validity {
            why.extend(more);
        }
        result.validity = Validity::Invalid(why);
        Ok(result)
    }

    /// What came of the run by the samples that there are, for one that was killed: `planned`
    /// requests there were to be, and what has no sample counts as not sent.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn recount(&self, planned: u64) -> Result<RunResult, DirectoryError> {
        let mut tally = Tally::new(self.head.objectives);
        for sample in self.samples()? {
            tally.record(&sample?);
        }
        tally.leave_out(planned);
        Ok(RunResult::of(self.head.clone(), tally))
    }

    fn write(&self, name: &str, value: &impl Serialize) -> Result<(), DirectoryError> {
        let path = self.path.join(name);
        let mut json = serde_json::to_vec_pretty(value)
            .map_err(|error| DirectoryError::Malformed(path.clone(), error))?;
        json.push(b'\n');
        files::replace_with(&path, &json).map_err(|error| DirectoryError::Io(path, error))
    }
}

impl SampleSource for RunDirectory {
    type Error = DirectoryError;

    fn samples(&self) -> Result<impl Iterator<Item = Result<Sample, DirectoryError>>, Self::Error> {
        self.samples()
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, DirectoryError> {
    let file = File::open(path).map_err(|error| DirectoryError::Io(path.to_owned(), error))?;
    serde_json::from_reader(BufReader::new(file))
        .map_err(|error| DirectoryError::Malformed(path.to_owned(), error))
}
