//! The recent requests as pages see them.

use super::*;
use crate::history::rollup::Quantity;
use crate::history::testing::{OBJECTIVES, UPSTREAMS, failed, names, request, texts};
use crate::observe::slo::Judgement;
use crate::observe::{Attempt, CacheFacts, KeepReason, Lookup, Origin, OriginKind, Saved, Stored};
use crate::types::{
    CacheStatus, CacheTier, ErrorType, ModelSlot, NanoUsd, Operation, Outcome, Random, SpanId,
    TraceId, Usage, UsageSource,
};
use std::collections::HashSet;
use std::sync::atomic::AtomicBool;

const MS: Duration = Duration::from_millis(1);

fn recent(requests: usize, bytes: usize) -> Recent {
    Recent::new(RecentSettings { requests, bytes }, &texts(&UPSTREAMS), &texts(&OBJECTIVES))
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
}

fn ids(page: &RecentPage) -> Vec<&str> {
    page.requests.iter().map(|request| &*request.request_id).collect()
}

/// The ids that pass, the newest first.
fn passing(recent: &Recent, filter: Filter) -> Vec<String> {
    let page = recent.page(&filter, Place::default(), 1_000);
    assert_eq!(recent.facets(&filter).matching, page.requests.len() as u64, "{filter:?}");
    page.requests.into_iter().map(|request| request.request_id).collect()
}

#[test]
fn everything_that_a_record_says_comes_back() {
    let (recent, names) = (recent(100, 1 << 20), names());
    let mut record = request("req-1", 1_000 * MS);
    let received = record.timeline.received;
    let first = Attempt {
        upstream: 1,
        connected: Some(received + 2 * MS),
        ended: Some(received + 9 * MS),
        error: Some(ErrorType::TimeoutFirstByte),
        ..Attempt::begin(1, "10.0.0.2:8000".into(), SpanId::mint(|| 1), received + MS)
    };
    record.attempts.insert(0, first);
    record.attempts[1].model = Some("meta/llama".into());
    record.identity.key_alias = Some("team".into());
    record.call.model_asked = Some("gpt <b>".to_owned());
    record.call.model_answered = Some("llama-instruct".to_owned());
    (record.call.bytes_in, record.call.bytes_out) = (1_234, 567_890);
    record.cost = Some(NanoUsd(3_100_000));
    record.timeline.waited_since(received, received + 990 * MS);
    let mut cache = CacheFacts::new(CacheStatus::Stale(CacheTier::Disk));
    cache.lookup = Some(Lookup { began: received + MS, took: 3 * MS });
    cache.saved = Some(Saved { time: 70 * MS, tokens: None, cost: Some(NanoUsd(5)) });
    cache.stored = Some(Stored::No("too_large"));
    record.cache = Some(cache);
    record.slo.note(0, Judgement::Good);
    record.slo.note(1, Judgement::Bad);
    (record.kept, record.captured) = (Some(KeepReason::SloMissed), true);
    recent.keep(&record, &names, at(0));

    let found = recent.find("req-1").expect("kept");
    assert_eq!(found.trace_id, record.identity.trace_id);
    assert_eq!((found.received, found.ended), (at(0) - 1_000 * MS, at(0)));
    assert_eq!((&*found.method, found.operation), ("POST", Operation::Chat));
    assert_eq!((found.streamed, found.captured, found.origin), (true, true, OriginKind::Client));
    assert_eq!((found.key.as_deref(), &*found.model), (Some("team"), "m1"));
    assert_eq!(found.model_asked.as_deref(), Some("gpt <b>"));
    assert_eq!(found.model_sent.as_deref(), Some("meta/llama"));
    assert_eq!(found.model_answered.as_deref(), Some("llama-instruct"));
    let [first, second] = &*found.attempts else { panic!("{:?}", found.attempts) };
    assert_eq!((&*first.upstream, &*first.endpoint), ("vllm-b", "10.0.0.2:8000"));
    assert_eq!((first.began, first.connected, first.ended), (MS, Some(2 * MS), Some(9 * MS)));
    assert_eq!((first.status, first.error), (None, Some(ErrorType::TimeoutFirstByte)));
    assert_eq!((&*second.upstream, second.status, second.sent), ("vllm-a", Some(200), None));
    assert_eq!((found.outcome, found.status, found.error), (Outcome::Success, 200, None));
    assert_eq!((found.duration, found.first_token), (1_000 * MS, Some(100 * MS)));
    assert_eq!(found.per_token, Some(90 * MS), "900 ms for 10 further tokens");
    assert_eq!((found.last_chunk, found.overhead), (Some(1_000 * MS), Some(10 * MS)));
    assert_eq!(found.usage, record.usage);
    assert_eq!((found.cost, found.bytes_in, found.bytes_out), (record.cost, 1_234, 567_890));
    let cache = found.cache.expect("a cache");
    assert_eq!(cache.status, CacheStatus::Stale(CacheTier::Disk));
    assert_eq!((cache.lookup, cache.saved_time), (Some((MS, 3 * MS)), Some(70 * MS)));
    assert_eq!((cache.saved_cost, cache.stored), (Some(NanoUsd(5)), Some(Stored::No("too_large"))));
    let named = |names: &[Arc<str>]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    assert_eq!((named(&found.slo_met), named(&found.slo_missed)), {
        (vec!["availability".to_owned()], vec!["first-token".to_owned()])
    });
    assert_eq!((found.slo, found.kept), (record.slo, record.kept));
    assert_eq!(found.stream.largest_gap, 500 * MS);
    let chunks: Vec<_> = found.chunks.expect("chunks").notes().collect();
    assert_eq!(chunks, record.meter.chunks().expect("chunks").notes().collect::<Vec<_>>());
    assert_eq!(recent.find("req-2").map(|found| found.seq), None);
}

