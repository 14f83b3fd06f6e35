//! Which traces are kept. Decided here, at the end of the request: a collector's tail sampler
//! has to decide while a long stream is still going.
//!
//! Must not know: spans, or where they go.

use super::ids::randomness;
use super::settings::{Floor, Sampling};
use super::traffic::Traffic;
use crate::observe::RequestRecord;
use crate::types::{Clock, Outcome, TraceId};
use std::time::{Duration, Instant};

/// Models that are counted apart; beyond them some share a count.
const MODELS: usize = 1_024;

/// Why a trace is kept. The first that holds, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeepReason {
    /// The upstream failed it, or Transom did.
    Error,
    /// Its answer broke off: the caller left, or the stream ended badly.
    Aborted,
    /// It missed an objective.
    SloMissed,
    /// It took more than one attempt.
    Retried,
    /// It belongs to a run, whose requests are looked for one by one.
    Replayed,
    /// A histogram's bucket is to point at it.
    Exemplar,
    /// It stands for those that are not kept.
    Sampled,
}

impl KeepReason {
    /// All reasons.
    pub const ALL: [Self; 7] = [
        Self::Error,
        Self::Aborted,
        Self::SloMissed,
        Self::Retried,
        Self::Replayed,
        Self::Exemplar,
        Self::Sampled,
    ];

    /// As it is written into spans and access lines.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Aborted => "aborted",
            Self::SloMissed => "slo_missed",
            Self::Retried => "retried",
            Self::Replayed => "replayed",
            Self::Exemplar => "exemplar",
            Self::Sampled => "sampled",
        }
    }
}

/// Decides. Everything that went wrong is kept; of the rest a share that follows each model's
/// traffic.
#[derive(Debug)]
pub struct Keeper {
    sampling: Sampling,
    began: Instant,
    models: Box<[Traffic]>,
}

impl Keeper {
    /// A keeper that has seen no traffic yet.
    pub fn new(sampling: Sampling) -> Self {
        let models = (0..MODELS).map(|_| Traffic::default()).collect();
        Self { sampling, began: Clock::system().now(), models }
    }

    /// Whether the trace of a finished request is kept, and why. `exemplar_due` says that a
    /// histogram would like to point at it. Takes no lock and no memory.
    pub fn decide(&self, record: &RequestRecord, exemplar_due: bool) -> Option<KeepReason> {
        let share = self.share(record);
        remarkable(record)
            .or_else(|| record.origin.replay().map(|_| KeepReason::Replayed))
            .or_else(|| exemplar_due.then_some(KeepReason::Exemplar))
            .or_else(|| in_share(record.identity.trace_id, share).then_some(KeepReason::Sampled))
    }

    /// The share that brings this model's kept traces to the target, not below its floor, and
    /// in no case beyond what is bearable.
    fn share(&self, record: &RequestRecord) -> f64 {
        let ended = record.timeline.finished.unwrap_or(self.began);
        let at = ended.saturating_duration_since(self.began);
        let per_minute = self.traffic(record, at);
        let target = f64::from(self.sampling.target_per_minute);
        let floor = floor(self.sampling.floor, per_minute / 60.0);
        let most = f64::from(self.sampling.most_per_second) * 60.0;
        (target / per_minute).min(1.0).max(floor).min(most / per_minute)
    }

    fn traffic(&self, record: &RequestRecord, at: Duration) -> f64 {
        let slot = record.call.model.index() % MODELS;
        self.models.get(slot).map_or(1.0, |traffic| traffic.count(at))
    }
}

fn remarkable(record: &RequestRecord) -> Option<KeepReason> {
    match record.verdict.outcome {
        Outcome::UpstreamError | Outcome::Timeout | Outcome::InternalError => {
            Some(KeepReason::Error)
        }
        Outcome::ClientCancelled | Outcome::StreamTruncated | Outcome::StreamErrorEvent => {
            Some(KeepReason::Aborted)
        }
        // A caller's own fault is unremarkable: whoever sends bad requests must not decide
        // how many traces are made.
        Outcome::Success | Outcome::ClientError | Outcome::RateLimited => None,
    }
    .or_else(|| record.slo.any_missed().then_some(KeepReason::SloMissed))
    .or_else(|| (record.attempts.len() > 1).then_some(KeepReason::Retried))
}

fn floor(floor: Floor, per_second: f64) -> f64 {
    match per_second {
        low if low < 1.0 => floor.low,
        medium if medium < 10.0 => floor.medium,
        _ => floor.high,
    }
}

