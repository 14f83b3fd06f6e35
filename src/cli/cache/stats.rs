//! `transom cache stats`: the tiers of a running proxy.
//!
//! Must not know: how a tier counts.

use crate::cli::cache::Of;
use crate::cli::table::{UNKNOWN, table};
use crate::cli::{Failure, remote, say};
use serde_json::Value;
use std::io;
use std::time::Duration;

/// How long a running proxy has to answer.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    of: Of,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let stats = remote::ask_admin(&arguments.of.url, "/api/v1/cache", PATIENCE)?;
    say(&mut io::stdout(), &text(&stats));
    Ok(())
}

/// The tiers, then the totals.
fn text(stats: &Value) -> String {
    let head = ["tier", "state", "entries", "bytes", "capacity_bytes", "hits", "misses", "stale"];
    let more = ["evictions", "dropped", "failures"];
    let columns = head.iter().chain(&more);
    let title = |name: &&str| name.trim_end_matches("_bytes").to_owned();
    let mut rows = vec![columns.clone().map(title).collect()];
    let tiers = stats["tiers"].as_array().into_iter().flatten();
    rows.extend(tiers.map(|tier| columns.clone().map(|name| cell(&tier[name])).collect()));
    let saved = &stats["saved"];
    let reasons = stats["bypassed"].as_object().into_iter().flatten();
    let bypassed: Vec<String> =
        reasons.map(|(reason, times)| format!("{reason} {}", cell(times))).collect();
    format!(
        "{}\n\nsaved      {} s, {} tokens, {} USD\ncollapsed  {}\nbypassed   {}",
        table(&rows),
        cell(&saved["seconds"]),
        cell(&saved["tokens"]),
        cell(&saved["usd"]),
        cell(&stats["collapsed"]),
        bypassed.join(", "),
    )
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(word) => word.clone(),
        Value::Number(number) => number.to_string(),
        _ => UNKNOWN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tiers_stand_below_one_another_and_what_is_not_known_is_a_dash() {
        let tier = |tier: &str, entries: Option<u64>| {
            json!({
                "tier": tier, "state": "on", "entries": entries, "bytes": 5, "capacity_bytes": 9,
                "hits": 1, "misses": 2, "stale": 3, "evictions": 4, "dropped": 5, "failures": 6,
            })
        };
        let stats = json!({
            "tiers": [tier("memory", Some(7)), tier("redis", None)],
            "saved": { "seconds": 1.5, "tokens": 30, "usd": 0.25 },
            "collapsed": 8,
            "bypassed": { "sampled": 2, "asked": 0 },
        });
        let text = text(&stats);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("tier    state  entries  bytes  capacity"), "{text}");
        assert!(lines[1].starts_with("memory  on     7        5      9"), "{text}");
        assert!(lines[2].starts_with("redis   on     –        5"), "{text}");
        assert!(text.contains("saved      1.5 s, 30 tokens, 0.25 USD"), "{text}");
        assert!(text.contains("collapsed  8") && text.contains("sampled 2"), "{text}");
    }
}
