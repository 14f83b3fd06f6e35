//! Credentials: keys of providers and clouds by their prefixes, keys by what stands before
//! them, credentials in URLs, private keys in PEM, JSON Web Tokens.
//!
//! Must not know: what a key opens.

use super::literals::{IN_KEY_NAMES, IN_PREFIXES};
use crate::capture::redact::edge::floor;
use crate::capture::redact::known::{Check, Known, Need, WORD_BEGINS, whole};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use std::ops::Range;

/// Letters and digits.
const ALNUM: &str = "[A-Za-z0-9]";
/// Those, `_` and `-`.
const WORD: &str = "[A-Za-z0-9_-]";
/// Hexadecimal digits.
const HEX: &str = "[A-Fa-f0-9]";

/// Keys that say by their beginning what they are: the beginning, what follows, and how much
/// of it at least.
const PREFIXED: [(&str, &str, usize); 53] = [
    // OpenAI and those who followed its form; Anthropic, OpenRouter, Langfuse, LiteLLM.
    ("sk-(?:proj|svcacct|admin|None|ant|or-v1|or|lf|litellm)-", WORD, 16),
    ("sk-", ALNUM, 16),
    ("sess-", ALNUM, 32),
    ("pk-lf-", WORD, 16),
    // Other model providers.
    ("gsk_", ALNUM, 20),
    ("xai-", ALNUM, 20),
    ("pplx-", ALNUM, 20),
    ("nvapi-", WORD, 20),
    ("hf_", ALNUM, 20),
    ("api_org_", ALNUM, 20),
    ("r8_", ALNUM, 20),
    ("fw_", ALNUM, 20),
    ("csk-", ALNUM, 20),
    ("tgp_v1_", WORD, 20),
    ("key-", HEX, 32),
    ("tvly-", WORD, 20),
    ("pcsk_", WORD, 20),
    ("lsv2_(?:pt|sk)_", WORD, 20),
    ("esecret_", ALNUM, 20),
    ("dapi", HEX, 32),
    // Clouds.
    ("(?:AKIA|ASIA|ABIA|ACCA)", "[A-Z2-7]", 16),
    ("ABSK", "[A-Za-z0-9+/=]", 40),
    ("bedrock-api-key-", "[A-Za-z0-9+/=]", 20),
    ("AIza", WORD, 30),
    ("ya29\\.", WORD, 20),
    ("GOCSPX-", WORD, 20),
    ("do[opr]_v1_", HEX, 40),
    ("LTAI", ALNUM, 16),
    // Code and packages.
    ("gh[pousr]_", ALNUM, 30),
    ("github_pat_", "[A-Za-z0-9_]", 30),
    ("gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct)-", "[A-Za-z0-9_.-]", 20),
    ("npm_", ALNUM, 30),
    ("pypi-AgE", WORD, 30),
    ("dckr_(?:pat|oat)_", WORD, 20),
    ("ATATT3", "[A-Za-z0-9_=-]", 30),
    ("lin_api_", ALNUM, 20),
    ("rubygems_", HEX, 40),
    // Messages.
    ("xox[abceoprs]-", "[A-Za-z0-9-]", 10),
    ("xapp-", "[A-Za-z0-9-]", 10),
    ("SG\\.[A-Za-z0-9_-]{16,32}\\.", WORD, 16),
    ("[0-9]{8,10}:AA", WORD, 30),
    // Money.
    ("[sr]k_(?:live|test|prod)_", ALNUM, 10),
    ("whsec_", "[A-Za-z0-9+/=]", 20),
    ("sq0(?:atp|csp|idp)-", WORD, 20),
    ("shp(?:at|ca|pa|ss)_", HEX, 32),
    // Operations.
    ("hv[sbr]\\.", WORD, 20),
    ("dp\\.(?:audit|ct|pt|sa|scim|st(?:\\.[a-z0-9_-]{2,35})?)\\.", ALNUM, 20),
    ("sb(?:p|_secret)_", WORD, 20),
    ("gl(?:c|sa)_", "[A-Za-z0-9_+/=]", 20),
    ("sntry[su]_", "[A-Za-z0-9_+/=]", 20),
    ("NRAK-", ALNUM, 20),
    ("ntn_", ALNUM, 30),
    ("AGE-SECRET-KEY-1", "[A-Z0-9]", 40),
];