/// Whoever decides by the same share decides alike, and whoever keeps less keeps a part of
/// what others keep: kept is what lies at or above the threshold (OpenTelemetry's consistent
/// probability sampling).
fn in_share(id: TraceId, share: f64) -> bool {
    let threshold = ((1.0 - share) * (1_u64 << 56) as f64) as u64;
    randomness(id) >= threshold
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::slo::Judgement;
    use crate::observe::trace::record;
    use crate::observe::verdict;
    use crate::types::{ErrorType, ModelSlot, Random, SpanId};

    const NEVER: Sampling = Sampling {
        target_per_minute: 0,
        floor: Floor { low: 0.0, medium: 0.0, high: 0.0 },
        most_per_second: 500,
    };

    /// How many of `requests` even requests in `minutes` are kept.
    fn kept(sampling: Sampling, requests: u32, minutes: u32) -> u32 {
        let (keeper, random) = (Keeper::new(sampling), Random::seeded(7));
        let mut request = record();
        let each = Duration::from_secs(60) * minutes / requests;
        let kept = (0..requests).filter(|number| {
            request.identity.trace_id = TraceId::mint(|| random.next_u64());
            request.timeline.finished = Some(keeper.began + each * *number);
            keeper.decide(&request, false).is_some()
        });
        kept.count() as u32
    }

    #[test]
    fn what_went_wrong_is_always_kept() {
        let keeper = Keeper::new(NEVER);
        let mut request = record();
        assert_eq!(keeper.decide(&request, false), None);
        assert_eq!(keeper.decide(&request, true), Some(KeepReason::Exemplar));
        request.attempts.push(request.attempts[0].clone());
        assert_eq!(keeper.decide(&request, true), Some(KeepReason::Retried));
        request.slo.note(0, Judgement::Bad);
        assert_eq!(keeper.decide(&request, true), Some(KeepReason::SloMissed));
        request.verdict = verdict::client_left();
        assert_eq!(keeper.decide(&request, false), Some(KeepReason::Aborted));
        for (error, reason) in [
            (ErrorType::StreamTruncated, KeepReason::Aborted),
            (ErrorType::StreamErrorEvent, KeepReason::Aborted),
            (ErrorType::Status(503), KeepReason::Error),
            (ErrorType::TimeoutIdle, KeepReason::Error),
            (ErrorType::Other, KeepReason::Error),
        ] {
            request.verdict = verdict::failed(200, error);
            assert_eq!(keeper.decide(&request, false), Some(reason), "{error:?}");
        }
    }

    #[test]
    fn a_caller_s_own_fault_is_not_kept_for_itself() {
        let keeper = Keeper::new(NEVER);
        let mut request = record();
        for error in [ErrorType::Status(400), ErrorType::Status(401), ErrorType::RateLimited] {
            request.verdict = verdict::failed(400, error);
            assert_eq!(keeper.decide(&request, false), None, "{error:?}");
        }
    }

    #[test]
    fn little_traffic_is_kept_whole() {
        assert_eq!(kept(Sampling::default(), 50 * 5, 5), 250);
    }

    #[test]
    fn much_traffic_is_kept_down_to_the_target() {
        let aim = Sampling { target_per_minute: 60, ..NEVER };
        // The first minute starts from nothing and keeps more.
        let later = kept(aim, 100_000, 5) - kept(aim, 20_000, 1);
        assert!((180..300).contains(&later), "{later}");
    }

    #[test]
    fn the_floor_of_each_level_holds() {
        let floor = Floor { low: 1.0, medium: 0.5, high: 0.1 };
        let floors = Sampling { target_per_minute: 0, floor, ..NEVER };
        // 0.5, 5 and 50 a second.
        assert_eq!(kept(floors, 150, 5), 150);
        let medium = kept(floors, 1_500, 5) - kept(floors, 300, 1);
        assert!((520..680).contains(&medium), "{medium}");
        let high = kept(floors, 15_000, 5) - kept(floors, 3_000, 1);
        assert!((1_050..1_350).contains(&high), "{high}");
    }

    #[test]
    fn a_floor_does_not_hold_beyond_what_is_bearable() {
        let floor = Floor { low: 1.0, medium: 1.0, high: 1.0 };
        let capped = Sampling { floor, most_per_second: 10, ..NEVER };
        let later = kept(capped, 100_000, 5) - kept(capped, 20_000, 1);
        assert!((1_800..3_000).contains(&later), "{later}");
    }

    #[test]
    fn one_model_s_traffic_does_not_thin_out_another_s() {
        let keeper = Keeper::new(Sampling { target_per_minute: 60, ..NEVER });
        let mut request = record();
        request.identity.trace_id = TraceId::parse(&"1".repeat(32)).expect("well-formed");
        request.call.model = ModelSlot::at(2);
        while keeper.decide(&request, false).is_some() {}
        request.call.model = ModelSlot::at(3);
        assert_eq!(keeper.decide(&request, false), Some(KeepReason::Sampled));
    }

    #[test]
    fn who_keeps_less_keeps_a_part_of_what_others_keep() {
        let random = Random::seeded(1);
        let mut counts = [0_u32; 3];
        for _ in 0..10_000 {
            let id = TraceId::mint(|| random.next_u64());
            let kept = [0.5, 0.1, 0.0].map(|share| in_share(id, share));
            assert!(kept[0] >= kept[1] && !kept[2] && in_share(id, 1.0));
            counts.iter_mut().zip(kept).for_each(|(count, kept)| *count += u32::from(kept));
        }
        assert!(counts[0].abs_diff(5_000) < 200 && counts[1].abs_diff(1_000) < 100, "{counts:?}");
    }

    #[test]
    fn the_span_has_no_say() {
        let keeper = Keeper::new(Sampling {
            target_per_minute: 0,
            floor: Floor { low: 0.5, medium: 0.5, high: 0.5 },
            ..NEVER
        });
        let mut request = record();
        let first = keeper.decide(&request, false);
        for number in 1..20 {
            request.identity.span_id = SpanId::mint(|| number);
            assert_eq!(keeper.decide(&request, false), first);
        }
    }
}
