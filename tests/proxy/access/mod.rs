//! Who may see and do what on the admin listener.
//!
//! Owns what its tests share: users with their tokens, and browsers with their cookies.

mod doors;
mod places;
mod roles;
mod sessions;

use crate::support::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A header.
pub(crate) type Header<'a> = (&'a str, &'a str);

pub(crate) const VIEWER: &str = "ta-canary-of-the-viewer";
pub(crate) const READER: &str = "ta-canary-of-the-reader";
pub(crate) const OPERATOR: &str = "ta-canary-of-the-operator";
pub(crate) const ADMIN: &str = "ta-canary-of-the-admin";
pub(crate) const HTML: Header<'_> = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const JSON: Header<'_> = ("Content-Type", "application/json");
pub(crate) const FORM: Header<'_> = ("Content-Type", "application/x-www-form-urlencoded");
const EVERYTHING: &str = r#"{"all":true}"#;

/// One user a role.
pub(crate) fn users() -> String {
    let named = [
        ("vera", "viewer", VIEWER),
        ("rita", "viewer-content", READER),
        ("otto", "operator", OPERATOR),
        ("anna", "admin", ADMIN),
    ];
    let table = |(name, role, token): (&str, &str, &str)| {
        let hash: String = Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("[[admin.user]]\nname = \"{name}\"\nrole = \"{role}\"\ntoken_sha256 = \"{hash}\"\n")
    };
    named.map(table).concat()
}

/// A proxy with one user a role.
async fn with_users(upstream: &Upstream) -> Proxy {
    Setup::to([upstream.url()]).tables(&users()).start().await
}

/// A request to the admin listener, on a connection of its own. Without a `Host` of its own it
/// goes to `localhost`.
pub(crate) async fn send(
    proxy: &Proxy,
    what: &str,
    headers: &[Header<'_>],
    body: &str,
) -> Response {
    let (method, path) = what.split_once(' ').expect("a method and a path");
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if headers.iter().all(|(name, _)| *name != "Host") {
        head.push_str("Host: localhost\r\n");
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    let mut client = Client::admin(proxy.admin).await;
    client.send(format!("{head}\r\n{body}")).await;
    client.response_to(method).await
}

/// `send` with a token.
pub(crate) async fn send_as(proxy: &Proxy, token: &str, what: &str, body: &str) -> Response {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("Authorization", bearer.as_str())];
    if !body.is_empty() {
        headers.push(JSON);
    }
    send(proxy, what, &headers, body).await
}

/// The cookie that an answer sets, as it is sent back.
fn cookie(response: &Response) -> String {
    let set = response.header("set-cookie").unwrap_or_else(|| panic!("no cookie: {response:?}"));
    set.split(';').next().expect("a cookie").to_owned()
}

/// The token of the forms of a page.
fn csrf(page: &Response) -> String {
    let (_, rest) = page.text().split_once("name=\"csrf\" value=\"").expect("a form");
    rest.split('"').next().expect("its token").to_owned()
}

/// The cookie of a browser that somebody signed in with, and the token of its forms.
pub(crate) async fn signed_in(proxy: &Proxy, token: &str) -> (String, String) {
    let page = send(proxy, "GET /sign-in", &[HTML], "").await;
    let form = format!("csrf={}&token={token}&back=%2F", csrf(&page));
    let before = cookie(&page);
    let entered = send(proxy, "POST /sign-in", &[FORM, HTML, ("Cookie", &before)], &form).await;
    assert_eq!(entered.status, 303, "{entered:?}");
    let session = cookie(&entered);
    assert_ne!(session, before, "a new session has a new id");
    let page = send(proxy, "GET /sign-out", &[HTML, ("Cookie", &session)], "").await;
    (session, csrf(&page))
}
