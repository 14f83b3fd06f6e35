//! What escapes in a text mean.
//!
//! Owns two ways to read them: as JSON has them (RFC 8259 §7), and loosely, as whatever a text
//! holds may have them. Must not know: what the text is.

/// Bytes of `u{10ffff}`.
const LONGEST_CODE: usize = 9;

/// The character that the JSON escape at the beginning of `text` means, and its length. Half
/// of a surrogate pair is U+FFFD.
pub(super) fn json(text: &str) -> Option<(char, usize)> {
    let rest = text.strip_prefix('\\')?;
    let meant = match rest.as_bytes().first()? {
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'"' => '"',
        b'/' => '/',
        b'\\' => '\\',
        b'u' => return utf16(text, 1),
        _ => return None,
    };
    Some((meant, 2))
}

/// Where the first thing stands that may be an escape to [`loose`].
pub(super) fn loose_start(text: &str) -> Option<usize> {
    memchr::memchr2(b'\\', b'%', text.as_bytes())
}

/// The character that the escape at the beginning of `text` means, and its length: one of
/// JSON's, JavaScript's `\x41` and `\u{41}`, each with any number of backslashes as it has
/// when text in quotes was put in quotes again, or `%41` of a URL.
pub(super) fn loose(text: &str) -> Option<(char, usize)> {
    if text.starts_with('%') {
        let code = hex(text.get(1..3)?)?;
        return (0x20..0x7f).contains(&code).then_some((char::from_u32(code)?, 3));
    }
    let backslashes = text.bytes().take_while(|byte| *byte == b'\\').count();
    let rest = &text[backslashes..];
    let meant = match rest.as_bytes().first()? {
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'"' => '"',
        b'\'' => '\'',
        b'/' => '/',
        b'x' => return Some((char::from_u32(hex(rest.get(1..3)?)?)?, backslashes + 3)),
        b'u' if rest.as_bytes().get(1) == Some(&b'{') => {
            let end = rest.bytes().take(LONGEST_CODE).position(|byte| byte == b'}')?;
            let code = &rest[2..end];
            let meant = char::from_u32(hex(code)?)?;
            return Some((meant, backslashes + code.len() + 3));
        }
        b'u' => return utf16(text, backslashes),
        _ => return None,
    };
    Some((meant, backslashes + 1))
}

/// `\uXXXX`, or a pair of them, behind so many backslashes.
fn utf16(text: &str, backslashes: usize) -> Option<(char, usize)> {
    let length = backslashes + 5;
    let first = hex(text.get(backslashes + 1..length)?)?;
    if let 0xd800..0xdc00 = first
        && let Some(second) = text.get(length..).and_then(|rest| unit(rest, backslashes))
        && let Some(low @ ..0x400) = second.checked_sub(0xdc00)
    {
        let code = 0x1_0000 + ((first - 0xd800) << 10) + low;
        return Some((char::from_u32(code)?, 2 * length));
    }
    Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), length))
}

fn unit(text: &str, backslashes: usize) -> Option<u32> {
    let is_escape = text.bytes().take_while(|byte| *byte == b'\\').count() == backslashes
        && text.as_bytes().get(backslashes) == Some(&b'u');
    is_escape.then(|| text.get(backslashes + 1..backslashes + 5)).flatten().and_then(hex)
}

fn hex(digits: &str) -> Option<u32> {
    let well_formed =
        (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    well_formed.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_json_mean_what_the_standard_says() {
        let cases = [
            (r"\n.", Some(('\n', 2))),
            (r"\/", Some(('/', 2))),
            (r"\u00e9x", Some(('é', 6))),
            (r"\ud83d\ude00", Some(('😀', 12))),
            (r"\ud83dx", Some(('\u{fffd}', 6))),
            (r"\ud83d\u0041", Some(('\u{fffd}', 6))),
            (r"\ude00", Some(('\u{fffd}', 6))),
            (r"\u00", None),
            (r"\x41", None),
            (r"\", None),
            (r"\é", None),
        ];
        for (text, meant) in cases {
            assert_eq!(json(text), meant, "{text}");
        }
    }

    #[test]
    fn loose_escapes_have_any_number_of_backslashes() {
        let cases = [
            (r"\\\\n", Some(('\n', 5))),
            (r"\\u0073", Some(('s', 7))),
            (r"\\ud83d\\ude00", Some(('😀', 14))),
            (r"\x6b", Some(('k', 4))),
            (r"\u{1f600}", Some(('😀', 9))),
            (r"\u{1f600", None),
            (r"\u{110000}", None),
            (r"\u{é}", None),
            ("%40", Some(('@', 3))),
            ("%0a", None),
            ("%+4", None),
            ("%é", None),
            (r"\Users", None),
        ];
        for (text, meant) in cases {
            assert_eq!(loose(text), meant, "{text}");
        }
    }
}
