//! Every metric as its definition says it, with how many series there are of it now.
//!
//! Must not know: what a metric counts.

use crate::admin::AdminState;
use crate::admin::refusal::Refusal;
use crate::observe::{LABELS, Metric};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

/// Which metrics are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    /// Part of a name, a label or the help, whatever its case.
    pub(super) q: String,
}

/// The metrics that are wanted.
#[derive(Serialize)]
pub(super) struct Reference {
    pub(super) metrics: Vec<Entry>,
}

/// A metric.
#[derive(Serialize)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// Empty where it has none.
    pub(super) unit: &'static str,
    pub(super) help: &'static str,
    pub(super) labels: Vec<Label>,
    /// A question in PromQL.
    pub(super) example: String,
    /// Now; the buckets of a histogram are one together.
    pub(super) series: u64,
    /// Whether anything counts it yet.
    pub(super) counted: bool,
    /// Whether buckets lead to traces.
    pub(super) exemplars: bool,
}

/// A label, and what its values are.
#[derive(Serialize)]
pub(super) struct Label {
    pub(super) name: &'static str,
    pub(super) values: &'static str,
}

/// `GET /api/v1/metrics-reference`
pub(super) async fn show(
    State(state): State<AdminState>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Reference>, Refusal> {
    let Query(wanted) = wanted?;
    Ok(Json(reference(&state, &wanted)))
}

/// Those that have what is wanted in them.
pub(super) fn reference(state: &AdminState, wanted: &Wanted) -> Reference {
    let q = wanted.q.trim().to_lowercase();
    let entries = Metric::ALL.iter().map(|metric| Entry::of(state, *metric));
    Reference { metrics: entries.filter(|entry| entry.has(&q)).collect() }
}

impl Entry {
    fn of(state: &AdminState, metric: Metric) -> Self {
        let definition = metric.definition();
        let values = |name: &&'static str| {
            let found = LABELS.iter().find(|(label, _)| label == name);
            Label { name, values: found.map_or("", |(_, values)| values) }
        };
        Self {
            name: definition.name,
            kind: definition.kind.word(),
            unit: definition.kind.unit(),
            help: definition.help,
            labels: definition.labels.iter().map(values).collect(),
            example: definition.example(),
            series: state.observer.metrics().series(metric) as u64,
            counted: metric.is_counted(),
            exemplars: metric.has_exemplars(),
        }
    }

    fn has(&self, q: &str) -> bool {
        self.name.contains(q)
            || self.help.to_lowercase().contains(q)
            || self.labels.iter().any(|label| label.name.contains(q))
    }
}
