//! How an error of ours looks to its caller.
//!
//! Owns the JSON of both dialects. Must not know: what went wrong, or why.

use crate::types::{Dialect, TraceId};
use bytes::Bytes;
use serde::{Serialize, Serializer};

/// An answer of ours that is not the model's. The texts must be fit for strangers.
#[derive(Clone, Copy, Debug)]
pub struct ProxyError<'a> {
    /// The HTTP status.
    pub status: u16,
    /// OpenAI's `error.type`, such as `invalid_request_error`.
    pub kind: &'a str,
    /// What went wrong, in words.
    pub message: &'a str,
    /// The request field it is about.
    pub param: Option<&'a str>,
    /// A word that programs can match on.
    pub code: Option<&'a str>,
    /// The trace to ask the operator about.
    pub trace_id: TraceId,
}

/// The body of an error answer, a JSON document.
pub fn error_body(dialect: Dialect, error: &ProxyError<'_>) -> Bytes {
    json(dialect, error).into()
}

/// The error as an event of a stream that has already begun.
pub fn error_event(dialect: Dialect, error: &ProxyError<'_>) -> Bytes {
    [b"data: ", json(dialect, error).as_slice(), b"\n\n"].concat().into()
}

fn json(dialect: Dialect, error: &ProxyError<'_>) -> Vec<u8> {
    let &ProxyError { status, kind, message, param, code, trace_id } = error;
    let written = match dialect {
        Dialect::OpenAi => serde_json::to_vec(&OpenAi {
            error: OpenAiError { message, kind, param, code, trace_id },
        }),
        Dialect::Generic => {
            let data = GenericData { trace_id, kind };
            serde_json::to_vec(&Generic { code: status, message, data })
        }
    };
    // Strings and numbers alone cannot fail to be written.
    written.unwrap_or_default()
}

#[derive(Serialize)]
struct OpenAi<'a> {
    error: OpenAiError<'a>,
}

#[derive(Serialize)]
struct OpenAiError<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    param: Option<&'a str>,
    code: Option<&'a str>,
    #[serde(serialize_with = "as_hex")]
    trace_id: TraceId,
}

#[derive(Serialize)]
struct Generic<'a> {
    code: u16,
    message: &'a str,
    data: GenericData<'a>,
}

#[derive(Serialize)]
struct GenericData<'a> {
    #[serde(serialize_with = "as_hex")]
    trace_id: TraceId,
    #[serde(rename = "type")]
    kind: &'a str,
}

fn as_hex<S: Serializer>(trace_id: &TraceId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(trace_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error() -> ProxyError<'static> {
        ProxyError {
            status: 404,
            kind: "invalid_request_error",
            message: "the model `a\"b\n` does not exist",
            param: Some("model"),
            code: None,
            trace_id: TraceId::mint(|| 0x0123_4567_89ab_cdef),
        }
    }

    #[test]
    fn an_openai_caller_gets_openais_error_object_with_the_trace_id() {
        assert_eq!(
            error_body(Dialect::OpenAi, &error()),
            "{\"error\":{\"message\":\"the model `a\\\"b\\n` does not exist\",\
             \"type\":\"invalid_request_error\",\"param\":\"model\",\"code\":null,\
             \"trace_id\":\"0123456789abcdef0123456789abcdef\"}}"
        );
    }

    #[test]
    fn any_other_caller_gets_code_message_and_data() {
        assert_eq!(
            error_body(Dialect::Generic, &error()),
            "{\"code\":404,\"message\":\"the model `a\\\"b\\n` does not exist\",\
             \"data\":{\"trace_id\":\"0123456789abcdef0123456789abcdef\",\
             \"type\":\"invalid_request_error\"}}"
        );
    }

    #[test]
    fn in_a_stream_an_error_is_one_event() {
        let event = error_event(Dialect::OpenAi, &error());
        let body = event.strip_prefix(b"data: ").and_then(|rest| rest.strip_suffix(b"\n\n"));
        assert_eq!(body, Some(&*error_body(Dialect::OpenAi, &error())));
        assert!(!body.unwrap().contains(&b'\n'));
    }
}
