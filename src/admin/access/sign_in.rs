//! The way in and the way out, for people with a browser.
//!
//! Must not know: how a form is told from a forged one; that is done at the door.

use super::Access;
use super::audit::{Action, Deed};
use super::cookie::BrowserId;
use super::visitor::{Arrival, Visitor};
use crate::admin::AdminState;
use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Form};
use http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    base: &'a str,
    csrf: &'a str,
    back: &'a str,
    wrong: &'a str,
}

#[derive(Template)]
#[template(path = "sign_out.html")]
struct SignOut<'a> {
    base: &'a str,
    csrf: &'a str,
    name: &'a str,
}

/// Where to go afterwards.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::admin) struct Then {
    back: String,
}

/// What the form sends.
#[derive(Deserialize)]
pub(in crate::admin) struct Shown {
    token: String,
    #[serde(default)]
    back: String,
}

/// `GET /sign-in`; who is in already goes on.
pub(in crate::admin) async fn page(
    State(state): State<AdminState>,
    Extension(arrival): Extension<Arrival>,
    Query(Then { back }): Query<Then>,
) -> Response {
    match arrival.visitor {
        Some(_) => go(&state.access, safe(&back), None),
        None => form(&state.access, &arrival, (StatusCode::OK, &back, "")),
    }
}

/// `POST /sign-in`: a new session for whoever shows a token that is known.
pub(in crate::admin) async fn sign_in(
    State(state): State<AdminState>,
    Extension(arrival): Extension<Arrival>,
    Form(Shown { token, back }): Form<Shown>,
) -> Response {
    let access = &state.access;
    let user = match access.show_token(token.trim().as_bytes(), arrival.from) {
        Ok(user) => user,
        Err(refused) => {
            return form(access, &arrival, (refused.status(), &back, refused.why()));
        }
    };
    // Never the id the browser came with: somebody else may have given it that.
    let Ok(id) = BrowserId::mint() else {
        let why = "The system has no randomness.";
        return form(access, &arrival, (StatusCode::INTERNAL_SERVER_ERROR, &back, why));
    };
    let name = user.name.as_ref().to_owned();
    access.sessions.begin(&id, user, access.clock.now());
    access.note_by(name, arrival.from, Deed::of(Action::SignIn));
    go(access, safe(&back), access.cookies.lasting(&id))
}

/// `GET /sign-out`: the form, for those who come by a link.
pub(in crate::admin) async fn sign_out_form(
    State(state): State<AdminState>,
    Extension(arrival): Extension<Arrival>,
) -> Response {
    let Some(Visitor { name: Some(name), csrf, .. }) = arrival.visitor else {
        return go(&state.access, "/sign-in", None);
    };
    let page = SignOut { base: state.access.base(), csrf: &csrf, name: &name };
    rendered(StatusCode::OK, page.render())
}

/// `POST /sign-out`: the session is over, whoever else has its cookie.
pub(in crate::admin) async fn leave(
    State(state): State<AdminState>,
    Extension(arrival): Extension<Arrival>,
) -> Response {
    let access = &state.access;
    if let Some(id) = &arrival.id {
        access.sessions.end(id);
    }
    if let Some(visitor) = arrival.visitor.filter(|visitor| visitor.name.is_some()) {
        access.note(&visitor, Deed::of(Action::SignOut));
    }
    go(access, "/sign-in", access.cookies.none())
}

fn form(
    access: &Access,
    arrival: &Arrival,
    (status, back, wrong): (StatusCode, &str, &str),
) -> Response {
    let back = safe(back);
    let page = SignIn { base: access.base(), csrf: &arrival.csrf, back, wrong };
    rendered(status, page.render())
}

fn rendered(status: StatusCode, page: askama::Result<String>) -> Response {
    match page {
        Ok(html) => (status, [(CACHE_CONTROL, "no-store")], Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn go(access: &Access, to: &str, cookie: Option<HeaderValue>) -> Response {
    let place = HeaderValue::try_from(format!("{}{to}", access.base()));
    let mut response = (StatusCode::SEE_OTHER, [(CACHE_CONTROL, "no-store")]).into_response();
    let headers = response.headers_mut();
    headers.insert(LOCATION, place.unwrap_or(HeaderValue::from_static("/")));
    if let Some(cookie) = cookie {
        headers.insert(SET_COOKIE, cookie);
    }
    response
}

/// `back`, if it is a path of this listener, else its first page. Browsers read `//` and `/\` as
/// the beginning of another host, and leave out what cannot be printed.
fn safe(back: &str) -> &str {
    let printable = back.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let path = back.starts_with('/') && !back.starts_with("//") && !back.starts_with("/sign-");
    if path && printable { back } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::safe;

    #[test]
    fn nobody_is_led_to_another_site() {
        for back in ["/", "/requests?model=a&p=%2F%2Fx", "/slo"] {
            assert_eq!(safe(back), back);
        }
        for back in [
            "",
            "slo",
            "//evil.test",
            "/\\evil.test",
            "/\t/evil.test",
            "\\/evil.test",
            "https://evil.test",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x",
            "/é",
            "/sign-in?back=/",
        ] {
            assert_eq!(safe(back), "/", "{back:?}");
        }
    }
}
