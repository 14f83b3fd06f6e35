//! Which headers are written down.
//!
//! An allow-list: what is not on it is left out, so that a header that nobody has heard of
//! does not betray anybody. The lists below say which; an operator may add names, but never
//! one that carries a credential. Organisations, projects and addresses of callers are not on
//! it. Must not know: what values are searched for.

use http::header::{HeaderMap, HeaderName};

/// Kept by their whole names, the shortest first. What a body is; who sent it with which program;
/// what ties an exchange to others; what was said to caches and of limits; versions of an API.
const KEPT: [&str; 41] = [
    "te",
    "age",
    "date",
    "vary",
    "accept",
    "expect",
    "prefer",
    "server",
    "x-cache",
    "request-id",
    "user-agent",
    "x-trace-id",
    "api-version",
    "openai-beta",
    "retry-after",
    "traceparent",
    "x-use-cache",
    "cache-status",
    "content-type",
    "openai-model",
    "x-request-id",
    "cache-control",
    "server-timing",
    "anthropic-beta",
    "content-length",
    "openai-version",
    "retry-after-ms",
    "x-should-retry",
    "accept-encoding",
    "accept-language",
    "x-transom-cache",
    "content-encoding",
    "extra-parameters",
    "x-transom-replay",
    "anthropic-version",
    "transfer-encoding",
    "x-accel-buffering",
    "x-transom-cache-ttl",
    "openai-processing-ms",
    "azureml-model-deployment",
    "x-transom-cache-namespace",
];

/// Kept by how their names begin: what OpenAI's and Anthropic's clients say of themselves, and
/// how much of a limit is left.
const KEPT_PREFIXES: [&str; 4] =
    ["anthropic-ratelimit-", "ratelimit-", "x-ratelimit-", "x-stainless-"];

/// Never kept, whoever asks for it.
const NEVER: [&str; 8] = [
    "authentication-info",
    "authorization",
    "cookie",
    "proxy-authenticate",
    "proxy-authorization",
    "set-cookie",
    "set-cookie2",
    "www-authenticate",
];

/// Nor are names that have one of these words between their dashes: `x-auth-token`,
/// `x-amz-signature`, `x-goog-iap-jwt-assertion`.
const NEVER_WORDS: [&str; 17] = [
    "apikey",
    "assertion",
    "auth",
    "authenticate",
    "authorization",
    "cookie",
    "credential",
    "credentials",
    "csrf",
    "jwt",
    "passwd",
    "password",
    "secret",
    "sessionkey",
    "signature",
    "token",
    "xsrf",
];

/// Nor names that end so, as `x-api-key` does, but for those that name no secret.
const NEVER_END: [&str; 2] = ["key", "keys"];
const HARMLESS_KEYS: [&str; 2] = ["idempotency-key", "x-idempotency-key"];

/// The names that are kept.
#[derive(Debug)]
pub(super) struct AllowList {
    /// The operator's, without those that are never kept.
    more: Vec<String>,
}

impl AllowList {
    /// With these names besides.
    pub(super) fn new(more: &[String]) -> Self {
        let names = more.iter().map(|name| name.trim().to_ascii_lowercase());
        Self { more: names.filter(|name| !is_credential(name)).collect() }
    }

    /// A copy of the headers that are kept.
    pub(super) fn keep(&self, headers: &HeaderMap) -> HeaderMap {
        let mut kept = HeaderMap::with_capacity(headers.len());
        for (name, value) in headers.iter().filter(|(name, _)| self.keeps(name.as_str())) {
            kept.append(name.clone(), value.clone());
        }
        kept
    }

    /// Removes all headers that are not kept.
    pub(super) fn strip(&self, headers: &mut HeaderMap) {
        let strangers: Vec<HeaderName> =
            headers.keys().filter(|name| !self.keeps(name.as_str())).cloned().collect();
        for name in strangers {
            headers.remove(name);
        }
    }

    fn keeps(&self, name: &str) -> bool {
        let has_prefix = || KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        let is_wanted = || has_prefix() || self.more.iter().any(|more| more == name);
        // None of those that are always kept carries one.
        is_kept(name) || (is_wanted() && !is_credential(name))
    }
}

fn is_kept(name: &str) -> bool {
    // Few names are as long: so few are compared.
    let order = |kept: &&str| kept.len().cmp(&name.len()).then_with(|| (**kept).cmp(name));
    KEPT.binary_search_by(order).is_ok()
}

/// Whether a header of this name, in lower case, carries a credential.
pub(super) fn is_credential(name: &str) -> bool {
    let mut words = name.split(['-', '_']);
    let last = name.rsplit(['-', '_']).next().unwrap_or_default();
    NEVER.contains(&name)
        || words.any(|word| NEVER_WORDS.contains(&word))
        || (NEVER_END.contains(&last) && !HARMLESS_KEYS.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn kept(more: &[&str], names: &[&'static str]) -> Vec<String> {
        let more: Vec<String> = more.iter().map(ToString::to_string).collect();
        let pair = |name: &&'static str| {
            (HeaderName::from_static(name), HeaderValue::from_static("value"))
        };
        let mut headers: HeaderMap = names.iter().map(pair).collect();
        AllowList::new(&more).strip(&mut headers);
        headers.keys().map(|name| name.as_str().to_owned()).collect()
    }

    #[test]
    fn the_lists_are_in_order_so_that_they_can_be_searched() {
        assert!(KEPT.is_sorted_by_key(|name| (name.len(), *name)));
        assert!(KEPT.iter().all(|name| !is_credential(name)));
    }

    #[test]
    fn what_is_on_the_list_stays_and_strangers_go() {
        let names = [
            "content-type",
            "x-stainless-lang",
            "x-ratelimit-remaining-tokens",
            "anthropic-ratelimit-tokens-remaining",
            "x-customer-name",
            "openai-organization",
            "openai-project",
            "x-forwarded-for",
        ];
        assert_eq!(kept(&[], &names), names[..4]);
        assert_eq!(kept(&["X-Customer-Name"], &names), names[..5]);
    }

    #[test]
    fn a_credential_is_never_kept() {
        let names = [
            "authorization",
            "proxy-authorization",
            "cookie",
            "set-cookie",
            "x-api-key",
            "api-key",
            "x-goog-api-key",
            "ocp-apim-subscription-key",
            "x-functions-key",
            "x-auth-token",
            "x-amz-security-token",
            "x-csrf-token",
            "cf-access-client-secret",
            "x-goog-iap-jwt-assertion",
            "x-hub-signature",
            "helicone-auth",
            "x-stainless-token",
        ];
        assert!(kept(&names, &names).is_empty());
        assert_eq!(kept(&["idempotency-key"], &["idempotency-key"]), ["idempotency-key"]);
    }
}
