//! The numbers of `/metrics`, read by an independent reader of the text format 0.0.4.
//!
//! Must not know: which metrics there are.

use std::collections::BTreeMap;

/// One scrape.
#[derive(Clone, Debug)]
pub struct Metrics {
    series: BTreeMap<String, Series>,
}

#[derive(Clone, Debug)]
struct Series {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Metrics {
    /// Reads a scrape; a malformed line or a series that stands there twice is a fault.
    pub fn parse(text: &str) -> Self {
        let mut series = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (key, value) = line.rsplit_once(' ').expect("a series and a value");
            let (name, labels) = key.split_once('{').unwrap_or((key, "}"));
            let parsed = Series {
                name: name.to_owned(),
                labels: labels_of(labels),
                value: value.parse().unwrap_or_else(|_| panic!("not a number: {line}")),
            };
            assert!(series.insert(key.to_owned(), parsed).is_none(), "twice: {key}");
        }
        Self { series }
    }

    /// The sum of all series of this name with these labels; 0 where there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.matching(name, labels).map(|series| series.value).sum()
    }

    /// Whether there is a series of this name with these labels.
    pub fn has(&self, name: &str, labels: &[(&str, &str)]) -> bool {
        self.matching(name, labels).next().is_some()
    }

    /// How many series there are.
    pub fn count(&self) -> usize {
        self.series.len()
    }

    /// Every series by its full name, for comparing two scrapes.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.series.keys().map(String::as_str)
    }

    fn matching(&self, name: &str, labels: &[(&str, &str)]) -> impl Iterator<Item = &Series> {
        self.series.values().filter(move |series| {
            let fits = |(label, value): &(&str, &str)| {
                series.labels.get(*label).is_some_and(|found| found == value)
            };
            series.name == name && labels.iter().all(fits)
        })
    }
}

/// `a="b",c="d"}`, with the format's escapes.
fn labels_of(text: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    while let Some((name, value)) = rest.split_once("=\"") {
        let end = value
            .char_indices()
            .scan(false, |escaped, (at, c)| {
                let ends = c == '"' && !*escaped;
                *escaped = c == '\\' && !*escaped;
                Some((at, ends))
            })
            .find_map(|(at, ends)| ends.then_some(at))
            .expect("a quote at the end");
        labels.insert(name.to_owned(), value[..end].replace("\\\"", "\"").replace("\\\\", "\\"));
        rest = value[end + 1..].trim_start_matches(',');
    }
    labels
}
