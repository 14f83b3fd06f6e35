//! The last hour of each endpoint, minute by minute: how attempts ended, and how soon it answered.
//!
//! Health as traffic shows it: nobody asks an endpoint how it does, so one without traffic is
//! unknown, not well. An attempt is counted in the minute that its request ended in. In memory
//! alone; as many endpoints as the configuration names, of an hour some 20 KiB each. Must not
//! know: pages, or what becomes of an endpoint that fails.

use super::rollup::{Histogram, Quantity};
use crate::observe::{Attempt, RequestRecord};
use crate::types::{ErrorType, Outcome};
use parking_lot::Mutex;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Minutes that are kept, the one in progress included.
pub const MINUTES: u32 = 60;
/// Times to headers are about as long as times to first tokens.
const TIMES: Quantity = Quantity::FirstToken;

/// All endpoints, by the upstream's position and by `host:port`: two that differ in the prefix
/// of their paths alone are one server.
#[derive(Default)]
pub struct Endpoints(Mutex<BTreeMap<(usize, Arc<str>), Hour>>);

/// One endpoint.
#[derive(Default)]
struct Hour {
    /// By minutes since the epoch; those without attempts are left out.
    minutes: BTreeMap<u32, Minute>,
    last_failure: Option<(ErrorType, SystemTime)>,
    last_answer: Option<SystemTime>,
}

struct Minute {
    ended: Ended,
    /// By [`ErrorType::index`].
    errors: BTreeMap<usize, u64>,
    headers: Histogram,
}

/// Attempts that ended. One whose caller left before an answer is neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// It answered; a fault of the caller's is an answer, too.
    pub answered: u64,
    /// It failed, or refused for want of room.
    pub failed: u64,
}

/// What is known of an endpoint.
#[derive(Clone, Debug)]
pub struct EndpointPast {
    /// The last hour, the minute in progress last.
    pub minutes: Vec<Ended>,
    /// All of it.
    pub ended: Ended,
    /// Failures by type, the most frequent first.
    pub errors: Vec<(ErrorType, u64)>,
    /// From the beginning of an attempt to the response head; of attempts that have one.
    pub headers: Histogram,
    /// Attempts a second in the minute before this one and in what there is of this one.
    pub per_second: f64,
    /// The last failure since the process began, and when.
    pub last_failure: Option<(ErrorType, SystemTime)>,
    /// When it answered last, since the process began.
    pub last_answer: Option<SystemTime>,
}

impl Endpoints {
    /// Counts the attempts of a request that ended at `ended`.
    pub(super) fn count(&self, record: &RequestRecord, ended: SystemTime) {
        if record.attempts.is_empty() {
            return;
        }
        let minute = minute_of(ended);
        let mut endpoints = self.0.lock();
        for attempt in &record.attempts {
            let place = (attempt.upstream, Arc::clone(&attempt.endpoint));
            endpoints.entry(place).or_default().count(attempt, (minute, ended));
        }
    }

    /// What is known at `now` of the endpoint `host:port` of an upstream.
    pub fn past(&self, upstream: usize, authority: &Arc<str>, now: SystemTime) -> EndpointPast {
        let endpoints = self.0.lock();
        let nothing = Hour::default();
        endpoints.get(&(upstream, Arc::clone(authority))).unwrap_or(&nothing).past(now)
    }
}

impl Hour {
    fn count(&mut self, attempt: &Attempt, (minute, ended): (u32, SystemTime)) {
        let Some(end) = End::of(attempt) else { return };
        if !self.minutes.contains_key(&minute) {
            // Later ones, too: the clock may have been set back.
            self.minutes.retain(|kept, _| kept.abs_diff(minute) < MINUTES);
        }
        let sums = self.minutes.entry(minute).or_default();
        match end {
            End::Answered => {
                sums.ended.answered += 1;
                self.last_answer = Some(ended);
            }
            End::Failed(error) => {
                sums.ended.failed += 1;
                *sums.errors.entry(error.index()).or_default() += 1;
                self.last_failure = Some((error, ended));
            }
        }
        if let Some(head) = attempt.first_byte {
            sums.headers.record(head.saturating_duration_since(attempt.started));
        }
    }

    fn past(&self, now: SystemTime) -> EndpointPast {
        let last = minute_of(now);
        let first = last.saturating_sub(MINUTES - 1);
        let ended = |minute: u32| self.minutes.get(&minute).map(|sums| sums.ended);
        let minutes: Vec<Ended> =
            (first..=last).map(|minute| ended(minute).unwrap_or_default()).collect();
        let (mut errors, mut headers) = (BTreeMap::<usize, u64>::new(), Histogram::new(TIMES));
        for (_, sums) in self.minutes.range(first..=last) {
            sums.errors.iter().for_each(|(at, more)| *errors.entry(*at).or_default() += more);
            headers.merge(&sums.headers);
        }
        let typed = |(at, count)| Some((ErrorType::all().nth(at)?, count));
        let mut errors: Vec<_> = errors.into_iter().filter_map(typed).collect();
        errors.sort_by_key(|(_, count)| Reverse(*count));
        let recent: u64 = minutes.iter().rev().take(2).copied().map(Ended::all).sum();
        let begun = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() % 60.0;
        EndpointPast {
            ended: minutes.iter().fold(Ended::default(), |sum, more| sum.and(*more)),
            minutes,
            errors,
            headers,
            per_second: recent as f64 / (60.0 + begun),
            last_failure: self.last_failure,
            last_answer: self.last_answer,
        }
    }
}

