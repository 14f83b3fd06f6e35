//! The table of good, bad and excluded.
//!
//! Must not know: budgets.

use super::*;
use crate::observe::Attempt;
use crate::observe::slo::Judgement::{self, Bad, Excluded, Good};
use crate::observe::slo::{Goodput, Upstream429, judge};
use crate::types::{BypassReason, CacheTier};

const AVAILABILITY: Indicator = Indicator::Availability;
const FIRST_TOKEN: Indicator = Indicator::FirstToken(ms(500));
const PER_TOKEN: Indicator = Indicator::PerToken(ms(50));
const LATENCY: Indicator = Indicator::Latency(ms(2_000));
const GOODPUT: Indicator = Indicator::Goodput(Goodput {
    first_token: Some(ms(500)),
    per_token: Some(ms(50)),
    latency: Some(ms(2_000)),
});
const KINDS: [Indicator; 5] = [AVAILABILITY, FIRST_TOKEN, PER_TOKEN, LATENCY, GOODPUT];

fn judged(request: &Request, indicator: Indicator) -> Judgement {
    judge(&request.0, &objective("o", indicator), Some(ms(500)))
}

/// Whose fault a verdict is, written down a second time.
fn blamed(outcome: Outcome, error: Option<ErrorType>) -> &'static str {
    match outcome {
        Outcome::Success => "nobody",
        Outcome::ClientError => "caller",
        Outcome::ClientCancelled => "left",
        Outcome::RateLimited if error == Some(ErrorType::Status(429)) => "upstream",
        Outcome::RateLimited => "caller",
        _ => "upstream",
    }
}

#[test]
fn every_outcome_with_every_error_is_judged_by_the_table() {
    let errors = ErrorType::all().map(Some).chain([None, Some(ErrorType::Status(418))]);
    for (error, outcome) in errors.flat_map(|e| Outcome::ALL.map(|outcome| (e, outcome))) {
        let verdict = Verdict { outcome, status: 200, error };
        // In each case a stream that was quick enough by every limit.
        let quick = || Request::new(verdict).first_token_at(100);
        let quick = quick().ended_at(1_000).tokens(101, UsageSource::Upstream);
        let expected = match blamed(outcome, error) {
            "nobody" => [Good, Good, Good, Good, Good],
            "caller" => [Excluded; 5],
            // What was seen of the first token was measured; the rest is not known.
            "left" => [Excluded, Good, Excluded, Excluded, Excluded],
            _ => [Bad, Good, Bad, Bad, Bad],
        };
        let found = KINDS.map(|kind| judged(&quick, kind));
        assert_eq!(found, expected, "{outcome:?} {error:?}, a stream");

        let whole = Request::new(verdict);
        let expected = match blamed(outcome, error) {
            "nobody" => [Good, Excluded, Excluded, Good, Good],
            "caller" | "left" => [Excluded; 5],
            _ => [Bad, Excluded, Excluded, Bad, Bad],
        };
        let found = KINDS.map(|kind| judged(&whole, kind));
        assert_eq!(found, expected, "{outcome:?} {error:?}, a whole answer");
    }
}

/// Each status and whether the answer was the cache's.
const SAID: [(CacheStatus, bool); 5] = [
    (CacheStatus::Hit(CacheTier::Memory), true),
    (CacheStatus::Stale(CacheTier::Disk), true),
    (CacheStatus::Collapsed, true),
    (CacheStatus::Miss, false),
    (CacheStatus::Bypass(BypassReason::Sampled), false),
];

#[test]
fn what_the_cache_answers_counts_for_availability_alone() {
    // Quick or slow, it says nothing of how quick the model is.
    for (first, end) in [(1, 2), (9_000, 99_000)] {
        let stream = || {
            Request::served().first_token_at(first).ended_at(end).tokens(101, UsageSource::Cache)
        };
        let without = KINDS.map(|kind| judged(&stream(), kind));
        for (status, by_cache) in SAID {
            let found = KINDS.map(|kind| judged(&stream().said_by_cache(status), kind));
            let expected = [Good, Excluded, Excluded, Excluded, Excluded];
            assert_eq!(found, if by_cache { expected } else { without }, "{status:?}");
        }
    }
}

