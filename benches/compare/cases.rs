//! One measurement: a fresh proxy, warm connections, load, CPU before and after.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::Result;
use crate::cli::{Case, Plan};
use crate::cpu::{CpuTime, Used};
use crate::load::{self, Connection, Tally};
use crate::process::{self, Process};
use crate::proxies::{Place, Running, Subject};
use crate::scrape::{Scrape, Scraper};
use crate::stats::quantile_us;
use crate::traffic::{Phase, Traffic};

/// Share of the time a proxy may wait for its own core in a sample that counts.
const MOST_WAITED: f64 = 0.03;

/// Share of the requests to which a cache has to say what the case wants: on disk some look-ups
/// take longer than a request may wait.
const LEAST_CACHED: f64 = 0.95;

/// The same in a smoke run, which may have to share its machine.
const LEAST_CACHED_SMOKE: f64 = 0.5;

/// The longest that a span may wait for others to go with it, and then some.
const LONGEST_BATCH: Duration = Duration::from_secs(7);

/// The mock upstream and what is asked of it.
pub struct Bench {
    /// The sizes of the run.
    pub plan: Plan,
    /// Where subjects are started.
    pub place: Place,
    /// The mock upstream's process.
    pub mock: Process,
    traffic: Traffic,
}

/// What one measurement of one subject gave.
#[derive(Clone, Serialize)]
pub struct Sample {
    /// The case.
    pub case: Case,
    /// The subject.
    pub subject: Subject,
    /// Round, from 0.
    pub round: usize,
    /// Measured wall time in seconds.
    pub seconds: f64,
    /// Measured requests.
    pub requests: u64,
    /// Documents or events that should have arrived.
    pub parts_expected: u64,
    /// Documents or events that arrived.
    pub parts: u64,
    /// CPU time of the proxy in microseconds per document or event.
    pub cpu_us_per_part: Option<f64>,
    /// Share of the time that the proxy was ready to run but another program had its core.
    pub proxy_waited: Option<f64>,
    /// Share of its core that the proxy used.
    pub proxy_busy: Option<f64>,
    /// Share of their core that load and mock used.
    pub load_busy: f64,
    /// Median latency in microseconds.
    pub p50_us: Option<f64>,
    /// 99th percentile of latency in microseconds.
    pub p99_us: Option<f64>,
    /// Share of the measured requests to which the cache said what the case wants.
    pub cached: Option<f64>,
    /// What a scrape costs, where that is asked.
    pub scrape: Option<Scrape>,
    /// Telemetry that the subject itself says it dropped.
    pub dropped: u64,
    /// What went wrong, warm-up included, and how often.
    pub failures: BTreeMap<String, u64>,
}

/// What the measured load did, and what it took.
struct Run {
    tally: Tally,
    wall: Duration,
    proxy: Option<Used>,
    load: Duration,
}

impl Sample {
    /// Whether others took so much of the proxy's core that the figures are in doubt:
    /// a proxy that comes late finds more to do at once, and costs less for each.
    pub fn is_disturbed(&self) -> bool {
        self.proxy_waited.is_some_and(|waited| waited > MOST_WAITED)
    }
}

impl Bench {
    /// A bench around a running mock.
    pub fn new(plan: Plan, place: Place, mock: Process) -> Self {
        Self { traffic: Traffic::new(&plan), plan, place, mock }
    }

