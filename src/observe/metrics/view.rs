//! The text of one family, kept from one scrape to the next.
//!
//! A thousand models make tens of megabytes of text, of which little changes in a second. So
//! a text is kept in chunks, beside the values that it was written from: a scrape reads all
//! values, writes the chunks whose values are others than before, and hands out the rest as
//! it is, without a copy. Must not know: what a series counts, or who scrapes.

use super::exposition::Exposition;
use super::lines::{self, Lines, Shape};
use super::names::Definition;
use super::series::Series;
use super::series_map::{Labelled, SeriesMap};
use bytes::Bytes;
use parking_lot::Mutex;
use std::iter;
use std::sync::Arc;

/// Lines in a chunk: some 20 microseconds of writing, and 30 kilobytes.
const LINES_AT_ONCE: usize = 256;

/// What is exported together, in pieces of text that follow each other.
pub trait Page: Send + Sync {
    /// The text as it is now; nothing where there are no series.
    fn text(&self, exposition: Exposition) -> Vec<Bytes>;
}

/// A family's series under a name, all or some of them.
pub struct View<T> {
    definition: Definition,
    heads: [Bytes; Exposition::ALL.len()],
    source: Arc<SeriesMap<T>>,
    shown: Box<Shown>,
    /// For scrapes alone: who counts never waits for it.
    kept: Mutex<Kept<T>>,
}

/// The labels that a series is shown with, by those that it has; `None` hides it.
pub type Shown = dyn Fn(&Arc<str>) -> Option<Arc<str>> + Send + Sync;

struct Kept<T> {
    /// Series of the source that were there when the chunks were laid out.
    known: usize,
    chunks: Vec<Chunk<T>>,
}

/// Some series, the values they had at the last scrape, and the text of those values in the
/// formats that were asked for.
struct Chunk<T> {
    series: Vec<Labelled<T>>,
    values: Vec<u64>,
    texts: [Option<Bytes>; Exposition::ALL.len()],
}

impl<T: Series> View<T> {
    /// All series of `source`, as they are.
    pub fn whole(source: Arc<SeriesMap<T>>) -> Self {
        Self::new(source.definition().name, source, Box::new(|labels| Some(Arc::clone(labels))))
    }

    /// What is `shown` of `source`, under a name of its own.
    pub fn new(name: &'static str, source: Arc<SeriesMap<T>>, shown: Box<Shown>) -> Self {
        let definition = Definition { name, ..source.definition() };
        let head = |exposition| {
            let shape = Shape::of(definition.kind);
            Bytes::from(lines::head(name, shape, definition.help, exposition))
        };
        let heads = Exposition::ALL.map(head);
        let kept = Mutex::new(Kept { known: 0, chunks: Vec::new() });
        Self { definition, heads, source, shown, kept }
    }

    fn lay_out(&self, all: Vec<Labelled<T>>) -> Kept<T> {
        let known = all.len();
        let shown = |(labels, one)| Some(((self.shown)(&labels)?, one));
        let mut series = all.into_iter().filter_map(shown).peekable();
        let at_once = series.peek().map_or(1, |(_, one)| (LINES_AT_ONCE / one.width()).max(1));
        let chunks = iter::from_fn(|| {
            let series: Vec<_> = series.by_ref().take(at_once).collect();
            let texts = Default::default();
            (!series.is_empty()).then_some(Chunk { series, values: Vec::new(), texts })
        });
        Kept { known, chunks: chunks.collect() }
    }
}

impl<T: Series> Page for View<T> {
    fn text(&self, exposition: Exposition) -> Vec<Bytes> {
        let mut kept = self.kept.lock();
        if let Some(all) = self.source.if_more_than(kept.known) {
            *kept = self.lay_out(all);
        }
        let head = self.heads[exposition as usize].clone();
        let head = (!kept.chunks.is_empty()).then_some(head);
        let chunks = kept.chunks.iter_mut().map(|chunk| {
            give_way();
            chunk.text(&self.definition, exposition)
        });
        head.into_iter().chain(chunks).collect()
    }
}

impl<T: Series> Chunk<T> {
    fn text(&mut self, definition: &Definition, exposition: Exposition) -> Bytes {
        let mut values = Vec::with_capacity(self.values.len());
        self.series.iter().for_each(|(_, one)| one.read(&mut values));
        if values != self.values {
            self.values = values;
            self.texts = Default::default();
        }
        if let Some(kept) = &self.texts[exposition as usize] {
            return kept.clone();
        }
        let written = Bytes::copy_from_slice(self.written(definition, exposition).as_bytes());
        self.texts[exposition as usize].insert(written).clone()
    }

    fn written(&self, definition: &Definition, exposition: Exposition) -> String {
        let mut text = String::new();
        let mut rest = self.values.as_slice();
        for (labels, one) in &self.series {
            let (values, others) = rest.split_at(one.width());
            rest = others;
            let mut lines = Lines {
                text: &mut text,
                name: definition.name,
                labels,
                units_per_one: definition.kind.units_per_one(),
                exposition,
            };
            one.write(values, &mut lines);
        }
        text
    }
}

/// Lets threads that serve requests have the core: a waking thread may else wait until a
/// whole slice is used up, whatever the priorities.
fn give_way() {
    std::thread::yield_now();
}
