//! The way through the JSON documents of a body.
//!
//! Strings are searched for what they mean and change where they stand. Must not know: what
//! is searched for.

use crate::capture::redact::channels::{Channels, Frames, may_be_in_pieces};
use crate::capture::redact::edge::Edge;
use crate::capture::redact::json::{Container, End, Token, Tokens};
use crate::capture::redact::pointer::Step;
use crate::capture::redact::scan::Scan;
use crate::capture::redact::view::View;
use std::ops::Range;

/// Members that repeat a text token by token, where no rule would know it again.
const TRANSCRIPTS: [&str; 5] =
    ["logprobs", "prompt_logprobs", "prompt_token_ids", "token_ids", "top_logprobs"];

/// The documents of a body, read one after the other.
#[derive(Default)]
pub(super) struct Documents {
    /// The texts that may go on from one document to the next.
    pub(super) channels: Channels,
    transcripts: Vec<Range<usize>>,
}

/// The way through one document.
struct Walk<'d, 'a> {
    documents: &'d mut Documents,
    body: &'a str,
    open: Vec<Open>,
    frames: Frames,
    /// The value that a pointer leads to, while its end is looked for.
    covered: Option<Covered>,
}

/// An object or an array that has not ended.
struct Open {
    container: Container,
    begin: usize,
    /// The member whose value is due, or was read last.
    name: Option<Range<usize>>,
    /// Elements so far.
    elements: usize,
    /// What its name is, where it is the value of a member.
    transcript: bool,
    /// The way to its values, where anybody wants to know it.
    step: Option<Step>,
}

struct Covered {
    depth: usize,
    begin: usize,
    rule: String,
}

impl Documents {
    /// Reads all documents between `begin` and `end`, whatever is between them. What is not
    /// JSON is searched as text.
    pub(super) fn read(&mut self, scan: &mut Scan<'_>, place: Range<usize>) {
        let mut at = place.start;
        loop {
            let rest = &scan.body[at..place.end];
            at += rest.len() - rest.trim_ascii_start().len();
            if at == place.end {
                return;
            }
            match self.read_one(scan, at..place.end) {
                End::Whole(next) => at = next,
                End::Broken(from) => {
                    // A marker that stands there is not the beginning of an array.
                    let marker = from.checked_sub(1).filter(|at| scan.is_marker(*at));
                    let from = marker.unwrap_or(from);
                    if from < place.end {
                        scan.plain(from..place.end);
                    }
                    return;
                }
            }
        }
    }

    /// Searches the texts that came in pieces, and takes out what repeats a text that had
    /// something taken out of it.
    pub(super) fn finish(self, scan: &mut Scan<'_>) {
        self.channels.finish(scan);
        if !scan.edits.is_empty() || scan.edge == Edge::Cut {
            for place in self.transcripts {
                scan.edits.replace(place, "null".to_owned());
            }
        }
    }

    fn read_one(&mut self, scan: &mut Scan<'_>, place: Range<usize>) -> End {
        let body = scan.body;
        let mut tokens = Tokens::new(&body[..place.end], place.start);
        let mut walk = Walk {
            documents: self,
            body,
            open: Vec::new(),
            frames: Frames::default(),
            covered: None,
        };
        for token in tokens.by_ref() {
            walk.token(scan, token);
        }
        walk.end(scan, place.end);
        tokens.end()
    }
}

impl Open {
    fn next_step(&self, body: &str) -> Step {
        match (&self.name, self.container) {
            (Some(name), Container::Object) => {
                Step::Name(View::json(&body[name.clone()], name.start).text().to_owned())
            }
            _ => Step::Index(self.elements - 1),
        }
    }
}

