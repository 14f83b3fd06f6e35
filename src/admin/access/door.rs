//! The second check: who is asking, may they, and is the form one of ours?
//!
//! Must not know: what lies behind a route.

use super::Access;
use super::audit::{Action, Deed};
use super::cookie::BrowserId;
use super::front::is_safe;
use super::refused::{Manner, Refused};
use super::rights::{self, Needs, Right};
use super::settings::{MetricsAccess, Role};
use super::visitor::{Arrival, User, Visitor};
use crate::admin::listener::Peer;
use axum::Form;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, FromRequest, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ORIGIN, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// The largest form, in bytes.
const LARGEST_FORM: usize = 64 << 10;
/// The cookie is `SameSite=Strict`, so a browser that follows a link of another site leaves it
/// out. This page has it ask again by itself, and then the cookie comes along.
const ASK_AGAIN: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
     <meta http-equiv=\"refresh\" content=\"0\"><title>Transom</title></head></html>";

/// Lets through who may, with an [`Arrival`] that says who that is.
pub(in crate::admin) async fn door(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Response {
    // What no route fits is answered as such, whoever asks.
    let Some(route) = request.extensions().get::<MatchedPath>() else {
        return next.run(request).await;
    };
    let manner = Manner::of(request.headers());
    let checked = match rights::needs(request.method(), route.as_str()) {
        Some(Needs::Nothing) => return next.run(request).await,
        Some(Needs::Metrics) if access.metrics == MetricsAccess::Open => {
            return next.run(request).await;
        }
        Some(Needs::Metrics) => access.check(request, Needs::A(Right::View)).await,
        Some(needs) => access.check(request, needs).await,
        None => {
            let why = format!("{} is nothing that can be done here.", request.method());
            Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, why))
        }
    };
    match checked {
        Ok(Checked::Goes { request, fresh }) => {
            let mut response = next.run(*request).await;
            if let Some(cookie) = fresh.and_then(|id| access.cookies.passing(&id))
                && is_page(response.headers())
            {
                // One that the handler has set is newer.
                response.headers_mut().entry(SET_COOKIE).or_insert(cookie);
            }
            response
        }
        Ok(Checked::AsksAgain) => ([(CACHE_CONTROL, "no-store")], Html(ASK_AGAIN)).into_response(),
        Err(refused) => refused.answer(manner, access.base()),
    }
}

/// What came of a check.
enum Checked {
    /// It goes on; the browser does not have its id yet.
    Goes { request: Box<Request>, fresh: Option<BrowserId> },
    /// The browser left its cookie out.
    AsksAgain,
}

/// How somebody shows who they are.
enum Proof {
    /// With nothing.
    None,
    /// With a cookie, which browsers send whoever wrote the page.
    Cookie(BrowserId),
    /// With a token, which somebody has put into the request.
    Token,
}

impl Access {
    async fn check(&self, request: Request, needs: Needs) -> Result<Checked, Refused> {
        let headers = request.headers();
        let from = self.address_of(&request);
        let (user, proof) = self.recognize(headers, from)?;
        let is_page = Manner::of(headers) == Manner::Page && is_safe(request.method());
        let fresh = match proof {
            Proof::None if is_page && has(headers, "sec-fetch-site", "cross-site") => {
                return Ok(Checked::AsksAgain);
            }
            Proof::None if is_page => Some(minted()?),
            _ => None,
        };
        let id = match &proof {
            Proof::Cookie(id) => Some(id.clone()),
            Proof::None => fresh.clone(),
            Proof::Token => None,
        };
        let csrf: Arc<str> = id.as_ref().map(|id| self.csrf.token(id)).unwrap_or_default().into();
        let visitor = self.visitor(user, &csrf, from);
        if let Needs::A(right) = needs {
            self.allow(visitor.as_ref(), right, &request)?;
        }
        let mut request = self.sent_by_them(request, &proof).await?;
        request.extensions_mut().insert(Arrival { visitor, id, csrf, from });
        Ok(Checked::Goes { request: request.into(), fresh })
    }

