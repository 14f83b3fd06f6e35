//! The series of one family by their labels.
//!
//! Must not know: what a series counts, or how it is written out.

use super::lines::push_label;
use super::names::Definition;
use parking_lot::RwLock;
use prometheus::core::Desc;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// All series of one family. `T` is a handle: its clones are the same series.
pub struct SeriesMap<T> {
    definition: Definition,
    /// Sorted by name, as they are exported, each with its position in the definition.
    labels: Box<[(&'static str, usize)]>,
    series: RwLock<BTreeMap<Arc<str>, T>>,
    born: Box<dyn Fn() -> T + Send + Sync>,
}

/// A series and its labels as they are exported, without braces: `a="b",c="d"`.
pub type Labelled<T> = (Arc<str>, T);

impl<T: Clone> SeriesMap<T> {
    /// An empty family, whose series are `born` at 0.
    ///
    /// # Errors
    /// When the definition's name or labels are not valid.
    pub fn new(
        definition: Definition,
        born: impl Fn() -> T + Send + Sync + 'static,
    ) -> prometheus::Result<Arc<Self>> {
        let Definition { name, help, labels, .. } = definition;
        let names = labels.iter().map(ToString::to_string).collect();
        Desc::new(name.into(), help.into(), names, HashMap::default())?;
        let mut labels: Box<[_]> = labels.iter().copied().zip(0..).collect();
        labels.sort_unstable();
        Ok(Arc::new(Self { definition, labels, series: RwLock::default(), born: Box::new(born) }))
    }

    /// The series with these label values, in the order of the definition's labels; born at 0
    /// if it is new.
    pub fn with(&self, values: &[&str]) -> T {
        let labels = self.written(values);
        if let Some(found) = self.series.read().get(labels.as_str()) {
            return found.clone();
        }
        self.series.write().entry(labels.into()).or_insert_with(&self.born).clone()
    }

    /// All series by their labels, if there are more than `known`. None ever goes.
    pub fn if_more_than(&self, known: usize) -> Option<Vec<Labelled<T>>> {
        let series = self.series.read();
        let all = || series.iter().map(|(labels, one)| (Arc::clone(labels), one.clone())).collect();
        (series.len() > known).then(all)
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.series.read().len()
    }

    /// What it is.
    pub fn definition(&self) -> Definition {
        self.definition
    }

    fn written(&self, values: &[&str]) -> String {
        let mut text = String::new();
        for (name, position) in &self.labels {
            push_label(&mut text, name, values.get(*position).copied().unwrap_or_default());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::metrics::names::Kind;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn family(labels: &'static [&'static str]) -> Arc<SeriesMap<Arc<AtomicU64>>> {
        let definition = Definition { name: "seen_total", kind: Kind::Counter, labels, help: "-" };
        SeriesMap::new(definition, Arc::default).unwrap()
    }

    #[test]
    fn the_same_labels_give_the_same_series() {
        let family = family(&["model", "from"]);
        family.with(&["a", "b"]).store(3, Ordering::Relaxed);
        assert_eq!(family.with(&["a", "b"]).load(Ordering::Relaxed), 3);
        for others in [["b", "a"], ["a\",from=\"b", ""], ["", "a\",model=\"b"], ["a", "b\\"]] {
            assert_eq!(family.with(&others).load(Ordering::Relaxed), 0, "{others:?}");
        }
    }

    #[test]
    fn all_are_told_in_order_when_some_are_new() {
        let family = family(&["model", "from"]);
        assert!(family.if_more_than(0).is_none());
        family.with(&["b", "x"]);
        family.with(&["a", "y"]);
        let told: Vec<_> = family.if_more_than(1).unwrap();
        let labels: Vec<_> = told.iter().map(|(labels, _)| &**labels).collect();
        assert_eq!(labels, ["from=\"x\",model=\"b\"", "from=\"y\",model=\"a\""]);
        assert!(family.if_more_than(2).is_none());
    }

    #[test]
    fn a_name_that_is_not_valid_is_refused() {
        let bad = Definition { name: "a b", kind: Kind::Counter, labels: &[], help: "-" };
        assert!(SeriesMap::new(bad, || ()).is_err());
    }
}
