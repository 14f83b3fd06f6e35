//! OpenMetrics 1.0 text, with exemplars, family by family.
//!
//! Must not know: which metrics there are. Source: the OpenMetrics specification,
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>.

use super::exemplars::Exemplar;
use super::histogram::SeriesExemplars;
use super::series_map::give_way;
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};
use std::collections::HashMap;
use std::io::{self, Write};

/// What a text in this format ends with.
pub const END: &[u8] = b"# EOF\n";

/// Writes OpenMetrics.
#[derive(Debug, Default)]
pub struct OpenMetricsEncoder {
    families: HashMap<&'static str, Examples>,
    page: Page,
}

/// The exemplars of one histogram family.
pub struct FamilyExemplars {
    /// The family's name.
    pub name: &'static str,
    /// How many units of an exemplar's value make one of what is exported.
    pub units_per_one: f64,
    /// Those of each series that has any.
    pub series: Vec<SeriesExemplars>,
}

#[derive(Debug)]
struct Examples {
    units_per_one: f64,
    /// By the text of a series' labels.
    series: HashMap<Vec<u8>, Vec<Option<Exemplar>>>,
}

/// Units that a name may end in, for which the standard has a line of its own.
const UNITS: [&str; 4] = ["seconds", "bytes", "ratio", "usd"];

impl OpenMetricsEncoder {
    /// An encoder that attaches these exemplars to the buckets they belong to.
    pub fn new(families: Vec<FamilyExemplars>) -> Self {
        let examples = |family: FamilyExemplars| {
            let text_of = |(labels, examples): SeriesExemplars| {
                let mut text = Vec::new();
                write_labels(&mut text, &labels);
                (text, examples)
            };
            let series = family.series.into_iter().map(text_of).collect();
            (family.name, Examples { units_per_one: family.units_per_one, series })
        };
        let families = families.into_iter().map(examples).collect();
        Self { families, page: Page::default() }
    }

    /// The text of one family; [`END`] follows the last one.
    ///
    /// # Errors
    /// When the family has no name or no series, which the format has no way to say.
    pub fn family(&mut self, family: &MetricFamily) -> prometheus::Result<Vec<u8>> {
        let name = family_name(family);
        if family.get_metric().is_empty() || name.is_empty() {
            return Err(prometheus::Error::Msg(format!("{name:?} is empty")));
        }
        self.page.family(family, name, self.families.get(name))?;
        let usual = self.page.text.len();
        Ok(std::mem::replace(&mut self.page.text, Vec::with_capacity(usual)))
    }
}

/// What is being written. The buffers are used again for each family and each series.
#[derive(Debug, Default)]
struct Page {
    text: Vec<u8>,
    /// The labels of the series at hand, without braces.
    labels: Vec<u8>,
    /// The bounds of the family at hand and how they are written.
    bounds: Vec<(f64, String)>,
}

impl Page {
    fn family(
        &mut self,
        family: &MetricFamily,
        name: &str,
        examples: Option<&Examples>,
    ) -> io::Result<()> {
        let kind = family.get_field_type();
        writeln!(self.text, "# TYPE {name} {}", type_name(kind))?;
        if let Some(unit) = UNITS.iter().find(|unit| has_unit(name, unit)) {
            writeln!(self.text, "# UNIT {name} {unit}")?;
        }
        write!(self.text, "# HELP {name} ")?;
        write_escaped(&mut self.text, family.help());
        self.text.push(b'\n');
        self.bounds.clear();
        for (position, metric) in family.get_metric().iter().enumerate() {
            give_way(position);
            self.labels.clear();
            write_labels(&mut self.labels, metric.get_label());
            match kind {
                MetricType::COUNTER => {
                    self.sample(name, "_total", metric.get_counter().get_value())?;
                }
                MetricType::GAUGE => self.sample(name, "", metric.get_gauge().get_value())?,
                MetricType::UNTYPED => return Err(io::Error::other("untyped is not written here")),
                MetricType::HISTOGRAM => self.histogram(name, metric, examples)?,
                MetricType::SUMMARY => self.summary(name, metric)?,
            }
        }
        Ok(())
    }

    fn histogram(
        &mut self,
        name: &str,
        metric: &Metric,
        examples: Option<&Examples>,
    ) -> io::Result<()> {
        let histogram = metric.get_histogram();
        let found = examples.and_then(|family| Some((family, family.series.get(&self.labels)?)));
        let count = histogram.get_sample_count();
        let finite =
            histogram.get_bucket().iter().filter(|bucket| bucket.upper_bound().is_finite());
        let buckets = finite.map(|bucket| (bucket.upper_bound(), bucket.cumulative_count()));
        for (index, (bound, cumulative)) in buckets.chain([(f64::INFINITY, count)]).enumerate() {
            self.bucket(name, index, bound)?;
            write!(self.text, "{cumulative}")?;
            if let Some((family, series)) = found
                && let Some(Some(example)) = series.get(index)
            {
                write_exemplar(&mut self.text, example, family.units_per_one)?;
            }
            self.text.push(b'\n');
        }
        self.sample(name, "_sum", histogram.get_sample_sum())?;
        self.sample(name, "_count", count as f64)
    }

