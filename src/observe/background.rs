//! Threads that write down and show what happened while others make it happen.
//!
//! Must not know: what they write or show.

use rustix::process::setpriority_process;
use rustix::thread::gettid;

/// How far a thread stands back on a core that requests want, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandBack {
    /// For those that have to keep up with the requests: a tenth of their weight.
    KeepingUp,
    /// For those that only somebody who looks is waiting for.
    AsFarAsPossible,
}

impl StandBack {
    /// Holds for the thread that calls it, until its end.
    pub fn apply(self) {
        let nice = match self {
            Self::KeepingUp => 10,
            Self::AsFarAsPossible => 19,
        };
        // On Linux the priority is the thread's own. Where it is refused all are equal.
        if let Err(error) = setpriority_process(Some(gettid()), nice) {
            tracing::debug!(%error, "a background thread keeps its priority");
        }
    }
}
