//! Card numbers: 13 to 19 digits with the prefix of an issuer and a valid check digit
//! (ISO/IEC 7812-1), alone or in the groups that they are printed in.
//!
//! Must not know: what the text around them says.

use crate::capture::redact::known::{Known, Need, WORD_BEGINS, after, before};
use std::ops::Range;

/// A card number has at least so many digits.
const SHORTEST: usize = 13;
/// And at most so many.
const LONGEST: usize = 19;

pub(super) fn known() -> Known {
    let gap = r"(?:[ -]|\xC2\xA0|\xE2\x80[\x90\x91])";
    Known {
        candidate: r"[0-9](?:[ \-\u{a0}\u{2010}\u{2011}]?[0-9]){12,}".to_owned(),
        check,
        hints: vec![format!("{WORD_BEGINS}[2-68](?:{gap}?[0-9]){{12}}")],
        needs: vec![Need::Digits],
    }
}

/// A candidate is a run of digits with single gaps. What is in it may be a card number with
/// other numbers around it.
fn check(text: &str, place: Range<usize>, found: &mut Vec<Range<usize>>) {
    let begins = before(text, place.start);
    if begins.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
        || is_fraction(text, place.start)
    {
        return;
    }
    let is_cut = after(text, place.end).is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let groups = groups(text, place);
    let mut first = 0;
    while first < groups.len() {
        let length = (1..=5).rev().find(|length| {
            let group = groups.get(first..first + length);
            let is_last = first + length == groups.len();
            group.is_some_and(|group| !(is_last && is_cut) && is_card(text, group))
        });
        if let Some(length) = length {
            found.push(groups[first].start..groups[first + length - 1].end);
        }
        first += length.unwrap_or(1);
    }
}

/// Whether a point with digits before it stands there.
fn is_fraction(text: &str, at: usize) -> bool {
    text[..at].strip_suffix('.').is_some_and(|rest| rest.ends_with(|c: char| c.is_ascii_digit()))
}

/// The places of the digits between gaps.
fn groups(text: &str, place: Range<usize>) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for at in place.filter(|at| text.as_bytes()[*at].is_ascii_digit()) {
        match groups.last_mut() {
            Some(group) if group.end == at => group.end += 1,
            _ => groups.push(at..at + 1),
        }
    }
    groups
}

fn is_card(text: &str, groups: &[Range<usize>]) -> bool {
    let lengths: Vec<usize> = groups.iter().map(Range::len).collect();
    let is_printed_so = match lengths.as_slice() {
        [_] => true,
        [4, 6, 4 | 5] => true,
        [rest @ .., last] => rest.len() >= 3 && rest.iter().all(|l| *l == 4) && *last <= 4,
        [] => false,
    };
    let total: usize = lengths.iter().sum();
    if !is_printed_so || !(SHORTEST..=LONGEST).contains(&total) {
        return false;
    }
    let digits: Vec<u8> = groups
        .iter()
        .flat_map(|group| &text.as_bytes()[group.clone()])
        .map(|digit| digit - b'0')
        .collect();
    is_issued(&digits) && luhn(&digits)
}

/// Whether an issuer has cards of this prefix and length. Sources: the issuers' public ranges.
fn is_issued(digits: &[u8]) -> bool {
    let head = digits[..6].iter().fold(0, |head, digit| head * 10 + u32::from(*digit));
    let (two, three, four) = (head / 10_000, head / 1_000, head / 100);
    match digits.len() {
        // Visa.
        13 => digits[0] == 4,
        // Diners Club.
        14 => matches!(three, 300..=305 | 309) || matches!(two, 36 | 38 | 39),
        // American Express.
        15 => matches!(two, 34 | 37),
        // Mastercard has no others; Visa, Discover, JCB, UnionPay, Maestro, Mir and RuPay do.
        length => {
            let is_mastercard = matches!(two, 51..=55) || matches!(four, 2221..=2720);
            let is_other = digits[0] == 4
                || matches!(four, 3528..=3589 | 6011 | 2200..=2204)
                || matches!(two, 50 | 56..=58 | 60 | 62 | 63 | 64 | 65 | 67 | 81);
            is_other && matches!(length, 16 | 19) || is_mastercard && length == 16
                // UnionPay and Maestro also have what is between.
                || matches!(two, 62 | 63 | 67)
        }
    }
}

/// The check digit of ISO/IEC 7812-1, annex B.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| match (index % 2, u32::from(*digit)) {
            (1, digit @ 5..) => digit * 2 - 9,
            (1, digit) => digit * 2,
            (_, digit) => digit,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::redact::known::probe;

    #[test]
    fn numbers_of_cards_are_found_as_they_are_printed() {
        let found = probe(vec![known()]);
        for card in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "5500-0000-0000-0004",
            "3782 822463 10005",
            "378282246310005",
            "30569309025904",
            "6011\u{a0}1111\u{a0}1111\u{a0}1117",
            "3530111333300000",
            "2223003122003222",
            "4222222222222",
        ] {
            for text in [card.to_owned(), format!("({card})"), format!("card:{card}, 12/27")] {
                assert_eq!(found(&text), [card], "{text}");
            }
        }
        assert_eq!(found("4111 1111 1111 1111 2027"), ["4111 1111 1111 1111"]);
        assert_eq!(found("1 4111111111111111 4222222222222").len(), 2);
    }

    #[test]
    fn other_numbers_are_not() {
        let found = probe(vec![known()]);
        for text in [
            "4111111111111112",
            "1716239022000000000",
            "-0.4111111111111111",
            "x4111111111111111",
            "4111111111111111x",
            "41111111111111111111111",
            "41 11 11 11 11 11 11 11",
            "411 1111 1111 11111",
            "2024-01-01 2024-01-02",
            "9111111111111111",
        ] {
            assert!(found(text).is_empty(), "{text}");
        }
    }
}
