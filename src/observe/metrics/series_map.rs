//! The series of one family by their label values, and the crate `prometheus`' view of them.
//!
//! Must not know: what a series counts.

use super::names::Definition;
use parking_lot::RwLock;
use prometheus::core::Desc;
use prometheus::proto;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Some 50 microseconds of work.
const SERIES_AT_ONCE: usize = 8;

/// All series of one family.
#[derive(Debug)]
pub struct SeriesMap<T> {
    desc: Desc,
    definition: Definition,
    series: RwLock<BTreeMap<Vec<String>, Entry<T>>>,
}

#[derive(Debug)]
struct Entry<T> {
    labels: Arc<[proto::LabelPair]>,
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
        // Not under the lock: a reader that stands back must not hold up who counts.
        let all: Vec<_> = self.series.read().values().map(Entry::share).collect();
        let metrics = all.into_iter().enumerate().map(|(position, (labels, series))| {
            give_way(position);
            let mut metric = proto::Metric::from_label(labels.to_vec());
            fill(&series, &mut metric);
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
        let found = |entry: &Entry<T>| Some((entry.labels.to_vec(), find(&entry.series)?));
        series.values().filter_map(found).collect()
    }
}

impl<T> Entry<T> {
    fn share(&self) -> (Arc<[proto::LabelPair]>, Arc<T>) {
        (Arc::clone(&self.labels), Arc::clone(&self.series))
    }
}

/// Lets threads that serve requests have the core, every few series: a waking thread may else
/// wait until a whole slice is used up, whatever the priorities.
pub fn give_way(position: usize) {
    if position % SERIES_AT_ONCE == SERIES_AT_ONCE - 1 {
        std::thread::yield_now();
    }
}

/// Sorted by name, as the crate's own families are.
fn label_pairs(names: &[&str], values: &[&str]) -> Arc<[proto::LabelPair]> {
    let pair = |(name, value): (&&str, &&str)| {
        let mut pair = proto::LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    };
    let mut pairs: Vec<_> = names.iter().zip(values).map(pair).collect();
    pairs.sort_by(|a, b| a.name().cmp(b.name()));
    pairs.into()
}
