//! Rules for Prometheus: what is recorded, and when somebody is told.
//!
//! Must not know: other languages.

use super::{description, minutes, number, quoted};
use crate::observe::slo::burn::{self, FEWEST_BAD, Pair};
use crate::observe::slo::{Severity, SloSettings};
use askama::Template;
use std::collections::BTreeSet;

/// One file of rules: what is recorded of all objectives, and the alerts of each.
#[derive(Template)]
#[template(path = "slo/prometheus.yml", escape = "none")]
pub(super) struct RuleSet {
    /// Windows of less than a day or so, recorded as often as Prometheus evaluates rules.
    quick_windows: Vec<String>,
    /// Windows that move slowly and cost much.
    slow_windows: Vec<String>,
    objectives: Vec<Rules>,
    fewest_bad: u64,
}

/// The rules of one objective.
struct Rules {
    /// For a comment: on one line.
    description: String,
    /// Quoted for YAML.
    group: String,
    /// Quoted for YAML and PromQL.
    name: String,
    /// The same as an alert's label, which is a template of Go's.
    label: String,
    /// The share of bad events that is allowed.
    allowed: String,
    allowed_percent: String,
    period: String,
    page: Vec<Burn>,
    ticket: Vec<Burn>,
}

/// A pair of windows and the share of bad events that is too much over both.
struct Burn {
    long: String,
    short: String,
    share: String,
}

impl RuleSet {
    pub(super) fn of(objectives: &[SloSettings]) -> Self {
        let (mut quick, mut slow) = (BTreeSet::new(), BTreeSet::new());
        for slo in objectives {
            slow.insert(minutes(slo.window));
            for pair in burn::pairs(slo.window) {
                quick.insert(pair.short);
                match pair.severity {
                    Severity::Page => quick.insert(pair.long),
                    Severity::Ticket => slow.insert(pair.long),
                };
            }
        }
        Self {
            slow_windows: slow.difference(&quick).copied().map(burn::label).collect(),
            quick_windows: quick.into_iter().map(burn::label).collect(),
            objectives: objectives.iter().map(Rules::of).collect(),
            fewest_bad: FEWEST_BAD,
        }
    }
}

impl Rules {
    fn of(slo: &SloSettings) -> Self {
        let pairs = burn::pairs(slo.window);
        let burns = |severity| {
            let wanted = pairs.iter().filter(move |pair| pair.severity == severity);
            wanted.map(|pair| Burn::of(pair, slo)).collect()
        };
        Self {
            description: description(slo),
            group: quoted(&format!("transom slo {}", slo.name)),
            name: quoted(&slo.name),
            label: quoted(&slo.name.replace("{{", "{{`{{`}}")),
            allowed: number(1.0 - slo.objective),
            allowed_percent: number(100.0 - slo.objective * 100.0),
            period: burn::label(minutes(slo.window)),
            page: burns(Severity::Page),
            ticket: burns(Severity::Ticket),
        }
    }
}

impl Burn {
    fn of(pair: &Pair, slo: &SloSettings) -> Self {
        Self {
            long: burn::label(pair.long),
            short: burn::label(pair.short),
            share: number(pair.factor * (1.0 - slo.objective)),
        }
    }
}
