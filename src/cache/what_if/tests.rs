//! Caches whose every answer can be worked out by hand.

use super::*;
use crate::types::NanoUsd;

const CHAT: &str = r#"{"model":"m","temperature":0,"messages":[]}"#;
const SAMPLED: &str = r#"{"model":"m","messages":[]}"#;
const MIB: u64 = 1 << 20;

/// Answers of 100 bytes that take 2 s, 30 tokens and 500 billionths of a dollar.
const GOOD: Answered = Answered {
    status: Some(200),
    is_complete: Some(true),
    bytes: Some(100),
    effort: Effort { time: Some(seconds(2)), tokens: Some(30), cost: Some(NanoUsd(500)) },
};

const ALICE: Asker<'_> = Asker::Holder { alias: "alice", tenant: Some("shop") };
const BOB: Asker<'_> = Asker::Holder { alias: "bob", tenant: Some("shop") };
const EVE: Asker<'_> = Asker::Holder { alias: "eve", tenant: None };

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A request, and all that tests say about it.
struct Request {
    at: f64,
    body: String,
    asker: Option<Asker<'static>>,
    headers: HeaderMap,
    answered: Answered,
}

fn at(at: f64) -> Request {
    let (body, headers) = (CHAT.to_owned(), HeaderMap::new());
    Request { at, body, asker: Some(ALICE), headers, answered: GOOD }
}

impl Request {
    fn body(self, body: impl Into<String>) -> Self {
        Self { body: body.into(), ..self }
    }

    fn by(self, asker: Asker<'static>) -> Self {
        Self { asker: Some(asker), ..self }
    }

    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(name, http::HeaderValue::from_static(value));
        self
    }

    fn answered(self, answered: Answered) -> Self {
        Self { answered, ..self }
    }
}

fn grid() -> Grid {
    Grid {
        scopes: vec![CacheScope::Key],
        sampled: vec![Sampling::Refuse],
        ttls: vec![seconds(60)],
        sizes: vec![MIB],
    }
}

fn take(what_if: &mut WhatIf, request: &Request, settings: &RouteCache) -> Result<(), Refused> {
    let asked = Asked {
        received: Duration::from_secs_f64(1000.0 + request.at),
        operation: Operation::Chat,
        path: "/v1/chat/completions",
        model: "m",
        headers: &request.headers,
        body: request.body.as_bytes(),
        asker: request.asker,
        route: &RouteIdentity::of([]),
        settings,
    };
    what_if.take(&asked, &request.answered)
}

fn run_with(settings: &RouteCache, grid: Grid, requests: Vec<Request>) -> Vec<Tally> {
    let mut what_if = WhatIf::new(grid);
    for request in &requests {
        take(&mut what_if, request, settings).unwrap();
    }
    what_if.finish().into_iter().map(|(_, tally)| tally).collect()
}

fn run(requests: Vec<Request>) -> Tally {
    run_with(&RouteCache::default(), grid(), requests).remove(0)
}

fn counts(tally: &Tally) -> [u64; 4] {
    [tally.hits, tally.stale, tally.collapsed, tally.misses]
}

fn sum(known: u64, parts: u64, unknown: u64) -> Sum {
    Sum { known, parts, unknown }
}

#[test]
fn an_answer_is_shared_on_its_way_then_kept_and_then_gone() {
    // Asked at 0, there at 2, and fresh until 62.
    let times = [0.0, 1.0, 1.9, 2.0, 30.0, 61.9, 62.0, 63.0];
    let tally = run(times.map(at).into());
    // Collapsed at 1 and 1.9; hits at 2, 30 and 61.9; missed at 0 and 62, which 63 waits for.
    assert_eq!(counts(&tally), [3, 0, 3, 2]);
    assert_eq!((tally.requests, tally.hit_ratio()), (8, Some(3.0 / 8.0)));
    assert_eq!(tally.saved_time, sum(12_000_000_000, 6, 0));
    assert_eq!(tally.saved_tokens, sum(180, 6, 0));
    assert_eq!(tally.saved_cost, sum(3000, 6, 0));
    assert_eq!((tally.stored, tally.peak_bytes, tally.peak_entries), (2, 356, 1));
}

#[test]
fn a_longer_time_keeps_what_a_shorter_one_loses() {
    let grid = Grid { ttls: vec![seconds(10), seconds(100)], ..grid() };
    // There at 2: fresh until 12 or 102. Then there again at 22: until 32.
    let times = [0.0, 11.0, 20.0, 31.0, 90.0];
    let tallies = run_with(&RouteCache::default(), grid, times.map(at).into());
    assert_eq!(counts(&tallies[0]), [2, 0, 0, 3]);
    assert_eq!(counts(&tallies[1]), [4, 0, 0, 1]);
}

