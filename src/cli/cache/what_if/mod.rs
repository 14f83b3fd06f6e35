//! `transom cache what-if`: what caches would have done for captured traffic.
//!
//! Owns the grid's arguments. Must not know: how a cache is simulated.

mod report;

use crate::cache::{CacheScope, Grid, Sampling};
use crate::capture::Records;
use crate::cli::{Failure, say};
use crate::config::{self, Environment, Overrides, Settings};
use crate::what_if::{Findings, Terms, Trial};
use clap::ValueEnum;
use report::Report;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Units of sizes in bytes, as in the configuration.
const UNITS: [(&str, u64); 5] =
    [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("B", 1)];
/// The most that a `ttl` can be.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The capture: JSON Lines, plain or zstd; - for standard input
    capture: PathBuf,
    /// How long answers are fresh
    #[arg(
        long, value_name = "TIME,…", value_delimiter = ',', value_parser = ttl,
        default_values = ["5m", "1h", "24h"]
    )]
    ttl: Vec<Duration>,
    /// How much room there is
    #[arg(
        long, value_name = "SIZE,…", value_delimiter = ',', value_parser = size,
        default_values = ["16MiB", "256MiB", "4GiB"]
    )]
    size: Vec<u64>,
    /// Who shares answers
    #[arg(
        long, value_enum, value_delimiter = ',',
        default_values_t = [Scope::Key, Scope::Tenant, Scope::Global]
    )]
    scope: Vec<Scope>,
    /// What becomes of requests with neither a temperature of 0 nor a seed
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Sampled::Refuse])]
    sampled: Vec<Sampled>,
    /// The configuration whose other settings, tenants and prices count
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Scope {
    /// The requests of one API key
    Key,
    /// The keys of one tenant
    Tenant,
    /// Everybody
    Global,
}

#[derive(Clone, Copy, ValueEnum)]
enum Sampled {
    /// They are not cached
    Refuse,
    /// They are
    Allow,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let env = Environment::from_process();
    let settings: Settings = match &arguments.config {
        Some(path) => config::load(path, &env, &Overrides::default())?,
        None => config::empty(&env, &Overrides::default())?,
    };
    let findings = tried(&arguments.capture, Trial::new(terms(settings), arguments.grid()))?;
    let text = if arguments.json { findings.json().to_string() } else { Report(&findings).text() };
    say(&mut io::stdout(), &text);
    Ok(())
}

/// As these settings have it.
fn terms(settings: Settings) -> Terms {
    let models = settings.model_caches.into_iter();
    Terms {
        routes: models.filter_map(|(name, route)| Some((name, route?))).collect(),
        default: settings.cache.default,
        prices: settings.models.into_iter().map(|model| (model.name, model.price)).collect(),
        tenants: settings.keys.into_iter().map(|key| (key.alias, key.tenant)).collect(),
    }
}

/// Runs a capture through all caches.
fn tried(capture: &Path, mut trial: Trial) -> Result<Findings, Failure> {
    let name = capture.display();
    let failed = |error: io::Error| format!("{name}: {error}");
    let mut records = if capture == Path::new("-") {
        Records::new(io::stdin()).map_err(failed)?
    } else {
        Records::new(File::open(capture).map_err(failed)?).map_err(failed)?
    };
    while let Some(exchange) = records.next() {
        let exchange = exchange.map_err(|error| format!("{name}: {error}"))?;
        let taken = trial.take(&exchange);
        taken.map_err(|error| format!("{name}: line {}: {error}", records.line()))?;
    }
    Ok(trial.finish())
}

impl Arguments {
    fn grid(&self) -> Grid {
        let scope = |scope: &Scope| match scope {
            Scope::Key => CacheScope::Key,
            Scope::Tenant => CacheScope::Tenant,
            Scope::Global => CacheScope::Global,
        };
        let sampled = |sampled: &Sampled| match sampled {
            Sampled::Refuse => Sampling::Refuse,
            Sampled::Allow => Sampling::Allow,
        };
        Grid {
            scopes: self.scope.iter().map(scope).collect(),
            sampled: self.sampled.iter().map(sampled).collect(),
            ttls: self.ttl.clone(),
            sizes: self.size.clone(),
        }
    }
}

fn ttl(text: &str) -> Result<Duration, String> {
    let ttl = humantime::parse_duration(text).ok();
    let ttl = ttl.filter(|ttl| !ttl.is_zero() && *ttl <= YEAR);
    ttl.ok_or_else(|| "it must be a time such as 10m, above 0s and up to 365d".to_owned())
}

fn size(text: &str) -> Result<u64, String> {
    let with_unit = UNITS.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, *bytes)));
    let (digits, unit) = with_unit.unwrap_or((text, 1));
    let size = digits.parse().ok().and_then(|number: u64| number.checked_mul(unit));
    size.filter(|size| *size > 0).ok_or_else(|| "it must be a size such as 16MiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn read(words: &[&str]) -> Option<Grid> {
        let line = Line::try_parse_from([&["what-if"], words].concat()).ok()?;
        Some(line.arguments.grid())
    }

    #[test]
    fn each_list_has_a_default_and_is_replaced_as_a_whole() {
        let default = read(&["c"]).unwrap();
        assert_eq!(default.ttls, [300, 3600, 86_400].map(Duration::from_secs));
        assert_eq!(default.sizes, [16 << 20, 256 << 20, 4 << 30]);
        assert_eq!(default.scopes.len(), 3);
        assert_eq!(default.sampled, [Sampling::Refuse]);
        let own = ["c", "--ttl", "90s,1h 30m", "--size", "1KiB,5", "--sampled", "refuse,allow"];
        let own = read(&own).unwrap();
        assert_eq!(own.ttls, [90, 5400].map(Duration::from_secs));
        assert_eq!(own.sizes, [1024, 5]);
        assert_eq!(own.sampled, [Sampling::Refuse, Sampling::Allow]);
    }

    #[test]
    fn what_is_no_time_or_size_is_refused() {
        for bad in ["0s", "366d", "soon", ""] {
            assert!(read(&["c", "--ttl", bad]).is_none(), "{bad}");
        }
        for bad in ["0", "1MB", "-1", "", "99999999999TiB"] {
            assert!(read(&["c", "--size", bad]).is_none(), "{bad}");
        }
        assert!(read(&["c", "--scope", "nobody"]).is_none());
    }
}