#[test]
fn each_filter_lets_pass_what_it_says() {
    let (recent, names) = (recent(1_000, 1 << 20), names());
    let mut other = request("other-model", 200 * MS);
    other.call.model = ModelSlot::at(2);
    let mut plain = request("plain", 50 * MS);
    (plain.call.streamed, plain.call.operation) = (false, Operation::Embeddings);
    let mut hit = request("hit", MS);
    hit.cache = Some(CacheFacts::new(CacheStatus::Hit(CacheTier::Memory)));
    let mut missed = request("missed", 3_000 * MS);
    missed.slo.note(1, Judgement::Bad);
    missed.identity.key_alias = Some("team".into());
    let mut refresh = failed("refresh", ErrorType::Dns);
    refresh.origin = Origin::Refresh;
    refresh.attempts.push(Attempt { upstream: 1, ..refresh.attempts[0].clone() });
    for (seconds, record) in (0..).zip([other, plain, hit, missed, refresh]) {
        recent.keep(&record, &names, at(seconds));
    }
    let all = Filter::default();
    let some = |text: &str| Some(text.to_owned());
    let cases: [(Filter, &[&str]); 20] = [
        (Filter { model: some("m2"), ..all.clone() }, &["other-model"]),
        (Filter { model: some("never heard of"), ..all.clone() }, &[]),
        (Filter { upstream: some("vllm-b"), ..all.clone() }, &["refresh"]),
        (Filter { key: some("team"), ..all.clone() }, &["missed"]),
        (Filter { outcomes: vec![Outcome::UpstreamError], ..all.clone() }, &["refresh"]),
        (Filter { error: Some(ErrorType::Dns), ..all.clone() }, &["refresh"]),
        (Filter { error: Some(ErrorType::Tls), ..all.clone() }, &[]),
        (Filter { status_class: Some(5), ..all.clone() }, &["refresh"]),
        (Filter { operation: Some(Operation::Embeddings), ..all.clone() }, &["plain"]),
        (Filter { streamed: Some(false), ..all.clone() }, &["plain"]),
        (Filter { cache: some("hit"), ..all.clone() }, &["hit"]),
        (Filter { origin: Some(OriginKind::Refresh), ..all.clone() }, &["refresh"]),
        (Filter { duration: Some(200 * MS..3_000 * MS), ..all.clone() }, &["other-model"]),
        (Filter { first_token: Some(300 * MS..900 * MS), ..all.clone() }, &["missed"]),
        (Filter { ended: Some(at(1)..at(3)), ..all.clone() }, &["hit", "plain"]),
        (Filter { text: some("isse"), ..all.clone() }, &["missed"]),
        (Filter { text: some("nowhere"), ..all.clone() }, &[]),
        (Filter { slo: Some(MissedSlo::Any), ..all.clone() }, &["missed"]),
        (Filter { slo: Some(MissedSlo::Named("availability".into())), ..all.clone() }, &[]),
        (Filter { measured: true, ..all.clone() }, &["missed", "plain", "other-model"]),
    ];
    for (filter, expected) in cases {
        assert_eq!(passing(&recent, filter.clone()), expected, "{filter:?}");
    }
    assert_eq!(passing(&recent, all.clone()).len(), 5);
    let by_trace = Filter { text: some("0123456789abcdef01"), ..all };
    assert_eq!(passing(&recent, by_trace).len(), 5);
}

