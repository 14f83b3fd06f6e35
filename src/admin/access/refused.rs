//! How the doors say no: in JSON to programs, as a page to people.
//!
//! Must not know: why.

use askama::Template;
use axum::Json;
use axum::response::{Html, IntoResponse, Response};
use http::header::{ACCEPT, CACHE_CONTROL, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;
use std::time::Duration;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Somebody looks at it in a browser.
    Page,
    /// A program reads it.
    Api,
}

impl Manner {
    /// What a request with these headers would rather have.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
        let page = accept.is_some_and(|accept| accept.contains("text/html"));
        if page { Self::Page } else { Self::Api }
    }
}

/// A no.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    why: String,
    remedy: Remedy,
}

/// What would help.
#[derive(Debug)]
enum Remedy {
    None,
    /// Signing in, and then going back to this path.
    SignIn(String),
    Waiting(Duration),
}

#[derive(Template)]
#[template(path = "refused.html")]
struct Page<'a> {
    base: &'a str,
    title: &'a str,
    why: &'a str,
}

impl Refused {
    /// With this status, for this reason: a whole sentence.
    pub(super) fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self { status, why: why.into(), remedy: Remedy::None }
    }

    /// Nobody knows who is asking for `path`.
    pub(super) fn unknown(path: &str) -> Self {
        let why = "Sign in, or send a token as `Authorization: Bearer …`.".to_owned();
        let remedy = Remedy::SignIn(path.to_owned());
        Self { status: StatusCode::UNAUTHORIZED, why, remedy }
    }

    /// Too many wrong tokens.
    pub(super) fn wait(left: Duration) -> Self {
        let minutes = left.as_secs().div_ceil(60);
        let why =
            format!("Too many wrong tokens came from your address. Try again in {minutes} min.");
        let remedy = Remedy::Waiting(left);
        Self { status: StatusCode::TOO_MANY_REQUESTS, why, remedy }
    }

    /// Its status.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// Why, in words.
    pub(super) fn why(&self) -> &str {
        &self.why
    }

    /// As an answer; links of a page begin with `base`.
    pub(super) fn answer(self, manner: Manner, base: &str) -> Response {
        let Self { status, why, remedy } = self;
        if let (Remedy::SignIn(back), Manner::Page) = (&remedy, manner) {
            let to = format!("{base}/sign-in?back={}", in_query(back));
            return (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response();
        }
        let title = status.canonical_reason().unwrap_or("Refused");
        let page = Page { base, title, why: &why };
        let mut response = match (manner, page.render()) {
            (Manner::Page, Ok(html)) => (status, Html(html)).into_response(),
            _ => (status, Json(json!({ "error": why }))).into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match remedy {
            Remedy::None => {}
            Remedy::SignIn(_) => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Remedy::Waiting(left) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(left.as_secs() + 1));
            }
        }
        response
    }
}

/// `text` as the value of a query (RFC 3986 §2.1).
fn in_query(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&super::csrf::hex(&[byte]));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_survives_as_the_value_of_a_query() {
        assert_eq!(in_query("/requests?a=b&c=é#\r\n"), "/requests%3fa%3db%26c%3d%c3%a9%23%0d%0a");
    }

    #[test]
    fn people_are_led_to_the_way_in_and_programs_are_told() {
        let page = Refused::unknown("/slo?m=a").answer(Manner::Page, "/ops");
        assert_eq!(page.status(), StatusCode::SEE_OTHER);
        assert_eq!(page.headers()[LOCATION], "/ops/sign-in?back=/slo%3fm%3da");
        let told = Refused::unknown("/slo").answer(Manner::Api, "/ops");
        assert_eq!(
            (told.status(), &told.headers()[WWW_AUTHENTICATE]),
            (StatusCode::UNAUTHORIZED, &HeaderValue::from_static("Bearer"))
        );
    }
}
