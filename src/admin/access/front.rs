//! The first check: was this sent to us, and if it changes something, by a page of ours?
//!
//! Also takes the base path off, so that what lies behind does not know it. Must not know: who
//! is asking.

use super::Access;
use super::refused::{Manner, Refused};
use super::settings::HostName;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{HOST, ORIGIN};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, StatusCode, Uri};
use std::sync::Arc;

const NOT_OURS: &str = "This listener is not known by that name. Names it answers to are listed \
     in `hosts` of [admin].\n";

/// Lets through what may go on to [`door`](super::door()).
pub(in crate::admin) async fn front(
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(host) = host(&access, &request) else {
        return (StatusCode::MISDIRECTED_REQUEST, NOT_OURS).into_response();
    };
    let headers = request.headers();
    if !is_safe(request.method()) && !is_of_ours(&access, &host, headers) {
        let why = "A page of another site must not change anything here.";
        let refused = Refused::new(StatusCode::FORBIDDEN, why);
        return refused.answer(Manner::of(headers), access.base());
    }
    match below(access.base(), request.uri()) {
        Some(uri) => *request.uri_mut() = uri,
        None => return StatusCode::NOT_FOUND.into_response(),
    }
    next.run(request).await
}

/// Whether `method` changes nothing (RFC 9110 §9.2.1).
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Where the request was sent to, if that is here: every word of it on that has to be true.
fn host(access: &Access, request: &Request) -> Option<HostName> {
    let target = request.uri().authority().map(|authority| authority.as_str());
    let headers = request.headers().get_all(HOST).iter();
    let said = target.map(Some).into_iter().chain(headers.map(|host| host.to_str().ok()));
    let hosts: Option<Vec<HostName>> = said.map(|host| HostName::parse(host?)).collect();
    let mut hosts = hosts?;
    let known = hosts.iter().all(|host| access.hosts.know(host));
    hosts.pop().filter(|_| known)
}

/// Browsers say in `Origin` whose page it is (Fetch §3.2), and in `Sec-Fetch-Site` how it is
/// related (Fetch Metadata §2.3). Programs say neither.
fn is_of_ours(access: &Access, host: &HostName, headers: &HeaderMap) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    let trusted = origins.all(|origin| origin.to_str().is_ok_and(|o| access.hosts.trust(o, host)));
    let mut sites = headers.get_all("sec-fetch-site").iter();
    trusted && sites.all(|site| matches!(site.as_bytes(), b"same-origin" | b"none"))
}

/// `uri` without `base`; `None` when it is not below it.
fn below(base: &str, uri: &Uri) -> Option<Uri> {
    let rest = uri.path().strip_prefix(base)?;
    let path = match rest {
        "" => "/",
        rest if rest.starts_with('/') => rest,
        _ => return None,
    };
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    PathAndQuery::try_from(text).ok().map(Uri::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_is_taken_off_as_a_whole() {
        let below =
            |base, path: &str| below(base, &path.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(below("", "/slo?m=a").as_deref(), Some("/slo?m=a"));
        assert_eq!(below("/ops", "/ops").as_deref(), Some("/"));
        assert_eq!(below("/ops", "/ops/").as_deref(), Some("/"));
        assert_eq!(below("/ops", "/ops?m=a").as_deref(), Some("/?m=a"));
        assert_eq!(below("/ops", "http://h/ops/slo").as_deref(), Some("/slo"));
        for other in ["/", "/slo", "/opsx", "/Ops/slo"] {
            assert_eq!(below("/ops", other), None, "{other}");
        }
    }
}
