//! A page as HTML or as JSON: one value makes both, so that they cannot differ.
//!
//! Must not know: what is on it.

use askama::Template;
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;
use std::convert::Infallible;

/// How a page is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Form {
    /// For people.
    Html,
    /// For programs.
    Json,
}

/// A page that can be shown.
pub(in crate::admin) struct Shown<P>(pub(in crate::admin) Form, pub(in crate::admin) P);

impl<S: Sync> FromRequestParts<S> for Form {
    type Rejection = Infallible;

    /// By the path's end, else by what is accepted.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let accept = parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        let wants_json = accept.is_some_and(|accept| {
            accept.contains("application/json") && !accept.contains("text/html")
        });
        let is_json = parts.uri.path().ends_with(".json") || wants_json;
        Ok(if is_json { Self::Json } else { Self::Html })
    }
}

impl<P: Template + Serialize> IntoResponse for Shown<P> {
    fn into_response(self) -> Response {
        let Self(form, page) = self;
        let headers = [(header::CACHE_CONTROL, "no-store"), (header::VARY, "accept, cookie")];
        if form == Form::Json {
            return (headers, Json(page)).into_response();
        }
        match page.render() {
            Ok(html) => (headers, Html(html)).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page cannot be rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}
