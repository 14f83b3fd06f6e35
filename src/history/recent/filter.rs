//! Which of the recent requests are wanted.
//!
//! Must not know: how rows are kept in order, or what is shown of them.

use super::names::{ModelId, Names, WordId};
use super::packing::micros;
use super::row::{ErrorIndex, Row};
use super::segment::Segment;
use super::side;
use crate::history::rollup::Quantity;
use crate::observe::OriginKind;
use crate::types::{ErrorType, Operation, Outcome, TraceId};
use memchr::memmem::Finder;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What requests are to be like: like all of this. The default asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The label of the configured model.
    pub model: Option<String>,
    /// An upstream that it was tried at, whether or not that was the last.
    pub upstream: Option<String>,
    /// The alias of the key.
    pub key: Option<String>,
    /// One of these outcomes; empty for any.
    pub outcomes: Vec<Outcome>,
    /// The error type, by its label.
    pub error: Option<ErrorType>,
    /// The first digit of the status, 1 to 5.
    pub status_class: Option<u16>,
    /// What was to be done.
    pub operation: Option<Operation>,
    /// Whether a stream was asked for.
    pub streamed: Option<bool>,
    /// What the cache said: one of [`crate::types::CacheStatus::LABELS`].
    pub cache: Option<String>,
    /// On whose behalf.
    pub origin: Option<OriginKind>,
    /// How long it took: at least the start, less than the end.
    pub duration: Option<Range<Duration>>,
    /// Until the first token: at least the start, less than the end. Without one, never.
    pub first_token: Option<Range<Duration>>,
    /// When it ended: at the start or later, before the end.
    pub ended: Option<Range<SystemTime>>,
    /// Part of the request id or of the trace id.
    pub text: Option<String>,
    /// An objective that it missed.
    pub slo: Option<MissedSlo>,
    /// Whether it is a caller's, answered by a model and not by the cache: those whose times
    /// are counted in [roll-ups](crate::history::rollup).
    pub measured: bool,
}

/// Which objectives were missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MissedSlo {
    /// Any.
    Any,
    /// The one of this name.
    Named(String),
}

impl Filter {
    /// The requests that a cell of a heatmap has counted: those of `model`, or of all, that
    /// ended within `ended` and whose `quantity` lies in `value`. `None` for the time per token,
    /// which cannot be looked for.
    pub fn of_cell(
        model: Option<&str>,
        quantity: Quantity,
        (ended, value): (Range<SystemTime>, Range<Duration>),
    ) -> Option<Self> {
        let (model, ended) = (model.map(str::to_owned), Some(ended));
        let cell = Self { model, ended, measured: true, ..Self::default() };
        match quantity {
            Quantity::Duration => Some(Self { duration: Some(value), ..cell }),
            Quantity::FirstToken => Some(Self { first_token: Some(value), ..cell }),
            Quantity::PerToken => None,
        }
    }
}

/// A filter in the numbers of rows.
pub(super) struct Sieve {
    model: Option<ModelId>,
    upstream: Option<usize>,
    key: Option<WordId>,
    outcomes: Option<u16>,
    error: Option<ErrorIndex>,
    status_class: Option<u16>,
    operation: Option<Operation>,
    streamed: Option<bool>,
    cache: Option<usize>,
    origin: Option<OriginKind>,
    duration: Range<u64>,
    first_token: Option<Range<u64>>,
    /// Microseconds since the epoch.
    ended: Range<u64>,
    text: Option<Text>,
    missed: Option<u64>,
    measured: bool,
}

/// A part of an id.
struct Text {
    finder: Finder<'static>,
    /// The same as digits, where it can stand in a trace id.
    digits: Option<Digits>,
}

/// Hexadecimal digits that stand somewhere in an id of 32.
struct Digits {
    value: u128,
    mask: u128,
    /// Places where they can stand.
    places: u32,
}

impl Sieve {
    /// `None` where no row can pass: something was never heard of.
    pub(super) fn new(filter: &Filter, names: &Names) -> Option<Self> {
        let position = |list: &[std::sync::Arc<str>], name: &str| {
            list.iter().position(|known| &**known == name)
        };
        let cache = |label: &str| {
            crate::types::CacheStatus::LABELS.iter().position(|known| *known == label)
        };
        let missed = |slo: &MissedSlo| match slo {
            MissedSlo::Any => Some(u64::MAX),
            MissedSlo::Named(name) => position(&names.objectives, name).map(|at| 1 << at),
        };
        let outcomes = filter.outcomes.iter().fold(0, |bits, outcome| bits | bit(*outcome));
        Some(Self {
            model: known(filter.model.as_deref(), |name| names.find_model(name))?,
            upstream: known(filter.upstream.as_deref(), |n| position(&names.upstreams, n))?,
            key: known(filter.key.as_deref(), |alias| names.find_word(alias))?,
            outcomes: (!filter.outcomes.is_empty()).then_some(outcomes),
            error: filter.error.map(|error| ErrorIndex::of(Some(error))),
            status_class: filter.status_class,
            operation: filter.operation,
            streamed: filter.streamed,
            cache: known(filter.cache.as_deref(), cache)?,
            origin: filter.origin,
            duration: filter.duration.clone().map_or(0..u64::MAX, in_micros),
            first_token: filter.first_token.clone().map(in_micros),
            ended: filter.ended.clone().map_or(0..u64::MAX, since_epoch),
            text: filter.text.as_deref().filter(|text| !text.is_empty()).map(Text::new),
            missed: known(filter.slo.as_ref(), missed)?,
            measured: filter.measured,
        })
    }

