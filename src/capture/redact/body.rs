//! How a body is read, and what is left of it.
//!
//! A body that cannot be read is not kept: nobody could say what is in it. Must not know: what
//! is searched for.

use crate::capture::redact::Rules;
use crate::capture::redact::document::Documents;
use crate::capture::redact::edge::Edge;
use crate::capture::redact::scan::{Counts, Scan, is_whole_number};
use crate::capture::redact::stream;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

/// What takes the place of a secret could make another one out of what is around it, if the
/// rules are strange enough. So a body is searched again until there is nothing more, but not
/// for ever.
const MAX_ROUNDS: usize = 4;

/// How a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// JSON documents, mostly one.
    Json,
    /// Server-sent events.
    Events,
    /// Any other text.
    Text,
    /// Not at all: it is compressed.
    Unreadable,
}

/// What one look at a body has told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glance {
    /// There is certainly nothing in it, but for what comes in pieces.
    Clean,
    /// Nobody has looked yet, or there may be something.
    NotTaken,
}

/// What became of a body.
#[derive(Debug)]
pub(super) enum Read {
    /// There was nothing in it.
    Clean,
    /// It is like this now.
    Changed(Bytes),
    /// Nobody knows.
    Unreadable,
}

impl Form {
    /// What the headers of a message say, and else what its body looks like.
    pub(super) fn of(headers: &HeaderMap, body: &str) -> Self {
        let is_plain =
            |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
        if !headers.get_all(CONTENT_ENCODING).iter().all(is_plain) {
            return Self::Unreadable;
        }
        let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        let bare = body.trim_ascii();
        match bare.as_bytes().first() {
            Some(b'{' | b'[' | b'"') => Self::Json,
            Some(b'-' | b'0'..=b'9') if is_whole_number(bare) => Self::Json,
            _ if kind.starts_with(b"text/event-stream") || stream::looks_like_one(body) => {
                Self::Events
            }
            _ => Self::Text,
        }
    }
}

/// Searches a body.
pub(super) fn read(
    rules: &Rules,
    headers: &HeaderMap,
    (bytes, edge): (&Bytes, Edge),
    mut glance: Glance,
    counts: &mut Counts,
) -> Read {
    let mut current: Option<Bytes> = None;
    for _ in 0..MAX_ROUNDS {
        let bytes = current.as_ref().unwrap_or(bytes);
        let Some(body) = text(bytes, edge) else { return Read::Unreadable };
        let form = Form::of(headers, body);
        if form == Form::Unreadable && !body.is_empty() {
            return Read::Unreadable;
        }
        if rules.is_clean(form, body, (edge, glance)) {
            break;
        }
        glance = Glance::NotTaken;
        let mut scan = Scan::new(body, (&rules.finder, &rules.pointers), edge);
        search(&mut scan, form);
        let Scan { edits, counts: found, .. } = scan;
        if edits.is_empty() && body.len() == bytes.len() {
            break;
        }
        for (rule, times) in found {
            *counts.entry(rule).or_default() += times;
        }
        current = Some(edits.apply(body));
    }
    current.map_or(Read::Clean, Read::Changed)
}

impl Rules {
    /// Whether one look at a body is enough to know that there is nothing in it.
    fn is_clean(&self, form: Form, body: &str, (edge, glance): (Edge, Glance)) -> bool {
        let is_one_piece = match form {
            Form::Text => true,
            Form::Json => self.pointers.is_empty() && !may_be_several(body),
            Form::Events | Form::Unreadable => false,
        };
        let is_clean = || glance == Glance::Clean || self.finder.is_clean(body.as_bytes());
        edge == Edge::Whole && is_one_piece && is_clean()
    }
}

fn search(scan: &mut Scan<'_>, form: Form) {
    match form {
        Form::Events => stream::read(scan),
        Form::Json => {
            let mut documents = Documents::default();
            documents.read(scan, 0..scan.body.len());
            documents.finish(scan);
        }
        Form::Text | Form::Unreadable => scan.plain(0..scan.body.len()),
    }
}

/// Whether a JSON body may be more than one document, as a document a line.
fn may_be_several(body: &str) -> bool {
    let body = body.as_bytes();
    memchr::memchr_iter(b'{', body).any(|at| {
        let before = &body[..at];
        [&b"}"[..], b"}\n", b"}\r\n"].iter().any(|seam| before.ends_with(seam))
    })
}

/// The text of a body; of one that was cut, without the part of a character at its end. A text
/// with zeros in it is another encoding, which hides what stands in it.
fn text(bytes: &[u8], edge: Edge) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if edge == Edge::Cut && error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    memchr::memchr(0, bytes).is_none().then_some(text)
}
