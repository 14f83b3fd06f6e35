//! Transom from outside: its configuration file, its readiness, and whether its own
//! count of requests agrees with the load's.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Place, Running, Subject, configuration};
use crate::Result;
use crate::process::{self, Process};

/// How long the last requests may take to show in the metrics.
const LAG: Duration = Duration::from_secs(2);

/// Starts `transom serve`.
///
/// # Errors
/// When there is no binary or it does not become ready.
pub async fn start(place: &Place) -> Result<Running> {
    let binary = place.transom.as_ref().ok_or("no binary given")?;
    let (listen, admin) = (process::free_address()?, process::free_address()?);
    let directory = place.directory(Subject::Transom, listen)?;
    let text = format!(
        r#"[server]
listen = ["{listen}"]
admin = "{admin}"
threads = 1
data_dir = "{}"

[[upstream]]
name = "mock"
protocol = "openai"
endpoints = ["http://{}"]

[[model]]
name = "bench"
targets = [{{ upstream = "mock" }}]

[log]
level = "warn"
"#,
        directory.join("data").display(),
        place.upstream
    );
    let file = configuration(&directory, "transom.toml", &text)?;
    let mut program = Command::new(binary);
    program.arg("serve").arg("--config").arg(file);
    let mut process = Process::start(place.core, &program, Stdio::null())?.owning(directory);
    process.ready(admin, Some("/ready")).await?;
    Ok(Running { address: listen, process: Some(process), admin: Some(admin) })
}

/// Compares the requests counted in `/metrics` with `sent`; says what is wrong.
///
/// # Errors
/// When the metrics cannot be read.
pub async fn audit(admin: SocketAddr, sent: u64) -> Result<Option<String>> {
    let deadline = Instant::now() + LAG;
    loop {
        let counted = sum(&process::get(admin, "/metrics").await?, "transom_requests_total");
        if counted == sent as f64 {
            return Ok(None);
        }
        if Instant::now() > deadline {
            return Ok(Some(format!("counted {counted} requests of {sent}")));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The sum over all series of one metric in the Prometheus text format.
fn sum(metrics: &str, name: &str) -> f64 {
    let series = metrics.lines().filter_map(|line| line.strip_prefix(name));
    let values = series.filter(|rest| rest.starts_with(['{', ' '])).filter_map(|rest| {
        let after_labels = rest.rsplit_once('}').map_or(rest, |(_, value)| value);
        after_labels.split_whitespace().next()?.parse::<f64>().ok()
    });
    values.sum()
}
