//! The lines of both text formats.
//!
//! Must not know: which metrics there are, or what a scraper was sent before. Sources: the
//! [text format 0.0.4](https://prometheus.io/docs/instrumenting/exposition_formats/) and the
//! [OpenMetrics specification](https://prometheus.io/docs/specs/om/open_metrics_spec/).

use super::exemplars::Exemplar;
use super::exposition::Exposition;
use super::names::Kind;
use std::borrow::Cow;

/// What OpenMetrics ends with.
pub const END: &str = "# EOF\n";

/// How a family is aggregated, for a scraper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by bucket.
    Histogram,
}

impl Shape {
    /// That of a metric.
    pub const fn of(kind: Kind) -> Self {
        if kind.is_histogram() {
            Self::Histogram
        } else if kind.is_counter() {
            Self::Counter
        } else {
            Self::Gauge
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Units that a name may end in, for which OpenMetrics has a line of its own.
const UNITS: [&str; 4] = ["seconds", "bytes", "ratio", "usd"];

/// What stands before the samples of the family `name`.
pub fn head(name: &str, shape: Shape, help: &str, exposition: Exposition) -> String {
    let word = shape.word();
    match exposition {
        Exposition::Text => {
            let help = escaped(help, &['\\', '\n']);
            format!("# HELP {name} {help}\n# TYPE {name} {word}\n")
        }
        Exposition::OpenMetrics => {
            // The family of a counter is named without the suffix that its samples have.
            let family = match shape {
                Shape::Counter => name.strip_suffix("_total").unwrap_or(name),
                Shape::Gauge | Shape::Histogram => name,
            };
            let unit = UNITS.iter().find(|unit| has_unit(family, unit));
            let unit = unit.map(|unit| format!("# UNIT {family} {unit}\n")).unwrap_or_default();
            let help = escaped(help, &QUOTED);
            format!("# TYPE {family} {word}\n{unit}# HELP {family} {help}\n")
        }
    }
}

fn has_unit(name: &str, unit: &str) -> bool {
    name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_'))
}

/// What has to be escaped between quotes.
const QUOTED: [char; 3] = ['\\', '"', '\n'];

/// Appends a label to those that are there already.
pub fn push_label(labels: &mut String, name: &str, value: &str) {
    if !labels.is_empty() {
        labels.push(',');
    }
    for part in [name, "=\"", &escaped(value, &QUOTED), "\""] {
        labels.push_str(part);
    }
}

fn escaped<'a>(text: &'a str, special: &[char]) -> Cow<'a, str> {
    if !text.contains(special) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        if special.contains(&char) {
            escaped.push('\\');
        }
        escaped.push(if char == '\n' { 'n' } else { char });
    }
    Cow::Owned(escaped)
}

/// Appends the lines of one series to a text.
pub struct Lines<'a> {
    /// The text.
    pub text: &'a mut String,
    /// The family's name.
    pub name: &'a str,
    /// The series' labels, without braces.
    pub labels: &'a str,
    /// How many of the whole units that are counted make one of what is exported.
    pub units_per_one: f64,
    /// The format.
    pub exposition: Exposition,
}

impl Lines<'_> {
    /// A line with a whole number.
    pub fn count(&mut self, suffix: &str, count: u64) {
        self.begin(suffix);
        self.push(&[" ", &count.to_string(), "\n"]);
    }

    /// A line with any number.
    pub fn number(&mut self, suffix: &str, number: f64) {
        self.begin(suffix);
        self.push(&[" ", &written(number), "\n"]);
    }

    /// A line with what `units` make.
    pub fn units(&mut self, suffix: &str, units: u64) {
        self.number(suffix, units as f64 / self.units_per_one);
    }

    /// The line of a bucket whose upper bound is [written](bound) `le`.
    pub fn bucket(&mut self, le: &str, count: u64, example: Option<&Exemplar>) {
        let comma = if self.labels.is_empty() { "" } else { "," };
        let (name, labels) = (self.name, self.labels);
        let count = count.to_string();
        self.push(&[name, "_bucket{", labels, comma, "le=\"", le, "\"} ", &count]);
        if let Some(example) = example {
            self.exemplar(example);
        }
        self.text.push('\n');
    }

    fn begin(&mut self, suffix: &str) {
        let (name, labels) = (self.name, self.labels);
        if labels.is_empty() {
            self.push(&[name, suffix]);
        } else {
            self.push(&[name, suffix, "{", labels, "}"]);
        }
    }

    /// ` # {trace_id="…",span_id="…"} 0.054 1700000000.123`: 63 characters of labels, of the
    /// 128 that are allowed.
    fn exemplar(&mut self, example: &Exemplar) {
        let Exemplar { trace, span, value, unix, .. } = example;
        let value = written(*value as f64 / self.units_per_one);
        let (seconds, ms) = (unix.as_secs(), unix.subsec_millis());
        self.push(&[&format!(
            " # {{trace_id=\"{trace}\",span_id=\"{span}\"}} {value} {seconds}.{ms:03}"
        )]);
    }

    fn push(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.text.push_str(part));
    }
}

fn written(number: f64) -> String {
    let whole = number as u64;
    if whole as f64 == number && number.is_sign_positive() {
        // Most numbers are whole, and these are quicker to write as such.
        whole.to_string()
    } else if number.is_infinite() {
        if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        number.to_string()
    }
}

/// An upper bound as the format has it: in OpenMetrics as the specification's canonical
/// numbers are written, and as Prometheus itself would: `1.0`, `0.0001`, `5e-05`,
/// `1.048576e+06`.
pub fn bound(bound: f64, exposition: Exposition) -> String {
    if exposition == Exposition::Text || bound.is_infinite() {
        return written(bound);
    }
    let scientific = format!("{bound:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if bound != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = bound.to_string();
    if plain.contains('.') { plain } else { plain + ".0" }
}
