//! Tells most texts in which there is nothing from those in which there may be something.
//!
//! Whatever a hint of a known pattern matches has something in it that few texts have: a sign, a
//! word, digits close together. That is looked for with vector instructions and a glance at each
//! byte, which takes a fraction of the time that the hints take; only texts that have any of it
//! need more than that. Must not know: where a text comes from, or what a pattern is for.

use crate::capture::redact::known::{Need, is_country};
use aho_corasick::packed::Searcher;
use std::ops::Range;

/// Literals that are looked for at once: what two registers of 256 bits have room for.
const AT_ONCE: usize = 64;
/// Literals of so many bytes and more are told apart by as many; shorter ones, looked for
/// together with them, would cost them that.
const LONG: usize = 4;
/// Bytes that are glanced at together.
const GLANCE: usize = 32;
/// Bytes that are looked at one by one before that.
const NEAR: usize = 6;
/// Fewest digits of a telephone number that has gaps, or a `+` or `00` before it, or which those
/// of an escape cannot be told from.
const PHONE: usize = 7;
/// Fewest digits of a card.
const CARD: usize = 13;
/// Bytes of the longest escape of a character.
const LONGEST_ESCAPE: usize = 6;

/// Looks for what the patterns need.
#[derive(Debug)]
pub(super) struct Sieve {
    /// For literals as they stand.
    exact: Vec<Searcher>,
    /// For literals in lower case, in a text in lower case.
    folded: Vec<Searcher>,
    others: Vec<Need>,
}

