//! Headers as members of a line.
//!
//! Must not know: which headers may be written down.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;

/// Headers as they are read.
pub(super) type Headers = BTreeMap<String, Values>;

/// A value, or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Values {
    One(Value),
    Many(Vec<Value>),
}

/// A value.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum Value {
    Text(String),
    Bytes { base64: String },
}

/// Headers as they are meant.
pub(super) fn read(written: Headers) -> Result<HeaderMap, String> {
    const BAD: &str = "there are headers with a name or a value that HTTP does not allow";
    let mut headers = HeaderMap::new();
    for (name, values) in written {
        let name = HeaderName::try_from(name).map_err(|_| BAD)?;
        let values = match values {
            Values::One(value) => vec![value],
            Values::Many(values) => values,
        };
        for value in values {
            let bytes = match value {
                Value::Text(text) => text.into_bytes(),
                Value::Bytes { base64 } => STANDARD.decode(base64).map_err(|_| BAD)?,
            };
            let value = HeaderValue::from_maybe_shared(bytes::Bytes::from(bytes));
            headers.try_append(name.clone(), value.map_err(|_| BAD)?).map_err(|_| BAD)?;
        }
    }
    Ok(headers)
}

/// Headers as they are written.
pub(in crate::capture) struct Written<'a>(pub(in crate::capture) &'a HeaderMap);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for name in self.0.keys() {
            let values: Vec<Value> = self.0.get_all(name).iter().map(value).collect();
            match values.as_slice() {
                [one] => map.serialize_entry(name.as_str(), one)?,
                many => map.serialize_entry(name.as_str(), many)?,
            }
        }
        map.end()
    }
}

fn value(value: &HeaderValue) -> Value {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => Value::Text(text.to_owned()),
        Err(_) => Value::Bytes { base64: STANDARD.encode(value) },
    }
}
