//! What a scrape of Transom's metrics costs it, and a scraper that runs beside the load.
//! Knows the exposition formats just enough to count series.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::Result;
use crate::process::{self, Process};
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

/// The face of this program that scrapes once a second until it is ended, and says so after
/// the first time. It keeps nothing of what it reads.
///
/// # Errors
/// When a scrape fails.
pub fn run(admin: SocketAddr) -> Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    for scrape in 0_u64.. {
        let begin = Instant::now();
        let bytes = read_once(admin, &mut buffer)?;
        if scrape == 0 {
            writeln!(std::io::stdout(), "{bytes}")?;
        }
        std::thread::sleep(EVERY.saturating_sub(begin.elapsed()));
    }
    Ok(())
}

fn read_once(admin: SocketAddr, buffer: &mut [u8]) -> Result<usize> {
    let mut stream = TcpStream::connect(admin)?;
    write!(
        stream,
        "GET /metrics HTTP/1.1\r\nHost: {admin}\r\nAccept: {OPEN_METRICS}\r\nConnection: close\r\n\r\n"
    )?;
    let mut bytes = 0;
    loop {
        let read = stream.read(buffer)?;
        if bytes == 0 && !buffer.starts_with(b"HTTP/1.1 200 ") {
            return Err("a scrape was refused".into());
        }
        if read == 0 {
            return Ok(bytes);
        }
        bytes += read;
    }
}

/// A scraper of its own beside the load, which is on the same core and must not wait for it:
/// of two that want the core, an idle-class process always stands back.
pub struct Scraper(Process);

impl Scraper {
    /// Begins to scrape.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start(core: usize, admin: SocketAddr) -> Result<Self> {
        let mut program = Command::new("chrt");
        program.args(["--idle", "0"]).arg(std::env::current_exe()?);
        program.arg("scraper").arg(admin.to_string());
        Ok(Self(Process::start(core, &program, Stdio::piped())?))
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it has not scraped.
    pub fn stop(mut self) -> Result<()> {
        let bytes = self.0.first_line()?;
        bytes.parse::<u64>().map_err(|_| "the scraper stopped")?;
        Ok(())
    }
}