/// So much of a prefixed key is enough for a hint.
const HINTED: usize = 8;

/// What a key is called where it stands as `name = value`, without regard to case.
pub(in crate::capture::redact) const KEY_NAMES: &str = "api[_-]?key|apikey|secret|\
    (?:access|account|subscription|shared[_-]?access|private|signing|encryption|master)[_-]?key|\
    (?:auth|access|refresh|session|security|bearer|id|api|bot|personal[_-]?access)[_-]?token";

/// Characters of a key that is known by its name alone.
const KEY: &str = "[A-Za-z0-9+/_.~=-]";
/// Such a key is at least so long.
const SHORTEST_KEY: usize = 20;
/// And has so many different characters.
const LEAST_VARIETY: usize = 8;

pub(super) fn known() -> Vec<Known> {
    vec![prefixed(), named(), schemes(), in_urls(), webhooks(), pem()]
}

/// A JSON Web Token, signed or encrypted, whole or cut (RFC 7515 §7.1, RFC 7516 §7.1). The
/// first part of one is an object, whose base64url begins with `ey`, or with `ew` where a line
/// ends behind the brace.
pub(super) fn jwt() -> Known {
    let head = "e[yw][A-Za-z0-9_-]{10,}";
    Known {
        candidate: format!(
            r"(?-u:\b){head}\.(?:[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]*|e[yw][A-Za-z0-9_-]{{8,}}|\.[A-Za-z0-9_-]{{8,}})(?:\.[A-Za-z0-9_-]*){{0,3}}"
        ),
        check: whole,
        hints: vec![format!(r"{WORD_BEGINS}{head}\.")],
        needs: vec![Need::Dotted],
    }
}

/// Whether a text may be a key that nobody has given a prefix: random letters and digits, not
/// words, a version or a path in a program.
pub(in crate::capture::redact) fn is_key_like(text: &str) -> bool {
    /// A part of it without punctuation is at least so long, with letters and digits.
    const SHORTEST_PART: usize = 8;
    let key = text.trim_end_matches('.');
    let mut seen = 0_u128;
    for byte in key.bytes() {
        if !byte.is_ascii_alphanumeric() && !b"+/_.~=-".contains(&byte) {
            return false;
        }
        seen |= 1 << (byte & 0x7f);
    }
    let is_varied = seen.count_ones() as usize >= LEAST_VARIETY;
    let has =
        |part: &str, kind: fn(&u8) -> bool| part.as_bytes().iter().filter(|b| kind(b)).count();
    let is_random = |part: &str| {
        part.len() >= SHORTEST_PART
            && has(part, u8::is_ascii_digit) >= 1
            && has(part, u8::is_ascii_alphabetic) >= 2
    };
    let mut parts = key.split(|c: char| !c.is_ascii_alphanumeric());
    key.len() >= SHORTEST_KEY && is_varied && parts.any(is_random)
}

fn prefixed() -> Known {
    let any = |longest: usize| {
        let keys = PREFIXED.iter().map(|(begin, rest, least)| {
            let least = (*least).min(longest);
            format!("{begin}{rest}{{{least},}}")
        });
        keys.collect::<Vec<_>>().join("|")
    };
    // Some write `\/` for `/` in JSON.
    let hint = any(HINTED).replace('/', r"/\\");
    api_key(
        format!(r"(?:(?-u:\b)|_)({})", any(usize::MAX)),
        whole,
        format!("{WORD_BEGINS}(?:{hint})"),
        IN_PREFIXES.map(Need::Literal).into_iter().chain([Need::Folded("secret")]).collect(),
    )
}

