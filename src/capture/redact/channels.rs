//! Texts that come in pieces: the deltas of a stream, of which each event has a few bytes.
//!
//! Pieces belong together when their documents have them at the same place: in members of the
//! same names, in choices, tool calls and parts of the same index. This holds for OpenAI's chat
//! completions, completions and responses, for Anthropic's messages, and for those who send
//! a document a line. Must not know: what an event says besides.

use crate::capture::redact::edge::REACH;
use crate::capture::redact::scan::{Quoting, Scan, Tail, is_held_back};
use crate::capture::redact::view::View;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

/// Members whose text may go on in the next document.
const JOINED: [&str; 20] = [
    "arguments",
    "code",
    "completion",
    "content",
    "delta",
    "generated_text",
    "input",
    "message",
    "output",
    "output_text",
    "partial_json",
    "reasoning",
    "reasoning_content",
    "reasoning_text",
    "refusal",
    "response",
    "summary",
    "text",
    "thinking",
    "transcript",
];

/// Members that tell apart what has the same names.
const MARKS: [&str; 5] = ["content_index", "index", "item_id", "output_index", "summary_index"];

/// The texts of a body by their places in its documents.
#[derive(Default)]
pub(super) struct Channels {
    /// Their numbers in `texts`.
    numbers: HashMap<u64, usize>,
    texts: Vec<Vec<Piece>>,
    /// Pieces of the document that is being read.
    unplaced: Vec<(Owner, Range<usize>)>,
    documents: usize,
}

/// A piece of a text.
struct Piece {
    place: Range<usize>,
    quoting: Quoting,
}

/// Where a piece stands in its document.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    frame: usize,
    step: u64,
}

/// The objects and arrays of a document.
#[derive(Default)]
pub(super) struct Frames {
    all: Vec<Frame>,
    open: Vec<usize>,
}

struct Frame {
    parent: Option<usize>,
    step: u64,
    is_element: bool,
    /// What tells it apart from others; the sum, for members may come in any order.
    marks: u64,
}

/// Whether the text of a member of this name may go on in the next document.
pub(super) fn may_be_in_pieces(name: &str) -> bool {
    JOINED.binary_search(&name).is_ok()
}

impl Frames {
    /// A member's value begins.
    pub(super) fn enter_member(&mut self, name: &str) {
        self.enter(digest(&name), false);
    }

    /// An element begins.
    pub(super) fn enter_element(&mut self, position: usize) {
        self.enter(digest(&position), true);
    }

    /// The last one ends.
    pub(super) fn leave(&mut self) {
        self.open.pop();
    }

    /// Takes note of a member with a plain value. The type of a document as a whole tells it
    /// apart from others, too.
    pub(super) fn mark(&mut self, name: Option<&str>, value: &str) {
        let Some(name) = name else { return };
        let is_mark = MARKS.contains(&name) || (self.open.len() == 1 && name == "type");
        if let Some(frame) = self.open.last().filter(|_| is_mark) {
            let frame = &mut self.all[*frame];
            frame.marks = frame.marks.wrapping_add(digest(&(name, value)));
        }
    }

    /// A piece in the last one that began.
    pub(super) fn piece(&self, name: &str, element: usize) -> Owner {
        let frame = self.open.last().copied().unwrap_or(0);
        Owner { frame, step: digest(&(name, element)) }
    }

    fn enter(&mut self, step: u64, is_element: bool) {
        self.all.push(Frame { parent: self.open.last().copied(), step, is_element, marks: 0 });
        self.open.push(self.all.len() - 1);
    }

    /// A number for each frame that it has in common with those at the same place in other
    /// documents. A parent comes before its children.
    fn keys(&self) -> Vec<u64> {
        let mut keys: Vec<u64> = Vec::with_capacity(self.all.len());
        for frame in &self.all {
            let above = frame.parent.map_or(0, |parent| keys[parent]);
            // An element that has an index of its own may stand anywhere.
            let step = if frame.is_element && frame.marks != 0 { 0 } else { frame.step };
            keys.push(digest(&(above, step, frame.marks)));
        }
        keys
    }
}

impl Channels {
    /// Adds a piece of the document that is being read: a JSON string.
    pub(super) fn add(&mut self, owner: Owner, place: Range<usize>) {
        self.unplaced.push((owner, place));
    }

    /// Adds a piece of the text that the events are where they are no documents.
    pub(super) fn add_plain(&mut self, place: Range<usize>) {
        self.push(0, Piece { place, quoting: Quoting::Plain });
    }

    /// The document ends.
    pub(super) fn close(&mut self, frames: Frames) {
        self.documents += 1;
        let keys = frames.keys();
        for (owner, place) in std::mem::take(&mut self.unplaced) {
            let above = keys.get(owner.frame).copied().unwrap_or(0);
            self.push(digest(&(above, owner.step)), Piece { place, quoting: Quoting::Json });
        }
    }

    /// Searches all texts.
    pub(super) fn finish(self, scan: &mut Scan<'_>) {
        let body = scan.body;
        let reach = if self.documents > 1 { REACH } else { 0 };
        let views: Vec<(View<'_>, Quoting)> = self
            .texts
            .iter()
            .filter_map(|pieces| Some((join(body, pieces), pieces.last()?.quoting)))
            .collect();
        // What was held back once need not be again.
        let was_held_back = views.iter().any(|(view, _)| is_held_back(view.text()));
        for (view, quoting) in views {
            let is_open = view.end() + reach >= body.len() && !was_held_back;
            let tail = if is_open { Tail::HeldBack } else { Tail::Kept };
            scan.take_with(&view, scan.finder.find(view.text()), quoting, tail);
        }
    }

    fn push(&mut self, key: u64, piece: Piece) {
        let number = *self.numbers.entry(key).or_insert(self.texts.len());
        match self.texts.get_mut(number) {
            Some(pieces) => pieces.push(piece),
            None => self.texts.push(vec![piece]),
        }
    }
}

fn join<'a>(body: &'a str, pieces: &[Piece]) -> View<'a> {
    if let [Piece { place, quoting: Quoting::Json }] = pieces {
        return View::json(&body[place.clone()], place.start);
    }
    let mut view = View::default();
    for Piece { place, quoting } in pieces {
        let text = &body[place.clone()];
        match quoting {
            Quoting::Plain => view.push(text, place.clone()),
            Quoting::Json => view.push_json(text, place.start),
        }
    }
    view
}

fn digest(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_in_order_so_that_they_can_be_searched() {
        assert!(JOINED.is_sorted());
        assert!(may_be_in_pieces("content") && !may_be_in_pieces("id"));
    }
}
