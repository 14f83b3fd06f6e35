//! Strangers' text made harmless, and the percent escapes of paths.
//!
//! Must not know: where the text is shown.

use std::borrow::Cow;

/// At most `max` characters of `text`, without those that could forge a log line, move a
/// terminal's cursor or change the direction of what stands beside them: control
/// characters, line and paragraph separators, and bidirectional controls (UAX #9).
pub fn clean_text(text: &str, max: usize) -> String {
    text.chars().filter(|&c| !is_harmful(c)).take(max).collect()
}

/// Whether `text` has characters that [`clean_text`] removes.
pub(super) fn has_harmful_characters(text: &str) -> bool {
    text.chars().any(is_harmful)
}

/// The text that a part of a path means (RFC 3986 §2.1). What is not an escape stays as it
/// stands, and bytes that are not UTF-8 become U+FFFD.
pub fn percent_decode(part: &str) -> Cow<'_, str> {
    if !part.contains('%') {
        return Cow::Borrowed(part);
    }
    let mut decoded = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [byte, after @ ..] = rest {
        match escaped_byte(rest) {
            Some(byte) => {
                decoded.push(byte);
                rest = &rest[3..];
            }
            None => {
                decoded.push(*byte);
                rest = after;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

fn escaped_byte(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else { return None };
    let digit = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

/// Whether [`clean_text`] removes `c`.
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_loses_what_could_forge_a_line_and_is_cut_by_characters() {
        assert_eq!(clean_text("a\r\nb\u{1b}[31mc\u{202e}d\u{2066}\u{9b}é😀", 100), "ab[31mcdé😀");
        assert_eq!(clean_text("éééé\n", 3), "ééé");
        assert_eq!(clean_text("\n\n\nabc", 2), "ab");
        assert_eq!(clean_text("meta/llama-3 8b", 256), "meta/llama-3 8b");
    }

    #[test]
    fn escapes_of_a_path_are_decoded_and_others_left() {
        let cases = [
            ("gpt-4o", "gpt-4o"),
            ("meta%2Fllama%203", "meta/llama 3"),
            ("%c3%A9", "é"),
            ("100%", "100%"),
            ("%2", "%2"),
            ("%zz%+1", "%zz%+1"),
            ("%%41", "%A"),
            ("%ff", "\u{fffd}"),
        ];
        for (part, meant) in cases {
            assert_eq!(percent_decode(part), meant, "{part}");
        }
        assert!(matches!(percent_decode("plain"), Cow::Borrowed(_)));
    }
}
