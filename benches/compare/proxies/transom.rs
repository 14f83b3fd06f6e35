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

/// Models of the subjects that are scraped, or could be.
const MANY: usize = 200;

/// Starts `transom serve` as `subject` wants it.
///
/// # Errors
/// When there is no binary or it does not become ready.
pub async fn start(place: &Place, subject: Subject) -> Result<Running> {
    let binary = place.transom.as_ref().ok_or("no binary given")?;
    let (listen, admin) = (process::free_address()?, process::free_address()?);
    let directory = place.directory(subject, listen)?;
    let models = match subject {
        Subject::TransomWide | Subject::TransomScraped => MANY,
        _ => 1,
    };
    let data = directory.join("data");
    let mut text = format!(
        r#"[server]
listen = ["{listen}"]
admin = "{admin}"
threads = 1
data_dir = "{}"
"#,
        data.display()
    );
    text.push_str(&telemetry(place.upstream));
    text.push_str(&catalog(place.upstream, models));
    let file = configuration(&directory, "transom.toml", &text)?;
    let mut program = Command::new(binary);
    program.arg("serve").arg("--config").arg(file);
    let silent = subject == Subject::TransomSilent;
    if silent {
        program.arg("--no-telemetry");
    }
    let mut process = Process::start(place.core, &program, Stdio::null())?.owning(directory);
    process.ready(admin, Some("/ready")).await?;
    Ok(Running {
        address: listen,
        admin: (!silent).then_some(admin),
        scraped: (subject == Subject::TransomScraped).then_some(admin),
        process: Some(process),
    })
}

/// Everything there is but access lines, as with every other subject: spans to the mock, two
/// objectives for each model, and the exemplars that come with spans.
fn telemetry(receiver: SocketAddr) -> String {
    format!(
        r#"
[log]
level = "warn"

[tracing]
otlp = "http://{receiver}"

[[slo]]
name = "availability"
model = "*"
kind = "availability"
objective = 99.0

[[slo]]
name = "first-token"
model = "*"
kind = "ttft"
threshold = "1.5s"
objective = 95.0
"#
    )
}

/// One upstream and so many models; the load asks for the first.
fn catalog(upstream: SocketAddr, models: usize) -> String {
    let mut text = format!(
        r#"
[[upstream]]
name = "mock"
protocol = "openai"
endpoints = ["http://{upstream}"]
"#
    );
    for number in 0..models {
        let name = if number == 0 { "bench".to_owned() } else { format!("bench-{number:03}") };
        let targets = r#"[{ upstream = "mock" }]"#;
        text.push_str(&format!("\n[[model]]\nname = \"{name}\"\ntargets = {targets}\n"));
    }
    text
}

/// What the metrics say was dropped on the way out.
///
/// # Errors
/// When the metrics cannot be read.
pub async fn dropped(admin: SocketAddr) -> Result<u64> {
    Ok(sum(&process::get(admin, "/metrics").await?, "transom_telemetry_dropped_total") as u64)
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