impl<'a> Walk<'_, 'a> {
    fn token(&mut self, scan: &mut Scan<'a>, token: Token) {
        match token {
            Token::Name(place) => self.name(scan, place),
            Token::Open(container, at) => {
                self.begin_value(scan, at);
                self.enter(container, at);
            }
            Token::Close(end) => {
                if let Some(open) = self.open.pop() {
                    self.frames.leave();
                    if open.transcript {
                        self.documents.transcripts.push(open.begin..end);
                    }
                }
                self.end_value(scan, end);
            }
            Token::Text(place) => {
                self.begin_value(scan, place.start - 1);
                if self.covered.is_none() {
                    self.text(scan, place.clone());
                }
                self.end_value(scan, (place.end + 1).min(self.body.len()));
            }
            Token::Other(place) => {
                self.begin_value(scan, place.start);
                if self.covered.is_none() {
                    self.other(scan, place.clone());
                }
                self.end_value(scan, place.end);
            }
        }
    }

    /// The document ends, or nothing more of it is there.
    fn end(mut self, scan: &mut Scan<'_>, end: usize) {
        if let Some(Covered { begin, rule, .. }) = self.covered.take() {
            scan.replace_value(begin..end, &rule);
        }
        self.documents.channels.close(self.frames);
    }

    fn name(&mut self, scan: &mut Scan<'_>, place: Range<usize>) {
        if self.covered.is_none() {
            scan.string(None, place.clone());
        }
        if let Some(open) = self.open.last_mut() {
            open.name = Some(place);
        }
    }

    /// Takes a step to the next value, which may be one that a pointer leads to.
    fn begin_value(&mut self, scan: &Scan<'_>, at: usize) {
        let depth = self.open.len();
        let is_wanted = scan.pointers.lead_to(depth);
        let body = self.body;
        if let Some(open) = self.open.last_mut() {
            open.elements += 1;
            open.step = is_wanted.then(|| open.next_step(body));
        }
        if is_wanted && self.covered.is_none() {
            let steps: Vec<Step> = self.open.iter().filter_map(|open| open.step.clone()).collect();
            let rule = scan.pointers.rule(&steps).map(str::to_owned);
            self.covered = rule.map(|rule| Covered { depth, begin: at, rule });
        }
    }

    fn end_value(&mut self, scan: &mut Scan<'_>, end: usize) {
        if let Some(covered) = self.covered.take_if(|covered| covered.depth == self.open.len()) {
            scan.replace_value(covered.begin..end, &covered.rule);
        }
    }

    fn enter(&mut self, container: Container, begin: usize) {
        let name = self.member();
        let transcript = name.is_some_and(|name| TRANSCRIPTS.contains(&name));
        match (name, self.open.last()) {
            (Some(name), _) => self.frames.enter_member(name),
            (None, Some(open)) => self.frames.enter_element(open.elements - 1),
            (None, None) => self.frames.enter_member(""),
        }
        self.open.push(Open { container, begin, name: None, elements: 0, transcript, step: None });
    }

    fn text(&mut self, scan: &mut Scan<'_>, place: Range<usize>) {
        let name = self.member();
        self.frames.mark(name, &self.body[place.clone()]);
        match name.or(self.array_name()) {
            Some(joined) if may_be_in_pieces(joined) => {
                let element = self.open.last().map_or(0, |open| open.elements);
                let element = if name.is_some() { 0 } else { element };
                self.documents.channels.add(self.frames.piece(joined, element), place);
            }
            _ => scan.string(name, place),
        }
    }

    fn other(&mut self, scan: &mut Scan<'_>, place: Range<usize>) {
        let text = &self.body[place.clone()];
        self.frames.mark(self.member(), text);
        if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            if scan.edge == Edge::Cut && place.end == self.body.len() {
                scan.edits.replace(place, String::new());
            } else {
                scan.number(place);
            }
        }
    }

    /// The name of the member whose value is due; `None` in an array.
    fn member(&self) -> Option<&'a str> {
        let open = self.open.last().filter(|open| open.container == Container::Object)?;
        open.name.clone().map(|name| &self.body[name])
    }

    /// The name of the array whose element is due.
    fn array_name(&self) -> Option<&'a str> {
        let [.., parent, Open { container: Container::Array, .. }] = self.open.as_slice() else {
            return None;
        };
        parent.name.clone().map(|name| &self.body[name])
    }
}
