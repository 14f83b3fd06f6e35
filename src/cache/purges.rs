//! What was purged a moment ago: an answer that was on its way then must not come back.
//!
//! Must not know: what is kept where.

use crate::types::{CacheKey, CacheTags, Purge};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::Instant;

/// Purges that are told apart. Beyond these, everything that had begun before the oldest one
/// counts as purged.
const MOST: usize = 256;

/// The last purges, the oldest first.
#[derive(Debug, Default)]
pub struct RecentPurges(Mutex<Recent>);

#[derive(Debug, Default)]
struct Recent {
    purges: VecDeque<(Instant, Purge)>,
    /// When the newest one was that is not told apart any more.
    forgotten: Option<Instant>,
}

impl RecentPurges {
    /// Something is purged at `now`.
    pub fn note(&self, purge: Purge, now: Instant) {
        let mut recent = self.0.lock();
        recent.purges.push_back((now, purge));
        if recent.purges.len() > MOST {
            let oldest = recent.purges.pop_front();
            recent.forgotten = oldest.map(|(then, _)| then).max(recent.forgotten);
        }
    }

    /// Whether an answer that was asked for, or looked up, at `since` has been purged by now.
    pub fn cover(&self, key: &CacheKey, tags: &CacheTags, since: Instant) -> bool {
        let recent = self.0.lock();
        recent.forgotten.is_some_and(|forgotten| forgotten >= since)
            || recent
                .purges
                .iter()
                .rev()
                .take_while(|(then, _)| *then >= since)
                .any(|(_, purge)| purge.matches(key, tags))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn model(name: &str) -> CacheTags {
        CacheTags { model: name.into(), ..CacheTags::default() }
    }

    #[test]
    fn a_purge_covers_what_had_begun_before_it() {
        let purges = RecentPurges::default();
        let (key, begin) = (CacheKey([1; 32]), Instant::now());
        let at = |ms| begin + Duration::from_millis(ms);
        assert!(!purges.cover(&key, &model("a"), begin));
        purges.note(Purge::Tagged(model("a")), at(10));
        assert!(purges.cover(&key, &model("a"), at(9)));
        assert!(purges.cover(&key, &model("a"), at(10)), "at the same moment, to be sure");
        assert!(!purges.cover(&key, &model("a"), at(11)));
        assert!(!purges.cover(&key, &model("b"), at(9)));
    }

    #[test]
    fn what_is_not_told_apart_any_more_covers_everything_from_before() {
        let purges = RecentPurges::default();
        let (key, begin) = (CacheKey([1; 32]), Instant::now());
        let at = |ms| begin + Duration::from_millis(ms);
        for ms in 0..=MOST as u64 {
            purges.note(Purge::Tagged(model("a")), at(ms));
        }
        assert!(purges.cover(&key, &model("b"), begin));
        assert!(!purges.cover(&key, &model("b"), at(1)));
        assert!(purges.cover(&key, &model("a"), at(MOST as u64)));
    }
}
