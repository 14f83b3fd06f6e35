//! Four days of traffic in simulated time, through error budgets and through the counters that
//! Prometheus would scrape, with restarts and an outage in between. What the budgets say and
//! what Prometheus reckons from the counters must be the same.
//!
//! `cargo run --example simulated_days -- COUNTERS.om BUDGETS.json`, and then
//! `promtool tsdb create-blocks-from openmetrics COUNTERS.om DATA`.

use parking_lot::Mutex;
use prometheus::{Gauge, IntCounter};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use transom::observe::slo::{Indicator, SloBook, SloSeries, SloSettings};
use transom::observe::{CallFacts, Identity, RequestRecord, verdict};
use transom::types::{
    Dialect, ErrorType, EventCounts, ModelSlot, Operation, Random, RequestId, SloHistory, SloKey,
    SlotCounts, SpanId, TraceId,
};

/// 14 July 2025, midnight.
const START: u64 = 1_752_451_200;
const DAY: u64 = 24 * 60;
const DAYS: u64 = 4;
const MODELS: [&str; 2] = ["chat-large", "chat-small"];
/// Minutes in which the process ends, and how long it takes until the next one begins.
const RESTARTS: [(u64, u64); 3] = [(700, 0), (DAY + 777, 7), (3 * DAY + 5, 90)];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(counters), Some(budgets)) = (arguments.next(), arguments.next()) else {
        return Err("usage: simulated_days COUNTERS.om BUDGETS.json".into());
    };
    let random = Random::seeded(20_250_714);
    let mut kept = Kept::default();
    let mut scrapes = Scrapes::default();
    let mut process = Process::start(Vec::new(), START);
    let mut minute = 0;
    while minute < DAYS * DAY {
        traffic(&process.book, minute, &random);
        minute += 1;
        process.book.tick(at(minute));
        process.scrape(second(minute), &mut scrapes);
        kept.add(process.book.take_unsaved());
        if let Some((_, pause)) = RESTARTS.into_iter().find(|(end, _)| *end == minute) {
            // One restart from a snapshot, the others from what was saved minute by minute.
            let past = if pause == 0 { process.book.histories() } else { kept.histories() };
            minute += pause;
            process = Process::start(past, second(minute) + 1);
            process.scrape(second(minute) + 1, &mut scrapes);
        }
    }
    std::fs::write(counters, scrapes.open_metrics())?;
    std::fs::write(budgets, format!("{:#}\n", process.answers(minute)))?;
    Ok(())
}

/// More by day than by night, more errors in the evening, nothing for three hours, and one
/// outage.
fn traffic(book: &SloBook, minute: u64, random: &Random) {
    let (hour, chance) = (minute / 60 % 24, |thousandths| random.below(1_000) < thousandths);
    let quiet = (DAY + 120..DAY + 300).contains(&minute);
    let outage = (2 * DAY + 600..2 * DAY + 640).contains(&minute);
    for slot in 1..=2 {
        let requests = if quiet { 0 } else { hour + random.below(20) * u64::from(slot) };
        for _ in 0..requests {
            let failed = chance(if outage { 900 } else { hour });
            let milliseconds = 200 + random.below(1_000) + if chance(30) { 2_000 } else { 0 };
            book.count(&request(slot, milliseconds, failed));
        }
    }
}

/// One life of the proxy: its exported counters begin at 0, its budgets do not.
struct Process {
    book: SloBook,
    series: Vec<(SloKey, SloSeries)>,
}

impl Process {
    fn start(past: Vec<SloHistory>, second: u64) -> Self {
        let availability = SloSettings::standard();
        let latency = SloSettings {
            name: "latency".to_owned(),
            indicator: Indicator::Latency(Duration::from_secs(2)),
            objective: 0.95,
            ..SloSettings::standard()
        };
        let opened = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&opened);
        let open = move |key: &SloKey, _: &[String]| {
            let series = series();
            all.lock().push((key.clone(), series.clone()));
            series
        };
        let mut book = SloBook::new(vec![availability, latency], open);
        book.restore(past, UNIX_EPOCH + Duration::from_secs(second));
        for (slot, model) in (1..).zip(MODELS) {
            book.add_model(ModelSlot::at(slot), model);
        }
        let series = opened.lock().clone();
        Self { book, series }
    }

    fn scrape(&self, second: u64, scrapes: &mut Scrapes) {
        for (key, series) in &self.series {
            let counts = EventCounts { total: series.events.get(), bad: series.bad.get() };
            scrapes.0.entry(key.clone()).or_default().push((second, counts));
        }
    }

    /// Events of the last day and of the last three, by budget.
    fn answers(&self, minute: u64) -> Value {
        let answer = |key: &SloKey, days: u64| {
            let window = Duration::from_secs(days * DAY * 60);
            let counts = self.book.events_within(key, window, at(minute)).unwrap_or_default();
            json!({
                "slo": key.slo, "model": key.model, "window": format!("{days}d"),
                "total": counts.total, "bad": counts.bad,
                "ratio": counts.bad as f64 / counts.total as f64,
            })
        };
        let keys = self.series.iter().map(|(key, _)| key);
        let answers = keys.flat_map(|key| [answer(key, 1), answer(key, 3)]);
        json!({ "end": second(minute), "answers": answers.collect::<Vec<_>>() })
    }
}

