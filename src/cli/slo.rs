//! `transom slo`: objectives for other tools, and error budgets in the terminal.
//!
//! Must not know: how budgets are reckoned.

use crate::cli::table::{self, UNKNOWN};
use crate::cli::{Failure, remote, say};
use crate::config::{self, Environment, Overrides};
use crate::observe::slo::export;
use clap::ValueEnum;
use serde_json::Value;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// How long a running proxy has to answer.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Print the objectives of a configuration in the language of another tool
    Export {
        /// The language
        #[arg(long, value_enum)]
        format: Format,
        /// The configuration file; without one, the standard objective
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Show the error budgets of a running proxy
    Status {
        /// Where its pages are
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7081")]
        admin: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Recording and alerting rules for Prometheus
    Prometheus,
    /// OpenSLO v1
    Openslo,
    /// Sloth's prometheus/v1
    Sloth,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Export { format, config } => {
            let env = Environment::from_process();
            let settings = match config {
                Some(path) => config::load(path, &env, &Overrides::default())?,
                None => config::empty(&env, &Overrides::default())?,
            };
            let text = match format {
                Format::Prometheus => export::prometheus(&settings.slos),
                Format::Openslo => export::openslo(&settings.slos),
                Format::Sloth => export::sloth(&settings.slos),
            }?;
            say(&mut io::stdout(), text.trim_end());
            Ok(())
        }
        Command::Status { admin } => {
            let answer = remote::ask_admin(admin, "/api/v1/slo", PATIENCE)?;
            say(&mut io::stdout(), &table(&answer));
            Ok(())
        }
    }
}

/// The worst budget first.
fn table(report: &Value) -> String {
    let mut budgets: Vec<&Value> = report["budgets"].as_array().into_iter().flatten().collect();
    let left = |budget: &Value| budget["budget"]["remaining_ratio"].as_f64().unwrap_or(f64::MAX);
    budgets.sort_by(|a, b| left(a).total_cmp(&left(b)));
    let head = ["slo", "model", "objective", "events", "bad", "budget left", "burn", "state"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(budgets.into_iter().map(row));
    table::table(&rows)
}

fn row(budget: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or(UNKNOWN).to_owned();
    let percent = |value: &Value| match value.as_f64() {
        Some(ratio) => format!("{:.3} %", ratio * 100.0),
        None => UNKNOWN.to_owned(),
    };
    let rates = budget["burn"].as_array().into_iter().flatten();
    let worst = rates.filter_map(|burn| burn["long_rate"].as_f64()).reduce(f64::max);
    vec![
        text(&budget["slo"]),
        text(&budget["model"]),
        percent(&budget["objective"]),
        budget["events"].to_string(),
        budget["bad_events"].to_string(),
        percent(&budget["budget"]["remaining_ratio"]),
        worst.map_or_else(|| UNKNOWN.to_owned(), |rate| format!("{rate:.1}×")),
        text(&budget["state"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_worst_budget_comes_first_and_what_is_not_known_is_a_dash() {
        let budget = |model: &str, left: Option<f64>| {
            json!({
                "slo": "availability", "model": model, "objective": 0.99, "events": 10,
                "bad_events": 1, "budget": { "remaining_ratio": left }, "state": "ok",
                "burn": [{ "long_rate": left }, { "long_rate": null }],
            })
        };
        let report = json!({ "budgets": [
            budget("quiet", None), budget("fine", Some(0.9)), budget("spent", Some(-0.5)),
        ] });
        let table = table(&report);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[1].contains("spent") && lines[1].contains("-50.000 %"), "{table}");
        assert!(lines[3].contains("quiet") && lines[3].contains('–'), "{table}");
    }
}
