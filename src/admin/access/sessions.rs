//! Who has signed in with which browser. In memory alone: a restart ends every session.
//!
//! Must not know: cookies, or what a user may do. The ids are kept as hashes, so that a picture
//! of this memory opens nothing.

use super::cookie::BrowserId;
use super::visitor::User;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A session nobody used for so long is over.
const IDLE: Duration = Duration::from_secs(12 * 3600);
/// And every one after so long.
pub(super) const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// Sessions at once; one more ends the one that was used least recently.
const MOST: usize = 1_024;

/// The sessions under way.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

struct Session {
    user: Arc<User>,
    begun: Instant,
    used: Instant,
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.used) >= IDLE
            || now.saturating_duration_since(self.begun) >= LONGEST
    }
}

impl Sessions {
    /// Begins one of `user`.
    pub(super) fn begin(&self, id: &BrowserId, user: Arc<User>, now: Instant) {
        let mut sessions = self.0.lock();
        if sessions.len() >= MOST {
            sessions.retain(|_, session| !session.is_over(now));
        }
        if sessions.len() >= MOST {
            let stalest = sessions.iter().min_by_key(|(_, session)| session.used);
            if let Some(stalest) = stalest.map(|(hash, _)| *hash) {
                sessions.remove(&stalest);
            }
        }
        sessions.insert(id.hash(), Session { user, begun: now, used: now });
    }

    /// Whose it is, if it goes on; this use is counted.
    pub(super) fn find(&self, id: &BrowserId, now: Instant) -> Option<Arc<User>> {
        let hash = id.hash();
        let mut sessions = self.0.lock();
        let session = sessions.get_mut(&hash)?;
        if session.is_over(now) {
            sessions.remove(&hash);
            return None;
        }
        session.used = now;
        Some(Arc::clone(&session.user))
    }

    /// Ends it.
    pub(super) fn end(&self, id: &BrowserId) {
        self.0.lock().remove(&id.hash());
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::Role;
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn user() -> Arc<User> {
        Arc::new(User { name: "anna".into(), role: Role::Viewer })
    }

    fn begun(sessions: &Sessions, at: Instant) -> BrowserId {
        let id = BrowserId::mint().unwrap();
        sessions.begin(&id, user(), at);
        id
    }

    #[test]
    fn a_session_ends_after_half_a_day_without_use() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let id = begun(&sessions, start);
        assert!(sessions.find(&id, start + 11 * HOUR).is_some());
        assert!(sessions.find(&id, start + 22 * HOUR).is_some(), "it was used");
        assert!(sessions.find(&id, start + 34 * HOUR).is_none());
        assert!(sessions.find(&id, start).is_none(), "over is over");
    }

    #[test]
    fn a_session_ends_after_a_week_however_much_it_is_used() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let id = begun(&sessions, start);
        let lasted =
            (0..).step_by(6).take_while(|h| sessions.find(&id, start + HOUR * *h).is_some());
        assert_eq!(lasted.last(), Some(7 * 24 - 6));
    }

    #[test]
    fn a_session_that_was_ended_is_gone_and_others_stay() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let (one, other) = (begun(&sessions, now), begun(&sessions, now));
        sessions.end(&one);
        assert!(sessions.find(&one, now).is_none() && sessions.find(&other, now).is_some());
    }

    #[test]
    fn there_are_never_too_many_and_the_stalest_goes_first() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let stale = begun(&sessions, start);
        let used = begun(&sessions, start);
        sessions.find(&used, start + HOUR);
        for _ in 2..=MOST {
            begun(&sessions, start + HOUR);
        }
        assert_eq!(sessions.0.lock().len(), MOST);
        assert!(sessions.find(&stale, start + HOUR).is_none());
        assert!(sessions.find(&used, start + HOUR).is_some());
    }
}
