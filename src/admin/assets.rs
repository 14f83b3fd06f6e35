//! The page's own files, embedded in the binary.
//!
//! Must not know: which page uses which.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

const STYLE: &str = include_str!("../../templates/assets/style.css");
const SIGN_IN: &str = include_str!("../../templates/assets/sign_in.css");
const LIVE: &str = include_str!("../../templates/assets/live.js");

pub(super) async fn file(Path(name): Path<String>) -> Response {
    let (kind, text) = match name.as_str() {
        "style.css" => ("text/css; charset=utf-8", STYLE),
        "sign_in.css" => ("text/css; charset=utf-8", SIGN_IN),
        "live.js" => ("text/javascript; charset=utf-8", LIVE),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], text).into_response()
}