    /// Where `request` comes from.
    fn address_of(&self, request: &Request) -> IpAddr {
        let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|peer| peer.0.0.ip());
        self.origin_of(peer.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), request.headers())
    }

    /// Who is asking, if that is known, and how it is known.
    fn recognize(
        &self,
        headers: &HeaderMap,
        from: IpAddr,
    ) -> Result<(Option<Arc<User>>, Proof), Refused> {
        if let Some(token) = bearer(headers).filter(|_| self.asks()) {
            let user = self.show_token(token, from)?;
            return Ok((Some(user), Proof::Token));
        }
        Ok(match self.cookies.read(headers) {
            Some(id) => (self.sessions.find(&id, self.clock.now()), Proof::Cookie(id)),
            None => (None, Proof::None),
        })
    }

    /// Whose token it is, unless too many from there were nobody's.
    pub(super) fn show_token(&self, token: &[u8], from: IpAddr) -> Result<Arc<User>, Refused> {
        let now = self.clock.now();
        if let Some(left) = self.throttle.wait(from, now) {
            return Err(Refused::wait(left));
        }
        self.holder(token).ok_or_else(|| {
            self.throttle.failed(from, now);
            self.note_by(from.to_string(), from, Deed::of(Action::SignIn).refused("unknown token"));
            Refused::new(StatusCode::UNAUTHORIZED, "That token is not known.")
        })
    }

    /// `user` as a visitor. Where nobody has to sign in, everybody may do everything.
    fn visitor(&self, user: Option<Arc<User>>, csrf: &Arc<str>, from: IpAddr) -> Option<Visitor> {
        let (name, role) = match user {
            Some(user) => (Some(Arc::clone(&user.name)), user.role),
            None if self.asks() => return None,
            None => (None, Role::Admin),
        };
        Some(Visitor { name, role, csrf: Arc::clone(csrf), from })
    }

    fn allow(&self, visitor: Option<&Visitor>, right: Right, to: &Request) -> Result<(), Refused> {
        let path = to.uri().path();
        let Some(visitor) = visitor else {
            // What cannot be repeated by a link is not led back to.
            let whole = to.uri().path_and_query().map_or("/", |whole| whole.as_str());
            return Err(Refused::unknown(if *to.method() == Method::GET { whole } else { "/" }));
        };
        if !visitor.may(right) {
            let why =
                format!("The role {} does not include the right to {right}.", visitor.role.label());
            let deed = Deed::of(Action::Refused).about(format!("{} {path}", to.method()));
            self.note(visitor, deed.refused(right.to_string()));
            return Err(Refused::new(StatusCode::FORBIDDEN, why));
        }
        if right == Right::Content {
            self.note(visitor, Deed::of(Action::Look).about(path));
        }
        Ok(())
    }

    /// `request`, unless somebody else's page could have had the browser send it. What is sent
    /// as neither JSON nor a form is nothing that is understood here.
    async fn sent_by_them(&self, request: Request, proof: &Proof) -> Result<Request, Refused> {
        if is_safe(request.method()) {
            return Ok(request);
        }
        let stale = || {
            let why = "This form is out of date. Load its page again and send it once more.";
            Refused::new(StatusCode::FORBIDDEN, why)
        };
        let headers = request.headers();
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        match (kind.to_ascii_lowercase().as_str(), proof) {
            ("application/json", Proof::Cookie(id)) => {
                let token = headers.get("x-csrf-token").map(|token| token.to_str());
                // An `Origin` has been looked at in front.
                let ours = match token {
                    Some(token) => token.is_ok_and(|token| self.csrf.fits(id, token)),
                    None => headers.contains_key(ORIGIN),
                };
                ours.then_some(request).ok_or_else(stale)
            }
            // A browser asks first before it sends another site JSON, and is told nothing.
            ("application/json", Proof::None | Proof::Token) => Ok(request),
            ("application/x-www-form-urlencoded", Proof::Token) => Ok(request),
            ("application/x-www-form-urlencoded", Proof::Cookie(id)) => {
                let (request, token) = opened(request).await?;
                self.csrf.fits(id, &token).then_some(request).ok_or_else(stale)
            }
            ("application/x-www-form-urlencoded", Proof::None) => Err(stale()),
            _ => {
                let why = "Send JSON, with the content type `application/json`.";
                Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why))
            }
        }
    }
}

/// The field that every form has.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Field {
    csrf: String,
}

/// The form as it came, and its token.
async fn opened(request: Request) -> Result<(Request, String), Refused> {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, LARGEST_FORM).await.map_err(|_| {
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "The form is larger than any of ours.")
    })?;
    let copy = Request::from_parts(parts.clone(), Body::from(bytes.clone()));
    let Form(Field { csrf }) = Form::from_request(copy, &()).await.unwrap_or_default();
    Ok((Request::from_parts(parts, Body::from(bytes)), csrf))
}

/// RFC 6750 §2.1; the scheme is case-insensitive.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

fn minted() -> Result<BrowserId, Refused> {
    BrowserId::mint().map_err(|error| {
        tracing::error!(%error, "the system has no randomness");
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "The system has no randomness.")
    })
}

fn has(headers: &HeaderMap, name: &str, value: &str) -> bool {
    headers.get(name).is_some_and(|found| found == value)
}

fn is_page(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

#[cfg(test)]
mod tests {
    use super::super::settings::AccessSettings;
    use super::*;
    use crate::types::Clock;

    fn visitor(role: Role) -> Visitor {
        Visitor { name: Some("rita".into()), role, csrf: "".into(), from: [127, 0, 0, 1].into() }
    }

    #[test]
    fn every_look_at_content_is_written_down() {
        let address = ([127, 0, 0, 1], 7081).into();
        let access = Access::new(AccessSettings::default(), address, Clock::system()).unwrap();
        let page = Request::get("/requests/req_1?raw=1").body(Body::empty()).unwrap();
        let look = |role| access.allow(Some(&visitor(role)), Right::Content, &page).is_ok();
        assert!(look(Role::ViewerContent) && look(Role::Admin));
        assert!(!look(Role::Viewer) && !look(Role::Operator));
        let told = access.audit().told();
        let actions: Vec<_> = told.iter().map(|event| &event["action"]).collect();
        assert_eq!(actions, ["refused", "refused", "look", "look"]);
        assert_eq!(told[3]["object"], "/requests/req_1");
        assert!(access.allow(Some(&visitor(Role::Viewer)), Right::View, &page).is_ok());
        assert_eq!(access.audit().told().len(), 4, "numbers can be looked at unseen");
    }
}
