//! Which endpoints fail, from the attempts of finished requests.
//!
//! An endpoint fails once half of at least 20 attempts in a minute did by its fault. It has
//! recovered when fewer than a quarter do, or when nobody has asked it for ten minutes. Fed by
//! the observer's worker, never by a request. Must not know: how attempts are made, or who is
//! told.

use crate::alert::{EndpointFacts, Facts, Finding, Subject};
use crate::observe::{Attempt, RecordNames, RecordSink, RequestRecord};
use crate::types::{ErrorType, Outcome};
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// Attempts are counted by so many seconds …
const SLOT_SECONDS: u64 = 5;
/// … and this many slots make the minute that is looked at.
const SLOTS: usize = 12;
const WINDOW_SECONDS: u64 = SLOT_SECONDS * SLOTS as u64;
/// Fewer attempts than this prove nothing bad …
const FEWEST: u64 = 20;
/// … and fewer than this nothing good.
const FEWEST_WELL: u64 = 5;
/// The share of failures from which on an endpoint fails.
const FAILING: f64 = 0.5;
/// The share below which it does not any more.
const WELL: f64 = 0.25;
/// Nobody knows how an endpoint does that has not been asked for so long.
const UNKNOWN: u64 = 600;
/// An endpoint that has not been asked for so long is forgotten.
const FORGOTTEN: u64 = 3_600;
/// Models that are named.
const MOST_MODELS: usize = 16;

/// Watches endpoints. Cloning shares it.
#[derive(Clone)]
pub struct EndpointWatch(Arc<Mutex<Watch>>);

struct Watch {
    began: Instant,
    endpoints: HashMap<(usize, Arc<str>), Endpoint>,
}

struct Endpoint {
    upstream: String,
    slots: [Slot; SLOTS],
    /// Seconds since the watch began.
    last_asked: u64,
    last_error: Option<ErrorType>,
    models: BTreeSet<String>,
    is_failing: bool,
}

/// What happened in a few seconds.
#[derive(Clone, Copy, Default)]
struct Slot {
    number: u64,
    attempts: u64,
    failed: u64,
}

impl EndpointWatch {
    /// One that begins now.
    pub fn new(now: Instant) -> Self {
        Self(Arc::new(Mutex::new(Watch { began: now, endpoints: HashMap::new() })))
    }

    /// The endpoints that fail.
    pub fn findings(&self, now: Instant) -> Vec<Finding> {
        let mut watch = self.0.lock();
        let now = watch.seconds(now);
        watch.endpoints.retain(|_, endpoint| now < endpoint.last_asked + FORGOTTEN);
        let endpoints = watch.endpoints.iter_mut();
        endpoints.filter_map(|((_, name), endpoint)| endpoint.finding(name, now)).collect()
    }
}

impl RecordSink for EndpointWatch {
    fn take(&mut self, record: &RequestRecord, names: &RecordNames, _: SystemTime) {
        let mut watch = self.0.lock();
        // The last attempt of who left says nothing of the endpoint.
        let left = usize::from(record.verdict.outcome == Outcome::ClientCancelled);
        let known = record.attempts.len().saturating_sub(left);
        for attempt in &record.attempts[..known] {
            let Some(upstream) = names.upstreams.get(attempt.upstream) else { continue };
            let fault = attempt.error.filter(|error| is_its_fault(*error));
            let endpoint = watch.count(attempt, upstream, fault);
            if fault.is_some() && endpoint.models.len() < MOST_MODELS {
                let model = names.metrics.model(record.call.model);
                endpoint.models.insert(model.name().to_owned());
            }
        }
    }
}

impl Watch {
    fn seconds(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.began).as_secs()
    }

    fn count(
        &mut self,
        attempt: &Attempt,
        upstream: &str,
        fault: Option<ErrorType>,
    ) -> &mut Endpoint {
        let at = self.seconds(attempt.ended.unwrap_or(attempt.started));
        let key = (attempt.upstream, Arc::clone(&attempt.endpoint));
        let endpoint = self.endpoints.entry(key).or_insert_with(|| Endpoint {
            upstream: upstream.to_owned(),
            slots: [Slot::default(); SLOTS],
            last_asked: at,
            last_error: None,
            models: BTreeSet::new(),
            is_failing: false,
        });
        endpoint.last_asked = endpoint.last_asked.max(at);
        endpoint.last_error = fault.or(endpoint.last_error);
        let number = at / SLOT_SECONDS;
        let slot = &mut endpoint.slots[(number % SLOTS as u64) as usize];
        if slot.number < number {
            *slot = Slot { number, ..Slot::default() };
        }
        if slot.number == number {
            slot.attempts += 1;
            slot.failed += u64::from(fault.is_some());
        }
        endpoint
    }
}

