//! Which requests are cached, and every reason against an answer.

use super::*;
use crate::protocol::{CacheHeaders, CacheMode, ChoiceCount, LiteLlmCache};
use crate::types::StreamEnd;

fn deterministic() -> CacheView {
    CacheView { temperature: Temperature::Zero, choices: 1, ..CacheView::default() }
}

fn control(mode: Option<CacheMode>) -> Control {
    let headers = CacheHeaders { mode, ..CacheHeaders::default() };
    Control::of(&headers, None, &RouteCache::default()).unwrap()
}

fn ask(view: &CacheView) -> Result<Plan, BypassReason> {
    eligible(Operation::Chat, view, &control(None), &RouteCache::default())
}

#[test]
fn a_request_whose_answer_can_be_had_again_is_cached() {
    let expected = Plan {
        lookup: Lookup::Yes,
        store: Write::Yes,
        collapse: Collapse::Within(Duration::from_secs(30)),
        variants: NonZeroU32::MIN,
    };
    assert_eq!(ask(&deterministic()), Ok(expected));
    let seeded = CacheView { is_seeded: true, ..CacheView::default() };
    assert_eq!(ask(&seeded), Ok(expected));
    let hot = CacheView { temperature: Temperature::Other, ..seeded };
    assert_eq!(ask(&hot), Ok(expected));
}

#[test]
fn a_request_without_a_temperature_is_sampled() {
    for temperature in [Temperature::Absent, Temperature::Other] {
        let view = CacheView { temperature, ..CacheView::default() };
        assert_eq!(ask(&view), Err(BypassReason::Sampled));
    }
}

#[test]
fn sampled_requests_share_as_many_answers_as_the_route_allows() {
    let variants = NonZeroU32::new(3).unwrap();
    let settings = RouteCache { sampled: Sampled::Allow { variants }, ..RouteCache::default() };
    let plan = |view| eligible(Operation::Chat, &view, &control(None), &settings).unwrap();
    assert_eq!(plan(deterministic()).variants, NonZeroU32::MIN);
    let sampled = plan(CacheView::default());
    let random = Random::seeded(1);
    let mut seen = [0; 3];
    (0..3000).for_each(|_| seen[sampled.variant(&random) as usize] += 1);
    assert!(seen.iter().all(|count| (850..1150).contains(count)), "{seen:?}");
}

#[test]
fn state_and_tools_at_the_upstream_are_no_matter_of_temperature() {
    let stateful = CacheView { is_stateful: true, ..deterministic() };
    assert_eq!(ask(&stateful), Err(BypassReason::Stateful));
    let tools = CacheView { has_server_tools: true, ..deterministic() };
    assert_eq!(ask(&tools), Err(BypassReason::ServerTools));
    let settings = RouteCache {
        sampled: Sampled::Allow { variants: NonZeroU32::MIN },
        ..RouteCache::default()
    };
    let asked = eligible(Operation::Chat, &tools, &control(None), &settings);
    assert_eq!(asked, Err(BypassReason::ServerTools));
}

#[test]
fn embeddings_are_always_cached_and_what_runs_no_model_never() {
    let ask = |operation| {
        eligible(operation, &CacheView::default(), &control(None), &RouteCache::default())
    };
    assert!(ask(Operation::Embeddings).is_ok());
    assert!(ask(Operation::Models).is_err() && ask(Operation::PassThrough).is_err());
}

#[test]
fn the_caller_and_the_operator_decide_first() {
    let asked = RouteCache { when: CacheWhen::Asked, ..RouteCache::default() };
    let always = RouteCache::default();
    let ask = |mode, settings: &RouteCache| {
        eligible(Operation::Chat, &deterministic(), &control(mode), settings).map(|_| ())
    };
    assert_eq!(ask(Some(CacheMode::Off), &always), Err(BypassReason::Asked));
    assert_eq!(ask(Some(CacheMode::Off), &asked), Err(BypassReason::Asked));
    assert_eq!(ask(None, &asked), Err(BypassReason::NotAsked));
    assert_eq!(ask(Some(CacheMode::On), &asked), Ok(()));
    let headers = CacheHeaders::default();
    let body = LiteLlmCache { use_cache: true, ..LiteLlmCache::default() };
    let control = Control::of(&headers, Some(&body), &asked).unwrap();
    assert!(eligible(Operation::Chat, &deterministic(), &control, &asked).is_ok());
}

