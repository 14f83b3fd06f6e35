//! What the bytes on the wire mean, and nothing else: no I/O, no clock, no configuration.
//!
//! | file | owns |
//! |---|---|
//! | `call` | which call a method and a path make |
//! | `request` | what a request body asks for, and edits to it that copy nothing |
//! | `sse` | where server-sent events begin and end |
//! | `stream` | a streamed answer: what is passed on, and what it said |
//! | `chunk` | what one event of a stream says |
//! | `choices` | which answers to a request came to their end |
//! | `answer` | what a plain answer says |
//! | `error` | how an error of ours looks to its caller |
//! | `models` | the model list |
//! | `trace_context` | W3C Trace Context and `X-Trace-ID` |
//! | `cache_control` | what callers say to a cache in headers, and what it says back |
//! | `headers` | which headers end at a hop |
//! | `replay_mark` | what says that a request is sent again |
//! | `date` | dates as others write them |
//! | `text` | strangers' text made harmless, percent escapes |
//! | `usage` | tokens as OpenAI reports them |
//! | `json`, `parts` | the tools: a JSON cursor, bytes in a few pieces |
//!
//! Must not know: where bytes come from or go, who the caller is, what a fault is.

mod answer;
mod cache_control;
mod call;
mod choices;
mod chunk;
mod date;
mod error;
mod headers;
mod json;
mod models;
mod parts;
mod replay_mark;
mod request;
mod sse;
mod stream;
mod text;
mod trace_context;
mod usage;

pub use answer::{AnswerFacts, read_answer};
pub use cache_control::{
    CacheControl, CacheHeaders, CacheMode, CacheReport, ControlError, Forwarded, MaxStale,
    Namespace, age, cache_status, read_cache_headers, x_cache,
};
pub use call::recognise;
pub use choices::ChoiceCount;
pub use date::parse_date;
pub use error::{ProxyError, error_body, error_event};
pub use headers::strip_hop_by_hop;
pub use json::Ambiguous;
pub(crate) use json::{Cursor as JsonCursor, Kind as JsonKind};
pub use models::{ModelEntry, ModelListError, model_entry, models_list, parse_models};
pub use parts::BodyParts;
pub use replay_mark::{read_replay_mark, replace_replay_mark};
pub use request::{
    AskUsage, CacheMember, CacheView, Edits, LiteLlmCache, RequestError, RequestView, StreamMode,
    Temperature, read_cache_view, read_request, write_canonical_request,
};
pub use sse::{Piece, PieceKind, SseEvent, SseSplitter};
pub use stream::{Fed, StreamReader, UsageChunk};
pub use text::{clean_text, is_harmful, percent_decode};
pub use trace_context::{TraceParent, format_traceparent, parse_trace_id, parse_traceparent};