impl Sieve {
    /// For patterns of which any match has one of `needs` in it. `None` where the machine has
    /// no instructions for that.
    pub(super) fn new(needs: &[Need]) -> Option<Self> {
        let (mut exact, mut folded, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for need in needs {
            match need {
                Need::Literal(literal) => exact.push(literal.as_bytes()),
                Need::Folded(literal) => folded.push(literal.as_bytes()),
                other if others.contains(other) => {}
                other => others.push(*other),
            }
        }
        Some(Self { exact: searchers(exact)?, folded: searchers(folded)?, others })
    }

    /// Whether there may be something in `text`.
    pub(super) fn may_hold(&self, text: &[u8]) -> bool {
        self.may_hold_exact(text)
            || (!self.folded.is_empty() && any(&self.folded, &text.to_ascii_lowercase()))
    }

    /// The same for a text that nobody needs any more.
    pub(super) fn may_have_held(&self, mut text: Vec<u8>) -> bool {
        self.may_hold_exact(&text) || {
            text.make_ascii_lowercase();
            any(&self.folded, &text)
        }
    }

    fn may_hold_exact(&self, text: &[u8]) -> bool {
        has_escape(text)
            || self.others.iter().any(|need| need.is_in(text))
            || any(&self.exact, text)
    }
}

impl Need {
    fn is_in(&self, text: &[u8]) -> bool {
        match self {
            // Those are looked for all at once.
            Self::Literal(_) | Self::Folded(_) => false,
            Self::Sign(sign) => memchr::memchr(*sign, text).is_some(),
            Self::Dotted => memchr::memchr_iter(b'.', text).any(|at| is_behind_token(&text[..at])),
            Self::Digits => has_digits(text),
        }
    }
}

fn any(searchers: &[Searcher], text: &[u8]) -> bool {
    searchers.iter().any(|searcher| searcher.find(text).is_some())
}

/// Searchers for all of these. `None` where the machine has no instructions for that.
fn searchers(mut literals: Vec<&[u8]>) -> Option<Vec<Searcher>> {
    literals.sort_unstable();
    literals.dedup();
    let (long, short): (Vec<_>, Vec<_>) = literals.into_iter().partition(|it| it.len() >= LONG);
    long.chunks(AT_ONCE).chain(short.chunks(AT_ONCE)).map(Searcher::new).collect()
}

/// Whether there is an escape that can hide something.
fn has_escape(text: &[u8]) -> bool {
    memchr::memchr2_iter(b'\\', b'%', text).any(|at| match &text[at..] {
        [b'%', b'2'..=b'7', hex, ..] => hex.is_ascii_hexdigit(),
        [b'\\', rest @ ..] => is_escape(rest),
        _ => false,
    })
}

/// Whether there are digits as [`Need::Digits`] says.
fn has_digits(text: &[u8]) -> bool {
    let (mut digits, mut at) = (Digits::default(), 0);
    while let Some(distance) = next_digit(&text[at..]) {
        let start = at + distance;
        let before = &text[..start];
        if before.last().is_some_and(u8::is_ascii_alphanumeric) {
            if is_account(&text[..text.len().min(start + 2)]) {
                return true;
            }
            if !is_behind_escape(before) {
                // Digits in a word are no number.
                at = start + length(&text[start..], u8::is_ascii_alphanumeric);
                digits = Digits::default();
                continue;
            }
        }
        at = start + length(&text[start..], u8::is_ascii_digit);
        if digits.are_enough(text, start..at) {
            return true;
        }
    }
    false
}

fn next_digit(text: &[u8]) -> Option<usize> {
    // Where one is, others are near; and where none is, none is for long.
    let (near, far) = text.split_at(text.len().min(NEAR));
    near.iter().position(u8::is_ascii_digit).or_else(|| {
        let any = |bytes: &[u8]| bytes.iter().fold(false, |any, byte| any | byte.is_ascii_digit());
        let begin = GLANCE * far.chunks(GLANCE).position(any)?;
        far[begin..].iter().position(u8::is_ascii_digit).map(|at| NEAR + begin + at)
    })
}

fn length(text: &[u8], belongs: fn(&u8) -> bool) -> usize {
    text.iter().position(|byte| !belongs(byte)).unwrap_or(text.len())
}

/// Whether what comes next may stand directly behind an escape, or in one.
fn is_behind_escape(before: &[u8]) -> bool {
    before[before.len().saturating_sub(LONGEST_ESCAPE)..].contains(&b'\\')
}

/// Digits with no more than gaps between them.
#[derive(Default)]
struct Digits {
    count: usize,
    /// Where the last one stands, and one more.
    end: usize,
}

impl Digits {
    /// Takes a run of digits. Whether it makes them as many as are looked for.
    fn are_enough(&mut self, text: &[u8], run: Range<usize>) -> bool {
        let goes_on = self.count > 0 && text[self.end..run.start].iter().rev().all(is_gap);
        self.count = if goes_on { self.count + run.len() } else { run.len() };
        self.end = run.end;
        self.count >= CARD
            || (self.count >= PHONE && (goes_on || is_marked(&text[..run.start], &text[run])))
    }
}

/// Whether a telephone number may begin with a run of digits.
fn is_marked(before: &[u8], run: &[u8]) -> bool {
    run.starts_with(b"00")
        || before.iter().rev().find(|byte| !is_gap(byte)) == Some(&b'+')
        || is_behind_escape(before)
}

/// Any byte of a [gap](crate::capture::redact::known::GAP_BYTES).
const fn is_gap(byte: &u8) -> bool {
    matches!(byte, b' ' | b'.' | b'(' | b')' | b'/' | b'-')
        || matches!(byte, 0xc2 | 0xa0 | 0xe2 | 0x80 | 0x89..=0x95 | 0xaf)
}

/// Whether a text ends with a country and two digits, as an account number begins.
fn is_account(text: &[u8]) -> bool {
    let Some((before, [first, second, _, _])) = text.split_last_chunk() else { return false };
    let begins = match before {
        [] => true,
        // The letter of an escape.
        [.., b'\\', _] | [.., b'\\', b'u', _, _, _, _] => true,
        [.., byte] => !byte.is_ascii_alphanumeric(),
    };
    begins && is_country([*first, *second])
}

/// Whether what ends here is as long as the first part of a token is at least.
fn is_behind_token(text: &[u8]) -> bool {
    const SHORTEST: usize = 12;
    let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    text.iter().rev().take(SHORTEST).take_while(is_word).count() == SHORTEST
}

/// Whether what stands behind a backslash is an escape that can hide what is looked for: see
/// [`ESCAPES`](crate::capture::redact::known::ESCAPES).
fn is_escape(text: &[u8]) -> bool {
    let Some((kind, code)) = text.split_first() else { return false };
    match (kind, code) {
        (b'x', code) => matches!(code, [b'2'..=b'7', ..]),
        (b'u', [b'{', ..]) => true,
        (b'u', [b'0', b'0', code @ ..]) => {
            matches!(code, [b'0'..=b'7', ..] | [b'a' | b'A', b'0', ..])
        }
        (b'u', [b'2', b'0', code @ ..]) => {
            matches!(code, [b'0', b'9', ..] | [b'1', b'0'..=b'5', ..] | [b'2', b'f' | b'F', ..])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::KnownPattern;
    use crate::capture::redact::known::{ESCAPES, known};
    use fastrand::Rng;
    use regex::bytes::RegexBuilder;
    use regex_syntax::ParserBuilder;
    use regex_syntax::hir::{Class, Hir, HirKind};

    /// Adds something that the expression matches.
    fn add_match(expression: &Hir, rng: &mut Rng, text: &mut Vec<u8>) {
        match expression.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => text.extend_from_slice(&literal.0),
            HirKind::Class(Class::Bytes(class)) => {
                let range = class.ranges()[rng.usize(..class.ranges().len())];
                text.push(rng.u8(range.start()..=range.end()));
            }
            HirKind::Class(Class::Unicode(_)) => unreachable!("hints are of bytes"),
            HirKind::Repetition(repetition) => {
                let most = repetition.max.unwrap_or(repetition.min + 3).min(repetition.min + 9);
                (0..rng.u32(repetition.min..=most)).for_each(|_| {
                    add_match(&repetition.sub, rng, text);
                });
            }
            HirKind::Capture(capture) => add_match(&capture.sub, rng, text),
            HirKind::Concat(parts) => parts.iter().for_each(|part| add_match(part, rng, text)),
            HirKind::Alternation(any) => add_match(&any[rng.usize(..any.len())], rng, text),
        }
    }

    fn sieve() -> Sieve {
        let all = KnownPattern::ALL.into_iter().flat_map(known).flat_map(|known| known.needs);
        Sieve::new(&all.collect::<Vec<_>>()).expect("machines that test have them")
    }

    #[test]
    fn whatever_a_hint_matches_is_held_wherever_it_stands() {
        let sieve = sieve();
        let hints = KnownPattern::ALL.into_iter().flat_map(known).flat_map(|known| known.hints);
        let mut rng = Rng::with_seed(7);
        for hint in hints.chain(ESCAPES.map(str::to_owned)) {
            let parsed = ParserBuilder::new().unicode(false).utf8(false).build().parse(&hint);
            let parsed = parsed.unwrap();
            let regex = RegexBuilder::new(&hint).unicode(false).build().unwrap();
            let mut matches = 0;
            for _ in 0..3_000 {
                let surroundings =
                    ["", "a", "7", " ", "\\", "\\u2c", "+", "\"", ".", "0 1", "\u{a0}"];
                let mut text = surroundings[rng.usize(..surroundings.len())].as_bytes().to_vec();
                add_match(&parsed, &mut rng, &mut text);
                text.extend_from_slice(surroundings[rng.usize(..surroundings.len())].as_bytes());
                if regex.is_match(&text) {
                    let shown = String::from_utf8_lossy(&text);
                    assert!(sieve.may_hold(&text), "{shown:?} has a match of {hint}");
                    matches += 1;
                }
            }
            assert!(matches > 1_000, "{hint}");
        }
    }

    #[test]
    fn ordinary_bodies_pass() {
        let sieve = sieve();
        for text in [
            r#"{"id":"chatcmpl-9fK2","object":"chat.completion","created":1700000000,"model":"m-4o"}"#,
            r#"{"usage":{"prompt_tokens":24,"completion_tokens":61,"total_tokens":85},"seed":4711}"#,
            r#"{"role":"user","content":"Name the three primary colours.\n\"Red\", 1) and 2.5?"}"#,
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" na\u{ef}ve\"}}]}\n\n",
            "Fri, 21 Nov 2025 18:00:00 GMT\n127.0.0.1\n/v1/chat/completions\nbench/1.2.3",
            "2c5a9e0d-7b1f-4c3e-a8d2-9f0b1c2d3e4f",
        ] {
            assert!(!sieve.may_hold(text.as_bytes()), "{text}");
        }
    }
}
