//! Secrets and signatures, as Standard Webhooks has them: HMAC-SHA256 over `id.timestamp.body`.
//!
//! Must not know: what is signed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac::{HMAC_SHA256, Key, sign};
use std::fmt;
use std::ops::RangeInclusive;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// The bytes of a secret.
const BYTES: RangeInclusive<usize> = 24..=64;

/// A secret that a receiver knows, too. It is never printed.
#[derive(Clone)]
pub struct SigningKey(Key);

impl SigningKey {
    /// Reads `whsec_` and 24 to 64 bytes in Base64.
    ///
    /// # Errors
    /// In words that do not repeat the secret.
    pub fn read(secret: &str) -> Result<Self, &'static str> {
        let encoded = secret.strip_prefix(PREFIX).ok_or("does not begin with whsec_")?;
        let bytes = STANDARD.decode(encoded).map_err(|_| "is not Base64 after its whsec_")?;
        if !BYTES.contains(&bytes.len()) {
            return Err("has to be 24 to 64 bytes long");
        }
        Ok(Self(Key::new(HMAC_SHA256, &bytes)))
    }

    /// The header `webhook-signature` of a message with this id that is sent at `timestamp`, in
    /// seconds since 1970.
    pub(super) fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let head = format!("{id}.{timestamp}.");
        let signature = sign(&self.0, &[head.as_bytes(), body].concat());
        format!("v1,{}", STANDARD.encode(signature.as_ref()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// The example that the libraries of the specification test themselves with.
    #[test]
    fn a_message_is_signed_as_the_specification_has_it() {
        let key = SigningKey::read(SECRET).unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_secret_is_refused_and_none_is_printed() {
        let long = format!("{PREFIX}{}", STANDARD.encode([7; 65]));
        for wrong in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_?", &long] {
            assert!(SigningKey::read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(format!("{:?}", SigningKey::read(SECRET).unwrap()), "[redacted]");
    }
}
