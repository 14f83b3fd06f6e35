//! A text that is put together from parts of a body, and where each part stands there.
//!
//! Secrets are looked for in what a text means: with escapes resolved, with the pieces of a
//! stream joined. A view leads from a place in that text back to the bytes of the body, so
//! that nothing else has to change. Must not know: what is looked for.

use crate::capture::redact::escape;
use std::borrow::Cow;
use std::ops::Range;

/// A text and its source.
#[derive(Clone, Debug, Default)]
pub(super) struct View<'a> {
    text: Cow<'a, str>,
    /// In the order of the text.
    runs: Vec<Run>,
}

/// A part of the text, up to the next one. As long as its source where it is the same.
#[derive(Clone, Debug)]
struct Run {
    at: usize,
    source: Range<usize>,
}

impl<'a> View<'a> {
    /// A text that stands in the body as it is, from `at` on.
    pub(super) fn verbatim(text: &'a str, at: usize) -> Self {
        Self { text: Cow::Borrowed(text), runs: vec![Run { at: 0, source: at..at + text.len() }] }
    }

    /// What is between the quotes of a JSON string that stands in the body from `at` on.
    pub(super) fn json(quoted: &'a str, at: usize) -> Self {
        if memchr::memchr(b'\\', quoted.as_bytes()).is_none() {
            return Self::verbatim(quoted, at);
        }
        let mut view = Self::default();
        view.push_json(quoted, at);
        view
    }

    /// What a text would mean to whoever resolves the escapes in it, however deep; `None` for
    /// a text without escapes. See [`escape::loose`].
    pub(super) fn loosely(text: &'a str) -> Option<Self> {
        let first = escape::loose_start(text)?;
        let mut view = Self::default();
        view.push_escaped(text, first, escape::loose_start, escape::loose);
        Some(view)
    }

    /// Adds what is between the quotes of another JSON string.
    pub(super) fn push_json(&mut self, quoted: &str, at: usize) {
        let backslash = |text: &str| memchr::memchr(b'\\', text.as_bytes());
        match backslash(quoted) {
            None => self.push(quoted, at..at + quoted.len()),
            Some(first) => {
                let mut view = View::default();
                view.push_escaped(quoted, first, backslash, escape::json);
                self.append(&view, at);
            }
        }
    }

    /// Adds a text that stands for `source`.
    pub(super) fn push(&mut self, text: &str, source: Range<usize>) {
        if text.is_empty() {
            return;
        }
        self.runs.push(Run { at: self.text.len(), source });
        self.text.to_mut().push_str(text);
    }

    /// The text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where the last part of it ends in the body.
    pub(super) fn end(&self) -> usize {
        self.runs.last().map_or(0, |run| run.source.end)
    }

    /// Where a part of the text stands in the body: in one place or, of joined pieces, in
    /// several. An escape of which a part is meant is meant as a whole.
    pub(super) fn places(&self, part: Range<usize>) -> Vec<Range<usize>> {
        let first = self.runs.partition_point(|run| run.at <= part.start).saturating_sub(1);
        let mut places: Vec<Range<usize>> = Vec::new();
        for (index, Run { at, source }) in self.runs.iter().enumerate().skip(first) {
            if *at >= part.end {
                break;
            }
            let end = self.runs.get(index + 1).map_or(self.text.len(), |next| next.at);
            let place = if end - at == source.len() {
                let begin = source.start + part.start.saturating_sub(*at);
                begin..source.start + part.end.min(end) - at
            } else {
                source.clone()
            };
            match places.last_mut() {
                Some(last) if last.end == place.start => last.end = place.end,
                _ => places.push(place),
            }
        }
        places
    }

    /// From the first to the last byte that a part of the text stands for.
    pub(super) fn span(&self, part: Range<usize>) -> Range<usize> {
        let places = self.places(part);
        let begin = places.first().map_or(0, |first| first.start);
        begin..places.last().map_or(begin, |last| last.end)
    }

    /// Resolves escapes: `find` looks for the next one, whose meaning and length `read` tells.
    fn push_escaped(
        &mut self,
        text: &str,
        first: usize,
        find: fn(&str) -> Option<usize>,
        read: fn(&str) -> Option<(char, usize)>,
    ) {
        let (mut done, mut at) = (0, first);
        loop {
            match read(&text[at..]) {
                Some((meant, length)) => {
                    self.push(&text[done..at], done..at);
                    self.push(meant.encode_utf8(&mut [0; 4]), at..at + length);
                    done = at + length;
                    at = done;
                }
                // Not an escape after all. A run of backslashes is none at any of them.
                None => at += text[at..].bytes().take_while(|b| *b == b'\\').count().max(1),
            }
            match find(&text[at..]) {
                Some(next) => at += next,
                None => break,
            }
        }
        self.push(&text[done..], done..text.len());
    }

    fn append(&mut self, other: &View<'_>, offset: usize) {
        let begin = self.text.len();
        self.text.to_mut().push_str(&other.text);
        self.runs.extend(other.runs.iter().map(|run| Run {
            at: begin + run.at,
            source: run.source.start + offset..run.source.end + offset,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where parts of a text stand: from there to there.
    fn places(view: &View<'_>, part: Range<usize>) -> Vec<(usize, usize)> {
        view.places(part).into_iter().map(|place| (place.start, place.end)).collect()
    }

    #[test]
    fn a_place_in_a_text_without_escapes_is_that_in_the_body() {
        let view = View::json("plain text", 7);
        assert_eq!((view.text(), places(&view, 0..5)), ("plain text", vec![(7, 12)]));
        assert_eq!(places(&view, 6..10), [(13, 17)]);
    }

    #[test]
    fn an_escape_is_meant_as_a_whole() {
        let view = View::json(r"a\u0062c\n\ud83d\ude00d", 100);
        assert_eq!(view.text(), "abc\n😀d");
        assert_eq!(places(&view, 1..2), [(101, 107)]);
        assert_eq!(places(&view, 0..3), [(100, 108)]);
        assert_eq!(places(&view, 5..6), [(110, 122)]);
        assert_eq!(places(&view, 4..9), [(110, 123)]);
    }

    #[test]
    fn the_pieces_of_a_joined_text_have_a_place_each() {
        let mut view = View::default();
        view.push_json("sec", 10);
        view.push_json("", 50);
        view.push_json(r"r\u0065t", 90);
        assert_eq!(view.text(), "secret");
        assert_eq!(places(&view, 2..5), [(12, 13), (90, 97)]);
        assert_eq!(view.span(0..6), 10..98);
    }

    #[test]
    fn escapes_of_any_depth_are_seen_through() {
        let meant = |text| View::loosely(text).map(|view| view.text().to_owned());
        assert_eq!(meant("nothing here"), None);
        assert_eq!(meant(r#"{\"k\":\"\\u0073k\"}"#).unwrap(), r#"{"k":"sk"}"#);
        assert_eq!(meant(r"\\\\u0073\\x6b\u{2d}1").unwrap(), "sk-1");
        assert_eq!(meant("a%40b%2Ecom 100%").unwrap(), "a@b.com 100%");
        assert_eq!(meant(r"C:\dir\é").unwrap(), r"C:\dir\é");
        let view = View::loosely(r"x\\u0073k").unwrap();
        assert_eq!(places(&view, 1..3), [(1, 9)]);
    }
}
