//! Which exchanges are captured.
//!
//! A share of the conversations, each as a whole; and whichever exchange ends in a way that the
//! tail rules ask for. Must not know: what a conversation is, or what is done with those that
//! are chosen.

use crate::capture::Sampling;
use crate::types::Outcome;
use std::time::Duration;

/// Sets choices apart from everything else that is made with the same key.
const CONTEXT: &str = "transom capture sampling v1";

/// Decides for one route.
#[derive(Clone)]
pub struct Sampler {
    sampling: Sampling,
    /// Keyed, so that nobody can name a conversation so that it is captured, or is not.
    key: [u8; 32],
}

/// What is known of an exchange at its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It is captured.
    Chosen,
    /// It depends on its end: see [`Sampler::decide`]. Until then it must be kept.
    OnlyByTail,
    /// It is not.
    Never,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The verdict on it.
    pub outcome: Outcome,
    /// From the request received to the last byte of its answer.
    pub took: Duration,
}

impl Sampler {
    /// With the key of an installation, from which one of its own is derived.
    pub fn new(sampling: Sampling, key: [u8; 32]) -> Self {
        Self { sampling, key: blake3::derive_key(CONTEXT, &key) }
    }

    /// At the beginning of an exchange. `id` is that of its conversation, or of the request
    /// where it belongs to none.
    pub fn choose(&self, id: &str) -> Choice {
        let Sampling { errors, slower_than, cancelled, .. } = self.sampling;
        if self.is_in_share(id) {
            Choice::Chosen
        } else if errors || slower_than.is_some() || cancelled {
            Choice::OnlyByTail
        } else {
            Choice::Never
        }
    }

    /// At its end: whether it is captured after all.
    pub fn decide(&self, choice: Choice, ending: &Ending) -> bool {
        let tail = match ending.outcome {
            Outcome::Success => false,
            Outcome::ClientCancelled => self.sampling.cancelled,
            Outcome::ClientError
            | Outcome::RateLimited
            | Outcome::UpstreamError
            | Outcome::Timeout
            | Outcome::StreamTruncated
            | Outcome::StreamErrorEvent
            | Outcome::InternalError => self.sampling.errors,
        };
        let is_slow = self.sampling.slower_than.is_some_and(|limit| ending.took > limit);
        match choice {
            Choice::Chosen => true,
            Choice::OnlyByTail => tail || is_slow,
            Choice::Never => false,
        }
    }

    fn is_in_share(&self, id: &str) -> bool {
        if self.sampling.sessions >= 1.0 {
            return true;
        }
        let hash = blake3::keyed_hash(&self.key, id.as_bytes());
        let mut place = [0; 8];
        place.copy_from_slice(&hash.as_bytes()[..8]);
        // 53 bits are all that a number has; all of them are below 1.
        let place = (u64::from_le_bytes(place) >> 11) as f64 / (1_u64 << 53) as f64;
        place < self.sampling.sessions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Sampling =
        Sampling { sessions: 0.0, errors: false, slower_than: None, cancelled: false };

    fn sampler(sampling: Sampling) -> Sampler {
        Sampler::new(sampling, [3; 32])
    }

    #[test]
    fn a_share_of_conversations_is_chosen_and_the_same_each_time() {
        let quarter = sampler(Sampling { sessions: 0.25, ..NOTHING });
        let ids: Vec<String> = (0..4000).map(|number| format!("session-{number}")).collect();
        let chosen = |sampler: &Sampler| -> Vec<bool> {
            ids.iter().map(|id| sampler.choose(id) == Choice::Chosen).collect()
        };
        let first = chosen(&quarter);
        let count = first.iter().filter(|is_chosen| **is_chosen).count();
        assert!((900..1100).contains(&count), "{count}");
        assert_eq!(first, chosen(&quarter));
        let more = chosen(&sampler(Sampling { sessions: 0.5, ..NOTHING }));
        assert!(first.iter().zip(&more).all(|(few, more)| *more || !few));
        assert_ne!(first, chosen(&Sampler::new(Sampling { sessions: 0.25, ..NOTHING }, [4; 32])));
    }

    #[test]
    fn all_or_none_are_chosen_at_the_ends() {
        for number in 0..500 {
            let id = number.to_string();
            assert_eq!(sampler(Sampling { sessions: 1.0, ..NOTHING }).choose(&id), Choice::Chosen);
            assert_eq!(sampler(NOTHING).choose(&id), Choice::Never);
            assert_eq!(
                sampler(Sampling { sessions: f64::NAN, ..NOTHING }).choose(&id),
                Choice::Never
            );
            let errors = sampler(Sampling { errors: true, ..NOTHING });
            assert_eq!(errors.choose(&id), Choice::OnlyByTail);
        }
    }

    #[test]
    fn the_end_decides_by_the_rules_that_are_on() {
        let limit = Duration::from_secs(2);
        let all =
            Sampling { sessions: 0.0, errors: true, slower_than: Some(limit), cancelled: true };
        let decide = |sampling, outcome, took| {
            sampler(sampling).decide(Choice::OnlyByTail, &Ending { outcome, took })
        };
        let quick = Duration::from_secs(1);
        assert!(!decide(all, Outcome::Success, quick));
        assert!(!decide(all, Outcome::Success, limit));
        assert!(decide(all, Outcome::Success, Duration::from_millis(2001)));
        assert!(decide(all, Outcome::ClientCancelled, quick));
        assert!(!decide(Sampling { cancelled: false, ..all }, Outcome::ClientCancelled, quick));
        for outcome in Outcome::ALL {
            let is_error = !matches!(outcome, Outcome::Success | Outcome::ClientCancelled);
            assert_eq!(decide(Sampling { cancelled: false, ..all }, outcome, quick), is_error);
            let ending = Ending { outcome, took: quick };
            assert!(sampler(NOTHING).decide(Choice::Chosen, &ending));
            assert!(!sampler(all).decide(Choice::Never, &ending));
        }
    }
}