#[test]
fn who_takes_no_answer_or_gives_none_is_not_collapsed() {
    let plan = |mode| {
        eligible(Operation::Chat, &deterministic(), &control(mode), &RouteCache::default()).unwrap()
    };
    let refresh = plan(Some(CacheMode::Refresh));
    assert_eq!((refresh.lookup, refresh.store), (Lookup::No, Write::Yes));
    assert_eq!(refresh.collapse, Collapse::No);
    let read_only = plan(Some(CacheMode::ReadOnly));
    assert_eq!((read_only.lookup, read_only.store), (Lookup::Yes, Write::No));
    assert_eq!(read_only.collapse, Collapse::No);
    let only = Control { otherwise: Otherwise::Refuse, ..control(None) };
    let only = eligible(Operation::Chat, &deterministic(), &only, &RouteCache::default()).unwrap();
    assert_eq!(only.collapse, Collapse::No);
    let off = RouteCache { collapse: None, ..RouteCache::default() };
    let off = eligible(Operation::Chat, &deterministic(), &control(None), &off).unwrap();
    assert_eq!(off.collapse, Collapse::No);
}

const WHOLE: ChoiceCount = ChoiceCount { seen: 1, finished: 1 };
const HEAD: HeadFacts =
    HeadFacts { status: 200, is_encoded: false, length: Some(10), from: AnsweredBy::Target };
const STREAM: BodyFacts =
    BodyFacts::Stream { end: StreamEnd::Terminated, choices: WHOLE, unread_events: 0 };
const DOCUMENT: BodyFacts =
    BodyFacts::Document { is_well_formed: true, has_error: false, choices: WHOLE };
const END: EndFacts =
    EndFacts { body: DOCUMENT, is_complete: true, received: 10, is_at_hand: true };

/// The verdict on an answer to one choice of a chat.
fn judge(head: &HeadFacts, end: &EndFacts) -> Result<(u64, u64), NotStored> {
    judge_under(&RouteCache::default(), head, end)
}

fn judge_under(
    settings: &RouteCache,
    head: &HeadFacts,
    end: &EndFacts,
) -> Result<(u64, u64), NotStored> {
    let control = Control::of(&CacheHeaders::default(), None, settings).unwrap();
    let operation = Operation::Chat;
    let expected = Expected { operation, choices: 1, control: &control, settings };
    may_store(expected, head, end).map(|life| (life.fresh.as_secs(), life.stale.as_secs()))
}

fn body(body: BodyFacts) -> Result<(u64, u64), NotStored> {
    judge(&HEAD, &EndFacts { body, ..END })
}

#[test]
fn a_whole_answer_is_kept_for_the_time_that_was_asked() {
    assert_eq!(judge(&HEAD, &END), Ok((3600, 0)));
    assert_eq!(body(STREAM), Ok((3600, 0)));
    let open = HeadFacts { length: None, ..HEAD };
    assert_eq!(judge(&open, &END), Ok((3600, 0)));
    let settings = RouteCache {
        ttl: Duration::from_secs(5),
        stale_while_revalidate: Duration::from_secs(7),
        stale_if_error: Duration::from_secs(6),
        ..RouteCache::default()
    };
    assert_eq!(judge_under(&settings, &HEAD, &END), Ok((5, 7)));
}

#[test]
fn every_doubt_keeps_an_answer_out() {
    let head = |head: HeadFacts| judge(&head, &END);
    let end = |end: EndFacts| judge(&HEAD, &end);
    for status in [201, 204, 206, 301, 304, 400, 401, 404, 429, 500, 503] {
        assert_eq!(head(HeadFacts { status, ..HEAD }), Err(NotStored::Status), "{status}");
    }
    assert_eq!(head(HeadFacts { is_encoded: true, ..HEAD }), Err(NotStored::Encoded));
    assert_eq!(head(HeadFacts { from: AnsweredBy::StandIn, ..HEAD }), Err(NotStored::StandIn));
    assert_eq!(head(HeadFacts { length: Some(11), ..HEAD }), Err(NotStored::LengthMismatch));
    assert_eq!(head(HeadFacts { length: Some(9), ..HEAD }), Err(NotStored::LengthMismatch));
    assert_eq!(end(EndFacts { is_complete: false, ..END }), Err(NotStored::Truncated));
    assert_eq!(end(EndFacts { is_at_hand: false, ..END }), Err(NotStored::TooLarge));
}

