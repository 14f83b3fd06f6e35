//! Arbitrary bytes.

use super::canary;
use super::{redactor, with_rules};
use crate::capture::Content;
use crate::capture::redact::{Counts, NO_DIGEST, Redactor, cut};
use bytes::Bytes;
use fastrand::Rng;
use http::HeaderMap;
use serde_json::Value;

/// What a body may be made of.
const PARTS: [&str; 40] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "\\",
    "\\u",
    "\\ud83d",
    "\\ude00",
    "\\u0073",
    "\\\\",
    "\\n",
    "data:",
    "data: ",
    "\n",
    "\r",
    "\n\n",
    "event: x",
    "[DONE]",
    "\u{feff}",
    "é",
    "😀",
    "1",
    "-0.5e",
    "4111 1111",
    "null",
    "true",
    "@",
    "a@b.io",
    "+1415",
    "%40",
    "sk-proj-",
    "[redacted:email]",
    "[redacted:",
    "\"content\":",
    "\"index\":0",
    "-----BEGIN PRIVATE KEY-----",
    " ",
];

fn made_up(random: &mut Rng) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..random.usize(..60) {
        match random.u8(..20) {
            0 => bytes.push(random.u8(..)),
            _ => bytes.extend_from_slice(PARTS[random.usize(..PARTS.len())].as_bytes()),
        }
    }
    bytes
}

/// Searches a body, whole or cut; once more must change nothing.
fn check(redactor: &Redactor, bytes: &[u8]) {
    let whole = Content::Whole(Bytes::copy_from_slice(bytes));
    let kept = Bytes::copy_from_slice(bytes);
    let length = bytes.len() as u64;
    for content in [whole, Content::Cut { kept, length, digest: NO_DIGEST }] {
        let was_json =
            content.kept().is_some_and(|kept| serde_json::from_slice::<Value>(kept).is_ok());
        let is_whole = matches!(content, Content::Whole(_));
        let left = redactor.content(content, &HeaderMap::new(), &mut Counts::new());
        let kept = left.kept().unwrap();
        assert!(std::str::from_utf8(kept).is_ok());
        if was_json && is_whole {
            assert!(serde_json::from_slice::<Value>(kept).is_ok(), "{left:?}");
        }
        let again = redactor.content(left.clone(), &HeaderMap::new(), &mut Counts::new());
        assert_eq!(again, left, "{:?}", String::from_utf8_lossy(bytes));
        cut(left, 10, &[0; 32]);
    }
}

#[test]
fn arbitrary_bytes_never_panic_and_twice_is_as_once() {
    let redactors = [redactor(), with_rules(&[("own", "[a-c]+[0-9]?"), ("at", "/*/content")])];
    let mut random = Rng::with_seed(11);
    for _ in 0..1_500 {
        let bytes = made_up(&mut random);
        redactors.iter().for_each(|redactor| check(redactor, &bytes));
    }
}

#[test]
fn damaged_bodies_never_panic_and_twice_is_as_once() {
    let redactor = redactor();
    let mut random = Rng::with_seed(12);
    for canary in canary::one_of_each() {
        let text = serde_json::to_string(&canary.text).unwrap();
        let body = format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{text}}}}}]}}\n\n\
             data: {{\"a\":[{text},{{\"b\":{text}}}],\"card\":4111111111111111}}\n\n"
        );
        for _ in 0..8 {
            let mut bytes = body.clone().into_bytes();
            for _ in 0..random.usize(1..6) {
                let at = random.usize(..bytes.len());
                match random.u8(..3) {
                    0 => bytes[at] = random.u8(..),
                    1 => drop(bytes.remove(at)),
                    _ => bytes.truncate(at.max(1)),
                }
            }
            check(&redactor, &bytes);
            check(&redactor, bytes.strip_prefix(b"data: ").unwrap_or(&bytes));
        }
    }
}

#[test]
fn what_is_nested_or_repeated_without_end_is_read_in_its_time() {
    let redactor = redactor();
    for part in [
        "{\"a\":",
        "[",
        "\\",
        "\"\\u",
        "[redacted:",
        "\\u{",
        "-----BEGIN PRIVATE KEY-----",
        "a@",
        "@",
        "+1 ",
        "4111 ",
        "de12",
        "eyJa.",
        "%4",
        "data:\n",
        "\"a\":",
        "basic ",
        "://:",
    ] {
        let body = part.repeat(15_000 / part.len());
        redactor.content(
            Content::Whole(body.clone().into()),
            &HeaderMap::new(),
            &mut Counts::new(),
        );
        let json = serde_json::to_string(&body).unwrap();
        redactor.content(Content::Whole(json.into()), &HeaderMap::new(), &mut Counts::new());
    }
}
