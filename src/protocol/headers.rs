//! Headers that belong to one hop.
//!
//! Must not know: which headers a hop adds, or whose credentials are whose.

use http::header::{
    CONNECTION, HeaderMap, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};

/// Headers of this prefix are ours: nobody else's word is taken or passed on.
const OURS: &str = "x-transom-";

/// RFC 9110 §7.6.1, with the two that never were standard but are sent.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Removes what must not go beyond the connection it came on, from a request or a
/// response: the hop-by-hop headers, those that `Connection` names (RFC 9110 §7.6.1), and
/// every `x-transom-` header.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    for name in nominated(headers) {
        headers.remove(name);
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
    let ours: Vec<_> =
        headers.keys().filter(|name| name.as_str().starts_with(OURS)).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
}

/// The headers that `Connection` names, besides the options that are no headers.
fn nominated(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(CONNECTION).into_iter();
    let options = values.flat_map(|value| value.as_bytes().split(|&byte| byte == b','));
    options
        .map(<[u8]>::trim_ascii)
        .filter(|option| {
            !option.eq_ignore_ascii_case(b"keep-alive") && !option.eq_ignore_ascii_case(b"close")
        })
        .filter_map(|option| HeaderName::from_bytes(option).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair =
            |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn headers_of_one_hop_are_removed_and_all_others_stay() {
        let mut found = headers(&[
            ("connection", "keep-alive, X-Secret ,\t te"),
            ("connection", "close,,x-other, not a name"),
            ("x-secret", "1"),
            ("x-other", "1"),
            ("x-other", "2"),
            ("keep-alive", "timeout=5"),
            ("proxy-authenticate", "Basic"),
            ("proxy-authorization", "Basic eA=="),
            ("proxy-connection", "keep-alive"),
            ("te", "trailers"),
            ("trailer", "grpc-status"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("x-transom-replay", "1"),
            ("x-transom", "stays"),
            ("content-type", "application/json"),
            ("authorization", "Bearer k"),
        ]);
        strip_hop_by_hop(&mut found);
        let expected = headers(&[
            ("x-transom", "stays"),
            ("content-type", "application/json"),
            ("authorization", "Bearer k"),
        ]);
        assert_eq!(found, expected);
    }
}