#[test]
fn an_answer_must_say_itself_that_it_is_whole() {
    let unfinished = ChoiceCount { seen: 1, finished: 0 };
    let stream =
        |end, choices, unread_events| body(BodyFacts::Stream { end, choices, unread_events });
    assert_eq!(stream(StreamEnd::Open, WHOLE, 0), Err(NotStored::Truncated));
    assert_eq!(stream(StreamEnd::ErrorEvent, WHOLE, 0), Err(NotStored::Error));
    assert_eq!(stream(StreamEnd::Terminated, unfinished, 0), Err(NotStored::Unfinished));
    assert_eq!(stream(StreamEnd::Terminated, WHOLE, 1), Err(NotStored::Opaque));
    let document = |is_well_formed, has_error, choices| {
        body(BodyFacts::Document { is_well_formed, has_error, choices })
    };
    assert_eq!(document(false, false, WHOLE), Err(NotStored::Truncated));
    assert_eq!(document(true, true, WHOLE), Err(NotStored::Error));
    assert_eq!(document(true, false, unfinished), Err(NotStored::Unfinished));
    assert_eq!(document(true, false, ChoiceCount::default()), Err(NotStored::Unfinished));
    assert_eq!(body(BodyFacts::Opaque), Err(NotStored::Opaque));
}

#[test]
fn one_choice_of_two_is_not_the_answer() {
    let settings = RouteCache::default();
    let control = Control::of(&CacheHeaders::default(), None, &settings).unwrap();
    let expected =
        Expected { operation: Operation::Chat, choices: 2, control: &control, settings: &settings };
    assert_eq!(may_store(expected, &HEAD, &END).unwrap_err(), NotStored::Unfinished);
    let embeddings = Expected { operation: Operation::Embeddings, choices: 0, ..expected };
    let choices = ChoiceCount::default();
    let document = BodyFacts::Document { is_well_formed: true, has_error: false, choices };
    assert!(may_store(embeddings, &HEAD, &EndFacts { body: document, ..END }).is_ok());
}

#[test]
fn what_the_caller_does_not_want_kept_is_not() {
    let settings = RouteCache::default();
    let control = control(Some(CacheMode::ReadOnly));
    let expected =
        Expected { operation: Operation::Chat, choices: 1, control: &control, settings: &settings };
    assert_eq!(may_store(expected, &HEAD, &END).unwrap_err(), NotStored::NoStore);
}

#[test]
fn errors_about_the_request_are_kept_for_a_while_where_the_route_says_so() {
    let settings = RouteCache {
        errors: Duration::from_secs(9),
        stale_if_error: Duration::from_secs(60),
        ..RouteCache::default()
    };
    let opaque = EndFacts { body: BodyFacts::Opaque, ..END };
    let verdict = |status| judge_under(&settings, &HeadFacts { status, ..HEAD }, &opaque);
    for status in [400, 404, 413, 422] {
        assert_eq!(verdict(status), Ok((9, 0)), "{status}");
    }
    for status in [401, 403, 408, 409, 429, 500, 502, 503, 504, 529] {
        assert_eq!(verdict(status), Err(NotStored::Status), "{status}");
    }
    let brief = RouteCache { ttl: Duration::from_secs(2), ..settings.clone() };
    let not_found = HeadFacts { status: 404, ..HEAD };
    assert_eq!(judge_under(&brief, &not_found, &opaque), Ok((2, 0)), "never longer than answers");
    let cut = EndFacts { is_complete: false, ..opaque };
    let cut = judge_under(&settings, &HeadFacts { status: 400, ..HEAD }, &cut);
    assert_eq!(cut, Err(NotStored::Truncated));
}

#[test]
fn reasons_have_labels_of_their_own() {
    let labels: std::collections::HashSet<_> = NotStored::ALL.iter().map(|r| r.label()).collect();
    assert_eq!(labels.len(), NotStored::ALL.len());
}
