//! Bodies that were cut, and bodies that cannot be read.

use super::canary;
use super::{exchange, redactor, settings, typed};
use crate::capture::redact::{Counts, NO_DIGEST, Redactor, cut};
use crate::capture::{Content, Message};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

fn cut_body(redactor: &Redactor, kept: &str) -> (String, Counts) {
    let mut counts = Counts::new();
    let content = Content::Cut {
        kept: Bytes::copy_from_slice(kept.as_bytes()),
        length: 1_000_000,
        digest: NO_DIGEST,
    };
    let content = redactor.content(content, &HeaderMap::new(), &mut counts);
    let Content::Cut { kept, length: 1_000_000, digest: NO_DIGEST } = content else {
        panic!("{content:?}")
    };
    (String::from_utf8(kept.to_vec()).unwrap(), counts)
}

/// Whether a part of a secret that is long enough to matter is there.
fn leaks(text: &str, secret: &str) -> bool {
    let secret: Vec<char> = secret.chars().collect();
    let size = secret.len().min(10);
    secret.windows(size).any(|part| text.contains(&part.iter().collect::<String>()))
}

/// So many ordinary words.
fn words(bytes: usize) -> String {
    "The quick brown fox jumps over the lazy dog. ".repeat(bytes / 45)
}

#[test]
fn no_part_of_a_secret_is_left_where_a_body_was_cut() {
    let redactor = redactor();
    for canary in canary::one_of_each() {
        let text = serde_json::to_string(&format!("{}{} x", words(900), canary.text)).unwrap();
        let bodies = [
            format!("{}{} x", words(900), canary.text),
            format!(r#"{{"messages":[{{"role":"user","content":{text}}}]}}"#),
            format!(r#"{{"input":{text}}}"#),
            format!(
                r#"{{"text":"a","arguments":{}}}"#,
                serde_json::to_string(&format!("{{\"k\":{text}}}")).unwrap()
            ),
        ];
        for body in bodies {
            let first = body.find("dog.").unwrap() + 800;
            for at in (first..body.len()).step_by(9).filter(|at| body.is_char_boundary(*at)) {
                let (left, _) = cut_body(&redactor, &body[..at]);
                assert!(!leaks(&left, &canary.secret), "{canary:?}\n{}\n{left}", &body[..at]);
                assert!(left.contains("lazy dog"));
                assert_eq!(cut_body(&redactor, &left), (left, Counts::new()));
            }
        }
    }
}

#[test]
fn no_part_of_a_secret_is_left_where_a_stream_was_cut() {
    let redactor = redactor();
    for canary in canary::one_of_each() {
        let text = format!("{}{}", words(600), canary.text);
        let chars: Vec<char> = text.chars().collect();
        let events: Vec<String> = chars
            .chunks(3)
            .map(|piece| {
                let piece = serde_json::to_string(&piece.iter().collect::<String>()).unwrap();
                format!(
                    "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{piece}}}}}]}}\n\n"
                )
            })
            .collect();
        for count in (190..events.len()).step_by(17) {
            let whole: String = events[..count].concat();
            for rest in [0, 40] {
                let body = format!("{whole}{}", &events[count][..rest.min(events[count].len())]);
                let (left, counts) = cut_body(&redactor, &body);
                let said: String = left
                    .split("\"content\":\"")
                    .skip(1)
                    .filter_map(|rest| rest.split('"').next())
                    .collect();
                assert!(!leaks(&said, &canary.secret), "{canary:?}\n{said}");
                assert!(
                    said.ends_with("[redacted:edge]") && counts["edge"] == 1,
                    "{said} {counts:?}"
                );
                assert_eq!(left.matches("\n\n").count(), count);
                assert_eq!(cut_body(&redactor, &left), (left, Counts::new()));
            }
        }
    }
}

#[test]
fn a_body_cut_after_it_was_redacted_has_no_secret_at_its_edge() {
    let redactor = redactor();
    for canary in canary::one_of_each() {
        let body = format!("{}{} {}", words(100), canary.text, words(100));
        let content = Content::Whole(body.clone().into());
        let content = redactor.content(content, &HeaderMap::new(), &mut Counts::new());
        for limit in (90..body.len() as u64).step_by(5) {
            let content = cut(content.clone(), limit, &[7; 32]);
            let kept = String::from_utf8(content.kept().unwrap().to_vec()).unwrap();
            assert!(!leaks(&kept, &canary.secret), "{kept}");
        }
    }
}

#[test]
fn a_number_at_the_edge_is_not_kept() {
    let (left, _) = cut_body(&redactor(), r#"{"a": "b", "card": 41111111"#);
    assert_eq!(left, r#"{"a": "b", "card": "#);
}

#[test]
fn a_body_that_cannot_be_read_is_not_kept() {
    let redactor = redactor();
    let mut gzip = typed("application/json");
    gzip.insert("content-encoding", HeaderValue::from_static("gzip"));
    let mut identity = typed("application/json");
    identity.insert("content-encoding", HeaderValue::from_static("Identity"));
    let plain = HeaderMap::new();
    let utf16: Vec<u8> =
        "sk-proj-0123456789abcdefghij".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let unreadable: [(&HeaderMap, &[u8]); 4] =
        [(&gzip, b"{}"), (&plain, b"\xff\xfe"), (&plain, b"{\"a\":\"\xc3\"}"), (&plain, &utf16)];
    for (headers, bytes) in unreadable {
        for content in [
            Content::Whole(Bytes::copy_from_slice(bytes)),
            Content::Cut {
                kept: Bytes::copy_from_slice(bytes),
                length: bytes.len() as u64,
                digest: [9; 32],
            },
        ] {
            let mut counts = Counts::new();
            let kept = Bytes::new();
            let length = bytes.len() as u64;
            let expected = Content::Cut { kept, length, digest: NO_DIGEST };
            assert_eq!(redactor.content(content, headers, &mut counts), expected);
            assert_eq!(counts["unreadable"], 1);
            assert_eq!(redactor.content(expected.clone(), headers, &mut Counts::new()), expected);
        }
    }
    let readable = Content::Whole("{}".into());
    assert_eq!(redactor.content(readable.clone(), &identity, &mut Counts::new()), readable);
    let empty = Content::Whole(Bytes::new());
    assert_eq!(redactor.content(empty.clone(), &gzip, &mut Counts::new()), empty);
}

#[test]
fn a_conversation_whose_id_is_a_secret_has_none() {
    let redactor = Redactor::new(&settings(&[])).unwrap();
    let mut found = exchange(Message::default(), Message::default());
    for (id, stays) in [("0e1f2a3b-aaaa", true), ("sk-proj-0123456789abcdefghij", false)] {
        found.session = Some(crate::capture::Session { id: id.into(), turn: 1 });
        redactor.apply(&mut found);
        assert_eq!(found.session.is_some(), stays);
    }
}
