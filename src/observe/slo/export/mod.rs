//! Objectives in the languages of other tools: rules for Prometheus, OpenSLO, Sloth.
//!
//! All of them ask for the counters that Transom exports, so that nobody judges a request a
//! second time. Must not know: configuration files.

mod rules;

use crate::observe::slo::{Goodput, Indicator, SloScope, SloSettings, burn};
use askama::Template;
use rules::RuleSet;
use std::collections::HashSet;
use std::time::Duration;

/// Recording and alerting rules for Prometheus 2.42 or later.
///
/// # Errors
/// When text cannot be formatted; a defect, not a condition.
pub fn prometheus(objectives: &[SloSettings]) -> askama::Result<String> {
    RuleSet::of(objectives).render()
}

/// Objectives in OpenSLO v1, one document for each.
///
/// # Errors
/// When text cannot be formatted; a defect, not a condition.
pub fn openslo(objectives: &[SloSettings]) -> askama::Result<String> {
    OpenSlo { objectives: described(objectives) }.render()
}

/// Objectives in Sloth's `prometheus/v1`.
///
/// # Errors
/// When text cannot be formatted; a defect, not a condition.
pub fn sloth(objectives: &[SloSettings]) -> askama::Result<String> {
    Sloth { objectives: described(objectives) }.render()
}

#[derive(Template)]
#[template(path = "slo/openslo.yml", escape = "none")]
struct OpenSlo {
    objectives: Vec<Described>,
}

#[derive(Template)]
#[template(path = "slo/sloth.yml", escape = "none")]
struct Sloth {
    objectives: Vec<Described>,
}

/// An objective as other tools want it; `name` and `description` are quoted for YAML.
struct Described {
    /// A name by RFC 1123, which these tools insist on.
    id: String,
    name: String,
    description: String,
    kind: &'static str,
    ratio: String,
    percent: String,
    window: String,
}

fn described(objectives: &[SloSettings]) -> Vec<Described> {
    let mut taken = HashSet::new();
    let describe = |slo: &SloSettings| Described {
        id: id(&slo.name, &mut taken),
        name: quoted(&slo.name),
        description: quoted(&description(slo)),
        kind: slo.indicator.word(),
        ratio: number(slo.objective),
        percent: number(slo.objective * 100.0),
        window: one_unit(slo.window),
    };
    objectives.iter().map(describe).collect()
}

/// What is promised, in words.
fn description(slo: &SloSettings) -> String {
    let whose = match &slo.scope {
        SloScope::Models(pattern) if pattern == "*" => "each model".to_owned(),
        SloScope::Models(pattern) => format!("each model {pattern}"),
        SloScope::Route(operation) => operation.route().to_owned(),
    };
    let promise = match slo.indicator {
        Indicator::Availability => "are answered to their end".to_owned(),
        Indicator::FirstToken(limit) => format!("begin to stream within {limit:?}"),
        Indicator::PerToken(limit) => format!("stream at {limit:?} a token or faster"),
        Indicator::Latency(limit) => format!("are answered within {limit:?}"),
        Indicator::Goodput(limits) => goodput(limits),
    };
    let share = number(slo.objective * 100.0);
    let window = burn::label(minutes(slo.window));
    format!("{share} % of the requests to {whose} {promise}, over {window}")
}

fn goodput(Goodput { first_token, per_token, latency }: Goodput) -> String {
    let named = [
        ("the first token", first_token),
        ("each token", per_token),
        ("the whole answer", latency),
    ];
    let limits =
        named.iter().filter_map(|(what, limit)| Some(format!("{what} in {:?}", (*limit)?)));
    format!("are answered with {}", limits.collect::<Vec<_>>().join(", "))
}

/// A string of PromQL and of YAML alike; names hold no control characters.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Without the noise of binary fractions.
fn number(value: f64) -> String {
    let text = format!("{value:.9}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn minutes(window: Duration) -> u32 {
    u32::try_from(window.as_secs() / 60).unwrap_or(u32::MAX)
}

/// OpenSLO knows one unit a duration.
fn one_unit(window: Duration) -> String {
    let minutes = minutes(window);
    let units = [(24 * 60, 'd'), (60, 'h'), (1, 'm')];
    let whole = units.into_iter().find(|(size, _)| minutes.is_multiple_of(*size));
    whole.map_or_else(String::new, |(size, unit)| format!("{}{unit}", minutes / size))
}

/// Lower-case letters, digits and dashes, at most 63, unique among `taken`.
fn id(name: &str, taken: &mut HashSet<String>) -> String {
    let plain = name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let plain: String = plain.trim_matches('-').chars().take(56).collect();
    let plain = if plain.is_empty() { "objective".to_owned() } else { plain };
    let numbered = (2..).map(|number| format!("{plain}-{number}"));
    let free = std::iter::once(plain.clone()).chain(numbered).find(|id| !taken.contains(id));
    let id = free.unwrap_or(plain);
    taken.insert(id.clone());
    id
}

#[cfg(test)]
mod tests;