#[test]
fn a_part_of_an_id_is_found_wherever_it_stands() {
    // Segments of 30 rows, and the last one open.
    let (recent, names, random) = (recent(500, 1 << 20), names(), Random::seeded(3));
    let mut ids = Vec::new();
    for number in 0..200 {
        let mut record = request(&format!("r{:x}", random.below(1 << 20)), MS);
        record.identity.trace_id = TraceId::mint(|| random.next_u64());
        recent.keep(&record, &names, at(number));
        let id = record.identity.request_id.as_str().to_owned();
        ids.push((id, record.identity.trace_id.to_string()));
    }
    for _ in 0..300 {
        let (id, trace) = &ids[random.below(200) as usize];
        let whole = if random.below(2) == 0 { id } else { trace };
        let from = random.below(whole.len() as u64) as usize;
        let to = from + 1 + random.below((whole.len() - from) as u64) as usize;
        let part = &whole[from..to];
        let has_it = |(id, trace): &&(String, String)| id.contains(part) || trace.contains(part);
        let expected: Vec<_> = ids.iter().rev().filter(has_it).map(|(id, _)| &**id).collect();
        let filter = Filter { text: Some(part.to_owned()), ..Filter::default() };
        assert_eq!(passing(&recent, filter), expected, "{part}");
    }
}

#[test]
fn facets_count_what_passes_by_what_it_is() {
    let (recent, names) = (recent(1_000, 1 << 20), names());
    for number in 0..10 {
        let mut record = match number % 5 {
            0 => failed("f", ErrorType::Status(503)),
            _ => request("r", MS),
        };
        record.call.model = ModelSlot::at(1 + number % 2);
        record.attempts.push(Attempt { upstream: 1, ..record.attempts[0].clone() });
        recent.keep(&record, &names, at(0));
    }
    let facets = recent.facets(&Filter::default());
    let told = |facets: &[Facet]| {
        facets.iter().map(|facet| (facet.value.to_string(), facet.count)).collect::<Vec<_>>()
    };
    let pair = |value: &str, count| (value.to_owned(), count);
    assert_eq!(facets.matching, 10);
    assert_eq!(told(&facets.models), [pair("m1", 5), pair("m2", 5)]);
    assert_eq!(told(&facets.outcomes), [pair("success", 8), pair("upstream_error", 2)]);
    assert_eq!(told(&facets.errors), [pair("503", 2)]);
    assert_eq!(told(&facets.upstreams), [pair("vllm-a", 10), pair("vllm-b", 10)]);
    assert_eq!((told(&facets.caches), told(&facets.keys)), (vec![pair("none", 10)], vec![]));
    let of_one = Filter { model: Some("m2".into()), ..Filter::default() };
    assert_eq!(told(&recent.facets(&of_one).errors), [pair("503", 1)]);
}

#[test]
fn upstreams_beyond_the_bits_are_told_apart() {
    let many: Vec<String> = (0..100).map(|number| format!("u{number}")).collect();
    let limits = RecentSettings { requests: 1_000, bytes: 1 << 20 };
    let (recent, names) = (Recent::new(limits, &many, &[]), names());
    for upstream in [1, 62, 63, 64, 99] {
        let mut record = request(&format!("at-{upstream}"), MS);
        record.attempts[0].upstream = upstream;
        recent.keep(&record, &names, at(0));
    }
    for upstream in [1, 62, 63, 64, 99] {
        let filter = Filter { upstream: Some(format!("u{upstream}")), ..Filter::default() };
        assert_eq!(passing(&recent, filter), [format!("at-{upstream}")]);
    }
    assert_eq!(recent.facets(&Filter::default()).upstreams.len(), 5);
}

#[test]
fn the_oldest_make_room_and_are_counted() {
    let names = names();
    for most in [1, 2, 10, 500, 5_000] {
        let recent = recent(most, 1 << 30);
        for number in 0..3 * most {
            recent.keep(&request(&format!("r{number}"), MS), &names, at(number as u64));
            let held = recent.status().requests as usize;
            let least = (number + 1).min(most - most / 8);
            assert!((least..=most).contains(&held), "{held} of {most} after {number}");
        }
        let status = recent.status();
        assert_eq!(status.requests + status.evicted, 3 * most as u64);
        assert_eq!(status.since, Some(at(status.evicted)));
        assert!(recent.find("r0").is_none());
        assert!(recent.find(&format!("r{}", 3 * most - 1)).is_some());
        assert!(recent.find(&format!("r{}", status.evicted)).is_some());
    }
}

#[test]
fn what_is_large_is_bounded_in_bytes() {
    let (recent, names) = (recent(1_000_000, 1 << 20), names());
    for number in 0..3_000 {
        let mut record = request(&format!("r{number}"), MS);
        for _ in 0..1_000 {
            record.meter.on_chunk(record.timeline.received, 10_000);
        }
        recent.keep(&record, &names, at(0));
        assert!(recent.status().bytes <= (1 << 20) + 8_192, "{:?}", recent.status());
    }
    let status = recent.status();
    assert!(status.requests > 150 && status.evicted > 2_000, "{status:?}");
    let found = recent.find("r2999").expect("kept");
    assert_eq!(found.stream.chunks, 1_003);
    let strip = found.chunks.expect("chunks");
    assert_eq!(strip.notes().count() as u64 + strip.merged(), 1_003);
}

