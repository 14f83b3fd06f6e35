//! Where server-sent events begin and end, and what an event holds.
//!
//! Owns the framing of <https://html.spec.whatwg.org/multipage/server-sent-events.html>.
//! Must not know: what the data means.

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr2};
use std::borrow::Cow;
use std::ops::Range;

/// An event longer than this is not kept, and so not understood.
const MAX_EVENT: usize = 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Cuts a stream into events, however it was cut into chunks.
///
/// Every byte of the stream is in exactly one [`Piece`], in order, but for those of an
/// unfinished event: they are kept until it ends or [`SseSplitter::take_unfinished`].
#[derive(Debug)]
pub struct SseSplitter {
    /// The unfinished event.
    kept: BytesMut,
    /// The current line has no bytes yet.
    at_line_start: bool,
    /// The last chunk ended with a CR: an LF that comes next belongs to it.
    after_cr: bool,
    /// The unfinished event is too long to be kept.
    oversized: bool,
}

/// Some bytes of the stream.
#[derive(Debug)]
pub struct Piece {
    /// What they are.
    pub kind: PieceKind,
    /// Their place in the chunk, or that of their last part.
    pub place: Range<usize>,
    /// The whole piece, where it began in an earlier chunk. Then `place` starts at 0.
    pub joined: Option<Bytes>,
}

/// What a piece of a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
    /// An event, comments or nothing, with the empty line that ends it.
    Event,
    /// The LF of a CR LF whose CR ended the piece before: it shares that one's fate.
    LineFeed,
    /// Part of an event that is too long to be kept.
    Oversized,
    /// The end of an event that is too long to be kept.
    OversizedEnd,
}

/// What an event holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// Its `event` field; empty where there is none.
    pub name: &'a [u8],
    /// Its `data` lines, joined by LF. Empty for comments and pings, which are no events.
    pub data: Cow<'a, [u8]>,
}

impl Default for SseSplitter {
    fn default() -> Self {
        Self { kept: BytesMut::new(), at_line_start: true, after_cr: false, oversized: false }
    }
}

impl SseSplitter {
    /// Calls `on_piece` with each piece that ends in `chunk`. Returns where the rest
    /// begins, which is kept; the chunk's length where there is none.
    pub fn split(&mut self, chunk: &[u8], mut on_piece: impl FnMut(Piece)) -> usize {
        let mut at = 0;
        if self.after_cr && self.is_at_boundary() && chunk.first() == Some(&b'\n') {
            self.after_cr = false;
            at = 1;
            on_piece(Piece { kind: PieceKind::LineFeed, place: 0..at, joined: None });
        }
        while at < chunk.len() {
            let rest = &chunk[at..];
            let end = self.end_of_event(rest);
            let length = end.unwrap_or(rest.len());
            self.oversized |= self.kept.len() + length > MAX_EVENT;
            let kind = match (end, self.oversized) {
                (Some(_), false) => PieceKind::Event,
                (Some(_), true) => PieceKind::OversizedEnd,
                (None, true) => PieceKind::Oversized,
                (None, false) => {
                    self.kept.extend_from_slice(rest);
                    break;
                }
            };
            self.oversized &= end.is_none();
            let place = at..at + length;
            at += length;
            on_piece(Piece { kind, joined: self.join(&chunk[place.clone()]), place });
        }
        at
    }

    /// Whether no event is unfinished.
    pub fn is_at_boundary(&self) -> bool {
        self.kept.is_empty() && !self.oversized
    }

    /// Whether an event is unfinished that is too long to be kept.
    pub fn is_in_oversized(&self) -> bool {
        self.oversized
    }

    /// The bytes of the unfinished event, which is then forgotten.
    pub fn take_unfinished(&mut self) -> Bytes {
        self.kept.split().freeze()
    }

    fn join(&mut self, last: &[u8]) -> Option<Bytes> {
        if self.kept.is_empty() {
            return None;
        }
        self.kept.extend_from_slice(last);
        Some(self.take_unfinished())
    }

    /// The length of what is left of the current event, with the empty line that ends it.
    fn end_of_event(&mut self, text: &[u8]) -> Option<usize> {
        let is_second_half = std::mem::take(&mut self.after_cr) && text.first() == Some(&b'\n');
        let mut at = usize::from(is_second_half);
        while let Some(length) = memchr2(b'\n', b'\r', &text[at..]) {
            let is_empty_line = self.at_line_start && length == 0;
            let line_end = text[at + length];
            at += length + 1;
            if line_end == b'\r' {
                self.after_cr = at == text.len();
                at += usize::from(text.get(at) == Some(&b'\n'));
            }
            self.at_line_start = true;
            if is_empty_line {
                return Some(at);
            }
        }
        self.at_line_start &= at == text.len();
        None
    }
}

