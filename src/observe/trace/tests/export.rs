//! Batches, their timer, and receivers that are slow, hanging or gone.

use super::collector::{Collector, Manner, attribute};
use super::{names, record, until};
use crate::observe::trace::export::Pace;
use crate::observe::trace::{TraceExport, spans, transport};
use crate::observe::{OtlpProtocol, OtlpSettings};
use prometheus::IntCounter;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

fn pace() -> Pace {
    Pace { every: Duration::from_millis(50), ..Pace::default() }
}

fn start(url: String, pace: Pace) -> (TraceExport, JoinHandle<()>, IntCounter) {
    let settings =
        OtlpSettings { endpoint: url, protocol: OtlpProtocol::HttpProto, headers: Vec::new() };
    let dropped = IntCounter::new("dropped", "spans").expect("a counter");
    let connect = move || transport::connect(&settings, pace.patience);
    let started = TraceExport::start_with(pace, dropped.clone(), connect);
    let (export, worker) = started.expect("an exporter");
    (export, worker, dropped)
}

/// Two spans.
fn push(export: &TraceExport) {
    export.push(spans(&record(), &names()));
}

#[test]
fn a_trace_arrives_whole_with_the_process_it_is_from() {
    let collector = Collector::start(Manner::Takes);
    let (export, _worker, dropped) = start(collector.url(), pace());
    push(&export);
    let spans = collector.inbox().once(2);
    assert_eq!(spans[1].parent_span_id, spans[0].span_id);
    let exports = collector.inbox().exports();
    assert!(exports[0].head.starts_with("post /v1/traces http/1.1\r\n"), "{exports:?}");
    let [of] = exports[0].request.resource_spans.as_slice() else { panic!("{exports:?}") };
    let resource = of.resource.as_ref().expect("a resource");
    assert_eq!(attribute(&resource.attributes, "service.name"), "transom");
    assert_eq!(attribute(&resource.attributes, "service.version"), env!("CARGO_PKG_VERSION"));
    let instance = attribute(&resource.attributes, "service.instance.id");
    assert!(instance.len() == 36 && instance.as_bytes()[14] == b'4', "{instance}");
    until("the answer", || export.health().report().sent.is_some());
    let report = export.health().report();
    assert!(report.lost.is_none() && report.error.is_none());
    assert_eq!(dropped.get(), 0);
}

#[test]
fn a_batch_that_is_not_full_leaves_by_the_timer() {
    let collector = Collector::start(Manner::Takes);
    let every = Duration::from_millis(500);
    let (export, _worker, _) = start(collector.url(), Pace { every, ..Pace::default() });
    let trace = spans(&record(), &names());
    let began = Instant::now();
    for _ in 0..249 {
        export.push(trace.clone());
    }
    assert_eq!(collector.inbox().once(498).len(), 498);
    assert!(began.elapsed() >= every);
    assert_eq!(collector.inbox().exports().len(), 1);
}

#[test]
fn a_full_batch_does_not_wait_for_the_timer() {
    let collector = Collector::start(Manner::Takes);
    let pace = Pace { every: Duration::from_secs(3_600), ..Pace::default() };
    let (export, _worker, _) = start(collector.url(), pace);
    let trace = spans(&record(), &names());
    for _ in 0..250 {
        export.push(trace.clone());
    }
    assert_eq!(collector.inbox().once(500).len(), 500);
    assert_eq!(collector.inbox().exports().len(), 1);
}

#[test]
fn what_is_queued_at_the_end_still_leaves() {
    let collector = Collector::start(Manner::Takes);
    let pace = Pace { every: Duration::from_secs(3_600), ..Pace::default() };
    let (export, worker, dropped) = start(collector.url(), pace);
    push(&export);
    drop(export);
    worker.join().expect("an orderly end");
    assert_eq!((collector.inbox().spans().len(), dropped.get()), (2, 0));
}

#[test]
fn a_receiver_that_hangs_costs_no_waiting_and_everything_lost_is_counted() {
    let collector = Collector::start(Manner::Hangs);
    let pace = Pace { flush: Duration::from_millis(200), ..pace() };
    let (export, worker, dropped) = start(collector.url(), pace);
    let trace = spans(&record(), &names());
    let began = Instant::now();
    for _ in 0..10_000 {
        export.push(trace.clone());
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(dropped.get() > 0);
    drop(export);
    let began = Instant::now();
    worker.join().expect("an orderly end");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(dropped.get(), 20_000);
    collector.behave(Manner::Takes);
}

#[test]
fn a_receiver_that_hangs_is_given_up_on_and_taken_up_again() {
    let collector = Collector::start(Manner::Hangs);
    let pace = Pace { patience: Duration::from_millis(100), ..pace() };
    let (export, _worker, dropped) = start(collector.url(), pace);
    push(&export);
    until("the first loss", || dropped.get() == 2);
    let report = export.health().report();
    assert!(report.error.is_some() && report.lost.is_some() && report.sent.is_none());
    collector.behave(Manner::Takes);
    until("recovery", || {
        push(&export);
        export.health().report().error.is_none()
    });
    assert!(!collector.inbox().spans().is_empty());
}

#[test]
fn a_receiver_that_is_gone_or_refuses_costs_spans_and_nothing_else() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", gone.local_addr().expect("an address"));
    drop(gone);
    let refusing = Collector::start(Manner::Refuses);
    for url in [url, refusing.url()] {
        let (export, worker, dropped) = start(url, pace());
        push(&export);
        until("the loss", || dropped.get() == 2);
        drop(export);
        worker.join().expect("an orderly end");
        assert_eq!(dropped.get(), 2);
    }
}

#[test]
fn a_receiver_that_cannot_be_a_receiver_is_said_at_the_start() {
    let dropped = IntCounter::new("dropped", "spans").expect("a counter");
    let settings = OtlpSettings {
        endpoint: "not a url".to_owned(),
        protocol: OtlpProtocol::Grpc,
        headers: Vec::new(),
    };
    assert!(TraceExport::start(settings, dropped).is_err());
}