/// `AZURE_OPENAI_API_KEY="…"`, `aws_secret_access_key: …`, `"clientSecret": "…"`.
fn named() -> Known {
    let quote = r#"(?:\\*["'`])?"#;
    api_key(
        format!(
            r#"(?i-u:(?:{KEY_NAMES})[A-Za-z0-9_-]{{0,24}}){quote}\s{{0,8}}(?::=|=>|[:=])\s{{0,8}}{quote}(?i-u:(?:bearer|basic|token)\s{{1,4}})?({KEY}{{{SHORTEST_KEY},}})"#
        ),
        key_like,
        format!(r#"(?i:{KEY_NAMES})[A-Za-z0-9_-]*[\\"'`]*\s*[:=]"#),
        IN_KEY_NAMES.map(Need::Folded).to_vec(),
    )
}

/// `Authorization: Bearer …` (RFC 6750 §2.1) and `Basic …` (RFC 7617).
fn schemes() -> Known {
    api_key(
        format!(r"(?-u:\b)((?i-u:bearer|basic)[\s:]{{1,4}}{KEY}{{12,}})"),
        scheme,
        format!(r"{WORD_BEGINS}(?i:bearer|basic)(?:[\s:]|\\+[nrt]){{1,4}}(?:{KEY}|\\){{12}}"),
        vec![Need::Folded("bearer"), Need::Folded("basic")],
    )
}

/// `scheme://user:password@host` (RFC 3986 §3.2.1).
fn in_urls() -> Known {
    api_key(
        r#"(?-u:\b)[A-Za-z][A-Za-z0-9+.\-]{1,30}://([^\s/?#:@"'<>\[\]]{0,256}:[^\s/?#@"'<>\[\]]{1,256})@"#.to_owned(),
        whole,
        r#":[^\s?#@"<>]+@"#.to_owned(),
        vec![Need::Sign(b'@')],
    )
}

/// Where Slack takes messages from whoever knows the address.
fn webhooks() -> Known {
    let candidate = r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{20,})";
    let needs = vec![Need::Literal("hooks.slack.com")];
    api_key(candidate.to_owned(), whole, r"hooks\.slack\.com".to_owned(), needs)
}

/// PEM (RFC 7468 §10, RFC 1421) and OpenPGP (RFC 9580 §6.2).
fn pem() -> Known {
    let begin = "-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----";
    let needs = vec![Need::Literal("-----BEGIN ")];
    api_key(begin.to_owned(), private_key, "-----BEGIN ".to_owned(), needs)
}

fn api_key(candidate: String, check: Check, hint: String, needs: Vec<Need>) -> Known {
    Known { candidate, check, hints: vec![hint], needs }
}

fn key_like(text: &str, place: Range<usize>, found: &mut Vec<Range<usize>>) {
    if is_key_like(&text[place.clone()]) {
        found.push(place);
    }
}

/// Takes a scheme with its credential. `Basic` is an English word: what follows must be a name
/// and a password. What follows `Bearer` must have a digit or be long.
fn scheme(text: &str, place: Range<usize>, found: &mut Vec<Range<usize>>) {
    let candidate = &text[place.clone()];
    let Some((scheme, credential)) = candidate.split_once(|c: char| c.is_whitespace() || c == ':')
    else {
        return;
    };
    let credential = credential.trim_start_matches(|c: char| c.is_whitespace() || c == ':');
    let is_secret = if scheme.eq_ignore_ascii_case("basic") {
        let bare = credential.trim_end_matches(['=', '.']);
        let decoded = BASE64_STANDARD.decode(credential).or(BASE64_STANDARD_NO_PAD.decode(bare));
        decoded.is_ok_and(|pair| pair.contains(&b':') && !pair.iter().any(u8::is_ascii_control))
    } else {
        let digits = credential.bytes().filter(u8::is_ascii_digit).count();
        credential.len() >= 32 || credential.len() >= 12 && digits >= 1
    };
    if is_secret {
        found.push(place);
    }
}

/// Takes a private key to its end, or, where that is missing, as far as it may go.
fn private_key(text: &str, place: Range<usize>, found: &mut Vec<Range<usize>>) {
    /// Longest key there is, lines and all: RSA of 16384 bits has 13 KiB.
    const LONGEST: usize = 16 * 1024;
    let rest = &text[place.end..floor(text, place.end + LONGEST)];
    // The next key begins a search of its own, so that a text is gone through once.
    let rest = rest.split("-----BEGIN ").next().unwrap_or_default();
    let end = rest.find("-----END ").and_then(|end| {
        let after_name = end + 5;
        rest[after_name..].find("-----").map(|dashes| after_name + dashes + 5)
    });
    let length = end.or_else(|| rest.find(|c: char| !is_pem(c))).unwrap_or(rest.len());
    found.push(place.start..place.end + length);
}

