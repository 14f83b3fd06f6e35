//! What the operating system knows of this process, as the crate `prometheus` collects it.
//!
//! Must not know: anything of what Transom counts itself.

use super::exposition::Exposition;
use super::lines::{self, Lines, Shape};
use super::view::Page;
use bytes::Bytes;
use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::{MetricFamily, MetricType};

impl Page for ProcessCollector {
    fn text(&self, exposition: Exposition) -> Vec<Bytes> {
        let mut text = String::new();
        for family in self.collect() {
            write(&family, exposition, &mut text);
        }
        vec![text.into()]
    }
}

/// All of them are single numbers, without labels.
fn write(family: &MetricFamily, exposition: Exposition, text: &mut String) {
    let (name, first) = (family.name(), family.get_metric().first());
    let Some(metric) = first else { return };
    let (shape, number) = match family.get_field_type() {
        MetricType::COUNTER => (Shape::Counter, metric.get_counter().get_value()),
        MetricType::GAUGE => (Shape::Gauge, metric.get_gauge().get_value()),
        MetricType::HISTOGRAM | MetricType::SUMMARY | MetricType::UNTYPED => return,
    };
    text.push_str(&lines::head(name, shape, family.help(), exposition));
    let mut lines = Lines { text, name, labels: "", units_per_one: 1.0, exposition };
    lines.number("", number);
}