impl<'a> SseEvent<'a> {
    /// Reads the lines of an event. A byte order mark is skipped, though only the first
    /// event of a stream may have one.
    pub fn read(lines: &'a [u8]) -> Self {
        let mut event = Self::default();
        let mut rest = lines.strip_prefix(BYTE_ORDER_MARK).unwrap_or(lines);
        let mut data: Option<Cow<'a, [u8]>> = None;
        while !rest.is_empty() {
            let end = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            match field(&rest[..end]) {
                (b"data", value) => match &mut data {
                    None => data = Some(Cow::Borrowed(value)),
                    Some(lines) => {
                        lines.to_mut().push(b'\n');
                        lines.to_mut().extend_from_slice(value);
                    }
                },
                (b"event", name) => event.name = name,
                // Not in the standard, but what llama.cpp sends for an error.
                (b"error", value) => {
                    event.name = b"error";
                    data = Some(Cow::Borrowed(value));
                }
                _ => {}
            }
            // CR LF leaves an empty line behind, which means nothing inside an event.
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        event.data = data.unwrap_or_default();
        event
    }
}

/// A line's name and value. A comment has no name.
fn field(line: &[u8]) -> (&[u8], &[u8]) {
    match memchr(b':', line) {
        Some(colon) => {
            let value = &line[colon + 1..];
            (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
        }
        None => (line, b""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces of a stream that comes in chunks of `size`, and what is left.
    fn pieces(stream: &[u8], size: usize) -> (Vec<(PieceKind, Vec<u8>)>, Vec<u8>) {
        let mut splitter = SseSplitter::default();
        let mut pieces = Vec::new();
        for chunk in stream.chunks(size) {
            let rest = splitter.split(chunk, |piece| {
                let place = &chunk[piece.place];
                let bytes = piece.joined.map_or_else(|| place.to_vec(), |whole| whole.to_vec());
                assert!(bytes.ends_with(place));
                pieces.push((piece.kind, bytes));
            });
            assert_eq!(rest == chunk.len(), splitter.kept.is_empty());
        }
        (pieces, splitter.take_unfinished().to_vec())
    }

    /// Events with the line feeds of cut line ends put back.
    fn events(stream: &str, size: usize) -> (Vec<String>, String) {
        let (pieces, rest) = pieces(stream.as_bytes(), size);
        let mut events: Vec<Vec<u8>> = Vec::new();
        for (kind, bytes) in pieces {
            match (kind, events.last_mut()) {
                (PieceKind::LineFeed, Some(event)) => event.extend(bytes),
                (PieceKind::Event, _) => events.push(bytes),
                other => panic!("{other:?}"),
            }
        }
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (events.into_iter().map(text).collect(), text(rest))
    }

    #[test]
    fn events_are_found_wherever_the_stream_is_cut() {
        let streams: [(&[&str], &str); 6] = [
            (&["data: a\n\n", "data: b\ndata: c\n\n"], ""),
            (&["\u{feff}data: a\r\n\r\n", ": ping\r\n\r\n", "event: x\r\ndata: b\r\n\r\n"], ""),
            (&["data: a\r\r", "data: b\r\r"], "data: c\r"),
            (&["\n", "\r\n", "data: a\r\n\n", "data: b\n\r\n"], "data: é"),
            (&["data: a\n\r", "data: b\r\n\r"], "x"),
            (&[], "data"),
        ];
        for (expected, rest) in streams {
            let stream = expected.concat() + rest;
            for size in 1..=stream.len() {
                let (events, left) = events(&stream, size);
                assert_eq!(
                    (&*events, &*left),
                    (&*expected.iter().map(ToString::to_string).collect::<Vec<_>>(), rest),
                    "{size}"
                );
            }
        }
    }

    #[test]
    fn every_byte_is_in_one_piece_whatever_comes() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..3_000 {
            let stream: Vec<u8> =
                (0..random.usize(..40)).map(|_| b"\r\n:ad "[random.usize(..6)]).collect();
            let whole = pieces(&stream, stream.len().max(1));
            for size in [1, 2, 3, 7] {
                let (pieces, rest) = pieces(&stream, size);
                let ends = |pieces: &[(PieceKind, Vec<u8>)]| {
                    pieces.iter().filter(|(kind, _)| *kind == PieceKind::Event).count()
                };
                assert_eq!(ends(&pieces), ends(&whole.0), "{stream:?}");
                let bytes: Vec<u8> =
                    pieces.into_iter().flat_map(|(_, bytes)| bytes).chain(rest).collect();
                assert_eq!(bytes, stream);
            }
        }
    }

    #[test]
    fn an_event_too_long_to_keep_goes_by_unread_and_the_next_is_found() {
        let long = format!("data: {}\n\n", "x".repeat(MAX_EVENT));
        let stream = format!("data: a\n\n{long}data: b\n\n");
        for size in [1000, 64 * 1024, 4 * MAX_EVENT] {
            let mut splitter = SseSplitter::default();
            let (mut kinds, mut bytes) = (Vec::new(), 0);
            for chunk in stream.as_bytes().chunks(size) {
                splitter.split(chunk, |piece| {
                    bytes += piece.joined.map_or(piece.place.len(), |whole| whole.len());
                    if kinds.last() != Some(&piece.kind) {
                        kinds.push(piece.kind);
                    }
                });
                assert!(splitter.kept.len() <= MAX_EVENT);
                assert!(!splitter.is_at_boundary() || !splitter.is_in_oversized());
            }
            use PieceKind::{Event, Oversized, OversizedEnd};
            kinds.retain(|kind| *kind != Oversized);
            assert_eq!(kinds, [Event, OversizedEnd, Event]);
            assert_eq!(bytes, stream.len());
            assert!(splitter.is_at_boundary());
        }
    }

    #[test]
    fn an_event_is_read_as_the_standard_says() {
        let cases: [(&str, &str, &str); 10] = [
            ("data: {}\n\n", "", "{}"),
            ("data:x\n\n", "", "x"),
            ("data:  x\r\n\r\n", "", " x"),
            (": note\nevent: error\nid: 7\ndata: a\ndata\ndata: b\n\n", "error", "a\n\nb"),
            ("data: a\rdata: b\r\r", "", "a\nb"),
            ("\u{feff}data: a\n\n", "", "a"),
            (": ping\n\n", "", ""),
            ("event: ping\n\n", "ping", ""),
            ("Data: a\ndatax: b\n data: c\n\n", "", ""),
            ("error: {\"code\":500}\n\n", "error", "{\"code\":500}"),
        ];
        for (lines, name, data) in cases {
            let event = SseEvent::read(lines.as_bytes());
            assert_eq!((event.name, &*event.data), (name.as_bytes(), data.as_bytes()), "{lines:?}");
        }
    }
}