    /// Measures `subject` once.
    ///
    /// # Errors
    /// When the subject cannot be started or ends by itself; failed requests are not
    /// errors but part of the sample.
    pub async fn sample(&self, case: Case, subject: Subject, round: usize) -> Result<Sample> {
        let running = self.place.start(subject, case).await?;
        let count = self.traffic.connections(case);
        let connections = load::connect(running.address, count).await?;
        let (connections, warm) = self.traffic.drive(case, Phase::WarmUp, connections).await?;
        if let Some(answers) = self.traffic.stored(case) {
            running.stores(answers).await?;
        }
        let traces = self.traces_seen().await?;
        let looked_up = running.looked_up(case.cache_result()).await?;
        let mut run = self.measure(case, &running, connections).await?;
        let mut failures = warm.failures;
        for (reason, count) in std::mem::take(&mut run.tally.failures) {
            *failures.entry(reason).or_default() += count;
        }
        let sent = warm.requests + run.tally.requests;
        for wrong in self.audit(case, &running, sent, traces).await? {
            failures.insert(wrong, 1);
        }
        let looked_up = looked_up.zip(running.looked_up(case.cache_result()).await?);
        let cached = looked_up.map(|(from, to)| (to - from) as f64 / run.tally.requests as f64);
        let least = if self.plan.smoke { LEAST_CACHED_SMOKE } else { LEAST_CACHED };
        if let Some(share) = cached.filter(|share| *share < least) {
            let (percent, result) = (share * 100.0, case.cache_result());
            failures.insert(format!("a {result} for only {percent:.1} % of requests"), 1);
        }
        let scrape = match subject {
            Subject::TransomScraped => Some(Scrape::of(&running, self.plan.scrapes).await?),
            _ => None,
        };
        let Run { mut tally, wall, proxy, load } = run;
        tally.latencies.sort_unstable();
        Ok(Sample {
            case,
            subject,
            round,
            seconds: wall.as_secs_f64(),
            requests: tally.requests,
            parts_expected: tally.parts_expected,
            parts: tally.parts,
            cpu_us_per_part: proxy.map(|used| micros(used.cpu) / tally.parts.max(1) as f64),
            proxy_busy: proxy.map(|used| micros(used.cpu) / micros(wall)),
            proxy_waited: proxy.map(|used| micros(used.waited) / micros(wall)),
            load_busy: micros(load) / micros(wall),
            p50_us: quantile_us(&tally.latencies, 0.50),
            p99_us: quantile_us(&tally.latencies, 0.99),
            cached,
            scrape,
            dropped: running.dropped().await?,
            failures,
        })
    }

    /// What the subject counts or exports other than it should.
    async fn audit(
        &self,
        case: Case,
        running: &Running,
        sent: u64,
        traces: u64,
    ) -> Result<Vec<String>> {
        let mut wrong = Vec::from_iter(running.audit(sent).await?);
        // Few spans leave by a timer, which a smoke run has no time for.
        let waits = !self.plan.smoke || case.is_busy();
        // A proxy that only seems to export its spans would look too cheap.
        if waits && running.admin.is_some() && self.no_spans_since(traces).await? {
            wrong.push("no spans were exported".to_owned());
        }
        Ok(wrong)
    }

    /// Applies the load and reads the clocks before and after.
    async fn measure(
        &self,
        case: Case,
        running: &Running,
        connections: Vec<Connection>,
    ) -> Result<Run> {
        let scraper = running.scraped.map(|admin| Scraper::start(self.place.load_core, admin));
        let scraper = scraper.transpose()?;
        let before = (self.load_cpu()?, running.cpu()?);
        let begin = Instant::now();
        let work = self.traffic.drive(case, Phase::Measured, connections);
        let (connections, tally) = work.await?;
        let wall = begin.elapsed();
        let after = (self.load_cpu()?, running.cpu()?);
        scraper.map_or(Ok(()), Scraper::stop)?;
        drop(connections);
        let load = before.0.iter().zip(&after.0).map(|(from, to)| from.until(to).cpu).sum();
        let proxy = before.1.zip(after.1).map(|(from, to)| from.until(&to));
        Ok(Run { tally, wall, proxy, load })
    }

    /// How often the mock was sent spans.
    async fn traces_seen(&self) -> Result<u64> {
        Ok(process::get(self.place.upstream, "/traces").await?.parse()?)
    }

    /// Whether none came since it was `before`, not even in the time that a batch may take.
    async fn no_spans_since(&self, before: u64) -> Result<bool> {
        let deadline = Instant::now() + LONGEST_BATCH;
        while self.traces_seen().await? == before {
            if Instant::now() > deadline {
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(false)
    }

    /// CPU time of the load (this process, not its children) and of the mock.
    fn load_cpu(&self) -> Result<[CpuTime; 2]> {
        Ok([CpuTime::of_process(std::process::id())?, CpuTime::of_tree(self.mock.pid())?])
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
