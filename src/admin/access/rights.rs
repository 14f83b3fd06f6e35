//! The one table of what each route needs. A route that is not in it is served to nobody.
//!
//! Must not know: who has which right, or what a route does.

use crate::admin::AdminState;
use axum::Router;
use axum::routing::MethodRouter;
use http::Method;
use std::fmt;

/// What somebody may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// See numbers: how much, how fast, how well.
    View,
    /// See what callers and models wrote. Every look is an event of the audit.
    Content,
    /// Act: purge, weigh, replay, change the level of logs.
    Act,
    /// Everything else: erase, manage keys, reload.
    Administer,
}

impl fmt::Display for Right {
    /// `the right to` …
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::View => "see numbers",
            Self::Content => "see content",
            Self::Act => "act",
            Self::Administer => "administer",
        })
    }
}

/// What a route needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing: it says nothing of traffic and changes nothing.
    Nothing,
    /// Nobody in particular, but forms are checked: the way in and the way out.
    Form,
    /// What the setting `metrics` says.
    Metrics,
    /// A right.
    A(Right),
}

use Needs::{A, Form, Metrics, Nothing};
use Right::{Act, Administer, View};

/// Method, path as it is routed, need. `GET` stands for `HEAD`, too.
const TABLE: &[(&str, &str, Needs)] = &[
    ("GET", "/", A(View)),
    ("GET", "/sign-in", Form),
    ("POST", "/sign-in", Form),
    ("GET", "/sign-out", Form),
    ("POST", "/sign-out", Form),
    ("GET", "/overview.json", A(View)),
    ("GET", "/models", A(View)),
    ("GET", "/models.json", A(View)),
    ("GET", "/models/{name}", A(View)),
    ("GET", "/requests", A(View)),
    ("GET", "/requests.json", A(View)),
    ("GET", "/requests.csv", A(View)),
    ("GET", "/requests.ndjson", A(View)),
    ("GET", "/requests/{id}", A(View)),
    ("GET", "/slo", A(View)),
    ("GET", "/slo.json", A(View)),
    ("GET", "/upstreams", A(View)),
    ("GET", "/upstreams.json", A(View)),
    ("POST", "/upstreams/weights", A(Act)),
    ("GET", "/cache", A(View)),
    ("GET", "/cache.json", A(View)),
    ("POST", "/cache/purge", A(Act)),
    ("GET", "/cache/what-if", A(View)),
    ("GET", "/cache/what-if.json", A(View)),
    ("GET", "/captures", A(View)),
    ("GET", "/captures.json", A(View)),
    ("GET", "/replays", A(View)),
    ("POST", "/replays", A(Act)),
    ("GET", "/replays.json", A(View)),
    ("GET", "/replays/{id}", A(View)),
    ("POST", "/replays/{id}/stop", A(Act)),
    ("GET", "/config", A(View)),
    ("GET", "/config.json", A(View)),
    ("POST", "/config", A(Administer)),
    ("GET", "/route", A(View)),
    ("GET", "/route.json", A(View)),
    ("GET", "/playground", A(Act)),
    ("GET", "/playground.json", A(Act)),
    ("POST", "/playground", A(Act)),
    ("GET", "/system", A(View)),
    ("GET", "/system.json", A(View)),
    ("POST", "/system/log", A(Act)),
    ("GET", "/metrics-reference", A(View)),
    ("GET", "/metrics-reference.json", A(View)),
    ("GET", "/alerts", A(View)),
    ("GET", "/alerts.json", A(View)),
    ("POST", "/alerts/test", A(Act)),
    ("GET", "/api/v1/alerts", A(View)),
    ("POST", "/api/v1/alerts/alertmanager", A(Act)),
    ("POST", "/api/v1/webhooks/{name}/test", A(Act)),
    ("GET", "/keys", A(View)),
    ("POST", "/keys", A(Administer)),
    ("GET", "/keys.json", A(View)),
    ("POST", "/keys/revoke", A(Administer)),
    ("POST", "/keys/restore", A(Administer)),
    ("GET", "/api/v1/keys", A(View)),
    ("POST", "/api/v1/keys", A(Administer)),
    ("DELETE", "/api/v1/keys/{alias}", A(Administer)),
    ("POST", "/api/v1/keys/{alias}/restore", A(Administer)),
    ("POST", "/theme", A(View)),
    ("GET", "/api/v1/live", A(View)),
    ("GET", "/api/v1/history", A(View)),
    ("GET", "/api/v1/requests", A(View)),
    ("GET", "/api/v1/requests/{id}", A(View)),
    ("GET", "/api/v1/overview", A(View)),
    ("GET", "/api/v1/slo", A(View)),
    ("GET", "/api/v1/log", A(View)),
    ("PUT", "/api/v1/log", A(Act)),
    ("GET", "/api/v1/upstreams", A(View)),
    ("PUT", "/api/v1/upstreams/weights", A(Act)),
    ("GET", "/api/v1/cache", A(View)),
    ("POST", "/api/v1/cache/purge", A(Act)),
    ("GET", "/api/v1/captures", A(View)),
    ("GET", "/api/v1/captures/exchanges", A(View)),
    ("POST", "/api/v1/captures/erase", A(Administer)),
    ("GET", "/api/v1/replays", A(View)),
    ("POST", "/api/v1/replays", A(Act)),
    ("GET", "/api/v1/replays/{id}", A(View)),
    ("GET", "/api/v1/replays/{id}/progress", A(View)),
    ("POST", "/api/v1/replays/{id}/stop", A(Act)),
    ("GET", "/api/v1/replays/{id}/{file}", A(View)),
    ("GET", "/api/v1/config", A(View)),
    ("POST", "/api/v1/config/check", A(Administer)),
    ("GET", "/api/v1/route", A(View)),
    ("POST", "/api/v1/playground", A(Act)),
    ("GET", "/api/v1/system", A(View)),
    ("GET", "/api/v1/support-bundle", A(Administer)),
    ("GET", "/api/v1/metrics-reference", A(View)),
    ("GET", "/api/v1/openapi.json", A(View)),
    ("GET", "/api/v1/audit", A(Administer)),
    ("GET", "/metrics", Metrics),
    ("GET", "/debug/pprof/profile", A(Act)),
    ("GET", "/debug/pprof/heap", A(Act)),
    ("GET", "/health", Nothing),
    ("GET", "/ready", Nothing),
    ("GET", "/assets/{file}", Nothing),
];

