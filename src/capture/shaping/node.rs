//! A JSON document as a tree that borrows its texts.
//!
//! Must not know: what any member means.

use crate::protocol::{JsonCursor, JsonKind};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::capture) enum Node<'a> {
    /// `null`, `true` or `false`.
    Word,
    /// A number.
    Number(f64),
    /// A string.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Self>),
    /// An object.
    Object(Vec<(Cow<'a, str>, Self)>),
}

/// The members of an object, each as it stands there: whether it is JSON is found out when it is
/// read.
#[derive(Debug, Default)]
pub(in crate::capture) struct Members<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Members<'a> {
    /// Reads a body; `None` when it is not a JSON object.
    pub(in crate::capture) fn read(body: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let (mut cursor, mut members) = (JsonCursor::new(body), Vec::with_capacity(8));
        if cursor.kind() != Ok(JsonKind::Object) {
            return None;
        }
        let read = cursor.members(|cursor, name| {
            let value = &text[cursor.pass()?];
            members.push((name.decode().unwrap_or_default(), value));
            Ok(())
        });
        read.and_then(|()| cursor.end()).ok().map(|()| Self(members))
    }

    /// The last member of that name, as it stands there.
    pub(in crate::capture) fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(other, _)| other == name).map(|(_, value)| *value)
    }

    /// The last member of that name.
    pub(in crate::capture) fn get(&self, name: &str) -> Option<Node<'a>> {
        Node::read(self.raw(name)?.as_bytes())
    }

    /// The text of the last member of that name, if it is one.
    pub(in crate::capture) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        serde_json::from_str::<Text<'a>>(self.raw(name)?).ok().map(|text| text.0)
    }
}

impl<'a> Node<'a> {
    /// Reads a document; `None` when it is not JSON.
    pub(in crate::capture) fn read(json: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// The last member of that name.
    pub(in crate::capture) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// The text, if it is one.
    pub(in crate::capture) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The text of a member.
    pub(in crate::capture) fn text_of(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Self::text)
    }

    /// The elements, if it is a list.
    pub(in crate::capture) fn elements(&self) -> &[Self] {
        if let Self::List(elements) = self { elements } else { &[] }
    }

    /// The whole number, if it is one.
    pub(in crate::capture) fn count(&self) -> Option<u64> {
        match self {
            Self::Number(number) if (0.0..9e15).contains(number) => Some(*number as u64),
            _ => None,
        }
    }
}

struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Node::deserialize(deserializer)? {
            Node::Text(text) => Ok(Self(text)),
            _ => Err(D::Error::custom("not a text")),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Node<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Word)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node<'de>, E> {
        Ok(Node::Word)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node<'de>, E> {
        Ok(Node::Number(number as f64))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node<'de>, E> {
        Ok(Node::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node<'de>, E> {
        Ok(Node::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Node<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node<'de>, A::Error> {
        let mut object = Vec::new();
        while let Some((name, value)) = members.next_entry::<Text<'de>, _>()? {
            object.push((name.0, value));
        }
        Ok(Node::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_without_escapes_are_borrowed() {
        let json = br#"{"a": ["x", "\u0079", 1, -2.5, null], "b": {"a": true}, "b": "last"}"#;
        let node = Node::read(json).unwrap();
        let elements = node.get("a").unwrap().elements();
        assert!(matches!(&elements[0], Node::Text(Cow::Borrowed("x"))));
        assert_eq!((elements[1].text(), elements[2].count()), (Some("y"), Some(1)));
        assert_eq!((elements[3].count(), node.text_of("b")), (None, Some("last")));
        let members = Members::read(json).unwrap();
        assert_eq!(members.raw("b"), Some("\"last\""));
        assert_eq!(members.text("b").unwrap(), "last");
        assert!(members.text("a").is_none() && members.get("c").is_none());
    }

    #[test]
    fn what_is_no_json_is_nothing() {
        for json in ["", "{", "[1,]", "{\"a\":1} x"] {
            assert!(Node::read(json.as_bytes()).is_none(), "{json}");
        }
        assert!(Members::read(b"[1]").is_none());
        assert!(Node::read("[".repeat(100_000).as_bytes()).is_none());
    }
}
