//! The level of logs, which can be changed while the process runs.
//!
//! Must not know: who writes diagnostics; it only says when the level changes.

use crate::observe::LogLevel;
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The switch. Cloning shares it.
#[derive(Clone)]
pub struct LevelSwitch {
    now: Arc<Mutex<LogLevel>>,
    access_lines: AccessLines,
    apply: Arc<dyn Fn(LogLevel) + Send + Sync>,
}

/// Whether access lines are written: at `info` and below. Cloning shares it.
#[derive(Clone, Debug)]
pub struct AccessLines(Arc<AtomicBool>);

impl AccessLines {
    /// As `level` says.
    pub fn at(level: LogLevel) -> Self {
        Self(Arc::new(AtomicBool::new(shows_access(level))))
    }

    /// Whether a line is to be written now.
    pub fn are_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl LevelSwitch {
    /// A switch that stands at `level` and tells `apply` when it moves.
    pub fn new(level: LogLevel, apply: impl Fn(LogLevel) + Send + Sync + 'static) -> Self {
        let now = Arc::new(Mutex::new(level));
        Self { now, access_lines: AccessLines::at(level), apply: Arc::new(apply) }
    }

    /// Where it stands.
    pub fn level(&self) -> LogLevel {
        *self.now.lock()
    }

    /// Moves it.
    pub fn set(&self, level: LogLevel) {
        let mut now = self.now.lock();
        *now = level;
        self.access_lines.0.store(shows_access(level), Ordering::Relaxed);
        (self.apply)(level);
    }

    /// What it means for access lines.
    pub fn access_lines(&self) -> AccessLines {
        self.access_lines.clone()
    }
}

impl fmt::Debug for LevelSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LevelSwitch").field(&self.level()).finish()
    }
}

fn shows_access(level: LogLevel) -> bool {
    matches!(level, LogLevel::Info | LogLevel::Debug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_the_switch_turns_access_lines_on_and_off_and_is_told() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        let switch = LevelSwitch::new(LogLevel::Info, move |level| heard.lock().push(level));
        let lines = switch.access_lines();
        assert!(lines.are_on());
        switch.set(LogLevel::Warn);
        assert!(!lines.are_on());
        switch.set(LogLevel::Debug);
        assert!(lines.are_on());
        assert_eq!(*told.lock(), [LogLevel::Warn, LogLevel::Debug]);
        assert_eq!(switch.level(), LogLevel::Debug);
    }
}
