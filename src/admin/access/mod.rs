//! Who may see and do what on the admin listener.
//!
//! Every request comes through two doors. `front` looks at where it was sent to and which page
//! sent it; `door` at who sends it and what the route needs. What is not allowed in words of
//! [`rights`] is not allowed.
//!
//! | file | owns |
//! |---|---|
//! | `settings` | what an operator says |
//! | `hosts` | the names this listener answers to |
//! | `rights` | the table: which route needs which right |
//! | `front`, `door` | the two checks |
//! | `visitor` | who is asking, for handlers |
//! | `sign_in` | from a token to a session and back |
//! | `sessions`, `cookie`, `csrf` | what a browser is known by |
//! | `throttle` | who has guessed too often |
//! | `audit` | who did what |
//!
//! Must not know: what a page shows, or how anything is carried out.

mod audit;
mod cookie;
mod csrf;
mod door;
mod front;
mod hosts;
mod refused;
mod rights;
mod sessions;
mod settings;
mod sign_in;
mod throttle;
mod visitor;

pub use settings::{AccessSettings, AdminTls, HostName, MetricsAccess, Role, UserSettings};

pub(super) use audit::{Action, Deed, shown as audit};
pub(super) use door::door;
pub(super) use front::front;
#[cfg(test)]
pub(super) use rights::listed;
pub(super) use rights::{Right, Routes, right_for};
pub(super) use sign_in::{leave, page as sign_in_page, sign_in, sign_out_form};
pub(super) use visitor::Visitor;

use crate::types::Clock;
use audit::Audit;
use cookie::CookieJar;
use csrf::Csrf;
use hosts::Hosts;
use rustls::ServerConfig;
use sessions::Sessions;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use throttle::Throttle;
use visitor::User;

/// Everything the doors need. Shared by all requests.
pub struct Access {
    base: Box<str>,
    clock: Clock,
    hosts: Hosts,
    users: HashMap<[u8; 32], Arc<User>>,
    tls: AdminTls,
    metrics: MetricsAccess,
    cookies: CookieJar,
    csrf: Csrf,
    sessions: Sessions,
    throttle: Throttle,
    audit: Audit,
}

impl Access {
    /// As `settings` say, for a listener at `address`.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn new(
        settings: AccessSettings,
        address: SocketAddr,
        clock: Clock,
    ) -> Result<Self, getrandom::Error> {
        let AccessSettings { base_path, hosts, users, tls, metrics } = settings;
        let local = address.ip().to_canonical().is_loopback() && matches!(tls, AdminTls::None);
        let unless_said = if local { MetricsAccess::Open } else { MetricsAccess::Viewer };
        let user = |user: UserSettings| {
            let UserSettings { name, role, token_sha256 } = user;
            (token_sha256, Arc::new(User { name: name.into(), role }))
        };
        Ok(Self {
            cookies: CookieJar::new(&base_path, address.port(), &tls),
            base: base_path.into(),
            clock,
            hosts: Hosts::new(address.ip(), hosts, &tls),
            users: users.into_iter().map(user).collect(),
            tls,
            metrics: metrics.unwrap_or(unless_said),
            csrf: Csrf::new()?,
            sessions: Sessions::default(),
            throttle: Throttle::default(),
            audit: Audit::default(),
        })
    }

    /// What comes before every path: empty, or such as `/transom`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// What the cookie is called that browsers are known by.
    pub(super) fn cookie(&self) -> &str {
        self.cookies.name()
    }

    /// How connections are encrypted here, if they are.
    pub fn server_config(&self) -> Option<Arc<ServerConfig>> {
        match &self.tls {
            AdminTls::Here(config) => Some(Arc::clone(config)),
            AdminTls::None | AdminTls::Before => None,
        }
    }

    /// What was done and by whom.
    pub(super) fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Whether anybody has to say who they are.
    fn asks(&self) -> bool {
        !self.users.is_empty()
    }

    /// Whose token this is. By full SHA-256, so no comparison of texts can leak a prefix by its
    /// timing. Nothing is nobody's token, even where somebody wrote down its hash.
    fn holder(&self, token: &[u8]) -> Option<Arc<User>> {
        let hash = <[u8; 32]>::from(Sha256::digest(token));
        self.users.get(&hash).filter(|_| !token.is_empty()).cloned()
    }

    /// Where a request comes from: the other end of the connection, or whom a proxy that is known
    /// to stand there says it speaks for.
    fn origin_of(&self, peer: IpAddr, headers: &http::HeaderMap) -> IpAddr {
        let forwarded = || {
            // The last entry is the proxy's own; those before it are the caller's claims.
            let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
            last.rsplit(',').next()?.trim().parse().ok()
        };
        let said = if matches!(self.tls, AdminTls::Before) { forwarded() } else { None };
        said.unwrap_or(peer).to_canonical()
    }
}