/// What outlives the process, as a store would keep it.
#[derive(Default)]
struct Kept(BTreeMap<SloKey, BTreeMap<u32, EventCounts>>);

impl Kept {
    fn add(&mut self, unsaved: Vec<(SloKey, Vec<SlotCounts>)>) {
        for (key, slots) in unsaved {
            let minutes = self.0.entry(key).or_default();
            slots.into_iter().for_each(|slot| add(minutes, slot.slot, slot.counts));
        }
    }

    fn histories(&self) -> Vec<SloHistory> {
        let history = |(key, minutes): (&SloKey, &BTreeMap<u32, EventCounts>)| {
            let mut hours = BTreeMap::new();
            minutes.iter().for_each(|(minute, counts)| add(&mut hours, minute / 60, *counts));
            let slots = |slots: &BTreeMap<u32, EventCounts>| {
                slots
                    .iter()
                    .map(|(slot, counts)| SlotCounts { slot: *slot, counts: *counts })
                    .collect()
            };
            SloHistory { key: key.clone(), minutes: slots(minutes), hours: slots(&hours) }
        };
        self.0.iter().map(history).collect()
    }
}

fn add(slots: &mut BTreeMap<u32, EventCounts>, slot: u32, more: EventCounts) {
    let counts = slots.entry(slot).or_default();
    counts.total += more.total;
    counts.bad += more.bad;
}

/// What Prometheus saw and when, in seconds since the epoch.
#[derive(Default)]
struct Scrapes(BTreeMap<SloKey, Vec<(u64, EventCounts)>>);

impl Scrapes {
    fn open_metrics(&self) -> String {
        let family = |name: &str, value: fn(&EventCounts) -> u64| {
            let lines = self.0.iter().flat_map(|(key, scrapes)| {
                let labels = format!("slo=\"{}\",model=\"{}\"", key.slo, key.model);
                scrapes.iter().map(move |(second, counts)| {
                    let value = value(counts);
                    format!("{name}_total{{{labels},job=\"transom\"}} {value} {second}\n")
                })
            });
            format!("# TYPE {name} counter\n{}", lines.collect::<String>())
        };
        let events = family("transom_slo_events", |counts| counts.total);
        let bad = family("transom_slo_bad_events", |counts| counts.bad);
        format!("{events}{bad}# EOF\n")
    }
}

/// Series that nobody collects.
fn series() -> SloSeries {
    let counter = || IntCounter::new("counter", "a counter");
    let gauge = || Gauge::new("gauge", "a gauge");
    match (counter(), counter(), gauge(), gauge()) {
        (Ok(events), Ok(bad), Ok(objective), Ok(budget_remaining)) => {
            SloSeries { events, bad, objective, budget_remaining, burn: Vec::new() }
        }
        _ => unreachable!("the names are valid"),
    }
}

fn request(slot: u32, milliseconds: u64, failed: bool) -> RequestRecord {
    let received = Instant::now();
    let ids = (RequestId::mint(|| 1), TraceId::mint(|| 1), SpanId::mint(|| 1));
    let mut call = CallFacts::new(Dialect::OpenAi, Operation::Chat, http::Method::POST);
    call.model = ModelSlot::at(slot);
    let mut record = RequestRecord::begin(Identity::new(ids.0, ids.1, ids.2), call, received);
    record.timeline.finished = Some(received + Duration::from_millis(milliseconds));
    record.verdict = match failed {
        true => verdict::failed(502, ErrorType::UpstreamReset),
        false => verdict::answered(200),
    };
    record
}

fn second(minute: u64) -> u64 {
    START + minute * 60
}

fn at(minute: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(second(minute))
}