    /// The rows of a segment that are wanted, in order, with their numbers.
    pub(super) fn sift<'a>(
        &'a self,
        segment: &'a Segment,
    ) -> impl DoubleEndedIterator<Item = (u64, &'a Row)> {
        let may_hold = segment.may_hold(self.ended.start, self.ended.end);
        let named = self.text.as_ref().is_none_or(|text| segment.may_name(&text.finder));
        let traced = self.text.as_ref().is_some_and(|text| text.digits.is_some());
        let rows = (may_hold && (named || traced)).then(|| segment.rows());
        let id = move |seq, row| if named { segment.id_of(seq, row) } else { "" };
        let wanted = move |(seq, row): &(u64, &'a Row)| self.passes(row, || id(*seq, *row));
        rows.into_iter().flatten().filter(wanted)
    }

    /// Whether a row is wanted. What is quickly said comes first.
    fn passes<'a>(&self, row: &Row, id: impl FnOnce() -> &'a str) -> bool {
        self.model.is_none_or(|model| model == row.model)
            && self.ended.contains(&row.ended)
            && self.duration.contains(&row.duration)
            && self.outcomes.is_none_or(|outcomes| outcomes & bit(row.outcome) != 0)
            && self.error.is_none_or(|error| error == row.error)
            && self.status_class.is_none_or(|class| class == row.status / 100)
            && self.operation.is_none_or(|operation| operation == row.operation)
            && self.streamed.is_none_or(|streamed| streamed == row.streamed)
            && self.cache.is_none_or(|said| said == row.cache_said())
            && self.origin.is_none_or(|origin| origin == row.origin)
            && self.missed.is_none_or(|missed| missed & row.missed != 0)
            && self.key.is_none_or(|key| Some(key) == row.key)
            && self.first_token.as_ref().is_none_or(|range| range.contains(&row.first_token))
            && (!self.measured || is_measured(row))
            && self.upstream.is_none_or(|upstream| tried(row, upstream))
            && self.text.as_ref().is_none_or(|text| text.is_in(row, id()))
    }
}

impl Text {
    fn new(text: &str) -> Self {
        Self { finder: Finder::new(text).into_owned(), digits: Digits::new(text) }
    }

    fn is_in(&self, row: &Row, id: &str) -> bool {
        self.digits.as_ref().is_some_and(|digits| digits.are_in(row.trace_id))
            || self.finder.find(id.as_bytes()).is_some()
    }
}

impl Digits {
    fn new(text: &str) -> Option<Self> {
        let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let length = u32::try_from(text.len()).ok().filter(|length| (1..=32).contains(length))?;
        let value = u128::from_str_radix(text, 16).ok().filter(|_| is_hex)?;
        Some(Self { value, mask: u128::MAX >> (4 * (32 - length)), places: 33 - length })
    }

    fn are_in(&self, id: TraceId) -> bool {
        let id = u128::from_be_bytes(id.bytes());
        (0..self.places).any(|place| id >> (4 * place) & self.mask == self.value)
    }
}

/// Whether its times are the model's.
fn is_measured(row: &Row) -> bool {
    row.origin == OriginKind::Client && !row.cache.is_some_and(|said| said.spared_the_upstream())
}

fn tried(row: &Row, upstream: usize) -> bool {
    let bit = Row::upstream_bit(upstream);
    let is_rest = bit == 1 << Row::REST;
    row.upstreams & bit != 0 && (!is_rest || side::upstreams(&row.side).contains(&upstream))
}

/// `None` where something was asked for and is not known.
fn known<T, K>(asked: Option<T>, find: impl FnOnce(T) -> Option<K>) -> Option<Option<K>> {
    match asked {
        None => Some(None),
        Some(asked) => find(asked).map(Some),
    }
}

const fn bit(outcome: Outcome) -> u16 {
    1 << outcome.index()
}

fn in_micros(range: Range<Duration>) -> Range<u64> {
    micros(range.start)..micros(range.end)
}

fn since_epoch(range: Range<SystemTime>) -> Range<u64> {
    let since = |date: SystemTime| micros(date.duration_since(UNIX_EPOCH).unwrap_or_default());
    since(range.start)..since(range.end)
}
