//! The way past a value that reads all of it.
//!
//! Owns the grammar of what [`Cursor::pass`] skips. Must not know: what any member means.

use crate::protocol::json::{Cursor, Kind, Step};
use std::ops::Range;

impl Cursor<'_> {
    /// Goes past the value here, reading all of it, and returns its place.
    ///
    /// Strings may hold lone surrogate escapes, and numbers may be of any size: RFC 8259
    /// allows both and leaves them to the receiver.
    pub fn check(&mut self) -> Step<Range<usize>> {
        self.skip_space();
        let start = self.at;
        let mut open = Nesting::default();
        loop {
            match self.kind()? {
                kind @ (Kind::Object | Kind::Array) => {
                    self.enter()?;
                    open.push(kind);
                    if !self.eat(open.closing()) {
                        if kind == Kind::Object {
                            self.name()?;
                        }
                        continue;
                    }
                    self.depth -= 1;
                    open.pop();
                }
                Kind::String => self.string().map(|_| ())?,
                Kind::Number => self.number()?,
                Kind::True => self.word(b"true")?,
                Kind::False => self.word(b"false")?,
                Kind::Null => self.word(b"null")?,
            }
            if !self.next_value(&mut open)? {
                return Ok(start..self.at);
            }
        }
    }

    /// After a value: closes what ends here. False when nothing is open any more, true
    /// when another value is due.
    fn next_value(&mut self, open: &mut Nesting) -> Step<bool> {
        while !open.is_empty() {
            if self.eat(b',') {
                if open.in_object() {
                    self.name()?;
                }
                return Ok(true);
            }
            let what = if open.in_object() { "expected `,` or `}`" } else { "expected `,` or `]`" };
            self.expect(open.closing(), what)?;
            self.depth -= 1;
            open.pop();
        }
        Ok(false)
    }

    fn number(&mut self) -> Step {
        if self.text[self.at] == b'-' {
            self.at += 1;
        }
        match self.text.get(self.at) {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Step {
        let rest = &self.text[self.at..];
        let count = rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
        if count == 0 {
            return self.fault("expected a digit");
        }
        self.at += count;
        Ok(())
    }

    fn word(&mut self, word: &[u8]) -> Step {
        if !self.text[self.at..].starts_with(word) {
            return self.fault("expected a value");
        }
        self.at += word.len();
        Ok(())
    }
}

/// What is open around a value: one bit a level, set for objects.
#[derive(Default)]
struct Nesting {
    objects: u128,
    levels: u32,
}

impl Nesting {
    fn push(&mut self, kind: Kind) {
        self.objects = (self.objects << 1) | u128::from(kind == Kind::Object);
        self.levels += 1;
    }

    fn pop(&mut self) {
        self.objects >>= 1;
        self.levels -= 1;
    }

    const fn is_empty(&self) -> bool {
        self.levels == 0
    }

    const fn in_object(&self) -> bool {
        self.objects & 1 == 1
    }

    const fn closing(&self) -> u8 {
        if self.in_object() { b'}' } else { b']' }
    }
}