    /// All of a bucket's line up to its value.
    fn bucket(&mut self, name: &str, index: usize, bound: f64) -> io::Result<()> {
        if self.bounds.get(index).is_none_or(|(known, _)| *known != bound) {
            self.bounds.truncate(index);
            self.bounds.push((bound, canonical(bound)));
        }
        let written = self.bounds.get(index).map_or("", |(_, written)| written);
        let comma = if self.labels.is_empty() { "" } else { "," };
        for part in [name, "_bucket{"] {
            self.text.extend_from_slice(part.as_bytes());
        }
        self.text.extend_from_slice(&self.labels);
        for part in [comma, "le=\"", written, "\"} "] {
            self.text.extend_from_slice(part.as_bytes());
        }
        Ok(())
    }

    fn summary(&mut self, name: &str, metric: &Metric) -> io::Result<()> {
        let summary = metric.get_summary();
        let comma = if self.labels.is_empty() { "" } else { "," };
        for quantile in summary.get_quantile() {
            write!(self.text, "{name}{{")?;
            self.text.extend_from_slice(&self.labels);
            write!(self.text, "{comma}quantile=\"{}\"}} ", canonical(quantile.quantile()))?;
            write_number(&mut self.text, quantile.value())?;
            self.text.push(b'\n');
        }
        self.sample(name, "_sum", summary.sample_sum())?;
        self.sample(name, "_count", summary.sample_count() as f64)
    }

    fn sample(&mut self, name: &str, suffix: &str, value: f64) -> io::Result<()> {
        self.text.extend_from_slice(name.as_bytes());
        self.text.extend_from_slice(suffix.as_bytes());
        if !self.labels.is_empty() {
            self.text.push(b'{');
            self.text.extend_from_slice(&self.labels);
            self.text.push(b'}');
        }
        self.text.push(b' ');
        write_number(&mut self.text, value)?;
        self.text.push(b'\n');
        Ok(())
    }
}

/// The family of a counter is named without the suffix that its samples have.
fn family_name(family: &MetricFamily) -> &str {
    let name = family.name();
    match family.get_field_type() {
        MetricType::COUNTER => name.strip_suffix("_total").unwrap_or(name),
        _ => name,
    }
}

const fn type_name(kind: MetricType) -> &'static str {
    match kind {
        MetricType::COUNTER => "counter",
        MetricType::GAUGE => "gauge",
        MetricType::SUMMARY => "summary",
        MetricType::HISTOGRAM => "histogram",
        MetricType::UNTYPED => "unknown",
    }
}

fn has_unit(name: &str, unit: &str) -> bool {
    name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_'))
}

/// `a="b",c="d"`
fn write_labels(text: &mut Vec<u8>, labels: &[LabelPair]) {
    for (position, label) in labels.iter().enumerate() {
        if position > 0 {
            text.push(b',');
        }
        text.extend_from_slice(label.name().as_bytes());
        text.extend_from_slice(b"=\"");
        write_escaped(text, label.value());
        text.push(b'"');
    }
}

fn write_escaped(text: &mut Vec<u8>, value: &str) {
    for byte in value.bytes() {
        match byte {
            b'\\' => text.extend_from_slice(b"\\\\"),
            b'"' => text.extend_from_slice(b"\\\""),
            b'\n' => text.extend_from_slice(b"\\n"),
            _ => text.push(byte),
        }
    }
}

/// ` # {trace_id="…",span_id="…"} 0.054 1700000000.123`: 63 characters of labels, of the 128
/// that are allowed.
fn write_exemplar(text: &mut Vec<u8>, example: &Exemplar, units_per_one: f64) -> io::Result<()> {
    let Exemplar { trace, span, value, unix, .. } = example;
    write!(text, " # {{trace_id=\"{trace}\",span_id=\"{span}\"}} ")?;
    write_number(text, *value as f64 / units_per_one)?;
    write!(text, " {}.{:03}", unix.as_secs(), unix.subsec_millis())
}

fn write_number(text: &mut Vec<u8>, value: f64) -> io::Result<()> {
    let whole = value as u64;
    if whole as f64 == value && value.is_sign_positive() {
        // Most numbers are counts, and these are quicker to write as such.
        write!(text, "{whole}")
    } else if value.is_infinite() {
        text.write_all(if value > 0.0 { b"+Inf" } else { b"-Inf" })
    } else {
        write!(text, "{value}")
    }
}

/// A bound as the specification's canonical numbers are written, and as Prometheus itself
/// would: `1.0`, `0.0001`, `5e-05`, `1.048576e+06`.
fn canonical(bound: f64) -> String {
    if bound.is_infinite() {
        return if bound > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
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
