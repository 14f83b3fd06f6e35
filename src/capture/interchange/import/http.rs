//! Requests as exchanges, and messages of HTTP/1.1 as bytes.
//!
//! Must not know: formats of files.

use crate::capture::{CallNote, CallerNote, Content, Exchange, Message, Times};
use crate::protocol::{read_request, recognise};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::{Method, header};
use std::collections::BTreeMap;

/// A request of which nothing else is known yet.
pub(super) fn exchange(
    method: Method,
    path: &str,
    headers: HeaderMap,
    body: Option<Bytes>,
) -> Exchange {
    let call = call(method, path, body.as_deref().unwrap_or_default());
    let body = body.map_or(Content::Unknown, Content::Whole);
    Exchange {
        request_id: None,
        trace_id: None,
        session: None,
        caller: CallerNote::default(),
        call,
        request: Message { headers, body },
        answer: None,
        attempts: Vec::new(),
        times: Times::default(),
        usage: None,
        cost: None,
        outcome: None,
        error: None,
        cache: None,
        redactions: BTreeMap::new(),
    }
}

/// What method, path and body say.
pub(super) fn call(method: Method, path: &str, body: &[u8]) -> CallNote {
    let (dialect, operation) = recognise(&method, path.split('?').next().unwrap_or_default());
    let view = read_request(operation, body).ok().filter(|_| operation.is_inference());
    CallNote {
        method,
        path: path.to_owned(),
        dialect: Some(dialect),
        operation: Some(operation),
        streamed: view.as_ref().map(|view| view.streams()),
        model_asked: view.map(|view| view.model().to_owned()),
        ..CallNote::default()
    }
}

/// The path of a URL with its query, or a path as it is; `None` unless it is of HTTP.
pub(super) fn path_of(url: &str) -> Option<&str> {
    let url = url.split('#').next().unwrap_or_default();
    if url.starts_with('/') {
        return Some(url);
    }
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    Some(rest.find(['/', '?']).map_or("/", |at| &rest[at..]))
}

/// A message on the wire (RFC 9112).
pub(super) struct Wire {
    /// Its first line.
    pub(super) start: String,
    pub(super) headers: HeaderMap,
    /// Without the framing of chunks.
    pub(super) body: Bytes,
    /// Whether all of it is there.
    pub(super) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Whole,
    Cut,
}

impl Wire {
    /// Reads a message; `None` where it is none.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        const END: &[u8] = b"\r\n\r\n";
        let at = memchr::memmem::find(bytes, END)?;
        let (head, body) = (std::str::from_utf8(&bytes[..at]), &bytes[at + END.len()..]);
        let mut lines = head.ok()?.split("\r\n");
        let start = lines.next()?.to_owned();
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(':')?;
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            headers.try_append(name, HeaderValue::from_str(value.trim()).ok()?).ok()?;
        }
        let is_chunked = headers
            .get(TRANSFER_ENCODING)
            .is_some_and(|value| value.as_bytes().to_ascii_lowercase().ends_with(b"chunked"));
        let (body, end) = if is_chunked {
            headers.remove(header::TRANSFER_ENCODING);
            unchunked(body)
        } else {
            let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
            let length = length.and_then(|text| text.parse::<usize>().ok());
            let is_whole = length.is_none_or(|length| length <= body.len());
            let body = &body[..length.unwrap_or(body.len()).min(body.len())];
            (Bytes::copy_from_slice(body), if is_whole { End::Whole } else { End::Cut })
        };
        Some(Self { start, headers, body, end })
    }
}

/// A body without the framing of its chunks (RFC 9112 §7.1), as far as it goes.
fn unchunked(mut rest: &[u8]) -> (Bytes, End) {
    let mut body = Vec::new();
    while let Some(line_end) = memchr::memmem::find(rest, b"\r\n") {
        let size = std::str::from_utf8(&rest[..line_end]).unwrap_or_default();
        let size = size.split(';').next().unwrap_or_default().trim();
        let Ok(size) = usize::from_str_radix(size, 16) else { break };
        rest = &rest[line_end + 2..];
        if size == 0 {
            return (Bytes::from(body), End::Whole);
        }
        let chunk = rest.get(..size).unwrap_or(rest);
        body.extend_from_slice(chunk);
        rest = rest.get(chunk.len() + 2..).unwrap_or_default();
    }
    (Bytes::from(body), End::Cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_lose_their_framing_and_a_missing_end_is_seen() {
        let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        let read = |body: &str| {
            let wire = Wire::read(format!("{head}{body}").as_bytes()).unwrap();
            assert!(wire.headers.is_empty());
            (String::from_utf8(wire.body.to_vec()).unwrap(), wire.end)
        };
        assert_eq!(read("3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n").0, "abc0123456789");
        assert_eq!(read("3\r\nabc\r\n0\r\n\r\n").1, End::Whole);
        for cut in ["", "3\r\nab", "3\r\nabc\r\n", "x\r\n", "ffffffffffffffffff\r\n"] {
            assert_eq!(read(cut).1, End::Cut, "{cut}");
        }
    }

    #[test]
    fn a_length_is_believed_as_far_as_there_are_bytes() {
        let read = |text: &str| Wire::read(text.as_bytes()).unwrap();
        let wire = read("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nabc");
        assert_eq!((&wire.body[..], wire.end), (&b"ab"[..], End::Whole));
        let wire = read("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc");
        assert_eq!((&wire.body[..], wire.end), (&b"abc"[..], End::Cut));
        assert!(Wire::read(b"GET / HTTP/1.1\r\nno colon\r\n\r\n").is_none());
        assert!(Wire::read(b"GET / HTTP/1.1\r\n").is_none());
    }

    #[test]
    fn a_url_has_a_path() {
        for (url, path) in [
            ("https://h:1/v1/x?a=b#c", Some("/v1/x?a=b")),
            ("http://h", Some("/")),
            ("/v1/x", Some("/v1/x")),
            ("wss://h/x", None),
            ("data:x", None),
        ] {
            assert_eq!(path_of(url), path);
        }
    }
}