#[test]
fn none_are_kept_where_none_are_wanted() {
    let (recent, names) = (recent(0, 1 << 20), names());
    recent.keep(&request("r", MS), &names, at(0));
    assert_eq!(recent.status().requests, 0);
    assert!(recent.page(&Filter::default(), Place::default(), 10).requests.is_empty());
}

#[test]
fn pages_show_each_request_once_while_more_come_and_the_oldest_go() {
    let random = Random::seeded(11);
    for round in 0..50 {
        let (recent, names) = (recent(200, 1 << 20), names());
        let mut number = 0;
        let add = |count: u64, number: &mut u64| {
            for _ in 0..count {
                let mut record = request(&format!("r{number}"), MS);
                record.call.model = ModelSlot::at(1 + (*number % 3) as u32);
                recent.keep(&record, &names, at(*number));
                *number += 1;
            }
        };
        add(random.below(300), &mut number);
        let filter = Filter { model: Some("m1".into()), ..Filter::default() };
        let there: Vec<String> = passing(&recent, filter.clone());
        let (mut shown, mut place) = (Vec::new(), Place::default());
        loop {
            let page = recent.page(&filter, place, 1 + random.below(20) as usize);
            shown.extend(ids(&page).into_iter().map(str::to_owned));
            let Some(next) = page.next else { break };
            place.before = Some(next);
            add(random.below(8), &mut number);
        }
        // What was there in the beginning and has not gone since, in order, once.
        assert_eq!(shown, there[..shown.len()], "round {round}");
        let evicted = recent.status().evicted;
        let left = there.iter().filter(|id| id[1..].parse::<u64>().unwrap() >= evicted).count();
        assert!(shown.len() >= left, "round {round}: {} of {left}", shown.len());
    }
}

#[test]
fn a_tail_shows_each_new_request_once_while_another_thread_adds_them() {
    let recent = Arc::new(recent(100_000, 1 << 30));
    let (writer, done) = (Arc::clone(&recent), Arc::new(AtomicBool::new(false)));
    let ended = Arc::clone(&done);
    let adding = std::thread::spawn(move || {
        let names = names();
        (0..9_000).for_each(|n| writer.keep(&request(&format!("r{n}"), MS), &names, at(n)));
        ended.store(true, Ordering::Release);
    });
    let (mut seen, mut place) = (Vec::new(), Place::default());
    loop {
        let last = done.load(Ordering::Acquire);
        let page = recent.page(&Filter::default(), place, usize::MAX);
        seen.extend(page.requests.iter().rev().map(|request| request.seq.0));
        place.after = page.newest;
        if last {
            break;
        }
    }
    adding.join().expect("an orderly end");
    assert!(seen.iter().copied().eq(0..9_000), "{} requests", seen.len());
    let distinct: HashSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), 9_000);
}

#[test]
fn of_two_requests_with_one_id_the_newer_is_found() {
    let (recent, names) = (recent(100, 1 << 20), names());
    for number in 0..40 {
        let id = if number % 3 == 0 { "same".to_owned() } else { format!("r{number}") };
        recent.keep(&request(&id, MS), &names, at(number));
    }
    assert_eq!(recent.find("same").map(|found| found.seq), Some(Seq(39)));
}

#[test]
fn a_cell_of_a_heatmap_leads_to_what_it_has_counted() {
    let (recent, names) = (recent(100, 1 << 20), names());
    for (number, ms) in (0..).zip([10, 400, 500, 600, 700, 5_000]) {
        recent.keep(&request(&format!("r{ms}"), ms * MS), &names, at(number));
    }
    let mut hit = request("hit", 500 * MS);
    hit.cache = Some(CacheFacts::new(CacheStatus::Hit(CacheTier::Memory)));
    hit.usage = Some(Usage { input: 1, output: 1, source: UsageSource::Cache });
    recent.keep(&hit, &names, at(2));
    let time = at(0)..at(4);
    let cell = |quantity, value: std::ops::Range<Duration>| {
        Filter::of_cell(Some("m1"), quantity, (time.clone(), value))
    };
    let found = cell(Quantity::Duration, Quantity::Duration.bucket(14)).expect("a filter");
    assert_eq!(Quantity::Duration.bucket(14), Duration::from_micros(398_100)..631 * MS);
    assert_eq!(passing(&recent, found), ["r600", "r500", "r400"]);
    let found = cell(Quantity::FirstToken, 45 * MS..55 * MS).expect("a filter");
    assert_eq!(passing(&recent, found), ["r500"]);
    assert_eq!(cell(Quantity::PerToken, MS..2 * MS), None);
}
