//! A replay that can wait for clean power.
//!
//! Owns where the forecast comes from. Must not know: which window is the best.

use crate::cli::{Failure, remote, say};
use crate::config::Environment;
use crate::replay::{Forecast, LowCarbonStart, Plan, StartAt};
use crate::types::{Clock, Secret};
use std::fs;
use std::io;
use std::time::{Duration, SystemTime};

/// How long the forecast's server may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether it can wait.
#[derive(clap::Args)]
pub(super) struct Waiting {
    /// Wait for the time with the least carbon in the power, by this forecast: a file or a URL
    #[arg(long, value_name = "FORECAST")]
    low_carbon: Option<String>,
    /// How long all of it may take, the waiting included
    #[arg(long, value_name = "TIME", default_value = "24h", requires = "low_carbon",
          value_parser = humantime::parse_duration)]
    within: Duration,
    /// The environment variable with a header for the forecast's server: `auth-token: …`
    #[arg(long, value_name = "VARIABLE", requires = "low_carbon")]
    forecast_header_env: Option<String>,
}

impl Waiting {
    /// When runs that take `lasts` together are to begin; `None` is at once.
    pub(super) fn start(&self, lasts: Duration) -> Result<Option<StartAt>, Failure> {
        let Some(source) = &self.low_carbon else { return Ok(None) };
        let forecast = Forecast::read(&self.fetch(source)?)?;
        let now = Clock::system().date();
        let deadline = now.checked_add(self.within).unwrap_or(SystemTime::UNIX_EPOCH);
        let advice = forecast.advise(now, lasts, deadline);
        say(&mut io::stderr(), &advice.to_string());
        Ok(match advice.start {
            LowCarbonStart::Now => None,
            LowCarbonStart::At { date, .. } => Some(StartAt::date(date)),
        })
    }

    fn fetch(&self, source: &str) -> Result<Vec<u8>, Failure> {
        if !source.starts_with("http://") && !source.starts_with("https://") {
            return fs::read(source).map_err(|error| format!("{source}: {error}").into());
        }
        let header = self.forecast_header_env.as_deref().map(header).transpose()?;
        remote::fetch(source, header.as_ref(), PATIENCE)
    }
}

/// The header that a variable holds: `name: value`.
fn header(variable: &str) -> Result<(String, Secret), Failure> {
    let env = Environment::from_process();
    let text = env.get(variable).ok_or_else(|| format!("the variable {variable} is not set"))?;
    let (name, value) = text.split_once(':').ok_or("a header is `name: value`")?;
    Ok((name.trim().to_owned(), Secret::new(value.trim().to_owned())))
}

/// How long so many runs of `plan` take, as far as that is known before.
pub(super) fn lasts(plan: &Plan, runs: u32) -> Duration {
    let last = plan.requests.iter().filter_map(|planned| planned.at).max();
    last.map_or(Duration::ZERO, Duration::from).saturating_mul(runs)
}
