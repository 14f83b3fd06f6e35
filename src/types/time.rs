//! The one source of time.
//!
//! Must not know: what is being timed.

use std::time::{Instant, SystemTime};

/// Monotonic time for durations, wall time for dates.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock(());

impl Clock {
    /// The operating system's clocks.
    pub const fn system() -> Self {
        Self(())
    }

    /// Monotonic now, for durations only.
    pub fn now(&self) -> Instant {
        Instant::now()
    }

    /// The date now. It may jump.
    pub fn date(&self) -> SystemTime {
        wall_now()
    }

    /// The date at which a past `instant` was taken.
    pub fn date_of(&self, instant: Instant) -> SystemTime {
        let now = wall_now();
        now.checked_sub(instant.elapsed()).unwrap_or(now)
    }
}

#[expect(clippy::disallowed_methods, reason = "the only place that may ask")]
fn wall_now() -> SystemTime {
    SystemTime::now()
}
