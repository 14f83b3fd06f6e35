//! Bodies cut at the limit of what is kept.
//!
//! A body is redacted first and cut then, so no secret is cut in two. Its digest tells whether
//! two bodies are the same. It is keyed: the plain digest of a body whose beginning is known
//! would let anybody who reads the capture try out what its end was, and the end may hold a
//! secret that no rule knows. A body that was not kept at all has no digest, for the same
//! reason. Must not know: what a redaction takes out.

use crate::capture::Content;
use crate::capture::redact::edge;
use bytes::Bytes;

/// Sets the digests of bodies apart from everything else that is made with the same key.
const CONTEXT: &str = "transom capture body digest v1";

/// What stands for the digest of a body that was never seen whole, or never redacted.
pub const NO_DIGEST: [u8; 32] = [0; 32];

/// Keeps at most `limit` bytes of a body that is whole, with its length and a digest keyed
/// with `key`; any other is left as it is. What is kept of a text ends with a whole character,
/// and holds no memory of the rest.
pub fn cut(content: Content, limit: u64, key: &[u8; 32]) -> Content {
    let Content::Whole(bytes) = content else { return content };
    let Ok(limit) = usize::try_from(limit) else { return Content::Whole(bytes) };
    if bytes.len() <= limit {
        return Content::Whole(bytes);
    }
    let end = std::str::from_utf8(&bytes).map_or(limit, |text| edge::floor(text, limit));
    let key = blake3::derive_key(CONTEXT, key);
    Content::Cut {
        kept: Bytes::copy_from_slice(&bytes[..end]),
        length: bytes.len() as u64,
        digest: *blake3::keyed_hash(&key, &bytes).as_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_body_is_cut_and_a_short_one_is_not() {
        let body = Content::Whole(Bytes::from_static("caf\u{e9}!".as_bytes()));
        assert_eq!(cut(body.clone(), 6, &[1; 32]), body);
        let Content::Cut { kept, length, digest } = cut(body.clone(), 4, &[1; 32]) else {
            panic!("not cut");
        };
        assert_eq!((&kept[..], length), (&b"caf"[..], 6));
        assert_ne!(digest, *blake3::hash("caf\u{e9}!".as_bytes()).as_bytes());
        let same = cut(body.clone(), 5, &[1; 32]);
        assert!(matches!(same, Content::Cut { digest: other, .. } if other == digest));
        let other_key = cut(body, 5, &[2; 32]);
        assert!(matches!(other_key, Content::Cut { digest: other, .. } if other != digest));
    }
}
