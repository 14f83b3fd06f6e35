//! Why a request gets no answer from the model, and OpenAI's words for it.
//!
//! The forms are those of <https://platform.openai.com/docs/guides/error-codes>. Must not
//! know: who refuses.

use super::stats::End;
use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::time::Duration;

/// A request answered with an error status.
#[derive(Debug, PartialEq)]
pub(super) enum Refusal {
    /// 400: what is wrong, and the field or header that is.
    Invalid { message: String, param: Option<&'static str> },
    /// 404: no such model.
    UnknownModel(String),
    /// 404: no such path.
    NoRoute(Method, String),
    /// 405: the path exists, the method does not.
    WrongMethod(Method),
    /// 400, which hardly anyone will read: the body broke off.
    Unread(String),
    /// 413: the body is longer than [`super::routes::BODY_LIMIT`].
    TooLarge,
    /// 429: one would pass after this long.
    RateLimited(Duration),
    /// The error rate or `x-sim-status` wants this status.
    Injected(StatusCode),
}

impl Refusal {
    /// 400 about one field of the body.
    pub(super) fn field(param: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), param: Some(param) }
    }

    /// How a request so answered has ended.
    pub(super) fn end(&self) -> End {
        match self {
            Self::Unread(_) => End::Left,
            _ => End::Refused,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Invalid { .. } | Self::Unread(_) => StatusCode::BAD_REQUEST,
            Self::UnknownModel(_) | Self::NoRoute(..) => StatusCode::NOT_FOUND,
            Self::WrongMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Injected(status) => *status,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Invalid { message, .. } | Self::Unread(message) => message.clone(),
            Self::UnknownModel(name) => {
                format!("The model `{name}` does not exist or you do not have access to it.")
            }
            Self::NoRoute(method, path) => format!("Invalid URL ({method} {path})"),
            Self::WrongMethod(method) => format!("Not allowed to {method} on this URL."),
            Self::TooLarge => "The request body is too large.".to_owned(),
            Self::RateLimited(_) => "Rate limit reached for requests.".to_owned(),
            Self::Injected(status) => format!("The simulated model answers {status}."),
        }
    }

    fn type_and_code(&self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::UnknownModel(_) => ("invalid_request_error", Some("model_not_found")),
            _ if self.status() == StatusCode::TOO_MANY_REQUESTS => {
                ("requests", Some("rate_limit_exceeded"))
            }
            _ if self.status().is_server_error() => ("server_error", None),
            _ => ("invalid_request_error", None),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (kind, code) = self.type_and_code();
        let param = match self {
            Self::Invalid { param, .. } => param,
            _ => None,
        };
        let error = ErrorObject { message: &self.message(), kind, param, code };
        let body = Json(ErrorBody { error });
        let mut response = (self.status(), body).into_response();
        if let Self::RateLimited(wait) = self {
            // Whole seconds, rounded up: RFC 9110, section 10.2.3.
            let seconds = wait.as_millis().div_ceil(1000).max(1) as u64;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The error that a stream carries when the model fails half-way, as JSON.
pub(super) const HALF_WAY: &str = concat!(
    r#"{"error":{"message":"The simulated model failed half-way.","#,
    r#""type":"server_error","param":null,"code":null}}"#,
);

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorObject<'a>,
}

#[derive(Serialize)]
struct ErrorObject<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'static str>,
    code: Option<&'static str>,
}
