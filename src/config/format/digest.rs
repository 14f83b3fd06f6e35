//! The SHA-256 of a key, in hex.
//!
//! Must not know: keys. Refusals never repeat the text: it may be the key itself.

use super::{Format, Refusal};
use std::fmt::Write;

/// 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) struct Digest(pub [u8; 32]);

impl Format for Digest {
    const NAME: &'static str = "transom-sha256";
    const NOUN: &'static str = "a SHA-256 in hex";
    const EXAMPLES: &'static [&'static str] =
        &["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"];

    fn read(text: &str) -> Result<Self, Refusal> {
        let refuse = |found: String| Refusal::Because(format!("is not 64 hex digits: {found}"));
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(refuse("it holds other characters".into()));
        }
        if text.len() != 64 {
            return Err(refuse(format!("it has {}", text.len())));
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = pair.iter().fold(0, |value, digit| value << 4 | hex(*digit));
        }
        Ok(Self(bytes))
    }

    fn write(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            write!(text, "{byte:02x}").unwrap_or_default();
            text
        })
    }
}

/// The value of a hex digit.
fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_digits_of_either_case_are_read() {
        let text = Digest::EXAMPLES[0];
        let digest = Digest::read(text).unwrap();
        assert_eq!(digest.0[..4], [0xe3, 0xb0, 0xc4, 0x42]);
        assert_eq!(Digest::read(&text.to_uppercase()), Ok(digest));
        assert_eq!(digest.write(), text);
    }

    #[test]
    fn a_key_in_place_of_its_hash_is_not_repeated() {
        for wrong in ["sk-canary", "cafe", "", &"é".repeat(32)] {
            let Err(Refusal::Because(words)) = Digest::read(wrong) else { panic!("{wrong}") };
            assert!(words.starts_with("is not 64 hex digits: it "), "{words}");
            assert!(!words.contains("canary") && !words.contains("cafe"), "{words}");
        }
    }
}
