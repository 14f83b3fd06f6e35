//! The model list: read from upstreams, written for callers.
//!
//! Owns the JSON of OpenAI's `/v1/models`. Must not know: which models there are.

use crate::protocol::json::{Cursor, Kind, Malformed};
use crate::protocol::request::is_model_name;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

/// Entries beyond this many are refused.
const MAX_ENTRIES: usize = 10_000;

/// A model as an upstream describes it.
#[derive(Clone, Debug)]
pub struct ModelEntry {
    /// Its name there.
    pub id: String,
    /// The whole entry, `id` included, as it came.
    pub raw: Box<RawValue>,
}

/// Why an answer is not a model list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelListError {
    /// It is not JSON.
    NotJson,
    /// It is JSON without an array (or null) named `data`.
    NotAList,
    /// It has more than 10,000 entries.
    TooLong,
}

impl std::fmt::Display for ModelListError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotJson => "the model list is not valid JSON",
            Self::NotAList => "the model list has no array named `data`",
            Self::TooLong => "the model list has more than 10000 entries",
        })
    }
}

impl std::error::Error for ModelListError {}

/// Reads the answer to `GET /v1/models`, in its order. Entries without a usable id are
/// left out.
///
/// # Errors
/// When it is no model list, or one that is too long.
pub fn parse_models(body: &[u8]) -> Result<Vec<ModelEntry>, ModelListError> {
    let text = std::str::from_utf8(body).map_err(|_| ModelListError::NotJson)?;
    let not_json = |_: Malformed| ModelListError::NotJson;
    let mut document = Cursor::new(body);
    document.check().and_then(|_| document.end()).map_err(not_json)?;

    let mut data = None;
    let is_object = Cursor::new(body).kind() == Ok(Kind::Object);
    let mut members = Cursor::new(body);
    let walked = members.members(|value, name| {
        let found = (value.kind()?, value.pass()?);
        if *name.bytes() == *b"data" {
            data = Some(found);
        }
        Ok(())
    });
    walked.map_err(not_json)?;
    match data {
        // Ollama's way to say that it has none.
        Some((Kind::Null, _)) => Ok(Vec::new()),
        Some((Kind::Array, place)) if is_object => entries(&text[place]),
        _ => Err(ModelListError::NotAList),
    }
}

/// The answer to `GET /v1/models`. Each entry must be a JSON object, as [`model_entry`]
/// and [`ModelEntry::raw`] are.
pub fn models_list(entries: impl IntoIterator<Item = impl AsRef<str>>) -> Bytes {
    let mut list = String::from("{\"object\":\"list\",\"data\":[");
    for (position, entry) in entries.into_iter().enumerate() {
        if position > 0 {
            list.push(',');
        }
        list.push_str(entry.as_ref());
    }
    list.push_str("]}");
    list.into()
}

/// The entry of a model about which no more is known than its name.
pub fn model_entry(id: &str, owned_by: &str) -> String {
    let entry = Entry { id, object: "model", created: 0, owned_by };
    // Strings and numbers alone cannot fail to be written.
    serde_json::to_string(&entry).unwrap_or_default()
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    object: &'a str,
    created: u64,
    owned_by: &'a str,
}

fn entries(array: &str) -> Result<Vec<ModelEntry>, ModelListError> {
    let mut found = Vec::new();
    let mut count = 0_usize;
    let mut cursor = Cursor::new(array.as_bytes());
    let walked = cursor.elements(|value| {
        count += 1;
        let raw = &array[value.pass()?];
        if count <= MAX_ENTRIES {
            found.extend(entry(raw));
        }
        Ok(())
    });
    match walked {
        Err(_) => Err(ModelListError::NotJson),
        Ok(()) if count > MAX_ENTRIES => Err(ModelListError::TooLong),
        Ok(()) => Ok(found),
    }
}

fn entry(raw: &str) -> Option<ModelEntry> {
    let mut id = None;
    let mut cursor = Cursor::new(raw.as_bytes());
    let walked = cursor.members(|value, name| {
        match &*name.bytes() {
            b"id" => id = value.text()?,
            _ => value.skip()?,
        }
        Ok(())
    });
    walked.ok()?;
    let id = id?.decode().filter(|id| is_model_name(id))?.into_owned();
    Some(ModelEntry { id, raw: RawValue::from_string(raw.to_owned()).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(body: &str) -> Result<Vec<String>, ModelListError> {
        Ok(parse_models(body.as_bytes())?.into_iter().map(|entry| entry.id).collect())
    }

    #[test]
    fn a_list_is_read_with_every_entry_as_it_came() {
        let body = r#"{"object":"list","data":[
            {"id":"a/b:8b","object":"model", "meta":{"n_ctx":4096}},
            {"id":"caf\u00e9"}, 7, {}, {"id":null}, {"id":""}, {"id":"x\ny"}]}"#;
        assert_eq!(ids(body), Ok(vec!["a/b:8b".into(), "café".into()]));
        let entries = parse_models(body.as_bytes()).unwrap();
        let raw = r#"{"id":"a/b:8b","object":"model", "meta":{"n_ctx":4096}}"#;
        assert_eq!(entries[0].raw.get(), raw);
    }

    #[test]
    fn what_is_no_list_is_refused_and_none_at_all_is_empty() {
        assert_eq!(ids("{\"object\":\"list\",\"data\":null}"), Ok(vec![]));
        assert_eq!(ids("{\"data\":[]}"), Ok(vec![]));
        for body in ["[]", "{}", "null", "{\"data\":{}}", "{\"error\":{}}", "7"] {
            assert_eq!(ids(body), Err(ModelListError::NotAList), "{body}");
        }
        for body in ["", "<html>", "{\"data\":[", "{\"data\":[]} x", "{\"data\":[{\"id\":tru}]}"] {
            assert_eq!(ids(body), Err(ModelListError::NotJson), "{body}");
        }
        let entry = "{\"id\":\"m\"},";
        let long = |count| format!("{{\"data\":[{}]}}", entry.repeat(count).trim_end_matches(','));
        assert_eq!(ids(&long(MAX_ENTRIES)).map(|ids| ids.len()), Ok(MAX_ENTRIES));
        assert_eq!(ids(&long(MAX_ENTRIES + 1)), Err(ModelListError::TooLong));
    }

    #[test]
    fn a_written_list_is_read_back() {
        let written = models_list([model_entry("a\"b", "transom"), model_entry("c", "me")]);
        assert_eq!(
            ids(std::str::from_utf8(&written).unwrap()),
            Ok(vec!["a\"b".into(), "c".into()])
        );
        assert_eq!(models_list([""; 0]), "{\"object\":\"list\",\"data\":[]}");
        let entry = r#"{"id":"c","object":"model","created":0,"owned_by":"me"}"#;
        assert_eq!(model_entry("c", "me"), entry);
    }
}
