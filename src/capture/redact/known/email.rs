//! Addresses of electronic mail (RFC 5321 §2.3.11), and internationalised ones (RFC 6531).
//!
//! Must not know: what the text around them says.

use crate::capture::redact::known::{Known, Need, after, before};
use std::ops::Range;

/// What looks like a top-level domain and is the end of a file's name: `icon@2x.png`.
const FILES: [&str; 8] = ["avif", "css", "gif", "jpeg", "jpg", "png", "svg", "webp"];
/// Longest name before the sign (RFC 5321 §4.5.3.1.1), in characters.
const LONGEST_NAME: usize = 64;
/// Longest domain (§4.5.3.1.2), in characters.
const LONGEST_DOMAIN: usize = 255;

pub(super) fn known() -> Known {
    Known {
        candidate: "@".to_owned(),
        check,
        // A letter behind a single backslash is an escape: `\n@decorator` has no name in front.
        hints: vec![
            r#"(?:\A|[^\\])[^\s"\\@]@[A-Za-z0-9\x80-\xFF][A-Za-z0-9\x80-\xFF-]*\."#.to_owned(),
            r#"\\\\[^\s"@]@[A-Za-z0-9\x80-\xFF]"#.to_owned(),
            r"\\u[0-9A-Fa-f]{4}@[A-Za-z0-9\x80-\xFF]".to_owned(),
            r"@[A-Za-z0-9-]*\\u[0-9A-Fa-f]{4}".to_owned(),
        ],
        needs: vec![Need::Sign(b'@')],
    }
}

/// A candidate is the sign.
fn check(text: &str, place: Range<usize>, found: &mut Vec<Range<usize>>) {
    let in_name = |c: &char| c.is_alphanumeric() || "._%+-".contains(*c);
    let name = text[..place.start].chars().rev().take(LONGEST_NAME).take_while(in_name);
    let begin = place.start - name.map(char::len_utf8).sum::<usize>();
    let name = &text[begin..place.start];
    // The letter behind a backslash is an escape.
    let is_escape = before(text, begin) == Some('\\');
    let name = name.get(usize::from(is_escape)..).unwrap_or_default();
    let name = name.trim_start_matches(|c: char| !c.is_alphanumeric());
    let in_domain = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '-');
    let domain = text[place.end..].chars().take(LONGEST_DOMAIN).take_while(in_domain);
    let length = domain.map(char::len_utf8).sum::<usize>();
    let Some(domain) = domain_in(&text[place.end..place.end + length]) else { return };
    let end = place.end + domain.len();
    // `git@host:path` is how repositories are named.
    let is_repository = name == "git" && after(text, end) == Some(':');
    if !name.is_empty() && !is_repository {
        found.push(place.start - name.len()..end);
    }
}

/// The longest beginning that is a domain of two labels or more.
fn domain_in(text: &str) -> Option<&str> {
    let text = text.split("..").next().unwrap_or_default();
    let mut domain = text.trim_end_matches(['.', '-']);
    while let Some((rest, top)) = domain.rsplit_once('.') {
        let is_file = FILES.iter().any(|file| top.eq_ignore_ascii_case(file));
        let is_word = top.chars().all(char::is_alphabetic) && top.chars().nth(1).is_some();
        let is_encoded = top.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("xn--"));
        if (is_word || is_encoded) && !is_file && !rest.starts_with(['.', '-']) && !rest.is_empty()
        {
            return Some(domain);
        }
        domain = rest;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::redact::known::probe;

    #[test]
    fn addresses_are_found_whatever_stands_around_them() {
        let found = probe(vec![known()]);
        for address in [
            "jane.doe@example.com",
            "j+tag@mail.example.co.uk",
            "müller@exämple.de",
            "用户@例子.公司",
            "x@xn--bcher-kva.example",
            "x@example.xn--p1ai",
            "a@b.io",
        ] {
            for text in [address.to_owned(), format!("<{address}>"), format!("to {address}. And")] {
                assert_eq!(found(&text), [address], "{text}");
            }
        }
        assert_eq!(found("mail=a@b.io&x=1, 'c@d.org'"), ["a@b.io", "c@d.org"]);
    }

    #[test]
    fn what_only_has_an_at_sign_is_not() {
        let found = probe(vec![known()]);
        for text in [
            "@app.route('/')",
            "import {x} from '@types/node'",
            "icon@2x.png",
            "git@github.com:org/repo.git",
            "left-pad@1.3.0",
            "user@localhost",
            "meet @ 5pm.",
            "a@b",
            "a@.com",
        ] {
            assert!(found(text).is_empty(), "{text}");
        }
    }
}
