//! What is counted about the cache, and what is not counted because of it.

use super::{Page, metrics, page, stream_of};
use crate::observe::metrics::{CacheTotals, Metrics, TierAnswer, TierCounts, TierTotals};
use crate::observe::{CacheFacts, Origin, RequestRecord, Saved, Stored};
use crate::types::{
    BypassReason, CacheStatus, CacheTier, ErrorType, ModelSlot, NanoUsd, Usage, UsageSource,
};
use std::time::{Duration, Instant};

/// A stream that the cache answered: what it came from took 2 s and 30 tokens.
fn answered(slot: ModelSlot, status: CacheStatus) -> RequestRecord {
    let mut record = stream_of(slot, Instant::now());
    record.attempts.clear();
    record.cache = Some(CacheFacts::new(status));
    record.spare(Saved {
        time: Duration::from_secs(2),
        tokens: Some(Usage { input: 9, output: 21, source: UsageSource::Upstream }),
        cost: Some(NanoUsd(100)),
    });
    record
}

/// The name of series, the labels that some of them have, and their sum.
type Expected<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

fn all_are(page: &Page, expected: &[Expected<'_>]) {
    for (name, labels, value) in expected {
        assert!(!page.select(name, labels).is_empty(), "no {name}{labels:?}");
        assert_eq!(page.sum(name, labels), *value, "{name}{labels:?}");
    }
}

#[test]
fn only_a_model_that_has_a_cache_has_series_of_what_it_said() {
    let metrics = metrics();
    let cached = metrics.model_slot("cached");
    metrics.model_slot("plain");
    metrics.open_cache(cached);
    let before = page(&metrics);
    for said in ["none", "hit", "stale", "miss", "collapsed", "bypass"] {
        let of = |model| [("model", model), ("cache", said), ("outcome", "success")];
        let found = before.select("transom_requests_total", &of("cached"));
        assert_eq!(found.len(), 3, "{said}: one for each operation that runs a model");
        assert!(found.iter().all(|sample| sample.value == 0.0));
        let plain = before.select("transom_requests_total", &of("plain"));
        assert_eq!(plain.is_empty(), said != "none", "{said}");
    }
    let answers = "transom_cache_answer_seconds_count";
    assert_eq!(before.select(answers, &[("model", "cached")]).len(), 3);
    assert!(before.select(answers, &[("model", "plain")]).is_empty());

    metrics.record(&answered(cached, CacheStatus::Hit(CacheTier::Disk)));
    metrics.record(&answered(cached, CacheStatus::Collapsed));
    assert_eq!(page(&metrics).samples.len(), before.samples.len(), "requests add none");
}

#[test]
fn what_the_cache_answers_is_a_request_of_its_own_kind() {
    for status in [
        CacheStatus::Hit(CacheTier::Memory),
        CacheStatus::Stale(CacheTier::Redis),
        CacheStatus::Collapsed,
    ] {
        let metrics = metrics();
        let slot = metrics.model_slot("m");
        metrics.open_cache(slot);
        metrics.record(&answered(slot, status));
        let said = [("model", "m"), ("cache", status.label())];
        all_are(
            &page(&metrics),
            &[
                ("transom_requests_total", &said, 1.0),
                ("transom_requests_total", &[], 1.0),
                ("http_requests_total", &[], 1.0),
                ("http_request_duration_seconds_sum", &[], 3.0),
                ("transom_overhead_seconds_sum", &[], 0.02),
                ("transom_cache_answer_seconds_sum", &said, 3.0),
                ("transom_tokens_total", &[("source", "cache"), ("direction", "input")], 9.0),
                ("transom_tokens_total", &[("source", "cache"), ("direction", "output")], 21.0),
                ("transom_tokens_total", &[], 30.0),
                ("transom_saved_seconds_total", &[("model", "m")], 2.0),
                ("transom_saved_tokens_total", &[("model", "m")], 30.0),
                ("transom_saved_usd_total", &[("model", "m")], 1e-7),
                // Nobody is charged for it, and it does not make the model look quicker.
                ("transom_cost_usd_total", &[], 0.0),
                ("gen_ai_client_token_usage_count", &[], 0.0),
                ("model_request_duration_seconds_count", &[], 0.0),
                ("gen_ai_server_request_duration_seconds_count", &[], 0.0),
                ("gen_ai_server_time_to_first_token_seconds_count", &[], 0.0),
                ("gen_ai_server_time_per_output_token_seconds_count", &[], 0.0),
                ("transom_inter_chunk_seconds_count", &[], 0.0),
                ("transom_stream_max_gap_seconds_count", &[], 0.0),
            ],
        );
        assert_eq!(metrics.model(slot).requests(crate::types::Outcome::Success), 1);
    }
}

#[test]
fn a_miss_and_a_bypass_are_measured_like_any_other_request() {
    let metrics = metrics();
    let slot = metrics.model_slot("m");
    metrics.open_cache(slot);
    let mut record = stream_of(slot, Instant::now());
    for status in [CacheStatus::Miss, CacheStatus::Bypass(BypassReason::Sampled)] {
        record.cache = Some(CacheFacts::new(status));
        metrics.record(&record);
    }
    all_are(
        &page(&metrics),
        &[
            ("transom_requests_total", &[("cache", "miss")], 1.0),
            ("transom_requests_total", &[("cache", "bypass")], 1.0),
            ("transom_cache_bypass_total", &[("reason", "sampled")], 1.0),
            ("transom_cache_bypass_total", &[], 1.0),
            ("transom_tokens_total", &[("source", "upstream")], 60.0),
            ("model_request_duration_seconds_count", &[], 2.0),
            ("transom_cache_answer_seconds_count", &[], 0.0),
            ("transom_saved_tokens_total", &[("model", "m")], 0.0),
        ],
    );
}

#[test]
fn a_refresh_counts_for_what_it_took_and_is_no_request() {
    let metrics = metrics();
    let slot = metrics.model_slot("m");
    let mut record = stream_of(slot, Instant::now());
    record.origin = Origin::Refresh;
    let facts = CacheFacts::new(CacheStatus::Miss);
    record.cache = Some(CacheFacts { stored: Some(Stored::Yes), ..facts.clone() });
    metrics.record(&record);
    record.cache = Some(CacheFacts { stored: Some(Stored::No("too_large")), ..facts });
    metrics.record(&record);
    record.cache = None;
    record.verdict = crate::observe::verdict::failed(502, ErrorType::ConnectRefused);
    metrics.record(&record);
    assert!(!metrics.exemplar_due(&record), "no histogram holds it");
    metrics.cache().refresh_skipped();
    all_are(
        &page(&metrics),
        &[
            ("transom_cache_refreshes_total", &[("result", "success")], 1.0),
            ("transom_cache_refreshes_total", &[("result", "failure")], 2.0),
            ("transom_cache_refreshes_total", &[("result", "skipped")], 1.0),
            ("transom_cache_not_stored_total", &[("reason", "too_large")], 1.0),
            ("transom_upstream_attempts_total", &[], 3.0),
            ("gen_ai_client_operation_duration_seconds_count", &[], 3.0),
            ("gen_ai_client_token_usage_sum", &[], 90.0),
            ("transom_tokens_total", &[("source", "upstream")], 90.0),
            ("transom_cost_usd_total", &[("model", "m")], 3e-7),
            ("transom_requests_total", &[], 0.0),
            ("http_requests_total", &[], 0.0),
            ("http_request_duration_seconds_count", &[], 0.0),
            ("request_errors_total", &[], 0.0),
            ("model_request_duration_seconds_count", &[], 0.0),
            ("gen_ai_server_request_duration_seconds_count", &[], 0.0),
            ("transom_overhead_seconds_count", &[], 0.0),
            ("transom_inter_chunk_seconds_count", &[], 0.0),
        ],
    );
}

#[test]
fn a_reason_that_nobody_knows_makes_no_label() {
    let metrics = metrics();
    let before = page(&metrics).samples.len();
    let mut record = stream_of(metrics.model_slot("m"), Instant::now());
    let facts = CacheFacts::new(CacheStatus::Miss);
    for reason in ["status", "made up", "_OTHER"] {
        record.cache = Some(CacheFacts { stored: Some(Stored::No(reason)), ..facts.clone() });
        metrics.cache.record(&record);
    }
    let count =
        |reason| page(&metrics).sum("transom_cache_not_stored_total", &[("reason", reason)]);
    assert_eq!((count("status"), count("_OTHER")), (1.0, 2.0));
    assert!(before > 0 && page(&metrics).select("transom_cache_not_stored_total", &[]).len() == 11);
}

#[test]
fn tiers_are_written_apart() {
    let metrics = metrics();
    let cache = metrics.cache();
    all_at_0(&metrics);
    for found in [TierAnswer::Hit, TierAnswer::Miss, TierAnswer::Miss, TierAnswer::Stale] {
        cache.looked_up(CacheTier::Memory, found);
    }
    cache.usage(CacheTier::Disk, 3, 4_096);
    cache.evicted(CacheTier::Memory, 2);
    cache.dropped(CacheTier::Redis, 5);
    cache.broken(CacheTier::Redis);
    let totals = TierTotals { evicted: 7, dropped: 1, broken: 0 };
    cache.catch_up(CacheTier::Disk, totals);
    cache.catch_up(CacheTier::Disk, TierTotals { evicted: 9, ..totals });
    all_are(
        &page(&metrics),
        &[
            ("transom_cache_requests_total", &[("tier", "memory"), ("result", "hit")], 1.0),
            ("transom_cache_requests_total", &[("tier", "memory"), ("result", "miss")], 2.0),
            ("transom_cache_requests_total", &[("tier", "memory"), ("result", "stale")], 1.0),
            ("transom_cache_requests_total", &[("tier", "disk")], 0.0),
            ("transom_cache_entries", &[("tier", "disk")], 3.0),
            ("transom_cache_bytes", &[("tier", "disk")], 4_096.0),
            ("transom_cache_evictions_total", &[("tier", "memory")], 2.0),
            ("transom_cache_evictions_total", &[("tier", "disk")], 9.0),
            ("transom_cache_dropped_total", &[("tier", "redis")], 5.0),
            ("transom_cache_dropped_total", &[("tier", "disk")], 1.0),
            ("transom_cache_failures_total", &[("tier", "redis")], 1.0),
            ("transom_cache_failures_total", &[("tier", "disk")], 0.0),
        ],
    );
}

#[test]
fn what_was_counted_can_be_read_back() {
    let metrics = metrics();
    let (one, two) = (metrics.model_slot("one"), metrics.model_slot("two"));
    assert_eq!(metrics.cache_totals(), CacheTotals::default());
    metrics.record(&answered(one, CacheStatus::Hit(CacheTier::Memory)));
    metrics.record(&answered(two, CacheStatus::Collapsed));
    let mut bypassed = answered(one, CacheStatus::Miss);
    bypassed.cache = Some(CacheFacts::new(CacheStatus::Bypass(BypassReason::Sampled)));
    metrics.record(&bypassed);
    let totals = metrics.cache_totals();
    let (nanoseconds, cost) = (totals.saved_nanoseconds, totals.saved_cost);
    assert_eq!((nanoseconds, totals.saved_tokens, cost), (4_000_000_000, 60, NanoUsd(200)));
    assert_eq!((totals.collapsed, totals.bypassed.iter().sum::<u64>()), (1, 1));
    assert_eq!(totals.bypassed[BypassReason::Sampled as usize], 1);

    let cache = metrics.cache();
    cache.looked_up(CacheTier::Disk, TierAnswer::Stale);
    cache.evicted(CacheTier::Disk, 2);
    cache.dropped(CacheTier::Disk, 3);
    cache.broken(CacheTier::Disk);
    let counts = TierCounts { stale: 1, evictions: 2, dropped: 3, failures: 1, ..<_>::default() };
    assert_eq!(cache.counts(CacheTier::Disk), counts);
    assert_eq!(cache.counts(CacheTier::Memory), TierCounts::default());
}

fn all_at_0(metrics: &Metrics) {
    let page = page(metrics);
    for (name, series) in [
        ("transom_cache_requests_total", 9),
        ("transom_cache_entries", 3),
        ("transom_cache_bytes", 3),
        ("transom_cache_evictions_total", 3),
        ("transom_cache_dropped_total", 3),
        ("transom_cache_failures_total", 3),
        ("transom_cache_bypass_total", BypassReason::ALL.len()),
        ("transom_cache_refreshes_total", 3),
    ] {
        let found = page.select(name, &[]);
        assert_eq!(found.len(), series, "{name}");
        assert!(found.iter().all(|sample| sample.value == 0.0), "{found:?}");
    }
}