#[test]
fn what_goes_wrong_with_an_answer_of_the_cache_counts_for_availability_alone() {
    for (status, _) in SAID.into_iter().filter(|(_, by_cache)| *by_cache) {
        for (request, availability) in [
            (Request::failed(ErrorType::StreamTruncated), Bad),
            (Request::failed(ErrorType::TimeoutFirstToken), Bad),
            (Request::left().ended_at(499), Excluded),
            (Request::left().ended_at(501), Bad),
            (Request::left().ended_at(501).first_token_at(100), Excluded),
        ] {
            let request = request.streamed().said_by_cache(status);
            let found = KINDS.map(|kind| judged(&request, kind));
            let expected = [availability, Excluded, Excluded, Excluded, Excluded];
            assert_eq!(found, expected, "{status:?} {:?}", request.0.verdict);
        }
    }
}

#[test]
fn an_old_answer_in_place_of_an_error_is_a_kept_promise() {
    let mut request = Request::served().said_by_cache(CacheStatus::Stale(CacheTier::Memory));
    let now = request.0.timeline.received;
    let mut attempt = Attempt::begin(0, "127.0.0.1:1".into(), SpanId::mint(|| 7), now);
    attempt.error = Some(ErrorType::ConnectRefused);
    request.0.attempts.push(attempt);
    assert_eq!(judged(&request, AVAILABILITY), Good);
    assert_eq!(judged(&request, LATENCY), Excluded);
}

#[test]
fn a_refresh_is_nobodys_promise() {
    let route = SloScope::Route(Operation::Chat);
    let of_route = SloSettings { scope: route, ..objective("o", AVAILABILITY) };
    for request in [Request::served(), Request::failed(ErrorType::Dns), Request::left()] {
        let request = request.refreshing();
        assert_eq!(KINDS.map(|kind| judged(&request, kind)), [Excluded; 5]);
        assert_eq!(judge(&request.0, &of_route, None), Excluded);
    }
}

#[test]
fn verdicts_that_happen_are_blamed_as_their_errors_say() {
    let upstreams: Vec<ErrorType> = ErrorType::all()
        .filter(|error| judged(&Request::failed(*error), AVAILABILITY) == Bad)
        .collect();
    let callers = [400, 401, 403, 404, 408, 413, 422].map(ErrorType::Status);
    let ours = [ErrorType::RateLimited, ErrorType::BudgetExceeded, ErrorType::NotCached];
    assert_eq!(upstreams.len(), ErrorType::COUNT - callers.len() - ours.len());
    for error in callers.into_iter().chain(ours) {
        assert!(!upstreams.contains(&error), "{error:?}");
    }
}

#[test]
fn an_upstreams_429_is_bad_unless_the_operator_says_otherwise() {
    let request = Request::failed(ErrorType::Status(429));
    let lenient = SloSettings { upstream_429: Upstream429::Excluded, ..objective("o", LATENCY) };
    assert_eq!(judged(&request, LATENCY), Bad);
    assert_eq!(judge(&request.0, &lenient, None), Excluded);
    let ours = Request::failed(ErrorType::RateLimited);
    assert_eq!(judged(&ours, LATENCY), Excluded);
}

#[test]
fn limits_include_their_own_value() {
    let at = |first, end| {
        Request::served().first_token_at(first).ended_at(end).tokens(11, UsageSource::Upstream)
    };
    assert_eq!(judged(&at(500, 600), FIRST_TOKEN), Good);
    assert_eq!(judged(&at(501, 600), FIRST_TOKEN), Bad);
    assert_eq!(judged(&at(100, 600), PER_TOKEN), Good);
    assert_eq!(judged(&at(100, 611), PER_TOKEN), Bad);
    assert_eq!(judged(&at(100, 2_000), LATENCY), Good);
    assert_eq!(judged(&at(100, 2_001), LATENCY), Bad);
}

#[test]
fn a_time_per_token_needs_the_upstreams_own_count_and_two_tokens() {
    let stream = || Request::served().first_token_at(100).ended_at(10_000);
    assert_eq!(judged(&stream(), PER_TOKEN), Excluded);
    assert_eq!(judged(&stream().tokens(50, UsageSource::Estimated), PER_TOKEN), Excluded);
    assert_eq!(judged(&stream().tokens(0, UsageSource::Upstream), PER_TOKEN), Excluded);
    assert_eq!(judged(&stream().tokens(1, UsageSource::Upstream), PER_TOKEN), Excluded);
    assert_eq!(judged(&stream().tokens(2, UsageSource::Upstream), PER_TOKEN), Bad);
    let failed = Request::failed(ErrorType::TimeoutIdle).first_token_at(100);
    assert_eq!(judged(&failed, PER_TOKEN), Bad, "an outage must not improve it");
}

