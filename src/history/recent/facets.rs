//! How many of the wanted requests are what.
//!
//! Must not know: what is wanted, or how rows are kept in order.

use super::names::{ModelId, Names, WordId};
use super::row::Row;
use super::side;
use crate::types::{CacheStatus, ErrorType, Outcome};
use std::sync::Arc;

/// Counts over all requests that pass a filter, by what they can be filtered by next. Values
/// that none has are left out; the most frequent come first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// Requests that pass.
    pub matching: u64,
    /// By the label of their model.
    pub models: Vec<Facet>,
    /// By outcome.
    pub outcomes: Vec<Facet>,
    /// By error type.
    pub errors: Vec<Facet>,
    /// By upstream that they were tried at; one that was tried at two counts for both.
    pub upstreams: Vec<Facet>,
    /// By what the cache said.
    pub caches: Vec<Facet>,
    /// By the alias of their key.
    pub keys: Vec<Facet>,
}

/// A value and how many requests have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    /// As it is filtered by.
    pub value: Arc<str>,
    /// Requests.
    pub count: u64,
}

/// Counts by number.
#[derive(Default)]
pub(super) struct Counting {
    matching: u64,
    models: Vec<u64>,
    outcomes: [u64; Outcome::ALL.len()],
    errors: [u64; ErrorType::COUNT],
    upstreams: Vec<u64>,
    caches: [u64; CacheStatus::LABELS.len()],
    keys: Vec<u64>,
}

impl Counting {
    /// Counts a row.
    pub(super) fn count(&mut self, row: &Row) {
        self.matching += 1;
        add(&mut self.models, usize::from(row.model.0));
        self.outcomes[row.outcome.index()] += 1;
        if let Some(error) = row.error.position().and_then(|at| self.errors.get_mut(at)) {
            *error += 1;
        }
        self.caches[row.cache_said()] += 1;
        if let Some(WordId(key)) = row.key {
            add(&mut self.keys, usize::from(key));
        }
        self.count_upstreams(row);
    }

    fn count_upstreams(&mut self, row: &Row) {
        if row.upstreams >> Row::REST == 1 {
            let mut tried = side::upstreams(&row.side);
            tried.sort_unstable();
            tried.dedup();
            tried.into_iter().for_each(|upstream| add(&mut self.upstreams, upstream));
            return;
        }
        let mut left = row.upstreams;
        while left != 0 {
            add(&mut self.upstreams, left.trailing_zeros() as usize);
            left &= left - 1;
        }
    }

    /// What was counted, by name.
    pub(super) fn facets(self, names: &Names) -> Facets {
        let number = |at: usize| u16::try_from(at).unwrap_or_default();
        let upstream =
            |at: usize| names.upstreams.get(at).cloned().unwrap_or_else(|| "_other".into());
        let error = |at: usize| ErrorType::all().nth(at).map_or("_OTHER", ErrorType::label).into();
        Facets {
            matching: self.matching,
            models: named(&self.models, |at| names.model_named(ModelId(number(at)))),
            outcomes: named(&self.outcomes, |at| Outcome::ALL[at].label().into()),
            errors: named(&self.errors, error),
            upstreams: named(&self.upstreams, upstream),
            caches: named(&self.caches, |at| CacheStatus::LABELS[at].into()),
            keys: named(&self.keys, |at| names.word_named(WordId(number(at)))),
        }
    }
}

/// Positions from here on are no names of anything.
const MOST: usize = 1 << 16;

fn add(counts: &mut Vec<u64>, at: usize) {
    if at >= counts.len() && at < MOST {
        counts.resize(at + 1, 0);
    }
    if let Some(count) = counts.get_mut(at) {
        *count += 1;
    }
}

fn named(counts: &[u64], name: impl Fn(usize) -> Arc<str>) -> Vec<Facet> {
    let counted = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let mut facets: Vec<Facet> =
        counted.map(|(at, count)| Facet { value: name(at), count: *count }).collect();
    facets.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    facets
}
