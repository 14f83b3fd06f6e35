//! Who is asking, as handlers and pages see them.
//!
//! Must not know: how somebody is recognized.

use super::cookie::BrowserId;
use super::rights::Right;
use super::settings::Role;
use crate::admin::refusal::{Refusal, refusal};
use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use std::net::IpAddr;
use std::sync::Arc;

/// Somebody who may sign in.
#[derive(Debug)]
pub(super) struct User {
    pub(super) name: Arc<str>,
    pub(super) role: Role,
}

/// Whoever a route that needs a right was opened for. An extractor: a handler that takes one
/// knows who is asking.
#[derive(Clone, Debug)]
pub(in crate::admin) struct Visitor {
    /// Their name; `None` where nobody has to sign in.
    pub(in crate::admin) name: Option<Arc<str>>,
    /// What they may do.
    pub(in crate::admin) role: Role,
    /// What a form has to send as `csrf`, and a script as `x-csrf-token`: 64 hex digits. Empty
    /// for those who show a token with each request, who need none.
    pub(in crate::admin) csrf: Arc<str>,
    /// Their address.
    pub(in crate::admin) from: IpAddr,
}

impl Visitor {
    /// Whether they have `right`.
    pub(in crate::admin) fn may(&self, right: Right) -> bool {
        self.role.may(right)
    }

    /// What the audit calls them: their name, or else their address.
    pub(in crate::admin) fn who(&self) -> String {
        self.name.as_ref().map_or_else(|| self.from.to_string(), |name| name.as_ref().to_owned())
    }
}

/// What the door has found out.
#[derive(Clone)]
pub(in crate::admin) struct Arrival {
    /// Whom it knows.
    pub(super) visitor: Option<Visitor>,
    /// Their browser.
    pub(super) id: Option<BrowserId>,
    /// As [`Visitor::csrf`], also of those it does not know.
    pub(super) csrf: Arc<str>,
    /// Their address.
    pub(super) from: IpAddr,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let arrival = parts.extensions.get::<Arrival>();
        let visitor = arrival.and_then(|arrival| arrival.visitor.clone());
        visitor.ok_or_else(|| refusal(StatusCode::UNAUTHORIZED, "sign in first"))
    }
}
