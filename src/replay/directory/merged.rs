//! The runs of a sharded plan put together, as a run of its own.
//!
//! Must not know: how sums are added up.

use super::{DirectoryError, RunDirectory};
use crate::replay::engine::Observer;
use crate::replay::outcome::{MergeError, RunHead, RunId, RunResult, merge};
use crate::replay::{Plan, PlanFileError};
use std::fs::File;
use std::path::Path;

/// Why runs cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum MergeFailure {
    /// They are not the shards of one run.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// One of them cannot be read, or the whole cannot be written.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

impl RunDirectory {
    /// Puts the shards of a run together below `root`, named after the first one.
    ///
    /// # Errors
    /// When they are not the shards of one run, or there is one already.
    pub fn merge(shards: &[Self], root: &Path) -> Result<Self, MergeFailure> {
        let results: Result<Vec<RunResult>, _> = shards.iter().map(Self::result_so_far).collect();
        let mut whole = merge(&results?)?;
        let mut plan = Plan { head: whole.head.plan.clone(), requests: Vec::new() };
        for shard in shards {
            let path = shard.plan_path();
            let read = File::open(&path).map_err(PlanFileError::Io).and_then(Plan::read);
            plan.requests.extend(read.map_err(|error| DirectoryError::Plan(path, error))?.requests);
        }
        plan.requests.sort_by_key(|planned| planned.number);
        whole.head.id = named_after(&whole.head);
        let directory = Self::create(root, &whole.head)?;
        let written = plan.write(directory.plan_file()?);
        let digest = written.map_err(|error| DirectoryError::Io(directory.plan_path(), error))?;
        whole.head.plan_digest = digest;
        directory.gather(shards)?;
        directory.finish(&whole)?;
        Ok(directory)
    }

    fn gather(&self, shards: &[Self]) -> Result<(), DirectoryError> {
        let failed = |error| DirectoryError::Io(self.path().to_owned(), error);
        let mut writer = self.sample_writer()?;
        for shard in shards {
            for sample in shard.samples()? {
                writer.sample(&sample?).map_err(failed)?;
            }
        }
        writer.flush().map_err(failed)
    }
}

fn named_after(first: &RunHead) -> RunId {
    RunId::parse(&format!("{}-whole", first.id)).unwrap_or_else(|| first.id.clone())
}
