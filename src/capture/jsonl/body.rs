//! A body as members of a line: as JSON, as a text, in base64; whole, cut, or its shape.
//!
//! Must not know: whose body it is.

use crate::capture::{Content, Shape};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The members of a body as they are read.
pub(super) struct Members {
    /// What their names begin with.
    pub(super) name: &'static str,
    pub(super) json: Option<Box<RawValue>>,
    pub(super) text: Option<String>,
    pub(super) base64: Option<String>,
    pub(super) cut: Option<Cut>,
    pub(super) shape: Option<Box<Shape>>,
}

/// What is known of a body of which only the beginning was kept.
#[derive(Serialize, Deserialize)]
pub(super) struct Cut {
    length: u64,
    digest: String,
}

/// The bytes of a body as they are written: the one of three members that is exact.
#[derive(Default)]
pub(super) struct Kept<'a> {
    pub(super) json: Option<&'a RawValue>,
    pub(super) text: Option<&'a str>,
    pub(super) base64: Option<String>,
}

impl Members {
    /// The body that they say.
    pub(super) fn content(self) -> Result<Content, String> {
        let Self { name, json, text, base64, cut, shape } = self;
        let json = json.map(|json| Bytes::from(String::from(Box::<str>::from(json))));
        let base64 = base64.map(|base64| STANDARD.decode(base64).map(Bytes::from)).transpose();
        let base64 = base64.map_err(|_| format!("`{name}_base64` is not base64"))?;
        let forms = [("", json), ("_body", text.map(Bytes::from)), ("_base64", base64)];
        let mut forms = forms.into_iter().filter_map(|(form, kept)| Some((form, kept?)));
        let kept = match (forms.next(), forms.next()) {
            (Some((one, _)), Some((other, _))) => {
                return Err(format!("`{name}{one}` and `{name}{other}` are both there"));
            }
            (kept, _) => kept.map(|(_, kept)| kept),
        };
        match (kept, cut, shape) {
            (None, None, None) => Ok(Content::Unknown),
            (Some(kept), None, None) => Ok(Content::Whole(kept)),
            (None, None, Some(shape)) => Ok(Content::Shape(shape)),
            (kept, Some(cut), None) => {
                let digest = digest(&cut.digest)
                    .ok_or_else(|| format!("`digest` in `{name}_cut` is not one of BLAKE3"))?;
                Ok(Content::Cut { kept: kept.unwrap_or_default(), length: cut.length, digest })
            }
            (_, _, Some(_)) => Err(format!("`{name}_shape` is there beside a body")),
        }
    }
}

impl<'a> Kept<'a> {
    pub(super) fn of(content: &'a Content) -> Self {
        let Some(kept) = content.kept() else { return Self::default() };
        if let Some(json) = one_line_of_json(kept) {
            return Self { json: Some(json), ..Self::default() };
        }
        match std::str::from_utf8(kept) {
            Ok(text) => Self { text: Some(text), ..Self::default() },
            Err(_) => Self { base64: Some(STANDARD.encode(kept)), ..Self::default() },
        }
    }
}

impl Cut {
    pub(super) fn of(content: &Content) -> Option<Self> {
        let Content::Cut { length, digest, .. } = content else { return None };
        let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self { length: *length, digest })
    }
}

/// The shape, where that is what is known of a body.
pub(super) fn shape(content: &Content) -> Option<&Shape> {
    match content {
        Content::Shape(shape) => Some(shape),
        _ => None,
    }
}

/// JSON that can stand in a line as it is. A `null` there would be no body at all.
fn one_line_of_json(bytes: &[u8]) -> Option<&RawValue> {
    let is_one_line = memchr::memchr2(b'\n', b'\r', bytes).is_none();
    let json: &RawValue = is_one_line.then(|| serde_json::from_slice(bytes).ok())??;
    (json.get().len() == bytes.len() && json.get() != "null").then_some(json)
}

fn digest(hex: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if hex.len() != 2 * digest.len() || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in digest.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()?;
    }
    Some(digest)
}
