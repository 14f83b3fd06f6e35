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

/// How long a cache may take no further answer until it has taken all that it will.
const SETTLING: Duration = Duration::from_secs(3);

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
    text.push_str(cache(subject));
    if subject == Subject::TransomCaptured {
        text.push_str("\n[capture]\nmodels = [\"*\"]\n");
    }
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
        tier: subject.last_tier(),
        captures: (subject == Subject::TransomCaptured).then_some(admin),
        process: Some(process),
    })
}

/// Where answers are kept: nowhere, in memory, or on disk but for a few.
fn cache(subject: Subject) -> &'static str {
    match subject {
        Subject::TransomCached => "\n[cache]\nmodels = [\"*\"]\ndisk = 0\n",
        Subject::TransomDisk => "\n[cache]\nmodels = [\"*\"]\nmemory = \"1MiB\"\n",
        _ => "",
    }
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
    sum(admin, "transom_telemetry_dropped_total", &[]).await
}

/// What the metrics say of look-ups in a tier of the cache with this result.
///
/// # Errors
/// When the metrics cannot be read.
pub async fn looked_up(admin: SocketAddr, tier: &str, result: &str) -> Result<u64> {
    sum(admin, "transom_cache_requests_total", &[("tier", tier), ("result", result)]).await
}

/// Waits until a tier of the cache holds so many answers, or takes no more.
///
/// # Errors
/// When the metrics cannot be read.
pub async fn stores(admin: SocketAddr, tier: &str, answers: u32) -> Result<()> {
    let (mut held, mut grew) = (0, Instant::now());
    while held < u64::from(answers) && grew.elapsed() < SETTLING {
        let now = sum(admin, "transom_cache_entries", &[("tier", tier)]).await?;
        if now > held {
            (held, grew) = (now, Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// How many of `sent` exchanges were captured, once all are written or none comes any more; says
/// what is wrong.
///
/// # Errors
/// When the metrics cannot be read.
pub async fn captured(admin: SocketAddr, sent: u64) -> Result<Option<String>> {
    let deadline = Instant::now() + SETTLING;
    loop {
        let written = sum(admin, "transom_capture_records_total", &[("result", "written")]).await?;
        if written == sent {
            return Ok(None);
        }
        if Instant::now() > deadline {
            return Ok(Some(format!("captured {written} exchanges of {sent}")));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Compares the requests counted in `/metrics` with `sent`; says what is wrong.
///
/// # Errors
/// When the metrics cannot be read.
pub async fn audit(admin: SocketAddr, sent: u64) -> Result<Option<String>> {
    let deadline = Instant::now() + LAG;
    loop {
        let counted = sum(admin, "transom_requests_total", &[]).await?;
        if counted == sent {
            return Ok(None);
        }
        if Instant::now() > deadline {
            return Ok(Some(format!("counted {counted} requests of {sent}")));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The sum over all series of one metric with these labels, in the Prometheus text format.
async fn sum(admin: SocketAddr, name: &str, labels: &[(&str, &str)]) -> Result<u64> {
    let metrics = process::get(admin, "/metrics").await?;
    let wanted: Vec<_> = labels.iter().map(|(name, is)| format!("{name}=\"{is}\"")).collect();
    let series = metrics.lines().filter_map(|line| line.strip_prefix(name));
    let values = series.filter(|rest| rest.starts_with(['{', ' '])).filter_map(|rest| {
        let (labels, value) = rest.rsplit_once('}').unwrap_or(("", rest));
        let value = value.split_whitespace().next()?.parse::<f64>().ok()?;
        wanted.iter().all(|label| labels.contains(label)).then_some(value)
    });
    Ok(values.sum::<f64>() as u64)
}
