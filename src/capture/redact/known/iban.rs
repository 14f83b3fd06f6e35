//! International bank account numbers (ISO 13616): a country, its length, two check digits.
//!
//! Must not know: what the text around them says.

use crate::capture::redact::known::{Known, Need, WORD_BEGINS, after};
use std::ops::Range;

/// Characters of an account number by country: SWIFT's IBAN registry, release 99.
const LENGTHS: [(&str, usize); 88] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HN", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SO", 23),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
];

pub(super) fn known() -> Known {
    let countries: Vec<&str> = LENGTHS.iter().map(|(country, _)| *country).collect();
    let countries = countries.join("|");
    let gap = r"(?:[ -]|\xC2\xA0)?";
    Known {
        candidate: format!(r"(?i-u:\b(?:{countries})[0-9]{{2}})"),
        check,
        hints: vec![format!("{WORD_BEGINS}(?i:{countries})[0-9]{{2}}(?:{gap}[0-9A-Za-z]){{11}}")],
        needs: vec![Need::Digits],
    }
}

/// Whether accounts in a country of these two letters have such numbers.
pub(in crate::capture::redact) fn is_country(letters: [u8; 2]) -> bool {
    let letters = letters.map(|letter| letter.to_ascii_uppercase());
    LENGTHS.iter().any(|(country, _)| country.as_bytes() == letters)
}

/// A candidate is a country and two digits.
fn check(text: &str, place: Range<usize>, found: &mut Vec<Range<usize>>) {
    let country = text[place.start..place.start + 2].to_ascii_uppercase();
    let length = LENGTHS.iter().find(|(name, _)| *name == country);
    let Some((_, length)) = length else { return };
    let mut number = Vec::with_capacity(*length);
    let mut after_gap = true;
    let mut end = place.start;
    for c in text[place.start..].chars() {
        let is_gap = matches!(c, ' ' | '-' | '\u{a0}');
        if number.len() == *length
            || (is_gap && after_gap)
            || !(is_gap || c.is_ascii_alphanumeric())
        {
            break;
        }
        if !is_gap {
            number.push(c.to_ascii_uppercase() as u8);
        }
        after_gap = is_gap;
        end += c.len_utf8();
    }
    let ends_there = !after(text, end).is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    if number.len() == *length && ends_there && mod_97(&number) == 1 {
        found.push(place.start..end);
    }
}

/// The remainder of ISO 13616-1, annex C, after ISO/IEC 7064: letters count from 10.
fn mod_97(number: &[u8]) -> u32 {
    number[4..].iter().chain(&number[..4]).fold(0, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::redact::known::probe;

    #[test]
    fn account_numbers_are_found_in_one_piece_and_in_groups() {
        let found = probe(vec![known()]);
        for iban in [
            "DE89370400440532013000",
            "DE89 3704 0044 0532 0130 00",
            "GB29 NWBK 6016 1331 9268 19",
            "fr1420041010050500013m02606",
            "NO93 8601 1117 947",
            "NL91-ABNA-0417-1643-00",
        ] {
            for text in [iban.to_owned(), format!("to {iban} and more"), format!("<{iban}>")] {
                assert_eq!(found(&text), [iban], "{text}");
            }
        }
    }

    #[test]
    fn wrong_check_digits_lengths_and_countries_are_not() {
        let found = probe(vec![known()]);
        for text in [
            "DE88370400440532013000",
            "DE8937040044053201300",
            "DE893704004405320130001",
            "XX89370400440532013000",
            "aDE89370400440532013000",
            "DE89  3704 0044 0532 0130 00",
            "de12a7b9c3d4e5f60718293a4b5c6d7e",
        ] {
            assert!(found(text).is_empty(), "{text}");
        }
    }
}