#[test]
fn a_stream_that_failed_before_its_first_token_is_bad_for_it() {
    let failed = Request::failed(ErrorType::TimeoutFirstToken).streamed();
    assert_eq!(judged(&failed, FIRST_TOKEN), Bad);
    let late = Request::failed(ErrorType::StreamTruncated).first_token_at(600);
    assert_eq!(judged(&late, FIRST_TOKEN), Bad);
}

#[test]
fn a_stream_without_output_has_no_first_token() {
    assert_eq!(judged(&Request::served().streamed(), FIRST_TOKEN), Excluded);
    assert_eq!(judged(&Request::served().streamed(), GOODPUT), Good);
}

#[test]
fn goodput_keeps_every_limit_it_can_measure() {
    let stream = |first, end| {
        Request::served().first_token_at(first).ended_at(end).tokens(11, UsageSource::Upstream)
    };
    assert_eq!(judged(&stream(100, 600), GOODPUT), Good);
    assert_eq!(judged(&stream(501, 600), GOODPUT), Bad);
    assert_eq!(judged(&stream(100, 700), GOODPUT), Bad);
    assert_eq!(judged(&Request::served().ended_at(2_001), GOODPUT), Bad);
    assert_eq!(judged(&Request::served().ended_at(1_999), GOODPUT), Good);
}

#[test]
fn a_caller_that_left_a_stream_counts_only_when_it_was_kept_waiting() {
    let early = Request::left().streamed().ended_at(500);
    assert_eq!(KINDS.map(|kind| judged(&early, kind)), [Excluded; 5]);
    let late = Request::left().streamed().ended_at(501);
    let expected = [Bad, Bad, Bad, Excluded, Bad];
    assert_eq!(KINDS.map(|kind| judged(&late, kind)), expected, "latency has its own limit");
    let later = Request::left().streamed().ended_at(2_001);
    assert_eq!(KINDS.map(|kind| judged(&later, kind)), [Bad; 5]);
    let unlimited = judge(&later.0, &objective("o", AVAILABILITY), None);
    assert_eq!(unlimited, Excluded, "nobody said how long is too long");
}

#[test]
fn a_caller_that_left_after_the_first_token_counts_for_that_alone() {
    let served = Request::left().first_token_at(100).ended_at(9_000);
    let expected = [Excluded, Good, Excluded, Excluded, Excluded];
    assert_eq!(KINDS.map(|kind| judged(&served, kind)), expected);
    let late = Request::left().first_token_at(501).ended_at(9_000);
    let expected = [Excluded, Bad, Excluded, Excluded, Bad];
    assert_eq!(KINDS.map(|kind| judged(&late, kind)), expected);
}

#[test]
fn a_caller_that_left_a_whole_answer_is_measured_by_whole_answers() {
    let left = Request::left().ended_at(1_999);
    assert_eq!(KINDS.map(|kind| judged(&left, kind)), [Excluded; 5]);
    let left = Request::left().ended_at(2_001);
    let expected = [Excluded, Excluded, Excluded, Bad, Bad];
    assert_eq!(KINDS.map(|kind| judged(&left, kind)), expected);
}

#[test]
fn an_objective_for_models_is_about_calls_of_configured_models() {
    let slo = objective("o", AVAILABILITY);
    for operation in Operation::ALL {
        let known = Request::served().doing(operation);
        let expected = if operation.is_inference() { Good } else { Excluded };
        assert_eq!(judge(&known.0, &slo, None), expected, "{operation:?}");
        let unknown = Request::failed(ErrorType::NoHealthyUpstream).of_model(0).doing(operation);
        assert_eq!(judge(&unknown.0, &slo, None), Excluded, "{operation:?}");
    }
}

#[test]
fn an_objective_for_a_route_is_about_all_its_calls() {
    let route = SloScope::Route(Operation::Chat);
    let slo = SloSettings { scope: route, ..objective("o", AVAILABILITY) };
    let unknown = Request::failed(ErrorType::NoHealthyUpstream).of_model(0);
    assert_eq!(judge(&unknown.0, &slo, None), Bad);
    let other = Request::served().doing(Operation::Embeddings);
    assert_eq!(judge(&other.0, &slo, None), Excluded);
}
