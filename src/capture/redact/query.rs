//! Credentials in the query of a URL.
//!
//! Must not know: what other parts of a URL are searched for.

use crate::capture::redact::finder::CREDENTIAL;
use crate::capture::redact::headers::is_credential;
use crate::capture::redact::marker;

/// Parameters that carry a credential, in lower case and without `_` and `-`, besides those
/// whose name a header with a credential could have: Google's, shared access signatures of
/// Azure, OAuth.
const NAMES: [&str; 9] =
    ["accesskeyid", "apitoken", "code", "googleaccessid", "key", "pass", "pwd", "sig", "sessionid"];

/// Parts of a name that give it away, written in the same way.
const PARTS: [&str; 8] =
    ["apikey", "auth", "credential", "password", "secret", "signature", "subscriptionkey", "token"];

/// Names that have such a part and are none: the number of tokens, the next page.
const HARMLESS: [&str; 5] = ["author", "maxtokens", "nextpagetoken", "pagetoken", "tokens"];

/// The path without the credentials of its query, and how many there were; `None` where there
/// are none.
pub(super) fn strip(path: &str) -> Option<(String, u32)> {
    let (path, query) = path.split_once('?')?;
    let marker = marker::of(CREDENTIAL);
    let mut count = 0;
    let parameters: Vec<String> = query
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((name, value)) if !value.is_empty() && value != marker && is_secret(name) => {
                count += 1;
                format!("{name}={marker}")
            }
            _ => parameter.to_owned(),
        })
        .collect();
    (count > 0).then(|| (format!("{path}?{}", parameters.join("&")), count))
}

fn is_secret(name: &str) -> bool {
    let name = crate::protocol::percent_decode(name).to_ascii_lowercase();
    let bare: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let is_known = NAMES.contains(&&*bare) || PARTS.iter().any(|part| bare.contains(part));
    (is_known || is_credential(&name)) && !HARMLESS.contains(&&*bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_a_query_go_and_everything_else_stays() {
        let (path, count) =
            strip("/v1/x?key=a&alt=sse&API_Key=b&X-Goog-Signature=c&sig=d%26&page=2").unwrap();
        let gone = "[redacted:credential]";
        let expected = format!(
            "/v1/x?key={gone}&alt=sse&API_Key={gone}&X-Goog-Signature={gone}&sig={gone}&page=2"
        );
        assert_eq!((path.as_str(), count), (expected.as_str(), 4));
        assert_eq!(strip(&path), None);
        assert!(strip("/x?%6bey=a&access_token=1&client-secret=2").unwrap().1 == 3);
    }

    #[test]
    fn a_query_without_credentials_is_left_alone() {
        for path in
            ["/v1/x", "/v1/x?", "/x?a=b&c", "/x?key=", "/x?max_tokens=5&author=me", "/key=a"]
        {
            assert_eq!(strip(path), None, "{path}");
        }
    }
}
