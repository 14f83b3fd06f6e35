//! Threads that write down and show what happened while others make it happen.
//!
//! Must not know: what they write.

use rustix::process::setpriority_process;
use rustix::thread::gettid;

/// A tenth of the weight of a thread that serves requests, on a core that both want.
const NICE: i32 = 10;

/// Lets requests go first on a busy core; to be called by the thread itself.
pub fn go_last() {
    // On Linux the priority is the thread's own. Where it is refused all are equal.
    if let Err(error) = setpriority_process(Some(gettid()), NICE) {
        tracing::debug!(%error, "a background thread keeps its priority");
    }
}
