//! A JSON cursor: goes through a text once, front to back, and builds nothing.
//!
//! Owns the grammar (RFC 8259). Two ways past a value: [`Cursor::check`] reads all of it
//! and finds every error; [`Cursor::pass`] only looks for its end, at many times the speed,
//! for texts that someone else will judge. Neither recurses. Must not know: what any
//! member means.

mod canonical;
mod check;
mod find;
#[cfg(test)]
mod tests;
mod text;

pub use canonical::{Ambiguous, Part, write_canonical};
pub use text::Text;

use find::{StringStop, Structure, find};
use std::ops::Range;

/// Objects and arrays may be nested this deep, as in `serde_json`.
pub const MAX_DEPTH: u32 = 127;

/// Why a text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where in the text, in bytes.
    pub at: usize,
    /// What should be there or should not.
    pub what: &'static str,
}

/// A step of the cursor.
pub type Step<T = ()> = Result<T, Malformed>;

/// What a value is, by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Object,
    Array,
    String,
    Number,
    True,
    False,
    Null,
}

/// A place in a text.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    depth: u32,
}

impl<'a> Cursor<'a> {
    /// At the start of `text`, which need not be UTF-8.
    pub const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// Bytes before the next one that is not white space.
    pub fn position(&mut self) -> usize {
        self.skip_space();
        self.at
    }

    /// The kind of the value that begins here.
    pub fn kind(&mut self) -> Step<Kind> {
        match self.peek() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't') => Ok(Kind::True),
            Some(b'f') => Ok(Kind::False),
            Some(b'n') => Ok(Kind::Null),
            _ => self.fault("expected a value"),
        }
    }

    /// Visits the members of the object here; a value of another kind is passed. `visit`
    /// gets the name and must go past the value.
    pub fn members(&mut self, mut visit: impl FnMut(&mut Self, Text<'a>) -> Step) -> Step {
        if self.kind()? != Kind::Object {
            return self.skip();
        }
        self.enter()?;
        if !self.eat(b'}') {
            loop {
                let name = self.name()?;
                visit(self, name)?;
                if !self.eat(b',') {
                    break;
                }
            }
            self.expect(b'}', "expected `,` or `}`")?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// Visits the elements of the array here; a value of another kind is passed. `visit`
    /// must go past the element.
    pub fn elements(&mut self, mut visit: impl FnMut(&mut Self) -> Step) -> Step {
        if self.kind()? != Kind::Array {
            return self.skip();
        }
        self.enter()?;
        if !self.eat(b']') {
            loop {
                visit(self)?;
                if !self.eat(b',') {
                    break;
                }
            }
            self.expect(b']', "expected `,` or `]`")?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// The string here; `None` when the value is something else, which is passed.
    pub fn text(&mut self) -> Step<Option<Text<'a>>> {
        if self.kind()? == Kind::String {
            return self.string().map(Some);
        }
        self.pass().map(|_| None)
    }

    /// The whole number here; `None` when the value is something else, which is passed.
    pub fn count(&mut self) -> Step<Option<u64>> {
        let value = self.pass()?;
        let digits = std::str::from_utf8(&self.text[value]);
        Ok(digits.ok().and_then(|digits| digits.parse().ok()))
    }

    /// Goes past the value here and returns its place. Only its end is looked for: what
    /// is between the brackets may be anything.
    pub fn pass(&mut self) -> Step<Range<usize>> {
        let kind = self.kind()?;
        let start = self.at;
        match kind {
            Kind::Object | Kind::Array => self.close_brackets()?,
            Kind::String => self.string().map(|_| ())?,
            _ => {
                let is_end = |b| matches!(b, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t');
                let rest = &self.text[start..];
                self.at += rest.iter().position(|&b| is_end(b)).unwrap_or(rest.len());
            }
        }
        Ok(start..self.at)
    }

    /// As [`Cursor::pass`], and returns what was passed, as it stands there.
    pub fn passed(&mut self) -> Step<&'a [u8]> {
        self.pass().map(|place| &self.text[place])
    }

    /// As [`Cursor::pass`], where the place does not matter.
    pub fn skip(&mut self) -> Step {
        self.pass().map(|_| ())
    }

    /// Nothing but white space may follow.
    pub fn end(&mut self) -> Step {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.fault("unexpected text after the value"),
        }
    }

    fn enter(&mut self) -> Step {
        if self.depth == MAX_DEPTH {
            return self.fault("nested too deeply");
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    fn name(&mut self) -> Step<Text<'a>> {
        if self.peek() != Some(b'"') {
            return self.fault("expected a member name");
        }
        let name = self.string()?;
        self.expect(b':', "expected `:`")?;
        Ok(name)
    }

    /// The string that begins exactly here.
    fn string(&mut self) -> Step<Text<'a>> {
        let start = self.at;
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at = find::<StringStop>(self.text, self.at);
            match self.text.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Text { quoted: &self.text[start..self.at], escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return self.fault("control character in a string"),
                None => return self.fault("unfinished string"),
            }
        }
    }

    fn escape(&mut self) -> Step {
        let rest = &self.text[self.at + 1..];
        let length = match rest {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|x| x.is_ascii_hexdigit()) => 6,
            _ => return self.fault("invalid escape in a string"),
        };
        self.at += length;
        Ok(())
    }

    /// To the end of the object or array that begins exactly here.
    fn close_brackets(&mut self) -> Step {
        let mut open = 0_usize;
        loop {
            self.at = find::<Structure>(self.text, self.at);
            match self.text.get(self.at) {
                Some(b'"') => self.string().map(|_| ())?,
                Some(b'{' | b'[') => {
                    open += 1;
                    self.at += 1;
                }
                Some(_) => {
                    open -= 1;
                    self.at += 1;
                    if open == 0 {
                        return Ok(());
                    }
                }
                None => return self.fault("unfinished value"),
            }
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Step {
        if self.eat(byte) { Ok(()) } else { self.fault(what) }
    }

    fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    fn fault<T>(&self, what: &'static str) -> Step<T> {
        let what = if self.at >= self.text.len() { "unexpected end" } else { what };
        Err(Malformed { at: self.at, what })
    }
}
