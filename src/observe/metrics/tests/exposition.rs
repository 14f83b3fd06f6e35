//! OpenMetrics read back by a small parser of its own, and held against the other format.

use super::{joined, metrics, stream_of, text};
use crate::observe::metrics::series;
use crate::observe::metrics::series_map::SeriesMap;
use crate::observe::metrics::view::{Page as _, View};
use crate::observe::metrics::{Definition, Exposition, Kind};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

pub type Labels = BTreeMap<String, String>;

/// One series at one moment.
#[derive(Debug)]
pub struct Sample {
    pub name: String,
    pub labels: Labels,
    pub value: f64,
    pub exemplar: Option<(Labels, f64, f64)>,
}

/// What a scrape brought.
#[derive(Debug, Default)]
pub struct Page {
    pub samples: Vec<Sample>,
    pub units: BTreeMap<String, String>,
}

impl Page {
    /// Reads OpenMetrics 1.0 and insists on its rules.
    pub fn parse(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("it ends in # EOF");
        let mut page = Self::default();
        let mut families = HashSet::new();
        let (mut family, mut kind) = (String::new(), String::new());
        for line in body.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                let mut words = comment.splitn(3, ' ');
                let mut next = || words.next().expect("a word").to_owned();
                let (what, name, rest) = (next(), next(), next());
                match what.as_str() {
                    "TYPE" => {
                        assert!(families.insert(name.clone()), "{name} twice");
                        (family, kind) = (name, rest);
                    }
                    "UNIT" => {
                        assert!(name == family && name.ends_with(&format!("_{rest}")), "{line}");
                        page.units.insert(name, rest);
                    }
                    "HELP" => assert_eq!(name, family),
                    _ => panic!("{line}"),
                }
                continue;
            }
            let sample = Sample::parse(line);
            let suffix = sample.name.strip_prefix(&family).expect("samples follow their family");
            let allowed: &[&str] = match kind.as_str() {
                "counter" => &["_total"],
                "gauge" => &[""],
                "histogram" => &["_bucket", "_sum", "_count"],
                _ => panic!("{kind}"),
            };
            assert!(allowed.contains(&suffix), "{line}");
            assert_eq!(suffix == "_bucket", sample.labels.contains_key("le"), "{line}");
            assert!(sample.exemplar.is_none() || suffix == "_bucket", "{line}");
            page.samples.push(sample);
        }
        page
    }

    pub fn select(&self, name: &str, labels: &[(&str, &str)]) -> Vec<&Sample> {
        let has = |sample: &Sample| {
            labels.iter().all(|(key, value)| sample.labels.get(*key).is_some_and(|v| v == value))
        };
        self.samples.iter().filter(|sample| sample.name == name && has(sample)).collect()
    }

    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.select(name, labels).iter().map(|sample| sample.value).sum()
    }
}

impl Sample {
    fn parse(line: &str) -> Self {
        let end = line.find(['{', ' ']).expect("a name");
        let (name, rest) = line.split_at(end);
        let (labels, rest) = match rest.strip_prefix('{') {
            Some(rest) => parse_labels(rest),
            None => (Labels::new(), rest),
        };
        let rest = rest.strip_prefix(' ').expect("one space before the value");
        let (value, exemplar) = match rest.split_once(" # {") {
            None => (rest, None),
            Some((value, exemplar)) => {
                let (labels, rest) = parse_labels(exemplar);
                let characters: usize =
                    labels.iter().map(|(k, v)| k.chars().count() + v.chars().count()).sum();
                assert!(characters <= 128, "{line}");
                let (example, time) = rest.trim_start().split_once(' ').expect("a time");
                (value, Some((labels, number(example), number(time))))
            }
        };
        Self { name: name.to_owned(), labels, value: number(value), exemplar }
    }
}

pub fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

/// The labels up to the closing brace, and what follows it.
fn parse_labels(mut rest: &str) -> (Labels, &str) {
    let mut labels = Labels::new();
    while !rest.starts_with('}') {
        rest = rest.strip_prefix(',').unwrap_or(rest);
        let (name, after) = rest.split_once("=\"").expect("a label");
        let (mut value, mut chars) = (String::new(), after.char_indices());
        let end = loop {
            match chars.next().expect("a closing quote") {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next().expect("an escape").1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        assert!(labels.insert(name.to_owned(), value).is_none(), "{name} twice");
        rest = &after[end + 1..];
    }
    (labels, &rest[1..])
}

/// Prometheus text 0.0.4: no exemplars, bounds written in another way.
fn parse_text(text: &str) -> Vec<Sample> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(Sample::parse).collect()
}

fn key(sample: &Sample) -> (String, Labels) {
    let mut labels = sample.labels.clone();
    if let Some(le) = labels.get_mut("le") {
        *le = number(le).to_string();
    }
    (sample.name.clone(), labels)
}

#[test]
fn both_formats_say_the_same() {
    let metrics = metrics();
    let slot = metrics.model_slot("a \"quoted\"\\ name\n");
    metrics.record(&stream_of(slot, Instant::now()));
    let plain = text(&metrics, Exposition::Text);
    let open = text(&metrics, Exposition::OpenMetrics);
    let values = |samples: Vec<Sample>| -> BTreeMap<_, _> {
        let ours = samples.into_iter().filter(|sample| !sample.name.starts_with("process_"));
        ours.map(|sample| (key(&sample), sample.value)).collect()
    };
    let (text, open) = (values(parse_text(&plain)), values(Page::parse(&open).samples));
    assert!(open.len() > 500, "{}", open.len());
    assert_eq!(text, open);
    let quoted = |(_, labels): &(String, Labels)| {
        labels.get("model").is_some_and(|model| model == "a \"quoted\"\\ name\n")
    };
    assert!(open.keys().any(quoted));
}

#[test]
fn bounds_are_written_as_canonical_numbers() {
    let metrics = metrics();
    let open = text(&metrics, Exposition::OpenMetrics);
    for bound in ["5e-05", "0.0001", "0.1", "1.0", "1800.0", "65536.0", "1.048576e+06", "+Inf"] {
        assert!(open.contains(&format!("le=\"{bound}\"")), "{bound}");
    }
}

#[test]
fn units_are_told_where_a_name_ends_in_one() {
    let units = Page::parse(&text(&metrics(), Exposition::OpenMetrics)).units;
    for (family, unit) in [
        ("transom_overhead_seconds", Some("seconds")),
        ("transom_saved_seconds", Some("seconds")),
        ("transom_cost_usd", Some("usd")),
        ("transom_cache_bytes", Some("bytes")),
        ("transom_requests", None),
    ] {
        assert_eq!(units.get(family).map(String::as_str), unit, "{family}");
    }
}

#[test]
fn a_family_without_series_has_no_text() {
    let level = Definition { name: "level", kind: Kind::Gauge, labels: &["a"], help: "g" };
    let level = SeriesMap::new(level, series::gauge).unwrap();
    let view = View::whole(Arc::clone(&level));
    assert!(view.text(Exposition::OpenMetrics).is_empty());
    level.with(&["x"]).set(-3);
    let text = joined(view.text(Exposition::OpenMetrics));
    assert_eq!(text, "# TYPE level gauge\n# HELP level g\nlevel{a=\"x\"} -3\n");
}
