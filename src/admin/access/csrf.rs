//! What a form has to bring along to show that it is one of ours.
//!
//! The token is an HMAC of the browser's cookie under a key that lives as long as the process,
//! so none has to be remembered. Must not know: forms or headers.

use super::cookie::BrowserId;
use ring::hmac::{HMAC_SHA256, Key, sign, verify};

/// Makes and checks tokens.
pub(super) struct Csrf(Key);

impl Csrf {
    /// With a new key.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self(Key::new(HMAC_SHA256, &key)))
    }

    /// The token of a browser: 64 hex digits.
    pub(super) fn token(&self, id: &BrowserId) -> String {
        hex(sign(&self.0, id.bytes()).as_ref())
    }

    /// Whether `token` is that browser's; in constant time.
    pub(super) fn fits(&self, id: &BrowserId, token: &str) -> bool {
        unhex(token).is_some_and(|tag| verify(&self.0, id.bytes(), &tag).is_ok())
    }
}

/// Lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// 64 hex digits of either case.
pub(super) fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_its_browser_and_its_process_alone() {
        let (csrf, other) = (Csrf::new().unwrap(), Csrf::new().unwrap());
        let (id, stranger) = (BrowserId::mint().unwrap(), BrowserId::mint().unwrap());
        let token = csrf.token(&id);
        assert!(csrf.fits(&id, &token));
        assert!(!csrf.fits(&stranger, &token) && !other.fits(&id, &token));
        for wrong in ["", &token[1..], &format!("{token}0"), &"0".repeat(64), &"é".repeat(32)] {
            assert!(!csrf.fits(&id, wrong), "{wrong}");
        }
    }
}
