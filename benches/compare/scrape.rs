//! What a scrape of Transom's metrics costs it, and a scraper that runs beside the load.
//! Knows the exposition formats just enough to count series.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};

use crate::Result;
use crate::process;
use crate::proxies::Running;

/// Time between two scrapes beside the load.
const EVERY: Duration = Duration::from_secs(1);
/// The number of series that the budget of a scrape is for.
const BUDGETED_SERIES: f64 = 25_000.0;

const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0";
const TEXT: &str = "text/plain;version=0.0.4";

/// The cost of a scrape while nothing else happens.
#[derive(Clone, Copy, Serialize)]
pub struct Scrape {
    /// Lines with a value.
    pub series: u64,
    /// CPU milliseconds of the proxy for a scrape as OpenMetrics 1.0.
    pub open_metrics_ms: f64,
    /// CPU milliseconds of the proxy for a scrape as text 0.0.4.
    pub text_ms: f64,
}

impl Scrape {
    /// The mean of `times` scrapes of each format.
    ///
    /// # Errors
    /// When there are no metrics, or not in the format asked for.
    pub async fn of(running: &Running, times: usize) -> Result<Self> {
        let admin = running.admin.ok_or("it has no metrics")?;
        let mut series = 0;
        let mut costs = [0.0; 2];
        for (format, cost) in [OPEN_METRICS, TEXT].into_iter().zip(&mut costs) {
            // The first one may have memory to claim.
            let first = process::get_as(admin, "/metrics", format).await?;
            if first.ends_with("# EOF\n") != (format == OPEN_METRICS) {
                return Err(format!("asked for {format}, it answered in another format").into());
            }
            series = first.lines().filter(|line| !line.starts_with('#')).count() as u64;
            let before = running.cpu()?.ok_or("it has no process")?;
            for _ in 0..times {
                process::get_as(admin, "/metrics", format).await?;
            }
            let after = running.cpu()?.ok_or("it has no process")?;
            *cost = before.until(&after).cpu.as_secs_f64() * 1e3 / times as f64;
        }
        let [open_metrics_ms, text_ms] = costs;
        Ok(Self { series, open_metrics_ms, text_ms })
    }

    /// CPU milliseconds that a scrape of 25,000 series would cost, in the dearer format.
    pub fn budgeted_ms(&self) -> f64 {
        self.open_metrics_ms.max(self.text_ms) * BUDGETED_SERIES / self.series as f64
    }
}

/// Scrapes once a second until `work` is done.
///
/// # Errors
/// Those of `work`, and when a scrape fails.
pub async fn beside<T>(admin: SocketAddr, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        done = work => done,
        failed = each_second(admin) => Err(failed.err().unwrap_or("the scraper stopped".into())),
    }
}

async fn each_second(admin: SocketAddr) -> Result<()> {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        process::get_as(admin, "/metrics", OPEN_METRICS).await?;
    }
}
