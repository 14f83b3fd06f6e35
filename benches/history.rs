//! What a million recent requests cost: to keep one, to look for some, to count them all; and
//! what sums cost. `cargo bench --bench history` prints a table.

use std::hint::black_box;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use transom::history::recent::{Filter, Place};
use transom::history::rollup::{MemoryShelf, Period, Quantity, Step};
use transom::history::{History, RecentSettings};
use transom::observe::verdict::{self, Ending};
use transom::observe::{
    Attempt, CallFacts, Identity, Metrics, RecordNames, RequestRecord, SemanticNames,
};
use transom::types::{
    Clock, Dialect, ErrorType, ModelSlot, Operation, Outcome, Random, RequestId, SpanId, StreamEnd,
    TraceId, Usage, UsageSource,
};

const REQUESTS: usize = 1_000_000;
const MODELS: u64 = 20;
const ROUNDS: u32 = 9;

fn main() -> io::Result<()> {
    let (random, names, mut out) = (Random::seeded(1), names(), io::stdout());
    let took = keeping(&random, &names);
    writeln!(out, "{:<52} {took:>9.0} ns", "keep and count one, of the usual 100,000")?;
    let settings = RecentSettings { requests: REQUESTS + 65_536, bytes: 2 << 30 };
    let shelf = Box::new(MemoryShelf::default());
    let history = History::new(settings, (&names.upstreams, &names.objectives), shelf);
    let now = Clock::system().date();
    let mut sink = history.sink();
    for number in 0..REQUESTS {
        let ended = now - Duration::from_millis(6 * (REQUESTS - number) as u64);
        sink.take(&request(&random), &names, ended);
    }
    let status = history.recent().status();
    writeln!(out, "{} requests, {} MiB", status.requests, status.bytes >> 20)?;
    searches(&mut out, &history, now)?;
    sums(&mut out, &history, now)
}

/// Nanoseconds for one request, once those before it make room.
fn keeping(random: &Random, names: &RecordNames) -> f64 {
    const BATCH: usize = 10_000;
    let shelf = Box::new(MemoryShelf::default());
    let named = (&*names.upstreams, &*names.objectives);
    let history = History::new(RecentSettings::default(), named, shelf);
    let mut sink = history.sink();
    let mut batch = || {
        let records: Vec<_> = (0..BATCH).map(|_| request(random)).collect();
        let began = Instant::now();
        for record in &records {
            sink.take(record, names, names.clock.date());
        }
        began.elapsed().as_nanos() as f64 / BATCH as f64
    };
    (0..12).for_each(|_| {
        batch();
    });
    let mut times: Vec<f64> = (0..21).map(|_| batch()).collect();
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}

fn searches(out: &mut impl Write, history: &Arc<History>, now: SystemTime) -> io::Result<()> {
    let recent = history.recent();
    let all = Filter::default();
    let minutes = |count: u64| now - Duration::from_secs(60 * count);
    let slow = Duration::from_secs(3)..Duration::from_secs(1 << 20);
    let cases = [
        ("everything", all.clone()),
        ("one model", Filter { model: Some("model-7".into()), ..all.clone() }),
        ("what failed", Filter { outcomes: vec![Outcome::UpstreamError], ..all.clone() }),
        ("what was slow", Filter { duration: Some(slow), ..all.clone() }),
        ("five minutes", Filter { ended: Some(minutes(50)..minutes(45)), ..all.clone() }),
        ("part of an id, not there", Filter { text: Some("no-such".into()), ..all.clone() }),
        ("part of a trace id, not there", Filter { text: Some("0000000000".into()), ..all }),
    ];
    for (name, filter) in cases {
        let took = median(|| {
            black_box(recent.page(&filter, Place::default(), 100));
            black_box(recent.facets(&filter));
        });
        row(out, &format!("first page and facets: {name}"), took)?;
    }
    let oldest = recent.page(&Filter::default(), Place::default(), REQUESTS).requests;
    let id = oldest.last().map(|request| request.request_id.clone()).unwrap_or_default();
    drop(oldest);
    row(out, "find the oldest by its id", median(|| drop(black_box(recent.find(&id)))))
}

fn sums(out: &mut impl Write, history: &Arc<History>, now: SystemTime) -> io::Result<()> {
    let rollups = history.rollups();
    let began = Instant::now();
    rollups.save().map_err(io::Error::other)?;
    row(out, "save 100 minutes of 20 models", began.elapsed())?;
    let hour = Period::last(Duration::from_secs(3_600), now);
    let model = Some("model-7");
    row(out, "a series of an hour", median(|| drop(rollups.series(model, &hour, Step::Minute))))?;
    let map = || drop(black_box(rollups.heatmap(model, Quantity::FirstToken, (&hour, 60))));
    row(out, "a heatmap of an hour", median(map))
}

fn row(out: &mut impl Write, name: &str, took: Duration) -> io::Result<()> {
    writeln!(out, "{name:<52} {:>9.3} ms", took.as_secs_f64() * 1e3)
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

fn names() -> RecordNames {
    let upstreams = vec!["vllm-a".to_owned(), "vllm-b".to_owned()];
    let metrics = Metrics::new("bench", &upstreams, &[], SemanticNames::Stable);
    let Ok(metrics) = metrics else { unreachable!("the definitions are tested") };
    for number in 1..=MODELS {
        metrics.model_slot(&format!("model-{number}"));
    }
    let objectives = vec!["availability".to_owned()];
    RecordNames { metrics: Arc::new(metrics), upstreams, objectives, clock: Clock::system() }
}

/// A streamed chat of twenty chunks; one in fifty fails.
fn request(random: &Random) -> RequestRecord {
    let received = Instant::now();
    let took = Duration::from_micros(1_000 + random.below(1 << (10 + random.below(13))));
    let at = |share: u32| received + took * share / 20;
    let identity = Identity::new(
        RequestId::mint(|| random.next_u64()),
        TraceId::mint(|| random.next_u64()),
        SpanId::mint(|| random.next_u64()),
    );
    let call = CallFacts {
        model: ModelSlot::at(1 + random.below(MODELS) as u32),
        model_asked: Some("gpt-4o".to_owned()),
        model_answered: Some("meta-llama/Llama-3.3-70B".to_owned()),
        streamed: true,
        ..CallFacts::new(Dialect::OpenAi, Operation::Chat, http::Method::POST)
    };
    let mut record = RequestRecord::begin(identity, call, received);
    record.timeline.finished = Some(at(20));
    record.identity.key_alias = Some("team-search".into());
    record.usage = Some(Usage { input: 900, output: 140, source: UsageSource::Upstream });
    let mut attempt =
        Attempt::begin(0, "10.0.0.1:8000".into(), SpanId::mint(|| random.next_u64()), received);
    attempt.status = Some(200);
    attempt.ended = Some(at(20));
    if random.below(50) == 0 {
        record.verdict = verdict::failed(502, ErrorType::UpstreamReset);
        attempt.error = Some(ErrorType::UpstreamReset);
    } else {
        record.verdict = verdict::decide(200, StreamEnd::Terminated, Ending::Complete);
    }
    record.attempts.push(attempt);
    record.meter.note_chunks(received, 4_096);
    for share in 1..=20 {
        record.meter.on_chunk(at(share), 180);
        record.meter.on_generated(at(share));
    }
    record
}
