//! `transom upstreams`: how the endpoints of a running proxy do, and who gets which share.
//!
//! Must not know: how a share is carried out.

use crate::cli::table::{UNKNOWN, table};
use crate::cli::{Failure, remote, say};
use crate::human;
use serde_json::{Value, json};
use std::io;
use std::time::Duration;

/// How long a running proxy has to answer.
const PATIENCE: Duration = Duration::from_secs(5);
const WEIGHTS: &str = "/api/v1/upstreams/weights";

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Show models with their targets, and endpoints with how they do
    Ls(Of),
    /// Change the weight of a target or an endpoint
    Weight {
        #[command(flatten)]
        place: Place,
        /// 0 to 1000, in relation to its siblings
        #[arg(long, value_name = "N")]
        to: u32,
    },
    /// Give a target or an endpoint no new requests; those it has go on
    Drain(Place),
    /// Give it requests again, by the weight that it had
    Enable(Place),
    /// Let the file say its weight again
    Reset(Place),
}

/// The admin pages of a proxy.
#[derive(clap::Args)]
struct Of {
    /// Where the proxy's admin pages are
    #[arg(long = "of", value_name = "URL", default_value = "http://127.0.0.1:7081")]
    url: String,
}

/// A target of a model, or an endpoint.
#[derive(clap::Args)]
struct Place {
    /// The upstream
    upstream: String,
    /// The model whose target it is
    #[arg(long, required_unless_present = "endpoint", conflicts_with = "endpoint")]
    model: Option<String>,
    /// What the upstream calls the model, where it has it twice
    #[arg(long, value_name = "NAME", requires = "model")]
    served_as: Option<String>,
    /// The URL of the endpoint
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Also where nothing is left then that takes requests
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    of: Of,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (place, more) = match &arguments.command {
        Command::Ls(of) => {
            let all = remote::ask_admin(&of.url, "/api/v1/upstreams", PATIENCE)?;
            say(&mut io::stdout(), &text(&all));
            return Ok(());
        }
        Command::Weight { place, to } => (place, ("weight", Value::from(*to))),
        Command::Drain(place) => (place, ("state", "drained".into())),
        Command::Enable(place) => (place, ("state", "enabled".into())),
        Command::Reset(place) => (place, ("state", "reset".into())),
    };
    let changed = remote::set(&place.of.url, WEIGHTS, place.json(more), PATIENCE)?;
    say(&mut io::stdout(), &told(&changed));
    Ok(())
}

impl Place {
    fn json(&self, (name, value): (&str, Value)) -> String {
        let Self { upstream, model, served_as, endpoint, force, .. } = self;
        let mut body = json!({ "upstream": upstream, "force": force });
        body[name] = value;
        let named = [("model", model), ("served_as", served_as), ("endpoint", endpoint)];
        for (name, value) in named {
            if let Some(value) = value {
                body[name] = value.as_str().into();
            }
        }
        body.to_string()
    }
}

/// What was changed.
fn told(changed: &Value) -> String {
    let standing = |standing: &Value| {
        let weight = cell(&standing["weight"]);
        if standing["drained"] == true { format!("{weight}, drained") } else { weight }
    };
    let place = changed["endpoint"].as_str().or_else(|| changed["upstream"].as_str());
    let model = changed["model"].as_str().map(|model| format!(" for {model}"));
    let kept = match changed["not_kept_because"].as_str() {
        Some(why) => format!("\nforgotten when the proxy ends: {why}"),
        None => String::new(),
    };
    format!(
        "{}{}: {} → {} (the file says {}){kept}",
        place.unwrap_or(UNKNOWN),
        model.unwrap_or_default(),
        standing(&changed["was"]),
        standing(&changed["now"]),
        cell(&changed["now"]["file_weight"]),
    )
}

/// Models and targets, then endpoints.
fn text(all: &Value) -> String {
    let titles = |titles: &[&str]| titles.iter().map(|title| (*title).to_owned()).collect();
    let share = |value: &Value| value.as_f64().map_or(UNKNOWN.to_owned(), human::share);
    let time = |value: &Value| value.as_f64().map_or(UNKNOWN.to_owned(), human::seconds);
    let mut models = vec![titles(&["model", "target", "share", "weight", "file", "state"])];
    for model in list(&all["models"]) {
        for target in list(&model["targets"]) {
            models.push(vec![
                cell(&model["model"]),
                cell(&target["upstream"]),
                share(&target["share"]),
                cell(&target["weight"]),
                cell(&target["file_weight"]),
                state(target),
            ]);
        }
    }
    let head = ["endpoint", "health", "weight", "state", "answered", "failed", "in flight", "p95"];
    let mut endpoints = vec![titles(&head)];
    for endpoint in list(&all["upstreams"]).flat_map(|upstream| list(&upstream["endpoints"])) {
        endpoints.push(vec![
            cell(&endpoint["url"]),
            cell(&endpoint["health"]),
            cell(&endpoint["weight"]),
            state(endpoint),
            cell(&endpoint["answered"]),
            cell(&endpoint["failed"]),
            cell(&endpoint["in_flight"]),
            time(&endpoint["headers_p95_seconds"]),
        ]);
    }
    format!("{}\n\n{}", table(&models), table(&endpoints))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn state(place: &Value) -> String {
    let state = if place["drained"] == true { "drained" } else { "on" };
    let changed = if place["changed"] == true { ", changed" } else { "" };
    format!("{state}{changed}")
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
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn read(words: &[&str]) -> Option<Value> {
        let line = Line::try_parse_from([&["upstreams"], words].concat()).ok()?;
        let Command::Drain(place) = line.arguments.command else { return None };
        serde_json::from_str(&place.json(("state", "drained".into()))).ok()
    }

    #[test]
    fn a_place_is_a_target_or_an_endpoint() {
        let target = json!({ "upstream": "u", "model": "m", "state": "drained", "force": false });
        assert_eq!(read(&["drain", "u", "--model", "m"]), Some(target));
        let url = "http://h:1";
        let endpoint =
            json!({ "upstream": "u", "endpoint": url, "state": "drained", "force": true });
        assert_eq!(read(&["drain", "u", "--endpoint", url, "--force"]), Some(endpoint));
        assert_eq!(read(&["drain", "u"]), None);
        assert_eq!(read(&["drain", "u", "--model", "m", "--endpoint", url]), None);
    }

    #[test]
    fn what_was_changed_is_told_with_what_the_file_says() {
        let standing = |weight, drained| json!({ "weight": weight, "file_weight": 90, "drained": drained, "changed": true });
        let changed = json!({
            "model": "m", "upstream": "u", "served_as": "m", "was": standing(90, false),
            "now": standing(10, true), "kept": false, "not_kept_because": "the disk is full",
        });
        let said = "u for m: 90 → 10, drained (the file says 90)\n\
                    forgotten when the proxy ends: the disk is full";
        assert_eq!(told(&changed), said);
    }
}
