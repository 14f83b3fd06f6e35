//! A JSON object whose members keep their order and their very text.
//!
//! Must not know: what members mean.

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::fmt;

/// An object, borrowed from a body.
pub(super) struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Object<'a> {
    /// Reads a body; `None` where it is no object.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// The text of a member; that of the last one where a name is there twice.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let member = self.0.iter().rev().find(|(member, _)| member == name);
        member.map(|(_, value)| value.get())
    }

    /// The value of a member, where it is a `T`.
    pub(super) fn value<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.get(name)?).ok()
    }

    /// Whether a member is a list.
    pub(super) fn has_list(&self, name: &str) -> bool {
        self.get(name).is_some_and(|text| text.starts_with('['))
    }

    /// Takes members out.
    pub(super) fn remove(&mut self, names: &[&str]) {
        self.0.retain(|(member, _)| !names.contains(&member.as_str()));
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Members).map(Object)
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// JSON on one line. A string of JSON has no line breaks of its own (RFC 8259 §7), so all
/// of them are white space.
pub(super) fn on_one_line(json: &[u8]) -> Vec<u8> {
    let blank = |byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte };
    json.trim_ascii().iter().map(blank).collect()
}

/// JSON of what cannot fail to have one, on one line.
pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    let json = serde_json::to_vec(value).unwrap_or_default();
    on_one_line(&json)
}
