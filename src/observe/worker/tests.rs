//! What is written down, what is dropped, and who is told.

use super::*;
use crate::observe::slo::Judgement;
use crate::observe::trace::{Collector, Manner, names, record, until};
use crate::observe::{
    CacheFacts, KeepReason, LevelSwitch, LogLevel, Origin, OtlpProtocol, OtlpSettings,
};
use crate::types::{CacheStatus, CacheTier, NanoUsd};
use parking_lot::Mutex;
use serde_json::Value;

/// Keeps what is written.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().clone()).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

/// Takes nothing: fails, once somebody says so.
struct Blocked(Receiver<()>);

impl Write for Blocked {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        self.0.recv().ok();
        Err(io::Error::other("gone"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn json(out: impl Write + Send + 'static) -> LogOutput {
    LogOutput { lines: LogLines::Json, out: Box::new(out) }
}

fn blocked() -> (SyncSender<()>, LogOutput) {
    let (go, wait) = sync_channel(1);
    (go, json(Blocked(wait)))
}

fn export(collector: &Collector, names: &RecordNames) -> TraceExport {
    let settings = OtlpSettings {
        endpoint: collector.url(),
        protocol: OtlpProtocol::HttpProto,
        headers: Vec::new(),
    };
    TraceExport::start(settings, names.metrics.dropped(Sink::Traces)).expect("an exporter").0
}

fn kept() -> Box<RequestRecord> {
    let mut record = record();
    record.kept = Some(KeepReason::Sampled);
    Box::new(record)
}

#[test]
fn a_line_holds_what_was_decided_at_the_end() {
    let page = Page::default();
    let log = Some((json(page.clone()), AccessLines::at(LogLevel::Info)));
    let outputs = Outputs { log, ..Outputs::default() };
    let (worker, thread) = Worker::start(outputs, names()).expect("a worker");
    let mut record = kept();
    record.cost = Some(NanoUsd(1_500_000));
    record.slo.note(0, Judgement::Bad);
    worker.push(record).expect("room");
    worker.push(Box::new(self::record())).expect("room");
    worker.stop().expect("a worker");
    thread.join().expect("an orderly end").expect("lines");
    let lines = page.lines();
    assert_eq!(lines[0]["model"], "chat-large");
    assert_eq!(lines[0]["upstream"], "vllm");
    assert_eq!(lines[0]["cost_usd"], 0.0015);
    assert_eq!(lines[0]["kept"], "sampled");
    assert_eq!(lines[0]["slo_missed"][0], "availability");
    assert_eq!(lines[1]["slo_missed"], Value::Array(Vec::new()));
    assert_eq!((&lines[1]["cost_usd"], &lines[1]["kept"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_line_says_what_the_cache_said_and_who_asked() {
    let page = Page::default();
    let log = Some((json(page.clone()), AccessLines::at(LogLevel::Info)));
    let (worker, thread) =
        Worker::start(Outputs { log, ..Outputs::default() }, names()).expect("a worker");
    let mut hit = record();
    hit.cache = Some(CacheFacts::new(CacheStatus::Hit(CacheTier::Redis)));
    let mut refresh = record();
    refresh.origin = Origin::Refresh;
    refresh.cache = Some(CacheFacts::new(CacheStatus::Miss));
    for record in [record(), hit, refresh] {
        worker.push(Box::new(record)).expect("room");
    }
    worker.stop().expect("a worker");
    thread.join().expect("an orderly end").expect("lines");
    let told = |line: &Value| ["origin", "cache", "cache_tier"].map(|key| line[key].clone());
    let told: Vec<_> = page.lines().iter().map(told).collect();
    assert_eq!(told[0], ["client".into(), "none".into(), Value::Null]);
    assert_eq!(told[1], ["client", "hit", "redis"]);
    assert_eq!(told[2], ["refresh".into(), "miss".into(), Value::Null]);
}

#[test]
fn the_switch_moves_between_two_requests_and_spans_do_not_mind() {
    let (page, names, collector) = (Page::default(), names(), Collector::start(Manner::Takes));
    let switch = LevelSwitch::new(LogLevel::Warn, |_| {});
    let traces = Some(export(&collector, &names));
    let log = Some((json(page.clone()), switch.access_lines()));
    let outputs = Outputs { log, traces, sink: None };
    let (worker, thread) = Worker::start(outputs, names).expect("a worker");
    assert!(!worker.wants(&record()) && worker.wants(&kept()));
    worker.push(kept()).expect("room");
    switch.set(LogLevel::Info);
    assert!(worker.wants(&record()));
    worker.push(Box::new(record())).expect("room");
    worker.push(kept()).expect("room");
    switch.set(LogLevel::Error);
    worker.stop().expect("a worker");
    thread.join().expect("an orderly end").expect("lines");
    let lines = page.lines();
    assert_eq!((&lines[0]["kept"], &lines[1]["kept"]), (&Value::Null, &"sampled".into()));
    assert_eq!(lines.len(), 2);
    assert_eq!(collector.inbox().once(4).len(), 4);
}

#[test]
fn lines_that_cannot_be_written_are_counted_and_spans_go_on() {
    let (names, collector) = (names(), Collector::start(Manner::Takes));
    let (metrics, traces) = (Arc::clone(&names.metrics), Some(export(&collector, &names)));
    let (go, output) = blocked();
    drop(go);
    let log = Some((output, AccessLines::at(LogLevel::Info)));
    let (worker, thread) =
        Worker::start(Outputs { log, traces, sink: None }, names).expect("a worker");
    worker.push(kept()).expect("room");
    until("the first loss", || metrics.dropped(Sink::Log).get() == 1);
    worker.push(kept()).expect("room");
    worker.stop().expect("a worker");
    let result = thread.join().expect("an orderly end");
    assert_eq!(result.expect_err("an error").to_string(), "gone");
    assert_eq!(metrics.dropped(Sink::Log).get(), 2);
    assert_eq!(collector.inbox().once(4).len(), 4);
    assert_eq!(metrics.dropped(Sink::Traces).get(), 0);
}

#[test]
fn a_full_queue_says_what_is_lost_and_never_waits() {
    let (names, collector) = (names(), Collector::start(Manner::Takes));
    let traces = Some(export(&collector, &names));
    let (go, output) = blocked();
    let log = Some((output, AccessLines::at(LogLevel::Info)));
    let (worker, thread) =
        Worker::start(Outputs { log, traces, sink: None }, names).expect("a worker");
    let fill = || (0..3 * QUEUE).find_map(|_| worker.push(Box::new(record())).err());
    assert_eq!(fill(), Some(QueueFull { lines: 1, spans: 0, unkept: 0 }));
    assert_eq!(worker.push(kept()), Err(QueueFull { lines: 1, spans: 2, unkept: 0 }));
    drop(go);
    worker.stop().expect("a worker");
    assert!(thread.join().expect("an orderly end").is_err());
    assert!(worker.stop().is_err() && worker.push(kept()).is_err());
}

#[test]
fn without_a_log_only_kept_traces_are_wanted() {
    let collector = Collector::start(Manner::Takes);
    let names = names();
    let traces = Some(export(&collector, &names));
    let (worker, _) =
        Worker::start(Outputs { traces, ..Outputs::default() }, names).expect("a worker");
    assert!(!worker.wants(&record()) && worker.wants(&kept()));
    assert!(worker.export_health().is_some());
    let (neither, _) = Worker::start(Outputs::default(), self::names()).expect("a worker");
    assert!(!neither.wants(&kept()) && neither.export_health().is_none());
}

/// Keeps when requests ended and which.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<(String, std::time::SystemTime)>>>);

impl RecordSink for Kept {
    fn take(&mut self, record: &RequestRecord, _: &RecordNames, ended: std::time::SystemTime) {
        self.0.lock().push((record.identity.request_id.as_str().to_owned(), ended));
    }
}

#[test]
fn a_sink_gets_every_record_and_when_it_ended() {
    let (kept, names) = (Kept::default(), names());
    let clock = names.clock;
    let outputs = Outputs { sink: Some(Box::new(kept.clone())), ..Outputs::default() };
    let (worker, thread) = Worker::start(outputs, names).expect("a worker");
    let record = record();
    assert!(worker.has_sink() && worker.wants(&record));
    let finished = record.timeline.finished.expect("an end");
    let ended = clock.date_of(finished.min(clock.now()));
    worker.push(Box::new(record)).expect("room");
    worker.stop().expect("a worker");
    thread.join().expect("an orderly end").expect("lines");
    let kept = kept.0.lock();
    let (id, told) = &kept[0];
    let apart = told.duration_since(ended).unwrap_or_else(|error| error.duration());
    assert!(id == "req-1" && kept.len() == 1 && apart < Duration::from_secs(2), "{kept:?}");
    let full = worker.push(Box::new(self::record()));
    assert_eq!(full, Err(QueueFull { lines: 0, spans: 0, unkept: 1 }));
}
