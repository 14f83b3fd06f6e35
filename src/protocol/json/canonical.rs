//! One form for all texts that mean the same JSON value.
//!
//! Members in the order of their names, no white space, no escapes; numbers stay as they
//! are written, because two that are equal as doubles may not be to their reader. No two
//! values have the same form: every part says where it ends. Must not know: what any
//! member means, or what the form is for.

#[cfg(test)]
mod tests;

use crate::protocol::json::{Cursor, Kind, Malformed, Text};
use std::borrow::Cow;
use std::fmt;

/// More members than this are not put in order: the work and the memory stay bounded.
const MAX_MEMBERS: usize = 1 << 16;
/// Small pieces are given on together, so that a hash can work on many blocks at once.
const BUFFER: usize = 16 * 1024;
/// Ends strings and numbers: it is in no UTF-8 text.
const END: &[u8] = &[0xff];

/// Why a text has no canonical form: two readers may understand two things by it. It is not
/// JSON or not UTF-8, names a member twice, has half a surrogate pair, or more than 65,536
/// members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ambiguous;

impl fmt::Display for Ambiguous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the JSON text may be understood in more than one way")
    }
}

impl std::error::Error for Ambiguous {}

impl From<Malformed> for Ambiguous {
    fn from(_: Malformed) -> Self {
        Self
    }
}

/// What becomes of a member of the outermost object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// It takes part as it is.
    Kept,
    /// It takes no part.
    LeftOut,
    /// This string stands in its place.
    Replaced(&'a str),
}

/// Gives the canonical form of `text` to `sink`, piece by piece. `choose` is asked about
/// each member of the outermost object.
///
/// Takes time in proportion to the text's length, and memory to the number of its members.
///
/// # Errors
/// [`Ambiguous`], possibly after part of the form was given. What is left out is not looked
/// at for half surrogate pairs.
pub fn write_canonical<'a>(
    text: &[u8],
    choose: impl Fn(&str) -> Part<'a>,
    sink: &mut impl FnMut(&[u8]),
) -> Result<(), Ambiguous> {
    std::str::from_utf8(text).map_err(|_| Ambiguous)?;
    let members = Members::of(text)?;
    let buffer = Vec::with_capacity(text.len().min(BUFFER));
    let mut writer = Writer { members, out: Out { buffer, sink } };
    let mut cursor = Cursor::new(text);
    match cursor.kind()? {
        Kind::Object => writer.object(&mut cursor, choose)?,
        _ => writer.value(&mut cursor)?,
    }
    writer.out.flush();
    Ok(())
}

/// All members of all objects in a text, by object and name.
struct Members<'a>(Vec<Member<'a>>);

struct Member<'a> {
    /// Where its object begins.
    object: usize,
    name: Cow<'a, str>,
    /// Where its value begins.
    value: usize,
}

