//! The request head as an upstream gets it.
//!
//! What a client sent goes on unless there is a reason here. Must not know: connections.

use crate::identity::{Caller, CredentialHeaders};
use crate::observe::RequestRecord;
use crate::pipeline::identify::trace_headers;
use crate::protocol::{replace_replay_mark, strip_hop_by_hop};
use crate::types::SpanId;
use crate::upstream::{Endpoint, Locality, UpstreamSettings};
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderMap, HeaderValue,
};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderName, Uri, Version};

const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// The head for `endpoint`, for a body of `length` bytes.
pub(super) fn head(client: &Parts, endpoint: &Endpoint, length: usize) -> Parts {
    let mut head = client.clone();
    head.version = Version::HTTP_11;
    head.uri = endpoint_uri(&client.uri, &endpoint.settings.prefix);
    strip_hop_by_hop(&mut head.headers);
    // Answered here; the upstream gets the body at once.
    head.headers.remove(EXPECT);
    // Compressed answers could not be measured, and a local hop gains nothing from them.
    head.headers.remove(ACCEPT_ENCODING);
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    if let Ok(host) = HeaderValue::try_from(&*endpoint.authority) {
        head.headers.insert(HOST, host);
    }
    head
}

/// Puts on what an upstream needs to know: the ids, so that its spans and logs can be
/// joined to ours, and a key. The upstream's own key goes where it has one; else the
/// caller's, but only if that was not meant for us.
pub fn upstream_headers(
    headers: &mut HeaderMap,
    caller: &Caller,
    (endpoint, settings, rec): (&Endpoint, &UpstreamSettings, &RequestRecord),
    span: SpanId,
) {
    trace_headers(headers, &rec.identity, span);
    let is_own = endpoint.locality == Locality::Own;
    if !is_own {
        // What services tell each other about a user is nobody else's business (W3C Baggage
        // §4.1).
        headers.remove(BAGGAGE);
    }
    // Nor is it that this is a load test; another proxy of one's own has to know.
    replace_replay_mark(headers, rec.origin.replay().filter(|_| is_own));
    join_cookies(headers);
    if settings.api_key.is_some() || matches!(caller, Caller::Holder(_)) {
        for name in CredentialHeaders::ALL {
            headers.remove(name);
        }
    }
    let bearer = settings.api_key.as_ref().map(|key| format!("Bearer {}", key.expose()));
    if let Some(Ok(mut value)) = bearer.map(HeaderValue::try_from) {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
}

/// HTTP/2 cuts cookies up; HTTP/1.1 has one header (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut crumbs = headers.get_all(COOKIE).iter();
    if let (Some(_), Some(_)) = (crumbs.next(), crumbs.next()) {
        let crumbs: Vec<&[u8]> =
            headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
        if let Ok(whole) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
            headers.insert(COOKIE, whole);
        }
    }
}

/// The path and query for an endpoint whose paths begin with `prefix`.
pub fn endpoint_uri(client: &Uri, prefix: &str) -> Uri {
    let path = client.path_and_query().map_or("/", PathAndQuery::as_str);
    let joined =
        if prefix.is_empty() { path.parse::<Uri>() } else { format!("{prefix}{path}").parse() };
    joined.unwrap_or_else(|_| client.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{CallFacts, Identity, Origin};
    use crate::types::{Dialect, Operation, ReplayMark, ReplayWishes, RequestId, TraceId};
    use crate::upstream::{
        Balance, EndpointSettings, Origin as Place, Protocol, Scheme, Serves, StreamUsage,
        Timeouts, Upstream,
    };
    use std::sync::Arc;
    use std::time::Instant;

    fn upstream(host: &str) -> Arc<Upstream> {
        let origin = Place { scheme: Scheme::Https, host: host.into(), port: 443 };
        let settings = UpstreamSettings {
            name: "u".into(),
            protocol: Protocol::OpenAi,
            endpoints: vec![EndpointSettings { origin, prefix: String::new(), weight: 1 }],
            balance: Balance::default(),
            api_key: None,
            timeouts: Timeouts::default(),
            serves: Serves::default(),
            stream_usage: StreamUsage::AsSent,
        };
        Upstream::new(0, settings)
    }

    #[test]
    fn third_parties_learn_neither_baggage_nor_that_this_is_a_replay() {
        let call = CallFacts::new(Dialect::OpenAi, Operation::Chat, http::Method::POST);
        let identity =
            Identity::new(RequestId::mint(|| 1), TraceId::mint(|| 1), SpanId::mint(|| 1));
        let mut rec = RequestRecord::begin(identity, call, Instant::now());
        let wishes = ReplayWishes { slos: true, ..ReplayWishes::default() };
        rec.origin = Origin::Replay(ReplayMark { run: "run-7".into(), wishes });
        for (host, mark) in [("10.0.0.9", Some("run-7; slo")), ("api.example.org", None)] {
            let upstream = upstream(host);
            let mut headers = HeaderMap::new();
            headers.insert("x-transom-replay", HeaderValue::from_static("as it came"));
            headers.insert(BAGGAGE, HeaderValue::from_static("user=ada"));
            let to = (&*upstream.endpoints[0], &upstream.settings, &rec);
            upstream_headers(&mut headers, &Caller::Anyone, to, SpanId::mint(|| 2));
            let sent = headers.get("x-transom-replay").map(|value| value.to_str().unwrap());
            assert_eq!((sent, headers.contains_key(BAGGAGE)), (mark, mark.is_some()), "{host}");
        }
    }
}
