//! Who has a budget, what is counted into it, and what a restart keeps.
//!
//! Must not know: how rates are reckoned.

use super::*;
use crate::observe::slo::{Judgement, SloBook};
use crate::types::{EventCounts, SloHistory, SloKey, SlotCounts};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

const NOON: u32 = 30_000_000;

fn at(minute: u32) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::from(minute) * 60)
}

fn key(slo: &str, model: &str) -> SloKey {
    SloKey { slo: slo.to_owned(), model: model.to_owned() }
}

/// A book and the series it opened.
struct Opened {
    book: SloBook,
    series: Arc<Mutex<HashMap<SloKey, SloSeries>>>,
}

impl Opened {
    fn of(objectives: Vec<SloSettings>) -> Self {
        let series = Arc::<Mutex<HashMap<_, _>>>::default();
        let opened = Arc::clone(&series);
        let open = move |key: &SloKey, windows: &[String]| {
            let new = self::series(windows.len());
            assert!(opened.lock().insert(key.clone(), new.clone()).is_none(), "{key:?} twice");
            new
        };
        Self { book: SloBook::new(objectives, open), series }
    }

    /// Models `chat-a` and `embed` in slots 1 and 2.
    fn with_models(self) -> Self {
        self.book.add_model(ModelSlot::at(1), "chat-a");
        self.book.add_model(ModelSlot::at(2), "embed");
        self
    }

    fn exported(&self, slo: &str, model: &str) -> (u64, u64) {
        let series = &self.series.lock()[&key(slo, model)];
        (series.events.get(), series.bad.get())
    }

    fn within(&self, minutes: u64, now: u32) -> (u64, u64) {
        let window = Duration::from_secs(minutes * 60);
        let counts = self.book.events_within(&key("o", "chat-a"), window, at(now)).unwrap();
        (counts.total, counts.bad)
    }

    fn serve(&self, good: u32, bad: u32) {
        let (served, failed) = (Request::served(), Request::failed(ErrorType::Tls));
        for _ in 0..good {
            self.book.count(&served.0);
        }
        for _ in 0..bad {
            self.book.count(&failed.0);
        }
    }
}

fn one() -> Vec<SloSettings> {
    vec![for_models("chat-*", objective("o", Indicator::Availability))]
}

#[test]
fn each_model_that_matches_has_a_budget_of_its_own_and_a_route_has_one() {
    let route = SloScope::Route(Operation::Chat);
    let opened = Opened::of(vec![
        objective("all", Indicator::Availability),
        for_models("chat-?", objective("chats", Indicator::Latency(ms(10)))),
        SloSettings { scope: route, ..objective("route", Indicator::Availability) },
    ])
    .with_models();
    opened.book.add_model(ModelSlot::at(1), "chat-a");
    opened.book.add_model(ModelSlot::OTHER, ModelSlot::OTHER_LABEL);
    let mut keys: Vec<_> = opened.series.lock().keys().cloned().collect();
    keys.sort();
    let expected =
        [key("all", "chat-a"), key("all", "embed"), key("chats", "chat-a"), key("route", "")];
    assert_eq!(keys, expected);

    let judgements = opened.book.count(&Request::served().0);
    use Judgement::{Bad, Good};
    assert_eq!([0, 1, 2].map(|position| judgements.of(position)), [Good, Bad, Good]);
    let judgements = opened.book.count(&Request::served().of_model(2).0);
    assert_eq!([0, 2].map(|position| judgements.of(position)), [Good, Good]);
    opened.book.count(&Request::failed(ErrorType::Dns).of_model(0).0);
    opened.book.count(&Request::failed(ErrorType::Dns).of_model(77).0);
    assert_eq!(opened.exported("all", "chat-a"), (1, 0));
    assert_eq!(opened.exported("all", "embed"), (1, 0));
    assert_eq!(opened.exported("chats", "chat-a"), (1, 1));
    assert_eq!(opened.exported("route", ""), (4, 2));
    let reported = opened.book.report(at(NOON));
    let named: Vec<_> = reported.iter().map(|b| (b.slo.as_str(), b.model.as_deref())).collect();
    let model = Some("chat-a");
    let order = [("all", model), ("all", Some("embed")), ("chats", model), ("route", None)];
    assert_eq!(named, order);
}

#[test]
fn patience_is_the_shortest_first_token_limit_of_the_model() {
    let first_token = |name: &str, limit| objective(name, Indicator::FirstToken(ms(limit)));
    let opened = Opened::of(vec![
        objective("availability", Indicator::Availability),
        first_token("slow", 900),
        for_models("chat-*", first_token("quick", 300)),
    ])
    .with_models();
    let left = || Request::left().streamed().ended_at(500);
    assert_eq!(opened.book.count(&left().0).missed().collect::<Vec<_>>(), [0, 2]);
    assert!(!opened.book.count(&left().of_model(2).0).any_missed());
}

