//! What others rely on, held against the program: the reference of metrics, and the names in
//! dashboards and rules.
//!
//! Must not know: how a query is read (`promql`), where queries stand (`queries`), or how the
//! reference is laid out (`reference`).

#[path = "contracts/promql.rs"]
mod promql;
#[path = "contracts/queries.rs"]
mod queries;
#[path = "contracts/reference.rs"]
mod reference;

use promql::{Query, Selector};
use queries::Written;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use transom::observe::{Draft, LABELS, Metric};

/// Labels that Prometheus itself adds to every series.
const OF_TARGETS: [&str; 2] = ["job", "instance"];

/// Metrics of others: of the process, of the scrape, of Prometheus, of the collector and its
/// spans. Their labels are not ours to check.
const FOREIGN: [&str; 9] = [
    "up",
    "scrape_",
    "process_",
    "prometheus_",
    "ALERTS",
    "otelcol_",
    "traces_span_metrics_",
    "traces_spanmetrics_",
    "target_info",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_reference_of_metrics_is_up_to_date() {
    let (path, wanted) = (root().join("docs/metrics.md"), reference::page());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let difference = found.lines().zip(wanted.lines()).find(|(found, wanted)| found != wanted);
    assert!(
        found == wanted,
        "docs/metrics.md is not what UPDATE_DOCS=1 cargo test --test contracts writes: {difference:?}"
    );
}

#[test]
fn dashboards_use_only_metrics_and_labels_that_exist() {
    check(&queries::of_dashboards(&root().join("grafana")).unwrap());
}

#[test]
fn rules_use_only_metrics_and_labels_that_exist() {
    check(&queries::of_rules(&root().join("prometheus")).unwrap());
}

fn check(written: &Written) {
    assert!(!written.queries.is_empty(), "there are no queries to check");
    let known = Known::with(written);
    let wrong: Vec<String> = written
        .queries
        .iter()
        .flat_map(|(place, text)| {
            let broken = known.problems(&Query::read(text));
            broken
                .into_iter()
                .map(move |problem| format!("{}: {problem} in {text}", place.display()))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The series there are, and the labels of each.
struct Known {
    series: BTreeMap<String, BTreeSet<String>>,
    recorded: BTreeSet<String>,
    /// Labels that rules add.
    added: BTreeSet<String>,
}

impl Known {
    fn with(written: &Written) -> Self {
        let drafts = Draft::ALL.iter().map(|draft| {
            (draft.name, draft.source.definition().kind.is_histogram(), draft.labels().collect())
        });
        let all = Metric::ALL.iter().map(|metric| {
            let definition = metric.definition();
            (definition.name, definition.kind.is_histogram(), definition.labels.to_vec())
        });
        let mut series = BTreeMap::new();
        for (name, is_histogram, labels) in all.chain(drafts) {
            let mut labels: BTreeSet<String> = labels.into_iter().map(str::to_owned).collect();
            labels.extend(OF_TARGETS.map(str::to_owned));
            if is_histogram {
                series.insert(format!("{name}_count"), labels.clone());
                series.insert(format!("{name}_sum"), labels.clone());
                labels.insert("le".to_owned());
                series.insert(format!("{name}_bucket"), labels);
            } else {
                series.insert(name.to_owned(), labels);
            }
        }
        Self { series, recorded: written.recorded.clone(), added: written.labels.clone() }
    }

    fn problems(&self, query: &Query) -> Vec<String> {
        let mut problems = Vec::new();
        let mut allowed: Option<BTreeSet<String>> = Some(BTreeSet::new());
        for selector in &query.selectors {
            match self.labels_of(selector) {
                Ok(Some(labels)) => {
                    let strangers = selector.labels.iter().filter(|label| !labels.contains(*label));
                    problems.extend(
                        strangers.map(|label| format!("{} has no label {label}", selector.metric)),
                    );
                    allowed = allowed.map(|allowed| &allowed | &labels);
                }
                // Somebody else's, so nothing is known of its labels.
                Ok(None) => allowed = None,
                Err(problem) => problems.push(problem),
            }
        }
        if let Some(allowed) = allowed {
            let made: BTreeSet<String> = query.made_labels.iter().cloned().collect();
            let strangers = query
                .grouping
                .iter()
                .filter(|label| !allowed.contains(*label) && !made.contains(*label));
            problems.extend(strangers.map(|label| format!("nothing here has a label {label}")));
        }
        problems
    }

    /// The labels of a selector's metric; `None` where anything may be one.
    fn labels_of(&self, selector: &Selector) -> Result<Option<BTreeSet<String>>, String> {
        let metric = selector.metric.as_str();
        let is_foreign = FOREIGN.iter().any(|foreign| match foreign.strip_suffix('_') {
            Some(_) => metric.starts_with(foreign),
            None => metric == *foreign,
        });
        if let Some(labels) = self.series.get(metric) {
            Ok(Some(labels.clone()))
        } else if self.recorded.contains(metric) {
            let ours = LABELS.iter().map(|(label, _)| (*label).to_owned());
            let targets = OF_TARGETS.into_iter().chain(["le"]).map(str::to_owned);
            Ok(Some(ours.chain(targets).chain(self.added.iter().cloned()).collect()))
        } else if is_foreign {
            Ok(None)
        } else {
            Err(format!("there is no metric {metric}"))
        }
    }
}

/// The files below `folder` with one of these endings, in order.
fn files_below(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).map(|entries| entries.flatten().collect::<Vec<_>>());
    for path in entries.unwrap_or_default().into_iter().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files_below(&path, endings));
        } else if path.extension().is_some_and(|end| endings.iter().any(|ending| end == *ending)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn the_example_of_every_metric_asks_for_what_there_is() {
    let known = Known::with(&Written::default());
    for definition in Metric::ALL.iter().map(|metric| metric.definition()) {
        let example = definition.example();
        assert!(example.contains(definition.name), "{example}");
        assert_eq!(known.problems(&Query::read(&example)), Vec::<String>::new(), "{example}");
    }
}

#[test]
fn a_misspelt_metric_or_label_is_found() {
    let written = Written::default();
    let known = Known::with(&written);
    for (query, problem) in [
        ("sum(rate(transom_request_total[5m]))", "there is no metric transom_request_total"),
        ("transom_overhead_seconds", "there is no metric transom_overhead_seconds"),
        ("up{anything=\"x\"} + transom_in_flight_requests{modle=\"m\"}", "has no label modle"),
        ("sum by (tier) (transom_open_streams)", "nothing here has a label tier"),
        ("label_values(transom_open_streams, route)", "nothing here has a label route"),
        ("transom_requests_total{le=\"1\"}", "has no label le"),
    ] {
        let problems = known.problems(&Query::read(query));
        assert!(problems.len() == 1 && problems[0].contains(problem), "{query}: {problems:?}");
    }
    for query in [
        "histogram_quantile(0.9, sum by (le, model) (rate(transom_overhead_seconds_bucket{job=~\"$job\"}[$__rate_interval])))",
        "sum(increase(transom_slo_bad_events_total[1h])) without (instance) / on (slo) group_left 1e+06",
        "label_values(transom_build_info{job=\"$job\"}, instance)",
        "count_values(\"version\", transom_build_info) or vector(0) # modle",
        "process_open_fds / process_max_fds and on (anything) up == bool 1 offset 5m",
    ] {
        assert_eq!(known.problems(&Query::read(query)), Vec::<String>::new(), "{query}");
    }
}