impl Endpoint {
    fn finding(&mut self, name: &str, now: u64) -> Option<Finding> {
        let first = (now / SLOT_SECONDS).saturating_sub(SLOTS as u64 - 1);
        let recent = self.slots.iter().filter(|slot| slot.number >= first);
        let (attempts, failed) = recent.fold((0, 0), |(attempts, failed), slot| {
            (attempts + slot.attempts, failed + slot.failed)
        });
        let share = failed as f64 / attempts.max(1) as f64;
        if self.is_failing {
            let is_well = attempts >= FEWEST_WELL && share < WELL;
            self.is_failing = !is_well && now < self.last_asked + UNKNOWN;
        } else {
            self.is_failing = attempts >= FEWEST && share >= FAILING;
        }
        if !self.is_failing {
            if failed == 0 {
                self.models.clear();
            }
            return None;
        }
        Some(Finding {
            subject: Subject::UpstreamFailing {
                upstream: self.upstream.clone(),
                endpoint: name.to_owned(),
            },
            facts: Facts::Endpoint(EndpointFacts {
                attempts,
                failed,
                window_seconds: WINDOW_SECONDS,
                last_error: self.last_error.map(ErrorType::label),
                models: self.models.iter().cloned().collect(),
            }),
        })
    }
}

/// Whether the endpoint is to blame: it did not answer, or not well. A caller's mistake is not its
/// fault, and an endpoint that says it has too much to do is alive.
const fn is_its_fault(error: ErrorType) -> bool {
    matches!(
        Outcome::of(error),
        Outcome::UpstreamError
            | Outcome::Timeout
            | Outcome::StreamTruncated
            | Outcome::StreamErrorEvent
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::SpanId;
    use std::time::Duration;

    struct Traffic {
        watch: EndpointWatch,
        began: Instant,
        second: u64,
    }

    impl Traffic {
        fn new() -> Self {
            let began = Instant::now();
            Self { watch: EndpointWatch::new(began), began, second: 0 }
        }

        fn now(&self) -> Instant {
            self.began + Duration::from_secs(self.second)
        }

        /// So many seconds with so many attempts each, of which so many fail.
        fn run(&mut self, seconds: u64, attempts: u64, failed: u64) -> Option<EndpointFacts> {
            for _ in 0..seconds {
                self.second += 1;
                for number in 0..attempts {
                    let mut attempt =
                        Attempt::begin(0, "h:1".into(), SpanId::mint(|| 1), self.now());
                    attempt.ended = Some(self.now());
                    let fault = (number < failed).then_some(ErrorType::Status(503));
                    self.watch.0.lock().count(&attempt, "u", fault);
                }
            }
            match self.watch.findings(self.now()).pop()?.facts {
                Facts::Endpoint(facts) => Some(facts),
                Facts::Budget(_) => None,
            }
        }
    }

    #[test]
    fn half_of_twenty_attempts_have_to_fail() {
        let mut traffic = Traffic::new();
        assert_eq!(traffic.run(19, 1, 1), None, "too few");
        let facts = traffic.run(1, 1, 1).unwrap();
        assert_eq!((facts.attempts, facts.failed, facts.last_error), (20, 20, Some("503")));
        let mut traffic = Traffic::new();
        assert_eq!(traffic.run(60, 10, 4), None, "too small a share");
        assert!(traffic.run(60, 10, 5).is_some());
    }

    #[test]
    fn an_endpoint_recovers_when_it_answers_well_and_not_before() {
        let mut traffic = Traffic::new();
        assert!(traffic.run(60, 10, 10).is_some());
        assert!(traffic.run(60, 10, 3).is_some(), "30 % still fail");
        assert_eq!(traffic.run(60, 10, 2), None);
        assert_eq!(traffic.run(60, 10, 4), None, "once well, half have to fail again");
    }

    #[test]
    fn nobody_knows_how_an_endpoint_does_that_is_not_asked() {
        let mut traffic = Traffic::new();
        assert!(traffic.run(60, 10, 10).is_some());
        assert!(traffic.run(599, 0, 0).is_some(), "silence is no recovery");
        assert_eq!(traffic.run(1, 0, 0), None);
        traffic.run(3_000, 0, 0);
        assert!(traffic.watch.0.lock().endpoints.is_empty(), "it is forgotten");
    }

    #[test]
    fn a_callers_mistake_and_a_crowd_are_not_the_endpoints_fault() {
        for error in [ErrorType::Status(400), ErrorType::Status(401), ErrorType::Status(429)] {
            assert!(!is_its_fault(error), "{error:?}");
        }
        for error in [
            ErrorType::Status(500),
            ErrorType::ConnectRefused,
            ErrorType::TimeoutFirstByte,
            ErrorType::StreamTruncated,
            ErrorType::DecodeError,
        ] {
            assert!(is_its_fault(error), "{error:?}");
        }
    }
}