/// How an attempt ended.
enum End {
    Answered,
    Failed(ErrorType),
}

impl End {
    fn of(attempt: &Attempt) -> Option<Self> {
        match (attempt.error, attempt.status) {
            (Some(error), _) if Outcome::of(error) != Outcome::ClientError => {
                Some(Self::Failed(error))
            }
            (_, Some(_)) => Some(Self::Answered),
            _ => None,
        }
    }
}

impl Default for Minute {
    fn default() -> Self {
        let (ended, errors) = (Ended::default(), BTreeMap::new());
        Self { ended, errors, headers: Histogram::new(TIMES) }
    }
}

impl Ended {
    /// Both.
    pub const fn all(self) -> u64 {
        self.answered + self.failed
    }

    /// The share that failed, 0 to 1; `None` where nothing ended.
    pub fn failed_share(self) -> Option<f64> {
        let all = self.all();
        (all > 0).then(|| self.failed as f64 / all as f64)
    }

    /// What ended in either of two stretches.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self { answered: self.answered + more.answered, failed: self.failed + more.failed }
    }
}

impl EndpointPast {
    /// The time to headers that a share of `quantile`, 0 to 1, does not exceed.
    pub fn time_to_headers(&self, quantile: f64) -> Option<Duration> {
        self.headers.quantile(quantile)
    }
}

/// Minutes since the epoch; 0 for a date before it.
fn minute_of(date: SystemTime) -> u32 {
    let since = date.duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs() / 60).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::testing::{failed, request};

    const SECOND: Duration = Duration::from_secs(1);

    fn at(minute: u32) -> SystemTime {
        UNIX_EPOCH + 60 * SECOND * minute + 30 * SECOND
    }

    fn answered() -> RequestRecord {
        let mut record = request("req_a", SECOND);
        let begun = record.attempts[0].started;
        record.attempts[0].first_byte = Some(begun + SECOND / 10);
        record
    }

    fn past(endpoints: &Endpoints, now: u32) -> EndpointPast {
        endpoints.past(0, &"10.0.0.1:8000".into(), at(now))
    }

    #[test]
    fn attempts_are_counted_in_their_minute_and_gone_after_an_hour() {
        let endpoints = Endpoints::default();
        endpoints.count(&answered(), at(1_000));
        endpoints.count(&failed("req_b", ErrorType::ConnectRefused), at(1_000));
        endpoints.count(&answered(), at(1_059));
        let now = past(&endpoints, 1_059);
        assert_eq!(now.minutes.len(), 60);
        assert_eq!(now.minutes[0], Ended { answered: 1, failed: 1 });
        assert_eq!(now.minutes[59], Ended { answered: 1, failed: 0 });
        assert_eq!(now.ended, Ended { answered: 2, failed: 1 });
        assert_eq!(now.errors, [(ErrorType::ConnectRefused, 1)]);
        let headers = now.time_to_headers(0.5).unwrap();
        assert!((SECOND / 15..SECOND / 7).contains(&headers), "{headers:?}");
        assert!((now.per_second - 1.0 / 90.0).abs() < 1e-9, "{}", now.per_second);
        let later = past(&endpoints, 1_060);
        assert_eq!((later.ended, later.errors.len()), (Ended { answered: 1, failed: 0 }, 0));
        assert_eq!(later.last_failure, Some((ErrorType::ConnectRefused, at(1_000))));
        assert_eq!(later.last_answer, Some(at(1_059)));
    }

    #[test]
    fn what_is_not_the_endpoints_fault_does_not_count_against_it() {
        let endpoints = Endpoints::default();
        let mut bad_request = failed("req_a", ErrorType::Status(400));
        bad_request.attempts[0].status = Some(400);
        endpoints.count(&bad_request, at(7));
        let mut left = answered();
        left.attempts[0].status = None;
        endpoints.count(&left, at(7));
        let mut refused = failed("req_b", ErrorType::Status(429));
        refused.attempts[0].status = Some(429);
        endpoints.count(&refused, at(7));
        assert_eq!(past(&endpoints, 7).ended, Ended { answered: 1, failed: 1 });
    }

    #[test]
    fn no_more_than_an_hour_is_kept_even_when_the_clock_is_set_back() {
        let endpoints = Endpoints::default();
        for minute in (2_000..2_200).chain((100..300).rev()) {
            endpoints.count(&answered(), at(minute));
        }
        let held = endpoints.0.lock().values().map(|hour| hour.minutes.len()).max();
        assert!(held <= Some(MINUTES as usize), "{held:?}");
        assert_eq!(past(&endpoints, 100).ended.answered, 1);
    }

    #[test]
    fn an_endpoint_without_traffic_is_unknown() {
        let nothing = past(&Endpoints::default(), 9_000);
        assert_eq!(nothing.ended.failed_share(), None);
        assert_eq!((nothing.time_to_headers(0.5), nothing.last_answer), (None, None));
    }
}
