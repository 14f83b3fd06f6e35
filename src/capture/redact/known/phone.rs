//! Telephone numbers: international ones (ITU-T E.164), and national ones as they are usually
//! written, with gaps. A run of digits without a `+` is not taken for one: it might be
//! anything.
//!
//! Must not know: what the text around them says.

use crate::capture::redact::known::{GAP_BYTES, Known, Need, WORD_BEGINS, after, before};
use std::ops::Range;

/// Digits of an international number, country and all.
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;
/// Digits of one that is written without gaps.
const DIGITS_UNBROKEN: std::ops::RangeInclusive<usize> = 10..=15;

pub(super) fn known() -> Vec<Known> {
    let gap = r"[ .\-\u{a0}\u{2010}\u{2011}\u{202f}]";
    vec![
        Known {
            candidate: r"(?:\+|(?-u:\b)00)\s?\(?[1-9]".to_owned(),
            check: international,
            hints: vec![
                format!(r"\+{GAP_BYTES}{{0,2}}[1-9](?:{GAP_BYTES}{{0,3}}[0-9]){{6}}"),
                format!("{WORD_BEGINS}00{GAP_BYTES}{{0,2}}[1-9](?:{GAP_BYTES}{{0,3}}[0-9]){{6}}"),
            ],
            needs: vec![Need::Digits],
        },
        // The North American plan: an area code, an exchange, a number.
        Known {
            candidate: format!(
                r"(?:(?-u:\b)1{gap})?(?:\([2-9][0-9]{{2}}\){gap}?|(?-u:\b)[2-9][0-9]{{2}}{gap})[2-9][0-9]{{2}}{gap}[0-9]{{4}}(?-u:\b)"
            ),
            check: national,
            hints: vec![format!(
                r"{WORD_BEGINS}[2-9][0-9]{{2}}{GAP_BYTES}{{1,2}}[2-9][0-9]{{2}}{GAP_BYTES}[0-9]{{4}}"
            )],
            needs: vec![Need::Digits],
        },
        // Elsewhere a zero stands before the area.
        Known {
            candidate: format!(
                r"(?-u:\b)0[1-9](?:{gap}[0-9]{{2}}){{4}}(?-u:\b)|(?-u:\b)0[1-9](?:[0-9]0)?-[0-9]{{3,4}}-[0-9]{{4}}(?-u:\b)|(?:\(0[1-9][0-9]{{1,4}}\)[ ]?|(?-u:\b)0[1-9][0-9]{{1,4}}[ /\-\u{{a0}}])[0-9]{{3,4}}{gap}?[0-9]{{3,5}}(?-u:\b)"
            ),
            check: national,
            hints: vec![format!(
                r"{WORD_BEGINS}0[1-9][0-9]{{0,4}}{GAP_BYTES}{{1,2}}[0-9]{{2}}(?:{GAP_BYTES}?[0-9]){{4}}"
            )],
            needs: vec![Need::Digits],
        },
    ]
}

/// A candidate is the beginning of a number. What follows is read as long as it may belong
/// to it; what is too long is shortened by whole groups.
fn international(text: &str, place: Range<usize>, found: &mut Vec<Range<usize>>) {
    let stands_alone = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '_' | '.' | '-'));
    if !before(text, place.start).is_none_or(stands_alone) {
        return;
    }
    let plus = text[place.start..].starts_with('+');
    let begin = place.end - 1;
    let mut digits: Vec<u8> = Vec::new();
    let mut groups = 0;
    let mut gap = 0;
    let mut fits = None;
    for (at, c) in text[begin..].char_indices() {
        match c {
            '0'..='9' => {
                groups += usize::from(gap > 0 || digits.is_empty());
                gap = 0;
                digits.push(c as u8 - b'0');
            }
            c if GAPS_BETWEEN.contains(c) && gap < 3 => gap += 1,
            _ => break,
        }
        let next = after(text, begin + at + c.len_utf8());
        let ends = gap == 0 && next.is_none_or(|c| !(c.is_ascii_alphanumeric() || c == '_'));
        let is_enough = if groups > 1 { DIGITS } else { DIGITS_UNBROKEN };
        if ends && (plus || groups > 1) && is_enough.contains(&digits.len()) && is_dialled(&digits)
        {
            fits = Some(begin + at + 1);
        }
        if digits.len() > *DIGITS.end() {
            break;
        }
    }
    found.extend(fits.map(|end| place.start..end));
}

