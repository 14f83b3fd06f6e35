//! A body while it is searched: what was found so far, and what is to change.
//!
//! Must not know: where the texts that it is given come from.

use crate::capture::redact::edge::{Edge, floor, held_back};
use crate::capture::redact::edits::Edits;
use crate::capture::redact::finder::{EDGE, Find, Finder};
use crate::capture::redact::marker;
use crate::capture::redact::pointer::Pointers;
use crate::capture::redact::view::View;
use std::collections::BTreeMap;
use std::ops::Range;

/// How often each rule has taken something out.
pub type Counts = BTreeMap<String, u32>;

/// A body while it is searched.
pub(super) struct Scan<'a> {
    /// All of it.
    pub(super) body: &'a str,
    /// The rules for texts.
    pub(super) finder: &'a Finder,
    /// The rules for places.
    pub(super) pointers: &'a Pointers,
    /// Whether all of it is there.
    pub(super) edge: Edge,
    /// Whether there is nothing in it, but for what comes in pieces.
    is_clean: bool,
    /// What changes.
    pub(super) edits: Edits,
    /// What was found.
    pub(super) counts: Counts,
}

/// How a string in quotes stands in the body: what a quote in it looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    /// As itself.
    Plain,
    /// With a backslash.
    Json,
}

/// What becomes of the end of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// It is kept.
    Kept,
    /// It is held back, if the body was cut.
    HeldBack,
}

impl<'a> Scan<'a> {
    /// A body of which nothing was searched yet.
    pub(super) fn new(body: &'a str, rules: (&'a Finder, &'a Pointers), edge: Edge) -> Self {
        let edge = if is_held_back(body) { Edge::Whole } else { edge };
        let (finder, pointers) = rules;
        let is_clean = finder.is_clean(body.as_bytes());
        let (edits, counts) = (Edits::default(), Counts::new());
        Self { body, finder, pointers, edge, is_clean, edits, counts }
    }

    /// Searches a text that stands in the body as it is.
    pub(super) fn plain(&mut self, place: Range<usize>) {
        if self.may_pass(&place) {
            return;
        }
        let view = View::verbatim(&self.body[place.clone()], place.start);
        self.take(&view, self.finder.find(view.text()), Quoting::Plain);
    }

    /// Searches a string of a JSON document, the value of the member `name` if it is one.
    pub(super) fn string(&mut self, name: Option<&str>, place: Range<usize>) {
        if self.may_pass(&place) {
            return;
        }
        let view = View::json(&self.body[place.clone()], place.start);
        let finds = match name {
            Some(name) => self.finder.find_in_member(name, view.text()),
            None => self.finder.find(view.text()),
        };
        self.take(&view, finds, Quoting::Json);
    }

    /// Searches a number, which gives way to a string.
    pub(super) fn number(&mut self, place: Range<usize>) {
        /// Nothing that is shorter is anything to a known pattern, and no fraction is.
        const SHORTEST: usize = 13;
        let text = &self.body[place.clone()];
        let is_whole = is_whole_number(text);
        if self.is_clean || !(self.finder.has_own() || is_whole && text.len() >= SHORTEST) {
            return;
        }
        if let Some(find) = self.finder.find(text).first() {
            self.replace_value(place, find.rule);
        }
    }

    /// Puts a string with a rule's marker in the place of a JSON value.
    pub(super) fn replace_value(&mut self, place: Range<usize>, rule: &str) {
        let with = format!("\"{}\"", marker::of(rule));
        if self.body[place.clone()] != with {
            self.edits.replace(place, with);
            self.count(rule);
        }
    }

    /// Takes out what was found in a view. One that reaches to the end of a body that was cut
    /// is held back there.
    pub(super) fn take(&mut self, view: &View<'_>, finds: Vec<Find<'_>>, quoting: Quoting) {
        let reaches_edge = view.end() == self.body.len();
        let tail = if reaches_edge { Tail::HeldBack } else { Tail::Kept };
        self.take_with(view, finds, quoting, tail);
    }

    /// The same, where the caller knows what becomes of the view's end.
    pub(super) fn take_with(
        &mut self,
        view: &View<'_>,
        finds: Vec<Find<'_>>,
        quoting: Quoting,
        tail: Tail,
    ) {
        let text = view.text();
        let is_held_back = tail == Tail::HeldBack && self.edge == Edge::Cut && !text.is_empty();
        let mut end = if is_held_back { held_back(text) } else { text.len() };
        // What reaches into the part that is held back goes with it.
        let across = finds.iter().find(|find| find.place.end > end);
        end = across.map_or(end, |find| end.min(find.place.start));
        for Find { place, rule } in finds.into_iter().filter(|find| find.place.end <= end) {
            let mut with = marker::of(rule);
            if is_number_in_json(text, &place) {
                let quote = if quoting == Quoting::Json { "\\\"" } else { "\"" };
                with = format!("{quote}{with}{quote}");
            }
            self.edits.replace_all(view.places(place), &with);
            self.count(rule);
        }
        if is_held_back {
            self.edits.replace_all(view.places(end..text.len()), &marker::of(EDGE));
            self.count(EDGE);
        }
    }

    /// Whether a marker stands there.
    pub(super) fn is_marker(&self, at: usize) -> bool {
        let text = self.body.get(at..floor(self.body, at + marker::MAX_LENGTH));
        let markers = text.map(|text| self.finder.markers(text)).unwrap_or_default();
        markers.first().is_some_and(|marker| marker.start == 0)
    }

    /// Whether a text need not be searched: there is nothing in it, and it is not at the edge.
    fn may_pass(&self, place: &Range<usize>) -> bool {
        let is_at_edge = self.edge == Edge::Cut && place.end == self.body.len();
        self.is_clean && !is_at_edge
    }

    fn count(&mut self, rule: &str) {
        *self.counts.entry(rule.to_owned()).or_default() += 1;
    }
}

/// Whether the end of a text was held back before.
pub(super) fn is_held_back(text: &str) -> bool {
    text.ends_with(&marker::of(EDGE))
}

/// Whether a text is a whole number as JSON has it.
pub(super) fn is_whole_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a part of a text is a number in JSON: then a marker in its place needs quotes.
fn is_number_in_json(text: &str, place: &Range<usize>) -> bool {
    text[place.clone()].bytes().all(|byte| byte.is_ascii_digit())
        && text.trim_start().starts_with(['{', '['])
        && text[..place.start].trim_end().ends_with([':', ',', '['])
        && text[place.end..].trim_start().starts_with([',', '}', ']'])
}