fn is_pem(c: char) -> bool {
    c.is_ascii_alphanumeric() || c.is_whitespace() || "+/=\\\"',:-".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::redact::known::probe;

    #[test]
    fn keys_are_known_by_their_names() {
        let found = probe(known().into_iter().chain([jwt()]).collect());
        let key = "0123456789abcdef0123456789abcdef";
        for text in [
            format!("AZURE_OPENAI_API_KEY={key}"),
            format!("\"api-key\": \"{key}\""),
            format!(r#"{{\"apiKey\": \"{key}\"}}"#),
            format!("aws_secret_access_key = {key}"),
            format!("client_secret: '{key}'"),
            format!("x-auth-token: Bearer {key}"),
        ] {
            assert!(found(&text).iter().any(|f| f.ends_with(key)), "{text}");
        }
    }

    #[test]
    fn tokens_of_doppler_are_known_with_and_without_a_configuration() {
        let found = probe(known());
        let rest = "0123456789abcdefghijABCDEFGHIJ0123456789abc";
        for begin in ["dp.pt.", "dp.sa.", "dp.scim.", "dp.st.", "dp.st.prd_eu."] {
            let token = format!("{begin}{rest}");
            assert_eq!(found(&format!("it is {token}.")), [token]);
        }
    }

    #[test]
    fn words_and_programs_are_no_keys() {
        let found = probe(known().into_iter().chain([jwt()]).collect());
        for text in [
            "api_key = process.env.OPENAI_API_KEY",
            "api_key=YOUR_API_KEY_GOES_HERE",
            "secret: \"a-word-and-another-word\"",
            "secretName: my-app-tls-2024-cert-01",
            "secret = projects/123456/secrets/my-secret/versions/2",
            "task-abcdefghijklmnopqrst1234",
            "risk-based approaches",
            "the bearer of this letter",
            "Basic authentication is simple",
            "max_tokens: 12345678901234567890",
            "https://example.com:8080/a@b",
            "time 10:20:30 @ noon",
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        ] {
            assert!(found(text).is_empty(), "{text}: {:?}", found(text));
        }
    }

    #[test]
    fn a_credential_in_a_url_goes_and_the_host_stays() {
        let found = probe(known().into_iter().chain([jwt()]).collect());
        assert_eq!(found("postgres://app:hunter2@db:5432/x"), ["app:hunter2"]);
        assert_eq!(found("redis://:hunter2@cache"), [":hunter2"]);
    }

    #[test]
    fn a_private_key_goes_to_its_end_or_as_far_as_it_may() {
        let found = probe(known().into_iter().chain([jwt()]).collect());
        let begin = "-----BEGIN RSA PRIVATE KEY-----";
        let end = "-----END RSA PRIVATE KEY-----";
        let key = format!("{begin}\nMIIEpAIBAAKCAQEA7\n+/==\n{end}");
        assert_eq!(found(&format!("a {key} b")), [key.as_str()]);
        assert_eq!(found(&format!("{begin}\nMIIEpAIBAAKCA")), [format!("{begin}\nMIIEpAIBAAKCA")]);
        assert_eq!(found(&format!("{begin} <key> and more")), [format!("{begin} ")]);
    }

    #[test]
    fn schemes_are_taken_with_their_credentials() {
        let found = probe(known().into_iter().chain([jwt()]).collect());
        assert_eq!(found("curl -H 'Authorization: Bearer abc123def456'"), ["Bearer abc123def456"]);
        assert_eq!(found("Basic dXNlcjpwYXNz"), ["Basic dXNlcjpwYXNz"]);
        assert_eq!(found("basic YWJjZGVmZ2hpamts"), Vec::<String>::new());
    }
}
