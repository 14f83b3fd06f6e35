//! The tokens of a JSON text, with their places, as far as it is one.
//!
//! Unlike the cursor of `protocol` this goes on through everything and says where it stopped,
//! so that the beginning of a body that was cut can be read too. Between tokens it also passes
//! what stands there when a document is spread over the `data` lines of an event. Must not
//! know: what any member means.

use std::ops::Range;

/// Deeper objects and arrays are not read.
const MAX_DEPTH: usize = 1024;

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// An object or an array begins at that byte.
    Open(Container, usize),
    /// The last one that began ends before that byte.
    Close(usize),
    /// The name of a member: what is between its quotes.
    Name(Range<usize>),
    /// A string: what is between its quotes. One without an end goes to that of the text.
    Text(Range<usize>),
    /// A number, `true`, `false` or `null`.
    Other(Range<usize>),
}

/// What holds values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    /// An object.
    Object,
    /// An array.
    Array,
}

/// Where the tokens end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// A value was read to its end.
    Whole(usize),
    /// What comes from here on is not JSON, or there is no more.
    Broken(usize),
}

/// The tokens of one value.
pub(super) struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
    open: Vec<Container>,
    due: Due,
    end: Option<End>,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    Value,
    ValueOrClose,
    NameOrClose,
    Name,
    CommaOrClose,
}

impl<'a> Tokens<'a> {
    /// Of the value that begins at `at`.
    pub(super) fn new(text: &'a str, at: usize) -> Self {
        let text = text.as_bytes();
        Self { text, at, open: Vec::new(), due: Due::Value, end: None }
    }

    /// Where they ended.
    pub(super) fn end(&self) -> End {
        self.end.unwrap_or(End::Broken(self.at))
    }

    fn read(&mut self) -> Option<Token> {
        self.skip_space();
        if self.due == Due::CommaOrClose && self.peek() == Some(b',') {
            self.at += 1;
            self.due = match self.open.last()? {
                Container::Object => Due::Name,
                Container::Array => Due::Value,
            };
            self.skip_space();
        }
        let begin = self.at;
        match (self.peek()?, self.due) {
            (b'}' | b']', Due::CommaOrClose | Due::NameOrClose | Due::ValueOrClose) => self.close(),
            (b'"', Due::Name | Due::NameOrClose) => {
                let name = self.literal();
                self.skip_space();
                if self.peek() == Some(b':') {
                    self.at += 1;
                    self.due = Due::Value;
                } else {
                    self.end = Some(End::Broken(self.at));
                }
                Some(Token::Name(name))
            }
            (b'"', Due::Value | Due::ValueOrClose) => {
                self.due = Due::CommaOrClose;
                Some(Token::Text(self.literal()))
            }
            (b'{', Due::Value | Due::ValueOrClose) => {
                self.open(Container::Object, Due::NameOrClose)
            }
            (b'[', Due::Value | Due::ValueOrClose) => {
                self.open(Container::Array, Due::ValueOrClose)
            }
            (b'-' | b'0'..=b'9' | b'a'..=b'z', Due::Value | Due::ValueOrClose) => {
                let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.');
                let rest = &self.text[begin..];
                self.at += rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
                self.due = Due::CommaOrClose;
                is_scalar(&self.text[begin..self.at]).then_some(Token::Other(begin..self.at))
            }
            _ => None,
        }
        .or_else(|| {
            self.end = Some(End::Broken(begin));
            None
        })
    }

    fn open(&mut self, container: Container, due: Due) -> Option<Token> {
        if self.open.len() == MAX_DEPTH {
            return None;
        }
        self.open.push(container);
        self.due = due;
        self.at += 1;
        Some(Token::Open(container, self.at - 1))
    }

    fn close(&mut self) -> Option<Token> {
        let closing = match self.open.last()? {
            Container::Object => b'}',
            Container::Array => b']',
        };
        if self.peek() != Some(closing) {
            return None;
        }
        self.open.pop();
        self.at += 1;
        self.due = Due::CommaOrClose;
        Some(Token::Close(self.at))
    }