#[test]
fn without_room_what_was_not_asked_for_the_longest_goes() {
    // Room for 64 answers, each as large as one may be: 100 bytes and 256 beside them.
    let grid = Grid { sizes: vec![64 * 356, 128 * 356], ..grid() };
    let chat = |number: usize| format!(r#"{{"model":"m","temperature":0,"n":{number}}}"#);
    let mut asked: Vec<usize> = (1..=64).collect();
    // The first is asked for again, so it is the second that goes when one more comes.
    asked.extend([1, 65, 1, 3, 2]);
    let requests = asked.iter().zip(0_u32..).map(|(number, second)| {
        let answered = Answered { effort: Effort { time: None, ..GOOD.effort }, ..GOOD };
        at(f64::from(second) / 10.0).body(chat(*number)).answered(answered)
    });
    let tallies = run_with(&RouteCache::default(), grid, requests.collect());
    assert_eq!(counts(&tallies[0]), [3, 0, 0, 66]);
    assert_eq!((tallies[0].evicted, tallies[0].peak_bytes), (2, 64 * 356));
    assert_eq!(tallies[0].saved_time, sum(0, 0, 3), "a time that is not known is not made up");
    assert_eq!(counts(&tallies[1]), [4, 0, 0, 65]);
    assert_eq!((tallies[1].evicted, tallies[1].peak_bytes), (0, 65 * 356));
}

#[test]
fn an_answer_above_its_part_of_the_room_is_not_kept() {
    let large = || Answered { bytes: Some(MIB / 64 - 255), ..GOOD };
    let tally = run(vec![at(0.0).answered(large()), at(1.0), at(5.0)]);
    assert_eq!(counts(&tally), [0, 0, 1, 2]);
    assert_eq!((tally.not_stored["too_large"], tally.stored), (1, 1));
}

#[test]
fn a_wider_scope_shares_with_more() {
    let scopes = vec![CacheScope::Key, CacheScope::Tenant, CacheScope::Global];
    let requests = || [ALICE, BOB, EVE].into_iter().zip([0.0, 10.0, 20.0]);
    let requests = || requests().map(|(asker, time)| at(time).by(asker)).collect();
    let tallies = run_with(&RouteCache::default(), Grid { scopes, ..grid() }, requests());
    let hits: Vec<u64> = tallies.iter().map(|tally| tally.hits).collect();
    assert_eq!(hits, [0, 1, 2]);
}

#[test]
fn nothing_is_said_about_a_caller_that_is_not_known() {
    let scopes = vec![CacheScope::Key, CacheScope::Global];
    let request = |time| Request { asker: None, ..at(time) };
    let requests = vec![request(0.0), request(10.0)];
    let tallies = run_with(&RouteCache::default(), Grid { scopes, ..grid() }, requests);
    assert_eq!(tallies[0].bypassed, [(UNKNOWN_CALLER, 2)].into());
    assert_eq!((tallies[0].requests, counts(&tallies[0])), (2, [0; 4]));
    assert_eq!(counts(&tallies[1]), [1, 0, 0, 1]);
}

#[test]
fn sampled_requests_are_refused_or_share_a_few_answers() {
    let sampled = vec![Sampling::Refuse, Sampling::Allow];
    let requests = || (0..40).map(|ten| at(f64::from(ten)).body(SAMPLED)).collect();
    let grid = || Grid { sampled: sampled.clone(), ..grid() };
    let tallies = run_with(&RouteCache::default(), grid(), requests());
    assert_eq!(tallies[0].bypassed, [("sampled", 40)].into());
    // One answer: missed at 0, waited for at 1.
    assert_eq!(counts(&tallies[1]), [38, 0, 1, 1]);
    let variants = NonZeroU32::new(4).unwrap();
    let settings = RouteCache { sampled: Sampled::Allow { variants }, ..RouteCache::default() };
    let tallies = run_with(&settings, grid(), requests());
    assert_eq!((tallies[1].misses, tallies[1].peak_entries), (4, 4));
}

#[test]
fn only_good_and_whole_answers_are_kept_or_shared() {
    let again = |answered| run(vec![at(0.0).answered(answered), at(1.0), at(2.5)]);
    for (answered, reason) in [
        (Answered { status: Some(500), ..GOOD }, "status"),
        (Answered { status: Some(404), ..GOOD }, "status"),
        (Answered { is_complete: Some(false), ..GOOD }, "truncated"),
        (Answered { status: None, ..GOOD }, UNKNOWN_ANSWER),
        (Answered { is_complete: None, ..GOOD }, UNKNOWN_ANSWER),
    ] {
        let tally = again(answered);
        assert_eq!(tally.not_stored, [(reason, 1)].into());
        // The second asks for itself, and the third waits for its answer.
        assert_eq!(counts(&tally), [0, 0, 1, 2], "{reason}");
    }
    assert_eq!(counts(&again(GOOD)), [1, 0, 1, 1]);
}

#[test]
fn each_asks_for_itself_where_requests_are_not_collapsed() {
    let settings = RouteCache { collapse: None, ..RouteCache::default() };
    let tallies = run_with(&settings, grid(), [0.0, 1.0, 2.5, 61.0, 62.9].map(at).into());
    // There at 2, and there anew at 3: fresh until 63.
    assert_eq!(counts(&tallies[0]), [3, 0, 0, 2]);
    assert_eq!((tallies[0].stored, tallies[0].peak_bytes), (2, 356));
}

#[test]
fn what_is_past_its_time_is_given_while_one_request_renews_it() {
    let stale = seconds(30);
    let settings = RouteCache { stale_while_revalidate: stale, ..RouteCache::default() };
    // Fresh until 62, stale until 92. Renewed at 72, fresh until 132, gone at 162.
    let times = [0.0, 70.0, 71.0, 73.0, 163.0];
    let tally = run_with(&settings, grid(), times.map(at).into()).remove(0);
    assert_eq!(counts(&tally), [1, 2, 0, 2]);
    assert_eq!(tally.refreshes, 1);
    assert_eq!(tally.saved_tokens, sum(60, 2, 0), "the one that renewed it saved nothing");
    // One at a time renews it, also where each asks for itself.
    let alone = RouteCache { collapse: None, ..settings };
    let tally = run_with(&alone, grid(), times.map(at).into()).remove(0);
    assert_eq!((counts(&tally), tally.refreshes), ([1, 2, 0, 2], 1));
}

#[test]
fn callers_wishes_count() {
    let tally = run(vec![
        at(0.0),
        at(10.0).header("cache-control", "no-cache"),
        at(20.0).header("cache-control", "max-age=5"),
        at(30.0).header("x-transom-cache", "off"),
        at(31.0).header("x-transom-cache-namespace", "mine"),
        at(40.0).header("cache-control", "only-if-cached"),
        at(41.0).header("cache-control", "only-if-cached").body(r#"{"model":"m","seed":1}"#),
    ]);
    assert_eq!(counts(&tally), [1, 0, 0, 4]);
    assert_eq!((tally.refused, &tally.bypassed), (1, &[("asked", 1)].into()));
    let short = at(0.0).header("x-transom-cache-ttl", "5");
    assert_eq!(counts(&run(vec![short, at(6.0), at(8.0)])), [1, 0, 0, 2]);
    let mut what_if = WhatIf::new(grid());
    let odd = at(0.0).header("x-transom-cache", "perhaps");
    let refused = take(&mut what_if, &odd, &RouteCache::default());
    assert!(matches!(refused, Err(Refused::Control(_))), "{refused:?}");
    assert_eq!(what_if.finish()[0].1, Tally::default());
}

#[test]
fn requests_are_asked_in_the_order_they_arrived() {
    // As a capture tells them: by when they ended.
    assert_eq!(counts(&run(vec![at(5.0), at(0.0), at(3.0)])), [2, 0, 0, 1]);
    let mut what_if = WhatIf::new(grid());
    let mut take = |time| take(&mut what_if, &at(time).body(SAMPLED), &RouteCache::default());
    for _ in 0..=WINDOW {
        assert_eq!(take(1.0), Ok(()));
    }
    assert_eq!(take(0.9), Err(Refused::OutOfOrder));
    assert_eq!(take(1.0), Ok(()));
}

#[test]
fn a_size_that_is_not_known_is_not_made_up() {
    let unsized_answer = Answered { bytes: None, ..GOOD };
    let tally = run(vec![at(0.0).answered(unsized_answer), at(3.0)]);
    assert_eq!((tally.hits, tally.stored, tally.unsized_answers), (1, 1, 1));
    assert_eq!((tally.peak_bytes, tally.peak_entries), (256, 1));
}
