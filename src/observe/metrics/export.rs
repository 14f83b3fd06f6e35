//! All that is exported, one page of text for each family.
//!
//! Pages, because a thousand models make ten megabytes: a page is sent as it is, and between
//! two of them others may have the thread. Must not know: what is exported.

use super::exposition::Exposition;
use super::openmetrics::{self, FamilyExemplars, OpenMetricsEncoder};
use prometheus::core::Collector;
use prometheus::proto::{LabelPair, Metric, MetricFamily};
use prometheus::{Encoder, TextEncoder};
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::slice::Iter;

/// The text of one export after the other. Ends after an error.
pub struct Pages<'a> {
    collectors: Iter<'a, Box<dyn Collector>>,
    /// Collected and not written yet.
    families: VecDeque<MetricFamily>,
    writer: Writer,
}

enum Writer {
    Text(TextEncoder),
    OpenMetrics(OpenMetricsEncoder),
    Done,
}

impl<'a> Pages<'a> {
    /// What `collectors` have, in `exposition`; `exemplars` are of those that can have any.
    pub(super) fn new(
        collectors: &'a [Box<dyn Collector>],
        exposition: Exposition,
        exemplars: impl FnOnce() -> Vec<FamilyExemplars>,
    ) -> Self {
        let writer = match exposition {
            Exposition::Text => Writer::Text(TextEncoder::new()),
            Exposition::OpenMetrics => Writer::OpenMetrics(OpenMetricsEncoder::new(exemplars())),
        };
        Self { collectors: collectors.iter(), families: VecDeque::new(), writer }
    }

    /// The next family that has any series.
    fn family(&mut self) -> Option<MetricFamily> {
        loop {
            match self.families.pop_front() {
                Some(family) if family.get_metric().is_empty() => {}
                Some(family) => return Some(family),
                None => self.families.extend(self.collectors.next()?.collect()),
            }
        }
    }

    fn write(&mut self, mut family: MetricFamily) -> prometheus::Result<Vec<u8>> {
        sort(&mut family);
        match &mut self.writer {
            Writer::Text(encoder) => {
                let mut page = Vec::new();
                encoder.encode(&[family], &mut page)?;
                Ok(page)
            }
            Writer::OpenMetrics(encoder) => encoder.family(&family),
            Writer::Done => Ok(Vec::new()),
        }
    }
}

impl Iterator for Pages<'_> {
    type Item = prometheus::Result<Vec<u8>>;

    /// # Errors
    /// When a family is malformed; a defect, not a condition.
    fn next(&mut self) -> Option<Self::Item> {
        if matches!(self.writer, Writer::Done) {
            return None;
        }
        if let Some(family) = self.family() {
            let page = self.write(family);
            if page.is_err() {
                self.writer = Writer::Done;
            }
            return Some(page);
        }
        match std::mem::replace(&mut self.writer, Writer::Done) {
            Writer::OpenMetrics(_) => Some(Ok(openmetrics::END.to_vec())),
            Writer::Text(_) | Writer::Done => None,
        }
    }
}

/// By label values, so that two exports can be compared; most families come sorted.
fn sort(family: &mut MetricFamily) {
    if !family.get_metric().is_sorted_by(|a, b| order(a, b).is_le()) {
        family.mut_metric().sort_by(order);
    }
}

fn order(a: &Metric, b: &Metric) -> Ordering {
    a.get_label().iter().map(LabelPair::value).cmp(b.get_label().iter().map(LabelPair::value))
}
