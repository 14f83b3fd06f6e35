//! Waiting for conditions, always with a deadline and always saying what was waited for.
//!
//! Must not know: what the conditions are about.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// Nothing that works takes longer than this, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(2);

/// The result of `work`, which must come within [`PATIENCE`].
pub async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

/// Returns once `condition` holds.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        sleep(PAUSE).await;
    }
}

/// A door that is shut until somebody opens it: lets a test decide when a script goes on.
#[derive(Clone)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// A gate that is shut.
    pub fn shut() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets one [`Gate::pass`] through, now or later.
    pub fn open(&self) {
        self.0.add_permits(1);
    }

    /// Lets everybody through from now on.
    pub fn open_wide(&self) {
        self.0.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    /// Waits for the gate to be opened.
    pub async fn pass(&self) {
        self.0.acquire().await.expect("gates are not destroyed").forget();
    }
}