/// What may stand between the digits of a number.
const GAPS_BETWEEN: &str = " .()/-\u{a0}\u{2009}\u{2010}\u{2011}\u{2012}\u{2013}\u{202f}";

/// A candidate is a whole number. It must not be a part of something longer.
fn national(text: &str, place: Range<usize>, found: &mut Vec<Range<usize>>) {
    let rest = &text[place.end..];
    let mut following = rest.chars();
    let goes_on = match following.next() {
        Some('-' | '.' | '/' | ':' | ',') => following.next().is_some_and(|c| c.is_ascii_digit()),
        next => next.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_'),
    };
    let begins_before = before(text, place.start).is_some_and(|c| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ',' | '+' | '#')
    });
    let digits = text[place.clone()].bytes().filter(u8::is_ascii_digit);
    let is_binary = digits.clone().all(|digit| digit <= b'1');
    if !goes_on && !begins_before && !is_binary && (9..=12).contains(&digits.count()) {
        found.push(place);
    }
}

/// Whether the digits begin with the code of a country (ITU-T E.164, list of 2016) and, where
/// the plan is as strict as in North America, fit its plan.
fn is_dialled(digits: &[u8]) -> bool {
    match *digits {
        [1, area, _, _, exchange, ..] => digits.len() == 11 && area >= 2 && exchange >= 2,
        [7, ..] => digits.len() == 11,
        [2, 0 | 7, ..]
        | [3, 0..=4 | 6 | 9, ..]
        | [4, 0 | 1 | 3..=9, ..]
        | [5, 1..=8, ..]
        | [6, 0..=6, ..]
        | [8, 1 | 2 | 4 | 6, ..]
        | [9, 0..=5 | 8, ..] => true,
        [2, 1..=6 | 9, ..]
        | [3, 5 | 7 | 8, ..]
        | [4, 2, ..]
        | [5, 0 | 9, ..]
        | [6, 7..=9, ..]
        | [8, 0 | 5 | 7 | 8, ..]
        | [9, 6 | 7 | 9, ..] => digits.len() >= 9,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::redact::known::probe;

    #[test]
    fn numbers_of_many_countries_are_found() {
        let found = probe(known());
        for number in [
            "+14155550132",
            "+1 (415) 555-0132",
            "+44 20 7946 0958",
            "+49 (0)30 901820",
            "+33 1 23 45 67 89",
            "+91 98765 43210",
            "+352 26 12 34 56",
            "0049 30 901820",
            "(415) 555-0132",
            "415-555-0132",
            "1-415-555-0132",
            "415.555.0132",
            "020 7946 0958",
            "01632 960961",
            "01 23 45 67 89",
            "030/9018204",
            "03-1234-5678",
            "090-1234-5678",
        ] {
            for text in [number.to_owned(), format!("call {number}!"), format!("\"{number}\",")] {
                assert_eq!(found(&text), [number], "{text}");
            }
        }
        assert_eq!(found("+49 30 901820, 2024 guests"), ["+49 30 901820"]);
        assert_eq!(found("+14155550132 +442079460958").len(), 2);
    }

    #[test]
    fn counts_dates_ids_and_versions_are_not() {
        let found = probe(known());
        for text in [
            "2024-01-15T10:20:30+01:00",
            "2024-01-15 10:20:30.123456+0100",
            "12/31/2024",
            "01-02-2024",
            "1716239022",
            "1716239022123",
            "4155550132",
            "192.168.100.2000",
            "10.0.0.1",
            "550e8400-e29b-41d4-a716-446655440000",
            "1,234,567,890",
            "0101 0101 0101",
            "0x00 0010 0020 0030",
            "a+1234567890",
            "1e+1234567890",
            "+1234567890",
            "3.14159265358979",
            "order 415-555-01321",
            "v415.555.0132.1",
            "978-3-16-148410-0",
            "123-45-6789",
        ] {
            assert!(found(text).is_empty(), "{text}: {:?}", found(text));
        }
    }
}
