//! Names that may be used once.
//!
//! Must not know: who is named.

use crate::config::error::quoted;
use crate::config::path::Path;
use crate::config::report::Report;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Display;
use std::hash::Hash;

/// What is taken, and by which setting.
pub(super) struct Taken<T>(HashMap<T, Path>);

impl<T> Default for Taken<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl Taken<String> {
    /// Reports `name` at `path` if an earlier setting has it.
    pub(super) fn claim(&mut self, name: &str, path: Path, report: &mut Report<'_>) {
        self.claim_as(name.to_owned(), quoted(name), path, report);
    }
}

impl Taken<[u8; 32]> {
    /// As [`Taken::claim`], without repeating the value.
    pub(super) fn claim_unnamed(&mut self, value: &[u8; 32], path: Path, report: &mut Report<'_>) {
        self.claim_as(*value, "the same value", path, report);
    }
}

impl<T: Eq + Hash> Taken<T> {
    fn claim_as(&mut self, value: T, name: impl Display, path: Path, report: &mut Report<'_>) {
        match self.0.entry(value) {
            Entry::Vacant(free) => {
                free.insert(path);
            }
            Entry::Occupied(taken) => {
                let first = report.mention(taken.get());
                report.at(&path, format_args!("{name} is already used by {first}"));
            }
        }
    }
}
