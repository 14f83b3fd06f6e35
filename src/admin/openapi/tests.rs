//! The document holds what there is, and nothing else.

use super::*;
use crate::admin::access::listed;
use crate::alert::{Alert, BudgetFacts, EndpointFacts, Facts, Standing, Subject};
use crate::observe::slo::{BurnReport, Severity};
use std::collections::BTreeSet;
use std::time::UNIX_EPOCH;

/// Paths outside of `/api/` that programs use.
const OTHERS: [&str; 5] =
    ["/metrics", "/health", "/ready", "/debug/pprof/profile", "/debug/pprof/heap"];

#[test]
fn every_route_of_the_api_is_told_and_nothing_that_there_is_not() {
    let document = whole("", "transom-1");
    let paths = document["paths"].as_object().unwrap();
    let told: BTreeSet<_> = paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let is_api = |path: &str| path.starts_with("/api/") || OTHERS.contains(&path);
    let routed: BTreeSet<_> = listed()
        .filter(|(_, path)| is_api(path))
        .map(|(method, path)| (method.to_owned(), path.to_owned()))
        .collect();
    assert_eq!(told, routed, "a path belongs into the fragment of its area");
}

#[test]
fn every_fragment_is_read_and_no_name_is_given_twice() {
    let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
    for area in AREAS {
        let area: Value = serde_json::from_str(area).unwrap();
        for (_, item) in area["paths"].as_object().unwrap() {
            for (_, operation) in item.as_object().unwrap() {
                assert!(ids.insert(operation["operationId"].to_string()), "{operation}");
            }
        }
        for name in area["schemas"].as_object().unwrap().keys() {
            assert!(names.insert(name.clone()), "{name} twice");
        }
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    let document = whole("/ops", "transom-1");
    let text = document.to_string();
    let references: BTreeSet<_> =
        text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    for reference in &references {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        let reference = format!("/components/schemas/{name}");
        assert!(references.contains(reference.as_str()), "{name} is of no use");
    }
    assert_eq!(document["servers"][0]["url"], "/ops");
}

#[test]
fn who_may_is_what_the_table_says() {
    let document = whole("", "transom-1");
    let right = |path: &str, method: &str| document["paths"][path][method]["x-right"].clone();
    assert_eq!(right("/api/v1/audit", "get"), "administer");
    assert_eq!(right("/api/v1/log", "get"), "view");
    assert_eq!(right("/api/v1/log", "put"), "act");
    assert_eq!(right("/health", "get"), Value::Null);
    let responses = &document["paths"]["/api/v1/log"]["put"]["responses"];
    for status in ["200", "400", "401", "403", "413", "415", "429"] {
        assert!(responses.get(status).is_some(), "{status}");
    }
}

#[test]
fn alerts_look_as_the_document_says() {
    let mut document = whole("", "transom-1");
    let burn = BurnReport {
        severity: Severity::Page,
        long: "1h".to_owned(),
        short: "5m".to_owned(),
        factor: 14.4,
        long_rate: Some(20.0),
        short_rate: None,
        burning: true,
    };
    let budget = Facts::Budget(BudgetFacts {
        objective: 0.99,
        window_seconds: 2_592_000,
        events: 100,
        bad_events: 20,
        remaining_ratio: Some(-1.0),
        exhausted_in_seconds: Some(0),
        burn: vec![burn],
    });
    let endpoint = Facts::Endpoint(EndpointFacts {
        attempts: 40,
        failed: 30,
        window_seconds: 60,
        last_error: Some("connect_refused"),
        models: vec!["m".to_owned()],
    });
    let (slo, model) = ("availability".to_owned(), Some("m".to_owned()));
    let (upstream, at) = ("u".to_owned(), "127.0.0.1:1".to_owned());
    for (schema, subject, facts) in [
        (
            "BudgetAlert",
            Subject::BudgetBurning { severity: Severity::Page, slo, model },
            budget.clone(),
        ),
        (
            "BudgetAlert",
            Subject::BudgetExhausted { slo: "goodput".to_owned(), model: None },
            budget,
        ),
        ("EndpointAlert", Subject::UpstreamFailing { upstream, endpoint: at }, endpoint),
    ] {
        let standing = Standing::Firing;
        let alert = Alert { standing, subject, since: UNIX_EPOCH, until: None, facts }.told();
        document["components"]["schemas"][schema]["additionalProperties"] = false.into();
        let root = json!({
            "$ref": format!("#/components/schemas/{schema}"),
            "components": document["components"],
        });
        let validator = jsonschema::validator_for(&root).unwrap();
        let wrong: Vec<_> = validator.iter_errors(&alert).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{schema}: {wrong:?}\n{alert}");
    }
}
