//! What one scrape keeps for the next.

use super::{joined, metrics, stream_of, text};
use crate::observe::KeepReason;
use crate::observe::metrics::exposition::Exposition;
use crate::observe::metrics::series;
use crate::observe::metrics::series_map::SeriesMap;
use crate::observe::metrics::view::{Page, View};
use crate::observe::metrics::{Definition, Kind};
use bytes::Bytes;
use prometheus::IntCounter;
use std::sync::Arc;
use std::time::Instant;

const OPEN: Exposition = Exposition::OpenMetrics;

/// A family of counters that stand at 0, enough for several chunks of text, and its page.
fn counters() -> (Arc<SeriesMap<IntCounter>>, View<IntCounter>) {
    let labels = &["n"];
    let definition = Definition { name: "seen_total", kind: Kind::Counter, labels, help: "-" };
    let family = SeriesMap::new(definition, series::counter).unwrap();
    for n in 0..1_000 {
        family.with(&[&format!("{n:04}")]);
    }
    let view = View::whole(Arc::clone(&family));
    (family, view)
}

/// The positions of the pieces that are not in the same place as before.
fn written_again(before: &[Bytes], after: &[Bytes]) -> Vec<usize> {
    assert_eq!(before.len(), after.len());
    let moved = |at: &usize| before[*at].as_ptr() != after[*at].as_ptr();
    (0..before.len()).filter(moved).collect()
}

#[test]
fn what_has_not_changed_is_not_written_again() {
    let (_family, view) = counters();
    for exposition in Exposition::ALL {
        let before = view.text(exposition);
        assert!(before.len() > 3, "{} pieces", before.len());
        assert!(written_again(&before, &view.text(exposition)).is_empty());
    }
}

#[test]
fn only_what_is_near_a_change_is_written_again() {
    let (family, view) = counters();
    let before = view.text(OPEN);
    family.with(&["0000"]).inc();
    let after = view.text(OPEN);
    assert_eq!(written_again(&before, &after), [1], "the piece after the head");
    let (before, after) = (joined(before), joined(after));
    assert_eq!(after, before.replace("{n=\"0000\"} 0", "{n=\"0000\"} 1"));
    assert_ne!(after, before);
}

#[test]
fn formats_that_take_turns_both_see_every_change() {
    let (family, view) = counters();
    for count in 1..4 {
        family.with(&["0500"]).inc();
        for exposition in Exposition::ALL {
            let text = joined(view.text(exposition));
            assert!(text.contains(&format!("{{n=\"0500\"}} {count}\n")), "{exposition:?} {count}");
        }
    }
}

#[test]
fn a_new_series_appears_in_its_place() {
    let (family, view) = counters();
    let before = joined(view.text(OPEN));
    family.with(&["0123a"]).inc_by(5);
    let after = joined(view.text(OPEN));
    let (known, new) = ("seen_total{n=\"0123\"} 0\n", "seen_total{n=\"0123a\"} 5\n");
    assert_eq!(after, before.replace(known, &format!("{known}{new}")));
}

#[test]
fn a_text_that_is_still_being_sent_does_not_change() {
    let (family, view) = counters();
    let sent = view.text(OPEN);
    family.with(&["0000"]).inc();
    view.text(OPEN);
    assert!(joined(sent).contains("{n=\"0000\"} 0\n"));
}

#[test]
fn an_exemplar_is_in_the_next_scrape() {
    let metrics = metrics();
    let mut record = stream_of(metrics.model_slot("m"), Instant::now());
    record.kept = Some(KeepReason::Sampled);
    for exposition in Exposition::ALL {
        assert!(!text(&metrics, exposition).contains("trace_id"));
    }
    metrics.record(&record);
    let trace = format!("trace_id=\"{}\"", record.identity.trace_id);
    assert!(text(&metrics, OPEN).contains(&trace));
    assert!(!text(&metrics, Exposition::Text).contains("trace_id"));
}
