//! The headers that go on to an upstream and may change what it answers.
//!
//! Must not know: any other header. Credentials are the scope's.

use crate::cache::key::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};

/// By their whole names: the form and language of an answer, a session of the upstream's
/// own, Azure's choice of a deployment and its way with unknown fields, Hugging Face's
/// cache, Google's project.
const NAMES: [&str; 7] = [
    "accept",
    "accept-language",
    "azureml-model-deployment",
    "cookie",
    "extra-parameters",
    "x-goog-user-project",
    "x-use-cache",
];

/// By how their names begin: versions, betas, organisations and projects (`openai-beta`,
/// `anthropic-version`, `groq-model-version`), Bedrock's guardrails, and gateways that route
/// or rewrite by headers.
const PREFIXES: [&str; 7] =
    ["anthropic-", "groq-", "helicone-", "openai-", "x-amzn-bedrock-", "x-litellm-", "x-portkey-"];

/// All values of each such header, by name. Values of one name keep their order, which may
/// matter; that of the names does not.
pub(super) fn write(headers: &HeaderMap, hash: &mut Parts) {
    let mut names: Vec<&HeaderName> = headers.keys().filter(|name| takes_part(name)).collect();
    names.sort_unstable_by_key(|name| name.as_str());
    hash.number(u32::try_from(names.len()).unwrap_or(u32::MAX));
    for name in names {
        let values: Vec<&HeaderValue> = headers.get_all(name).iter().collect();
        hash.part(name.as_str());
        hash.number(u32::try_from(values.len()).unwrap_or(u32::MAX));
        for value in values {
            hash.part(value.as_bytes());
        }
    }
}

fn takes_part(name: &HeaderName) -> bool {
    let name = name.as_str();
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
