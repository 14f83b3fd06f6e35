//! How far an experiment is.
//!
//! Must not know: how it is shown.

use crate::replay::compare::Arm;
use crate::replay::engine::{Progress, Snapshot};
use parking_lot::Mutex;
use std::sync::Arc;

/// Where the standing is kept; read by anybody at any time.
#[derive(Debug, Default)]
pub struct Watch(Mutex<Now>);

#[derive(Debug, Default)]
struct Now {
    ended: u32,
    of: Option<u32>,
    current: Option<(Arm, Arc<Progress>)>,
}

/// How far an experiment is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// Runs that have ended.
    pub ended: u32,
    /// Runs that there will be; `None` where that depends on what is found.
    pub of: Option<u32>,
    /// The run under way: of which arm, and how far it is.
    pub current: Option<(Arm, Snapshot)>,
}

impl Watch {
    /// How far it is.
    pub fn standing(&self) -> Standing {
        let now = self.0.lock();
        let current = now.current.as_ref().map(|(arm, progress)| (*arm, progress.snapshot()));
        Standing { ended: now.ended, of: now.of, current }
    }

    pub(super) fn expect(&self, runs: Option<u32>) {
        self.0.lock().of = runs;
    }

    pub(super) fn begin(&self, arm: Arm) -> Arc<Progress> {
        let progress = Arc::<Progress>::default();
        self.0.lock().current = Some((arm, Arc::clone(&progress)));
        progress
    }

    pub(super) fn end(&self) {
        let mut now = self.0.lock();
        now.current = None;
        now.ended += 1;
    }
}