impl<'a> Members<'a> {
    fn of(text: &'a [u8]) -> Result<Self, Ambiguous> {
        let mut members = Self(Vec::new());
        let mut cursor = Cursor::new(text);
        members.collect(&mut cursor)?;
        cursor.end()?;
        members.0.sort_unstable_by(|a, b| (a.object, &a.name).cmp(&(b.object, &b.name)));
        let twice = |pair: &[Member<'_>]| matches!(pair, [a, b] if a.object == b.object && a.name == b.name);
        if members.0.windows(2).any(twice) { Err(Ambiguous) } else { Ok(members) }
    }

    /// The members in the value at the cursor. The cursor bounds the depth.
    fn collect(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Malformed> {
        match cursor.kind()? {
            Kind::Object => {
                let object = cursor.position();
                cursor.members(|cursor, name| {
                    let Some(name) = name.decode().filter(|_| self.0.len() < MAX_MEMBERS) else {
                        return cursor.fault("a name that is not Unicode, or too many members");
                    };
                    self.0.push(Member { object, name, value: cursor.position() });
                    self.collect(cursor)
                })
            }
            Kind::Array => cursor.elements(|cursor| self.collect(cursor)),
            _ => cursor.check().map(|_| ()),
        }
    }

    /// The places in the order of names of those of the object that begins at `start`.
    fn of_object(&self, start: usize) -> std::ops::Range<usize> {
        let first = self.0.partition_point(|member| member.object < start);
        let count = self.0[first..].partition_point(|member| member.object == start);
        first..first + count
    }
}

struct Writer<'a, 's, S> {
    members: Members<'a>,
    out: Out<'s, S>,
}

impl<'a, S: FnMut(&[u8])> Writer<'a, '_, S> {
    /// The value at the cursor, which then stands behind it.
    fn value(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Ambiguous> {
        match cursor.kind()? {
            Kind::Object => return self.object(cursor, |_| Part::Kept),
            Kind::Array => return self.array(cursor),
            Kind::String => {
                let text = cursor.string()?;
                self.out.put(b"s");
                self.out.unescaped(text)?;
                self.out.put(END);
            }
            Kind::Number => {
                let place = cursor.check()?;
                self.out.put(b"d");
                self.out.put(&cursor.text[place]);
                self.out.put(END);
            }
            Kind::True | Kind::False | Kind::Null => {
                let place = cursor.check()?;
                self.out.put(&cursor.text[place.start..=place.start]);
            }
        }
        Ok(())
    }

    fn array(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Ambiguous> {
        self.out.put(b"[");
        let mut written = Ok(());
        let walked = cursor.elements(|cursor| {
            written = self.value(cursor);
            written.or_else(|Ambiguous| cursor.fault("ambiguous"))
        });
        self.out.put(b"]");
        written.and(walked.map_err(Ambiguous::from))
    }

    fn object<'c>(
        &mut self,
        cursor: &mut Cursor<'a>,
        choose: impl Fn(&str) -> Part<'c>,
    ) -> Result<(), Ambiguous> {
        let start = cursor.position();
        let mut end = start + 1;
        self.out.put(b"{");
        for at in self.members.of_object(start) {
            let member = &self.members.0[at];
            cursor.at = member.value;
            let part = choose(&member.name);
            if part != Part::LeftOut {
                self.out.string(&member.name);
            }
            if let Part::Replaced(with) = part {
                self.out.string(with);
            }
            match part {
                Part::Kept => self.value(cursor)?,
                Part::LeftOut | Part::Replaced(_) => cursor.skip()?,
            }
            end = end.max(cursor.at);
        }
        self.out.put(b"}");
        cursor.at = end;
        Ok(cursor.expect(b'}', "expected `}`")?)
    }
}

/// The way to the sink.
struct Out<'s, S> {
    buffer: Vec<u8>,
    sink: &'s mut S,
}

impl<S: FnMut(&[u8])> Out<'_, S> {
    fn put(&mut self, bytes: &[u8]) {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush();
        }
        if bytes.len() > BUFFER {
            (self.sink)(bytes);
        } else {
            self.buffer.extend_from_slice(bytes);
        }
    }

    fn flush(&mut self) {
        if !self.buffer.is_empty() {
            (self.sink)(&self.buffer);
            self.buffer.clear();
        }
    }

    fn string(&mut self, text: &str) {
        self.put(b"s");
        self.put(text.as_bytes());
        self.put(END);
    }

    /// What a string means, run by run.
    fn unescaped(&mut self, text: Text<'_>) -> Result<(), Ambiguous> {
        let mut rest = text.raw();
        while let Some(at) = memchr::memchr(b'\\', rest) {
            self.put(&rest[..at]);
            let (meant, length) = escaped(&rest[at..]).ok_or(Ambiguous)?;
            self.put(meant.encode_utf8(&mut [0; 4]).as_bytes());
            rest = &rest[at + length..];
        }
        self.put(rest);
        Ok(())
    }
}

/// The character that the escape at the start of `text` means, and the escape's length.
fn escaped(text: &[u8]) -> Option<(char, usize)> {
    let meant = match text.get(1)? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return escaped_unicode(text),
        same => char::from(*same),
    };
    Some((meant, 2))
}

/// RFC 8259 §7: characters beyond the basic plane are two escapes.
fn escaped_unicode(text: &[u8]) -> Option<(char, usize)> {
    let first = code_unit(text)?;
    if let Some(meant) = char::from_u32(first) {
        return Some((meant, 6));
    }
    let second = code_unit(&text[6..]).filter(|unit| (0xdc00..0xe000).contains(unit))?;
    let high = first.checked_sub(0xd800).filter(|high| *high < 0x400)?;
    let meant = char::from_u32(0x1_0000 + (high << 10) + (second - 0xdc00))?;
    Some((meant, 12))
}

/// The UTF-16 code unit of the escape `\uXXXX` at the start of `text`.
fn code_unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, &digit| Some(unit * 16 + char::from(digit).to_digit(16)?))
}
