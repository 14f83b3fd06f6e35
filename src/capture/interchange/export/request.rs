//! The body of a request that is to be sent again.
//!
//! Must not know: formats.

use crate::capture::interchange::export::{ExportOptions, Reason};
use crate::capture::{Content, Exchange};
use bytes::Bytes;
use http::Method;

/// The body, whole; empty where the method goes without one.
///
/// # Errors
/// Why there is none to send.
pub(super) fn body(exchange: &Exchange, options: &ExportOptions<'_>) -> Result<Bytes, Reason> {
    match &exchange.request.body {
        Content::Whole(body) => Ok(body.clone()),
        Content::Cut { .. } => Err(Reason::CutBody),
        Content::Shape(_) => (options.compose)(exchange).ok_or(Reason::OnlyShape),
        Content::Unknown if is_bodiless(&exchange.call.method) => Ok(Bytes::new()),
        Content::Unknown => Err(Reason::NoBody),
    }
}

/// The path without its query.
pub(super) fn route(exchange: &Exchange) -> &str {
    exchange.call.path.split('?').next().unwrap_or_default()
}

fn is_bodiless(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::DELETE, Method::OPTIONS].contains(method)
}
