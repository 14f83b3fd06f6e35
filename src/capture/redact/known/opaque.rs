//! Long texts that are no text: images and the like in base64.
//!
//! Must not know: what they hold.

/// No secret that is looked for here is as long and has nothing but these characters.
const SHORTEST: usize = 256;
/// A data URL says what it is within so many bytes.
const LONGEST_HEAD: usize = 128;

/// Whether a text is base64 (RFC 4648 §4) and nothing else, or a data URL (RFC 2397) with it.
pub(in crate::capture::redact) fn is_opaque(text: &str) -> bool {
    if text.len() < SHORTEST {
        return false;
    }
    let data = text.strip_prefix("data:").map_or(text.as_bytes(), |rest| {
        let head = rest.as_bytes().iter().take(LONGEST_HEAD).position(|byte| *byte == b',');
        head.map_or(text.as_bytes(), |comma| &rest.as_bytes()[comma + 1..])
    });
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    data.len() >= SHORTEST - LONGEST_HEAD && data.iter().all(is_base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_base64_is_opaque() {
        let base64 = "QUJDRA/+".repeat(100);
        assert!(is_opaque(&base64));
        assert!(is_opaque(&format!("data:image/png;base64,{base64}")));
        assert!(!is_opaque(&format!("{base64} my text")));
        assert!(!is_opaque(&format!("look: data:image/png;base64,{base64}")));
        assert!(!is_opaque(&base64[..200]));
    }
}
