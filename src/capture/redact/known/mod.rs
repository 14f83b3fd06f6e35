//! The patterns with a name of their own.
//!
//! Each is a regular expression for a candidate and a check that knows more than a regular
//! expression can say: check digits, lengths by country, what is only a word. Each has hints
//! as well: short expressions over the raw bytes of any body of which one matches wherever
//! there is something to find, unless it is behind an escape of an ASCII character, which has
//! a hint of its own ([`ESCAPES`]). All hints are looked for at once, and most bodies have
//! none. Must not know: where a text comes from.

mod card;
mod email;
mod iban;
mod keys;
mod literals;
mod opaque;
mod phone;

pub(super) use iban::is_country;
pub(super) use keys::{KEY_NAMES, is_key_like};
pub(super) use opaque::is_opaque;

use crate::capture::KnownPattern;
use std::ops::Range;

/// How one kind of secret is found.
pub(super) struct Known {
    /// A regular expression for a candidate; its first group where it has one.
    pub(super) candidate: String,
    /// Takes what there is in a candidate.
    pub(super) check: Check,
    /// Regular expressions over bytes of which one matches wherever the candidate does.
    pub(super) hints: Vec<String>,
    /// Of these one is in whatever a hint matches.
    pub(super) needs: Vec<Need>,
}

/// Something that few texts have in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// These bytes.
    Literal(&'static str),
    /// These letters in either case.
    Folded(&'static str),
    /// This byte.
    Sign(u8),
    /// As many digits as a telephone number or a card has, with no more than gaps between them,
    /// or a country and two digits.
    Digits,
    /// A point behind at least twelve letters, digits, `_` and `-`.
    Dotted,
}

/// Gets a text and the place of a candidate in it, and adds the places of what is to be taken
/// out. It may go beyond the candidate's end.
pub(super) type Check = fn(&str, Range<usize>, &mut Vec<Range<usize>>);

/// Escapes in a body that can hide what a hint looks for: of ASCII characters, of spaces and
/// dashes between digits, and those of URLs and of JavaScript.
pub(super) const ESCAPES: [&str; 3] =
    [r"\\u(?:00[0-7]|00[aA]0|\{|2009|201[0-5]|202[fF])", r"\\x[2-7]", "%[2-7][0-9A-Fa-f]"];

/// What may stand before a word or a number in the raw bytes of a body: no letter and no digit,
/// or one that belongs to an escape.
pub(super) const WORD_BEGINS: &str = r"(?:\A|[^A-Za-z0-9]|\\[a-z]|\\u[0-9A-Fa-f]{4})";
/// A space or a dash between digits, as bytes.
pub(super) const GAP_BYTES: &str = r"(?:[ .()/-]|\xC2\xA0|\xE2\x80[\x89-\x95\xAF])";

/// The name that a pattern is counted under.
pub(super) const fn name(pattern: KnownPattern) -> &'static str {
    match pattern {
        KnownPattern::ApiKey => "api_key",
        KnownPattern::Jwt => "jwt",
        KnownPattern::Email => "email",
        KnownPattern::Phone => "phone",
        KnownPattern::Card => "card",
        KnownPattern::Iban => "iban",
    }
}

/// The ways to find what a pattern means.
pub(super) fn known(pattern: KnownPattern) -> Vec<Known> {
    match pattern {
        KnownPattern::ApiKey => keys::known(),
        KnownPattern::Jwt => vec![keys::jwt()],
        KnownPattern::Email => vec![email::known()],
        KnownPattern::Phone => phone::known(),
        KnownPattern::Card => vec![card::known()],
        KnownPattern::Iban => vec![iban::known()],
    }
}

/// Takes the candidate as it is.
fn whole(_: &str, place: Range<usize>, found: &mut Vec<Range<usize>>) {
    found.push(place);
}

/// The character before a place.
fn before(text: &str, at: usize) -> Option<char> {
    text[..at].chars().next_back()
}

/// The character after a place.
fn after(text: &str, at: usize) -> Option<char> {
    text[at..].chars().next()
}

/// What some of the ways find, compiled once.
#[cfg(test)]
fn probe(known: Vec<Known>) -> impl Fn(&str) -> Vec<String> {
    let compile = |known: Known| (regex::Regex::new(&known.candidate).unwrap(), known.check);
    let compiled: Vec<_> = known.into_iter().map(compile).collect();
    move |text| {
        let mut found = Vec::new();
        for (candidate, check) in &compiled {
            for captures in candidate.captures_iter(text) {
                let place = captures.get(1).or(captures.get(0)).unwrap();
                check(text, place.range(), &mut found);
            }
        }
        found.into_iter().map(|place| text[place].to_owned()).collect()
    }
}
