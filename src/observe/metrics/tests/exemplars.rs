//! Exemplars, from a kept record to the line of a bucket.

use super::exposition::{Page, Sample};
use super::{metrics, page, stream_of};
use crate::observe::KeepReason;
use crate::observe::metrics::{Exposition, Metric, Metrics};
use crate::types::{Clock, ModelSlot, TraceId};
use std::collections::HashSet;
use std::time::{Duration, Instant, UNIX_EPOCH};

/// Counts a stream whose trace is kept.
fn keep(metrics: &Metrics, model: ModelSlot, received: Instant) {
    let mut record = stream_of(model, received);
    record.kept = Some(KeepReason::Sampled);
    metrics.record(&record);
}

fn examples(page: &Page) -> Vec<&Sample> {
    page.samples.iter().filter(|sample| sample.exemplar.is_some()).collect()
}

#[test]
fn a_kept_trace_is_the_exemplar_of_every_bucket_it_fell_into() {
    let metrics = metrics();
    let slot = metrics.model_slot("m");
    keep(&metrics, slot, Instant::now());
    let page = page(&metrics);
    let found = examples(&page);
    let names: HashSet<_> = found.iter().map(|sample| sample.name.as_str()).collect();
    let expected: Vec<_> = Metric::ALL
        .iter()
        .filter(|metric| metric.has_exemplars())
        .map(|metric| format!("{}_bucket", metric.definition().name))
        .collect();
    assert_eq!(names, expected.iter().map(String::as_str).collect());
    assert_eq!(found.len(), expected.len(), "one bucket each");
    let durations =
        page.select("model_request_duration_seconds_bucket", &[("model", "m"), ("le", "5.0")]);
    let (labels, value, time) = durations[0].exemplar.as_ref().unwrap();
    assert_eq!(labels["trace_id"], TraceId::mint(|| 0xabc).to_string());
    assert_eq!(labels["span_id"], "0000000000000def");
    assert_eq!(*value, 3.0);
    let now = Clock::system().date().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((now - time).abs() < 60.0, "{time} is no date of today");
}

#[test]
fn a_trace_that_is_not_kept_is_no_exemplar() {
    let metrics = metrics();
    let slot = metrics.model_slot("m");
    metrics.record(&stream_of(slot, Instant::now()));
    assert!(examples(&page(&metrics)).is_empty());
}

#[test]
fn text_0_0_4_never_carries_exemplars() {
    let metrics = metrics();
    let slot = metrics.model_slot("m");
    keep(&metrics, slot, Instant::now());
    let text = super::text(&metrics, Exposition::Text);
    assert!(!text.contains("trace_id") && !text.contains(" # "));
}

#[test]
fn an_exemplar_is_due_when_its_bucket_has_had_none_for_a_minute() {
    let metrics = metrics();
    let slot = metrics.model_slot("m");
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    assert!(metrics.exemplar_due(&stream_of(slot, start)), "the first one");
    metrics.record(&stream_of(slot, start));
    assert!(metrics.exemplar_due(&stream_of(slot, start)), "it was not kept");
    keep(&metrics, slot, start);
    assert!(!metrics.exemplar_due(&stream_of(slot, at(59))));
    assert!(metrics.exemplar_due(&stream_of(slot, at(60))));
    let mut slow = stream_of(slot, at(1));
    slow.timeline.finished = Some(at(100));
    assert!(metrics.exemplar_due(&slow), "another bucket");
    let other = metrics.model_slot("other");
    assert!(metrics.exemplar_due(&stream_of(other, at(1))), "another model");
}