/// What `method` at the route `path` needs; `None` when nobody may do that.
pub(super) fn needs(method: &Method, path: &str) -> Option<Needs> {
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    TABLE.iter().find(|(m, p, _)| (*m, *p) == (method, path)).map(|(_, _, needs)| *needs)
}

/// The right that `method` at the route `path` needs; `None` where it needs none.
pub(in crate::admin) fn right_for(method: &str, path: &str) -> Option<Right> {
    let needs = TABLE.iter().find(|(m, p, _)| (*m, *p) == (method, path)).map(|(_, _, n)| *n);
    match needs {
        Some(A(right)) => Some(right),
        Some(Form | Metrics | Nothing) | None => None,
    }
}

/// Every method with its route.
#[cfg(test)]
pub(in crate::admin) fn listed() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().map(|(method, path, _)| (*method, *path))
}

/// The routes of the admin listener, and the table they have to be in.
#[derive(Default)]
pub(in crate::admin) struct Routes {
    router: Router<AdminState>,
    #[cfg(test)]
    walked: Vec<(&'static str, String)>,
}

impl Routes {
    /// Another one.
    pub(in crate::admin) fn route(
        mut self,
        path: &'static str,
        methods: MethodRouter<AdminState>,
    ) -> Self {
        #[cfg(test)]
        self.walked.push((path, format!("{methods:?}")));
        self.router = self.router.route(path, methods);
        self
    }

    /// As axum wants them; the door still has to be put before them.
    pub(in crate::admin) fn into_router(self) -> Router<AdminState> {
        self.router
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The methods of a route, as its `Debug` tells them: axum has no other way.
    fn methods(debug: &str) -> Vec<&str> {
        let (_, allowed) = debug.split_once("allow_header: Bytes(b\"").expect("axum says so");
        let (allowed, _) = allowed.split_once('"').expect("the end of it");
        allowed.split(',').filter(|method| *method != "HEAD").collect()
    }

    #[test]
    fn every_route_is_in_the_table_and_the_table_has_nothing_else() {
        let routes = crate::admin::routes();
        let mut walked: Vec<_> = routes
            .walked
            .iter()
            .flat_map(|(path, debug)| methods(debug).into_iter().map(move |m| (m, *path)))
            .collect();
        let mut listed: Vec<_> = TABLE.iter().map(|(method, path, _)| (*method, *path)).collect();
        walked.sort_unstable();
        listed.sort_unstable();
        assert_eq!(walked, listed);
        listed.dedup();
        assert_eq!(walked.len(), listed.len(), "a route is listed twice");
    }

    #[test]
    fn nothing_is_changed_without_a_right() {
        // A theme is a cookie of who asks for it.
        let changes =
            TABLE.iter().filter(|(method, path, _)| *method != "GET" && *path != "/theme");
        for (method, path, needs) in changes {
            let fit = matches!(needs, A(Act | Administer) | Form);
            assert!(fit, "{method} {path} needs {needs:?}");
        }
    }

    #[test]
    fn what_is_not_listed_is_for_nobody() {
        assert_eq!(needs(&Method::HEAD, "/metrics"), Some(Metrics));
        assert_eq!(needs(&Method::POST, "/metrics"), None);
        assert_eq!(needs(&Method::GET, "/new"), None);
    }
}
