//! What became of alerts lately, in memory.
//!
//! Must not know: why.

use serde::Serialize;
use std::collections::VecDeque;
use std::time::SystemTime;

/// Transitions that are remembered.
const MOST: usize = 500;

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// This proxy.
    Transom,
    /// An Alertmanager.
    Alertmanager,
}

/// An alert began to fire, or was resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Transition {
    /// When that was noticed.
    #[serde(serialize_with = "super::as_rfc3339")]
    pub at: SystemTime,
    /// Who says so.
    pub source: Source,
    /// What it is called.
    pub name: String,
    /// What it is about.
    pub about: String,
    /// `page`, `ticket`, or what an Alertmanager has in its place.
    pub severity: String,
    /// Whether it fires from here on.
    pub firing: bool,
    /// What was known then.
    pub summary: String,
}

/// The latest of them.
#[derive(Debug, Default)]
pub(super) struct Log(VecDeque<Transition>);

impl Log {
    /// Remembers one; the oldest makes room.
    pub(super) fn add(&mut self, transition: Transition) {
        if self.0.len() == MOST {
            self.0.pop_back();
        }
        self.0.push_front(transition);
    }

    /// All that are remembered, the latest first.
    pub(super) fn all(&self) -> Vec<Transition> {
        self.0.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn the_oldest_transition_makes_room() {
        let mut log = Log::default();
        for number in 0..MOST + 3 {
            log.add(Transition {
                at: UNIX_EPOCH,
                source: Source::Transom,
                name: number.to_string(),
                about: String::new(),
                severity: String::new(),
                firing: true,
                summary: String::new(),
            });
        }
        let all = log.all();
        assert_eq!(
            (all.len(), all[0].name.as_str(), all[MOST - 1].name.as_str()),
            (500, "502", "3")
        );
    }
}
