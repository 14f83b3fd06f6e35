//! What is wrong with a request body, in words for its sender.
//!
//! Must not know: how an error is answered.

use std::fmt;

/// Why a body is not a request. Its `Display` is fit for the caller: nothing of the body
/// is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// It is not JSON.
    NotJson {
        /// What should be there or should not.
        what: &'static str,
        /// Where, counted from 1.
        line: usize,
        /// Where in the line, in bytes, counted from 1.
        column: usize,
    },
    /// It is JSON, but not an object.
    NotAnObject,
    /// It has no `model`, or an empty one.
    MissingModel,
    /// The model's name is longer than 256 characters or has control characters.
    BadModelName,
    /// A member is of another type than it must be.
    WrongType {
        /// The member.
        field: &'static str,
        /// What it must be, with its article.
        expected: &'static str,
    },
}

impl RequestError {
    /// The field it is about, for OpenAI's `error.param`.
    pub const fn param(&self) -> Option<&'static str> {
        match self {
            Self::NotJson { .. } | Self::NotAnObject => None,
            Self::MissingModel | Self::BadModelName => Some("model"),
            Self::WrongType { field, .. } => Some(field),
        }
    }

    /// The fault `what` at the byte `at` of the body.
    pub(super) fn at(body: &[u8], at: usize, what: &'static str) -> Self {
        let before = &body[..at.min(body.len())];
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        Self::NotJson {
            what,
            line: memchr::memchr_iter(b'\n', before).count() + 1,
            column: before.len() - line_start + 1,
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { what, line, column } => {
                write!(
                    f,
                    "the request body is not valid JSON: {what} at line {line} column {column}"
                )
            }
            Self::NotAnObject => f.write_str("the request body must be a JSON object"),
            Self::MissingModel => f.write_str("the request must name a `model`"),
            Self::BadModelName => f.write_str(
                "`model` must be at most 256 characters long and free of control characters",
            ),
            Self::WrongType { field, expected } => write!(f, "`{field}` must be {expected}"),
        }
    }
}

impl std::error::Error for RequestError {}
