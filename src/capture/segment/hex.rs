//! Bytes as hexadecimal digits.
//!
//! Must not know: what they mean.

use std::fmt::Write;

/// Lower-case hexadecimal digits.
pub(super) fn write_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string does not fail.
        write!(text, "{byte:02x}").ok();
    }
    text
}

/// Exactly `N` bytes in hexadecimal digits of either case.
pub(super) fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_are_read_back_and_anything_else_is_refused() {
        assert_eq!(read_hex(&write_hex(&[0, 0x7f, 0xff])), Some([0, 0x7f, 0xff]));
        assert_eq!(read_hex("aBcD"), Some([0xab, 0xcd]));
        assert_eq!([read_hex::<2>("abc"), read_hex("abcg"), read_hex("+a+b")], [None; 3]);
    }
}
