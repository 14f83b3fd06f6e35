//! Everything that can go wrong with a request, and how each case looks from outside.
//!
//! One closed enum; status, label and public text are mapped here and nowhere else. Must
//! not know: dialects (`protocol` renders the text) or how the answer is sent. A text
//! never holds an address, a key or a body.

use crate::types::ErrorType;

/// Why a request gets an answer of our own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The request body cannot be understood.
    #[error("{message}")]
    BadRequest {
        /// What is wrong, for the caller.
        message: String,
        /// The field it is about.
        param: Option<&'static str>,
    },
    /// No key, or one that is not known here.
    #[error("the API key is missing or not valid")]
    Unauthorized,
    /// No configured or discovered model goes by this name.
    #[error("the model `{asked}` does not exist here; GET /v1/models lists those that do")]
    UnknownModel {
        /// What the caller said, cleaned.
        asked: String,
    },
    /// The request body is larger than `server.max_body`.
    #[error("the request body is larger than the limit of {limit} bytes")]
    BodyTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The caller stopped sending its body.
    #[error("the request body did not arrive in time")]
    BodyTimeout,
    /// The caller's body breaks HTTP.
    #[error("the request body is not valid HTTP")]
    BodyMalformed,
    /// More headers than are let through.
    #[error("the request's headers are too many or too large")]
    HeadersTooLarge,
    /// Content-Length and Transfer-Encoding together, or a coding other than chunked.
    #[error("a request may have Content-Length or `Transfer-Encoding: chunked`, not both")]
    AmbiguousFraming,
    /// `server.body_budget` is used up by other requests.
    #[error("too many request bodies are in flight; try again")]
    Overloaded,
    /// The caller wants an answer only from the cache, and it has none.
    #[error("the answer is not in the cache, and `only-if-cached` was asked for")]
    NotCached,
    /// A replay, without a word that it may load what people depend on.
    #[error("a replay may not load an upstream in production; `--yes` lets it")]
    ReplayRefused,
    /// No upstream has said yet which models it serves.
    #[error("no model backend has answered yet; try again")]
    NoBackendYet,
    /// An upstream failed; the type says how.
    #[error("{}", upstream_text(*.0))]
    Upstream(ErrorType),
    /// The proxy ends and this request outlasted the drain.
    #[error("the proxy is shutting down")]
    ShuttingDown,
    /// The caller left; nobody is there to be told.
    #[error("the caller left")]
    ClientGone,
    /// A defect of ours.
    #[error("the proxy failed to handle the request")]
    Internal,
}

impl Fault {
    /// The status to answer with.
    pub const fn status(&self) -> u16 {
        match self {
            Self::BadRequest { .. } | Self::BodyMalformed | Self::AmbiguousFraming => 400,
            Self::Unauthorized => 401,
            Self::ReplayRefused => 403,
            Self::UnknownModel { .. } => 404,
            Self::BodyTimeout => 408,
            Self::BodyTooLarge { .. } => 413,
            Self::HeadersTooLarge => 431,
            Self::ClientGone => 499,
            Self::Internal => 500,
            Self::Overloaded | Self::NoBackendYet | Self::ShuttingDown => 503,
            // RFC 9111 §5.2.1.7.
            Self::NotCached => 504,
            Self::Upstream(error) => upstream_status(*error),
        }
    }

    /// The `error_type` it is counted under.
    pub const fn error_type(&self) -> ErrorType {
        match self {
            Self::Overloaded => ErrorType::QueueFull,
            Self::NotCached => ErrorType::NotCached,
            Self::NoBackendYet => ErrorType::NoHealthyUpstream,
            Self::Upstream(error) => *error,
            Self::Internal | Self::ShuttingDown => ErrorType::Other,
            _ => ErrorType::Status(self.status()),
        }
    }

    /// OpenAI's `error.type`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unauthorized => "authentication_error",
            Self::Overloaded
            | Self::NoBackendYet
            | Self::Upstream(_)
            | Self::ShuttingDown
            | Self::Internal => "server_error",
            _ => "invalid_request_error",
        }
    }

    /// A word that programs can match on, OpenAI's `error.code`.
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::Unauthorized => Some("invalid_api_key"),
            Self::UnknownModel { .. } => Some("model_not_found"),
            Self::BodyTooLarge { .. } => Some("request_too_large"),
            Self::Overloaded => Some("overloaded"),
            Self::NotCached => Some("not_cached"),
            Self::ReplayRefused => Some("replay_refused"),
            Self::ShuttingDown => Some("shutting_down"),
            Self::NoBackendYet => Some(ErrorType::NoHealthyUpstream.label()),
            Self::Upstream(error) => Some(error.label()),
            _ => None,
        }
    }

    /// The field the error is about.
    pub const fn param(&self) -> Option<&'static str> {
        match self {
            Self::BadRequest { param, .. } => *param,
            Self::UnknownModel { .. } => Some("model"),
            _ => None,
        }
    }
}

const fn upstream_status(error: ErrorType) -> u16 {
    match error {
        ErrorType::TimeoutConnect
        | ErrorType::TimeoutFirstByte
        | ErrorType::TimeoutFirstToken
        | ErrorType::TimeoutIdle
        | ErrorType::TimeoutTotal => 504,
        ErrorType::NoHealthyUpstream | ErrorType::CircuitOpen | ErrorType::QueueFull => 503,
        _ => 502,
    }
}

const fn upstream_text(error: ErrorType) -> &'static str {
    match error {
        ErrorType::TimeoutConnect => "the model backend did not accept a connection in time",
        ErrorType::TimeoutFirstByte => "the model backend did not answer in time",
        ErrorType::TimeoutFirstToken => "the model backend sent no output in time",
        ErrorType::TimeoutIdle => "the model backend went silent",
        ErrorType::TimeoutTotal => "the request took longer than the total timeout",
        ErrorType::ConnectRefused => "the model backend cannot be reached",
        ErrorType::Dns => "the model backend's name does not resolve",
        ErrorType::Tls => "no TLS connection to the model backend could be made",
        ErrorType::UpstreamReset => "the model backend closed the connection before answering",
        ErrorType::StreamTruncated => "the model backend's answer ended early",
        ErrorType::DecodeError => "the model backend's answer is not valid",
        ErrorType::NoHealthyUpstream => "no model backend is available",
        _ => "the model backend failed",
    }
}
