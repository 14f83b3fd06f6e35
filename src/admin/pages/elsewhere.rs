//! Where else what a page shows can be had: as JSON, from Prometheus, on the command line.
//!
//! Must not know: how a page is made.

use super::quoting::{promql, shell};
use crate::admin::AdminState;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use axum::http::request::Parts;

/// Where the command line looks for a proxy, and for what it keeps, unless it is told.
const USUAL_ADMIN: &str = "http://127.0.0.1:7081";
const USUAL_DATA: &str = "transom-data";

/// Every page that shows what there is, with a question in PromQL that gives its main figure and
/// a command that prints the same; empty where there is none. `{…}` is filled in.
const PAGES: [(&str, &str, &str); 19] = [
    ("/", "sum by (model) (rate(transom_requests_total[5m]))", "transom slo status{admin}"),
    ("/models", "sum by (model, outcome) (rate(transom_requests_total[5m]))", ""),
    (
        "/models/{name}",
        "histogram_quantile(0.95, sum by (le) (rate(\
         gen_ai_server_time_to_first_token_seconds_bucket{gen_ai_request_model={name}}[5m])))",
        "transom slo status{admin}",
    ),
    (
        "/requests",
        "sum by (model, outcome) (rate(transom_requests_total[5m]))",
        "transom capture ls{data}",
    ),
    ("/requests/{id}", "", "transom capture show{data} {id}"),
    ("/slo", "transom_slo_error_budget_remaining_ratio", "transom slo status{admin}"),
    ("/alerts", "ALERTS{alertname=~\"Transom.+\"}", "transom slo status{admin}"),
    (
        "/upstreams",
        "sum by (upstream, result) (rate(transom_upstream_attempts_total[5m]))",
        "transom upstreams ls{of}",
    ),
    (
        "/cache",
        "sum by (tier, result) (rate(transom_cache_requests_total[5m]))",
        "transom cache stats{of}",
    ),
    (
        "/cache/what-if",
        "sum by (result) (rate(transom_cache_requests_total[5m]))",
        "transom cache what-if CAPTURE",
    ),
    (
        "/captures",
        "sum by (result) (rate(transom_capture_records_total[5m]))",
        "transom capture ls{data}",
    ),
    ("/replays", "", "transom replay run{data} --target URL"),
    ("/replays/{id}", "", ""),
    ("/keys", "", "transom keys create --alias NAME"),
    ("/config", "", "transom check FILE"),
    ("/route", "", ""),
    ("/playground", "", ""),
    ("/system", "process_resident_memory_bytes", ""),
    ("/metrics-reference", "", ""),
];

/// The ways to what a page shows.
#[derive(Debug, Default)]
pub(in crate::admin) struct Elsewhere {
    /// Path and query of the same as JSON.
    pub(in crate::admin) json: String,
    /// A question that gives its main figure; empty where there is none.
    pub(in crate::admin) promql: String,
    /// A command that prints the same; empty where there is none.
    pub(in crate::admin) cli: String,
}

impl Elsewhere {
    /// Those of the page that `parts` ask for; `None` where that shows nothing.
    pub(super) async fn of(parts: &mut Parts, state: &AdminState) -> Option<Self> {
        let matched = parts.extensions.get::<MatchedPath>()?.as_str().to_owned();
        let (_, promql, cli) = PAGES.iter().find(|(page, ..)| *page == matched)?;
        let names = RawPathParams::from_request_parts(parts, &()).await;
        let name = names.ok().and_then(|names| Some(names.iter().next()?.1.to_owned()));
        let data = state.installation.data_dir.to_string_lossy();
        let places = Places { name, admin: &state.installation.admin, data: &data };
        Some(Self {
            json: json(parts.uri.path(), parts.uri.query()),
            promql: places.question(promql),
            cli: places.command(cli),
        })
    }
}

/// What is filled in.
struct Places<'a> {
    name: Option<String>,
    admin: &'a str,
    data: &'a str,
}

impl Places<'_> {
    fn question(&self, template: &str) -> String {
        template.replace("{name}", &promql(self.name.as_deref().unwrap_or_default()))
    }

    fn command(&self, template: &str) -> String {
        let option = |flag: &str, value: &str, usual: &str| {
            if value == usual { String::new() } else { format!(" {flag} {}", shell(value)) }
        };
        template
            .replace("{admin}", &option("--admin", self.admin, USUAL_ADMIN))
            .replace("{of}", &option("--of", self.admin, USUAL_ADMIN))
            .replace("{data}", &option("--data", self.data, USUAL_DATA))
            .replace("{id}", &shell(self.name.as_deref().unwrap_or_default()))
    }
}

/// The same URL with `.json` behind its path.
fn json(path: &str, query: Option<&str>) -> String {
    let path = if path == "/" { "/overview" } else { path.strip_suffix(".json").unwrap_or(path) };
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    format!("{path}.json{query}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::access::listed;
    use crate::observe::Metric;
    use std::collections::BTreeSet;

    #[test]
    fn every_metric_of_a_question_is_one_that_there_is() {
        let known: BTreeSet<&str> =
            Metric::ALL.iter().map(|metric| metric.definition().name).collect();
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        for (page, question, _) in PAGES {
            let words = question.split(|c| !is_word(c));
            let names = words
                .filter(|word| word.starts_with("transom_") || word.starts_with("gen_ai_server"));
            for name in names {
                assert!(known.contains(name.trim_end_matches("_bucket")), "{page}: {name}");
            }
        }
    }

    #[test]
    fn every_page_that_shows_something_can_be_had_elsewhere() {
        let pages = PAGES.map(|(page, ..)| page);
        let others = ["/sign-in", "/sign-out", "/metrics", "/health", "/ready"];
        for (method, path) in listed() {
            let is_page = method == "GET"
                && !path.contains('.')
                && !["/api/", "/assets/", "/debug/"].iter().any(|root| path.starts_with(root))
                && !others.contains(&path);
            assert!(!is_page || pages.contains(&path), "{path}");
        }
        for page in pages {
            assert!(listed().any(|listed| listed == ("GET", page)), "{page}");
        }
    }

    #[test]
    fn names_of_strangers_and_unusual_places_are_quoted() {
        let places = Places {
            name: Some("a\"}$(id)'b".to_owned()),
            admin: "http://127.0.0.1:9/x",
            data: "/var/lib/my data",
        };
        assert_eq!(places.question("m{model={name}}"), r#"m{model="a\"}$(id)'b"}"#);
        assert_eq!(
            places.command("transom x{of}{data} {id}"),
            r#"transom x --of 'http://127.0.0.1:9/x' --data '/var/lib/my data' 'a"}$(id)'\''b'"#
        );
        let places = Places { name: None, admin: USUAL_ADMIN, data: USUAL_DATA };
        assert_eq!(places.command("transom x{admin}{of}{data}"), "transom x");
    }

    #[test]
    fn the_same_as_json_is_beside_a_page() {
        assert_eq!(json("/", Some("window=1h")), "/overview.json?window=1h");
        assert_eq!(json("/models/a%2Fb", None), "/models/a%2Fb.json");
    }
}