#[test]
fn every_thread_counts_and_nothing_is_lost() {
    let opened = Opened::of(one()).with_models();
    opened.book.tick(at(NOON));
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| opened.serve(900, 100));
        }
        for minute in 0..50 {
            opened.book.tick(at(NOON + minute));
        }
    });
    assert_eq!(opened.exported("o", "chat-a"), (4_000, 400));
    assert_eq!(opened.within(100, NOON + 50), (4_000, 400));
    let unsaved = opened.book.take_unsaved();
    let sum: u64 = unsaved[0].1.iter().map(|slot| slot.counts.total).sum();
    assert_eq!(sum, 4_000);
}

#[test]
fn what_is_saved_in_parts_adds_up_to_what_happened() {
    let opened = Opened::of(one()).with_models();
    let saved = |expected: &[(u32, u64, u64)]| {
        let slots = opened.book.take_unsaved().pop().map(|(_, slots)| slots).unwrap_or_default();
        let slots = slots.iter().map(|s| (s.slot, s.counts.total, s.counts.bad));
        assert_eq!(slots.collect::<Vec<_>>(), expected);
    };
    opened.book.tick(at(NOON));
    saved(&[]);
    opened.serve(3, 1);
    saved(&[(NOON, 4, 1)]);
    opened.serve(1, 0);
    opened.book.tick(at(NOON + 2));
    opened.serve(0, 2);
    saved(&[(NOON, 1, 0), (NOON + 2, 2, 2)]);
    saved(&[]);
    let history = opened.book.histories().pop().unwrap();
    let slot = |slot, total, bad| SlotCounts { slot, counts: EventCounts { total, bad } };
    assert_eq!(history.minutes, [slot(NOON, 5, 1), slot(NOON + 2, 2, 2)]);
    assert_eq!(history.hours, [slot(NOON / 60, 7, 3)]);
}

#[test]
fn a_restart_keeps_the_past_and_exports_from_zero() {
    let first = Opened::of(one()).with_models();
    first.book.tick(at(NOON));
    first.serve(10, 2);
    first.book.tick(at(NOON + 5_000));
    first.serve(20, 3);
    let histories = first.book.histories();

    let mut second = Opened::of(one());
    second.book.restore(histories, at(NOON + 5_010));
    let second = second.with_models();
    assert_eq!(second.exported("o", "chat-a"), (0, 0));
    second.serve(1, 0);
    assert_eq!(second.exported("o", "chat-a"), (1, 0));
    assert_eq!(second.within(5, NOON + 5_010), (1, 0));
    assert_eq!(second.within(60, NOON + 5_010), (24, 3));
    assert_eq!(second.within(30 * 24 * 60, NOON + 5_010), (36, 5));
    let unsaved = second.book.take_unsaved();
    assert_eq!(unsaved[0].1.len(), 1, "what was restored is saved already: {unsaved:?}");
}

#[test]
fn the_past_of_a_model_waits_until_the_model_joins() {
    let slot = |slot| SlotCounts { slot, counts: EventCounts { total: 8, bad: 2 } };
    let history = |slo: &str, model: &str| SloHistory {
        key: key(slo, model),
        minutes: vec![slot(NOON)],
        hours: vec![slot(NOON / 60)],
    };
    let mut opened = Opened::of(one());
    let late = history("o", "chat-a");
    let past = vec![late.clone(), history("gone", "chat-a"), history("o", "embed")];
    opened.book.restore(past, at(NOON + 1));
    assert_eq!(opened.book.histories(), std::slice::from_ref(&late), "a snapshot has it too");
    let opened = opened.with_models();
    assert_eq!(opened.within(10, NOON + 1), (8, 2));
    assert_eq!(opened.book.histories(), [late]);
}

#[test]
fn a_model_that_joins_late_begins_in_the_minute_it_joins() {
    let opened = Opened::of(one());
    opened.book.tick(at(NOON));
    let opened = opened.with_models();
    opened.serve(2, 0);
    opened.book.tick(at(NOON + 1));
    assert_eq!(opened.within(1, NOON + 1), (2, 0));
    assert_eq!(opened.within(1, NOON + 3), (0, 0));
}

#[test]
fn a_clock_that_leaps_ten_years_and_back_harms_nothing() {
    let opened = Opened::of(one()).with_models();
    let years = 10 * 365 * 24 * 60;
    for minute in [0, 1, years, 2, 0] {
        opened.book.tick(at(NOON + minute));
        opened.serve(1, 0);
        opened.book.report(at(NOON + minute));
    }
    opened.book.tick(at(0));
    opened.book.tick(UNIX_EPOCH - Duration::from_secs(1));
    (2..200).for_each(|minute| opened.book.tick(at(NOON + minute)));
    opened.serve(1, 0);
    assert_eq!(opened.within(60, NOON + 200), (1, 0));
    assert_eq!(opened.exported("o", "chat-a"), (6, 0));
}
