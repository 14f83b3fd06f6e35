//! The series of one family by their label values, and the crate `prometheus`' view of them.
//!
//! Must not know: what a series counts.

use super::names::Definition;
use parking_lot::RwLock;
use prometheus::core::Desc;
use prometheus::proto;
use std::collections::HashMap;
use std::sync::Arc;

/// All series of one family.
#[derive(Debug)]
pub struct SeriesMap<T> {
    desc: Desc,
    definition: Definition,
    series: RwLock<HashMap<Vec<String>, Entry<T>>>,
}

#[derive(Debug)]
struct Entry<T> {
    labels: Vec<proto::LabelPair>,
    series: Arc<T>,
}

impl<T> SeriesMap<T> {
    /// An empty family.
    ///
    /// # Errors
    /// When the definition's name or labels are not valid.
    pub fn new(definition: Definition) -> prometheus::Result<Self> {
        let Definition { name, help, labels, .. } = definition;
        let labels = labels.iter().map(ToString::to_string).collect();
        let desc = Desc::new(name.into(), help.into(), labels, HashMap::default())?;
        Ok(Self { desc, definition, series: RwLock::default() })
    }

    /// The series with these label values, `born` if it is new.
    pub fn with(&self, values: &[&str], born: impl FnOnce() -> T) -> Arc<T> {
        let key: Vec<String> = values.iter().map(ToString::to_string).collect();
        if let Some(found) = self.series.read().get(&key) {
            return Arc::clone(&found.series);
        }
        let labels = label_pairs(self.definition.labels, values);
        let new = || Entry { labels, series: Arc::new(born()) };
        Arc::clone(&self.series.write().entry(key).or_insert_with(new).series)
    }

    /// For [`prometheus::core::Collector::desc`].
    pub fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    /// For [`prometheus::core::Collector::collect`]: `fill` writes a series' value.
    pub fn collect(
        &self,
        kind: proto::MetricType,
        fill: impl Fn(&T, &mut proto::Metric),
    ) -> Vec<proto::MetricFamily> {
        let series = self.series.read();
        let metrics = series.values().map(|entry| {
            let mut metric = proto::Metric::from_label(entry.labels.clone());
            fill(&entry.series, &mut metric);
            metric
        });
        let mut family = proto::MetricFamily::default();
        family.set_name(self.definition.name.into());
        family.set_help(self.definition.help.into());
        family.set_field_type(kind);
        family.set_metric(metrics.collect());
        vec![family]
    }

    /// What `find` finds in each series, with the series' labels.
    pub fn find<F>(&self, find: impl Fn(&T) -> Option<F>) -> Vec<(Vec<proto::LabelPair>, F)> {
        let series = self.series.read();
        let found = |entry: &Entry<T>| Some((entry.labels.clone(), find(&entry.series)?));
        series.values().filter_map(found).collect()
    }
}

/// Sorted by name, as the crate's own families are.
fn label_pairs(names: &[&str], values: &[&str]) -> Vec<proto::LabelPair> {
    let pair = |(name, value): (&&str, &&str)| {
        let mut pair = proto::LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    };
    let mut pairs: Vec<_> = names.iter().zip(values).map(pair).collect();
    pairs.sort_by(|a, b| a.name().cmp(b.name()));
    pairs
}