    /// What is between the quotes of the string that begins here.
    fn literal(&mut self) -> Range<usize> {
        let begin = self.at + 1;
        let mut at = begin;
        while let Some(length) = self.text.get(at..).and_then(|t| memchr::memchr2(b'"', b'\\', t)) {
            at += length;
            if self.text[at] == b'"' {
                self.at = at + 1;
                return begin..at;
            }
            at += 2;
        }
        self.at = self.text.len();
        self.end = Some(End::Broken(self.at));
        begin..self.at
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(byte @ (b' ' | b'\n' | b'\r' | b'\t')) = self.peek() {
            self.at += 1;
            if byte != b' ' && self.text[self.at..].starts_with(b"data:") {
                self.at += b"data:".len();
            }
        }
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if self.end.is_some() {
            return None;
        }
        let token = self.read();
        if self.open.is_empty() && self.due == Due::CommaOrClose && self.end.is_none() {
            self.end = Some(End::Whole(self.at));
        }
        token
    }
}

fn is_scalar(text: &[u8]) -> bool {
    match text {
        b"true" | b"false" | b"null" => true,
        [b'-' | b'0'..=b'9', ..] => {
            text.iter().all(|b| !b.is_ascii_alphabetic() || b | 0x20 == b'e')
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> (Vec<String>, End) {
        let mut tokens = Tokens::new(text, 0);
        let told = tokens.by_ref().map(|token| match token {
            Token::Open(container, _) => format!("{container:?}"),
            Token::Close(_) => "close".to_owned(),
            Token::Name(name) => format!("{}:", &text[name]),
            Token::Text(value) => format!("'{}'", &text[value]),
            Token::Other(place) => text[place].to_owned(),
        });
        (told.collect(), tokens.end())
    }

    #[test]
    fn a_value_is_read_to_its_end() {
        let text = r#" {"a": [1, -2.5e3, true, "x\"y", {}], "b": null, "c": {"d": []}} {"#;
        let (told, end) = tokens(text);
        let expected = "Object a: Array 1 -2.5e3 true 'x\\\"y' Object close close b: null c: \
            Object d: Array close close close";
        assert_eq!(told.join(" "), expected);
        assert_eq!(end, End::Whole(text.len() - 2));
        for text in ["1", "\"a\"", "null", "[]"] {
            assert_eq!(tokens(text).1, End::Whole(text.len()), "{text}");
        }
    }

    #[test]
    fn where_it_breaks_is_told() {
        let cases = [
            ("", 0, ""),
            (r#"{"a": "b"#, 8, "Object a: 'b'"),
            (r#"{"a": "b\"#, 9, "Object a: 'b\\'"),
            (r#"{"a"#, 3, "Object a:"),
            (r#"{"a": tru"#, 6, "Object a:"),
            (r#"{"a": 1,"#, 8, "Object a: 1"),
            (r#"{a: 1}"#, 1, "Object"),
            (r#"{"a" 1}"#, 5, "Object a:"),
            (r#"[1 2]"#, 3, "Array 1"),
            (r#"[1}"#, 2, "Array 1"),
            (r#"[,1]"#, 1, "Array"),
            (r#"{"a":1,}"#, 7, "Object a: 1"),
            ("hello", 0, ""),
        ];
        for (text, at, told) in cases {
            assert_eq!(
                tokens(text),
                (told.split_whitespace().map(String::from).collect(), End::Broken(at)),
                "{text}"
            );
        }
        let deep = "[".repeat(MAX_DEPTH + 1);
        assert_eq!(tokens(&deep).1, End::Broken(MAX_DEPTH));
    }

    #[test]
    fn a_document_may_be_spread_over_lines_of_data() {
        let (told, end) = tokens("{\"a\":\ndata: 1,\r\ndata:\"b\": 2}");
        assert_eq!((told.join(" ").as_str(), end), ("Object a: 1 b: 2 close", End::Whole(28)));
    }
}
