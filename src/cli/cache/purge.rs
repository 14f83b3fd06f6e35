//! `transom cache purge`: what a running proxy is to forget.
//!
//! Must not know: where answers are.

use crate::cli::cache::Of;
use crate::cli::table::UNKNOWN;
use crate::cli::{Failure, remote, say};
use serde_json::{Map, Value};
use std::io;
use std::time::Duration;

/// How long a running proxy has to go through a large disk tier.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    of: Of,
}

/// Names together mean answers that have all of them.
#[derive(clap::Args)]
#[group(required = true, multiple = true)]
struct What {
    /// Everything
    #[arg(long, conflicts_with_all = ["entry", "model", "route", "namespace", "key", "tenant"])]
    all: bool,
    /// The answer with this key, in hexadecimal
    #[arg(
        long,
        value_name = "HEX",
        conflicts_with_all = ["model", "route", "namespace", "key", "tenant"]
    )]
    entry: Option<String>,
    /// The answers of a model
    #[arg(long)]
    model: Option<String>,
    /// The answers of a route, such as /v1/embeddings
    #[arg(long, value_name = "PATH")]
    route: Option<String>,
    /// The answers of a namespace that callers named
    #[arg(long)]
    namespace: Option<String>,
    /// The answers to an API key, by its alias
    #[arg(long, value_name = "ALIAS")]
    key: Option<String>,
    /// The answers to the keys of a tenant
    #[arg(long)]
    tenant: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let what = arguments.what.json().to_string();
    let body = remote::order(&arguments.of.url, "/api/v1/cache/purge", what, PATIENCE)?;
    say(&mut io::stdout(), &text(&body));
    if body["complete"] != true {
        return Err("not every tier could do it now; it is done when it can be".into());
    }
    Ok(())
}

impl What {
    fn json(&self) -> Value {
        let names = [
            ("entry", &self.entry),
            ("model", &self.model),
            ("route", &self.route),
            ("namespace", &self.namespace),
            ("key", &self.key),
            ("tenant", &self.tenant),
        ];
        let given = names.iter().filter_map(|(name, value)| {
            value.as_ref().map(|value| ((*name).to_owned(), Value::from(value.as_str())))
        });
        let mut body: Map<String, Value> = given.collect();
        if self.all {
            body.insert("all".to_owned(), true.into());
        }
        body.into()
    }
}

fn text(purged: &Value) -> String {
    let count = |tier: &str| match purged[tier].as_u64() {
        Some(answers) => format!("{tier} {answers}"),
        None => format!("{tier} {UNKNOWN}"),
    };
    format!("purged: {}", ["memory", "disk", "redis"].map(count).join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use serde_json::json;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn read(words: &[&str]) -> Option<Value> {
        let line = Line::try_parse_from([&["purge"], words].concat()).ok()?;
        Some(line.arguments.what.json())
    }

    #[test]
    fn a_purge_says_what_it_means() {
        assert_eq!(read(&["--all"]), Some(json!({ "all": true })));
        assert_eq!(read(&["--entry", "00ff"]), Some(json!({ "entry": "00ff" })));
        let both = ["--model", "m", "--tenant", "t"];
        assert_eq!(read(&both), Some(json!({ "model": "m", "tenant": "t" })));
        assert_eq!(read(&[]), None);
        assert_eq!(read(&["--of", "http://127.0.0.1:1"]), None);
        assert_eq!(read(&["--all", "--model", "m"]), None);
        assert_eq!(read(&["--entry", "00", "--key", "k"]), None);
    }

    #[test]
    fn a_tier_that_does_not_say_how_many_is_a_dash() {
        let purged = json!({ "memory": 3, "disk": 4, "redis": null, "complete": true });
        assert_eq!(text(&purged), "purged: memory 3, disk 4, redis –");
    }
}
