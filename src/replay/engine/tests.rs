//! Whole runs against a server of their own. What depends on a machine's speed is generous.

use super::*;
use crate::replay::client::test_server::TestServer;
use crate::replay::outcome::{Objectives, RunId};
use crate::replay::request::{NotReplayable, Outgoing};
use crate::replay::{
    Arrival, ClosedStage, Failure, Metric, PlanHead, PlanOptions, Planned, Quantity, Sample,
    Schedule, Statistic, Validity,
};
use crate::types::{Clock, Operation};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

type Seen = Arc<Mutex<Vec<Sample>>>;

/// Every request is answered as this header says; number 13 cannot be sent.
struct Same(&'static str);

impl Requests for Same {
    fn outgoing(&self, exchange: u64) -> Result<Outgoing, NotReplayable> {
        if exchange == 13 {
            return Err(NotReplayable::Cut);
        }
        let mut headers = HeaderMap::new();
        headers.insert("x-sim", HeaderValue::from_static(self.0));
        Ok(Outgoing {
            method: Method::POST,
            path: "/v1/chat/completions".parse().unwrap(),
            headers,
            body: Bytes::from_static(b"{\"model\":\"m\",\"stream\":true}"),
            operation: Operation::Chat,
            streamed: true,
        })
    }
}

fn planned(number: u64, at: Option<Micros>) -> Planned {
    let (session, after_turn, leaves_after) = (None, None, None);
    Planned { number, exchange: number, at, stage: 0, session, after_turn, leaves_after }
}

fn plan(schedule: Schedule, requests: Vec<Planned>) -> Arc<Plan> {
    let (options, captured) = (PlanOptions::new(schedule), requests.len() as u64);
    let head = PlanHead { version: 1, options, capture: String::new(), captured, shard: None };
    Arc::new(Plan { head, requests })
}

/// So many requests, with so many microseconds between them.
fn open(requests: u64, gap: u64) -> Arc<Plan> {
    let requests = (0..requests).map(|n| planned(n, Some(Micros(n * gap)))).collect();
    plan(Schedule::Open { arrival: Arrival::Constant, stages: Vec::new() }, requests)
}

fn job(server: &TestServer, plan: Arc<Plan>, how: &'static str) -> Run {
    let start = Start::soon(Clock::system());
    let head = RunHead {
        version: 1,
        id: RunId::parse("test").unwrap(),
        began: start.date,
        target: server.url(),
        program: "test".into(),
        plan: plan.head.clone(),
        plan_digest: String::new(),
        objectives: Objectives::default(),
        model: None,
        timeout: Micros(20_000_000),
        in_flight: 1_000,
    };
    Run {
        head,
        plan,
        requests: Arc::new(Same(how)),
        target: Target::parse(&server.url()).unwrap(),
        roots: rustls::RootCertStore::empty(),
        keep: KeepAnswers::No,
        admission: Arc::new(Everything),
        start,
        grace: Duration::from_millis(50),
    }
}

async fn ran(job: Run) -> (RunResult, Vec<Sample>) {
    let seen = Seen::default();
    let progress = Arc::<Progress>::default();
    let ended = run(job, Box::new(Arc::clone(&seen)), progress, CancellationToken::new()).await;
    let result = ended.unwrap().result;
    let samples = std::mem::take(&mut *seen.lock());
    (result, samples)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_run_sends_everything_and_sees_everything() {
    let server = TestServer::start().await;
    let mut job = job(&server, open(100, 2_000), "stream 3 5");
    job.head.plan.options.warm_up = Micros(20_000);
    let mut plan = (*job.plan).clone();
    plan.head.options.warm_up = Micros(20_000);
    job.plan = Arc::new(plan);
    let progress = Arc::<Progress>::default();
    let seen = Seen::default();
    let observer = Box::new(Arc::clone(&seen));
    let ended = run(job, observer, Arc::clone(&progress), CancellationToken::new()).await.unwrap();
    assert!(ended.observed.is_ok());
    let (result, samples) = (ended.result, seen.lock().clone());
    let mut numbers: Vec<_> = samples.iter().map(|sample| sample.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    let figures = &result.figures;
    assert_eq!((figures.warm_up, figures.requests, figures.succeeded), (10, 90, 89));
    assert_eq!(result.tally.failed(Failure::NotSent), 1, "number 13");
    assert_eq!(figures.tokens.output, 3 * 89);
    for quantity in [Quantity::Ttft, Quantity::Latency, Quantity::InterChunk, Quantity::Tpot] {
        let metric = Metric { quantity, statistic: Statistic::P95 };
        assert!(figures.values[&metric] > 0.0, "{quantity:?}");
    }
    for sample in samples.iter().filter(|sample| sample.failure.is_none()) {
        assert!(sample.sent.unwrap() >= sample.intended && sample.last >= sample.first_token);
    }
    let snapshot = progress.snapshot();
    assert_eq!((snapshot.planned, snapshot.sent, snapshot.done), (100, 99, 100));
    assert!(snapshot.p95.is_some());
    let headers = server.seen.last.lock().1.clone();
    assert_eq!(headers["x-transom-replay"], "test");
    assert!(crate::protocol::parse_traceparent([&headers["traceparent"]]).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_run_never_has_more_in_flight_than_asked_for() {
    let server = TestServer::start().await;
    let stages = vec![ClosedStage { concurrency: 4, requests: 12 }];
    let requests = (0..12).map(|number| planned(number, None)).collect();
    let plan = plan(Schedule::Closed { stages, think: Micros(1_000) }, requests);
    let (result, samples) = ran(job(&server, plan, "slow 30")).await;
    assert_eq!(result.figures.succeeded, 12);
    let busy = |at: Micros| {
        let spans = samples.iter().filter_map(|sample| Some((sample.sent?, sample.last?)));
        spans.filter(|(sent, last)| *sent <= at && at < *last).count()
    };
    assert!(samples.iter().all(|sample| busy(sample.sent.unwrap()) <= 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generator_that_may_have_one_request_in_flight_is_invalid() {
    let server = TestServer::start().await;
    let mut job = job(&server, open(12, 1_000), "slow 20");
    job.head.in_flight = 1;
    let (result, _) = ran(job).await;
    let Validity::Invalid(reasons) = &result.validity else { panic!("{result:?}") };
    assert!(reasons[0].contains("too many were in flight"), "{reasons:?}");
    assert!(reasons[1].contains("The rate was off"), "{reasons:?}");
    assert!(result.figures.lag.held_back > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_run_still_has_a_whole_result() {
    let server = TestServer::start().await;
    let job = job(&server, open(1_000, 10_000), "slow 60000");
    let (stop, seen) = (CancellationToken::new(), Seen::default());
    let ended = run(job, Box::new(Arc::clone(&seen)), Arc::default(), stop.clone());
    let stopping = async {
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while server.seen.requests.load(Relaxed) < 3 && std::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(ended, stopping);
    let result = ended.unwrap().result;
    assert_eq!(seen.lock().len(), 1_000);
    assert_eq!(result.figures.requests, 1_000);
    assert!(result.tally.failed(Failure::Cancelled) >= 3);
    let left_out = result.tally.failed(Failure::NotSent);
    assert_eq!(left_out + result.tally.failed(Failure::Cancelled), 1_000);
    assert!(matches!(result.validity, Validity::Invalid(_)));
}

/// Admits so many.
struct Cap(AtomicU64, Arc<AtomicU64>);

impl Admission for Cap {
    fn admit(&self, _: &Planned) -> Result<Box<dyn Admitted>, NotAdmitted> {
        let left = self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        left.map_err(|_| NotAdmitted)?;
        Ok(Box::new(Settled(Arc::clone(&self.1))))
    }
}

struct Settled(Arc<AtomicU64>);

impl Admitted for Settled {
    fn settle(self: Box<Self>, sample: &Sample) {
        self.0.fetch_add(sample.tokens_out.unwrap(), Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_admitted_is_not_sent_and_the_rest_is_settled() {
    let server = TestServer::start().await;
    let tokens = Arc::<AtomicU64>::default();
    let mut job = job(&server, open(10, 1_000), "stream 2 0");
    job.admission = Arc::new(Cap(AtomicU64::new(4), Arc::clone(&tokens)));
    let (result, _) = ran(job).await;
    assert_eq!((result.figures.succeeded, result.tally.failed(Failure::NotSent)), (4, 6));
    assert_eq!(server.seen.requests.load(Relaxed), 4);
    assert_eq!(tokens.load(Relaxed), 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_had_left_leave_again_and_turns_wait_for_each_other() {
    let server = TestServer::start().await;
    let mut requests: Vec<_> = (0..3).map(|number| planned(number, Some(Micros(0)))).collect();
    for turn in &mut requests[..2] {
        (turn.session, turn.after_turn) = (Some(1), Some(Micros(5_000)));
    }
    requests[2].leaves_after = Some(Micros(10_000));
    let plan = plan(Schedule::Recorded { speed: 1.0 }, requests);
    let (result, mut samples) = ran(job(&server, plan, "stream 20 20")).await;
    samples.sort_by_key(|sample| sample.number);
    let first = samples[0].last.unwrap();
    assert!(samples[1].intended >= Micros(first.0 + 5_000));
    assert_eq!(samples[2].failure, Some(Failure::Cancelled));
    assert_eq!(
        result.figures.values
            [&Metric { quantity: Quantity::Failures, statistic: Statistic::Total }],
        0.0
    );
}
