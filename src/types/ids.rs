//! Trace, span and request ids.
//!
//! Owns their form (W3C Trace Context, <https://www.w3.org/TR/trace-context/>) and their
//! minting. Must not know: which header they came from.

use std::fmt;

/// A W3C trace id: 16 bytes, never all zero, shown as 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// A W3C span (parent) id: 8 bytes, never all zero, shown as 16 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 8]);

/// The id of one request: the caller's `X-Request-ID` when well-formed, else minted.
/// 1 to 128 visible ASCII characters out of `[A-Za-z0-9._:/+=-]`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Box<str>);

/// The trace flags that have a meaning; all others are cleared (Level 2 §3.2.2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceFlags(u8);

impl TraceFlags {
    /// The caller may have recorded its part of the trace.
    pub const SAMPLED: Self = Self(0b01);
    const RANDOM: u8 = 0b10;

    /// The flags among `bits` that have a meaning.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & (Self::SAMPLED.0 | Self::RANDOM))
    }

    /// As they go into the header.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether the caller may have recorded its part of the trace.
    pub const fn sampled(self) -> bool {
        self.0 & Self::SAMPLED.0 != 0
    }
}

impl TraceId {
    /// A new random id. `random` yields 64 random bits a call.
    pub fn mint(mut random: impl FnMut() -> u64) -> Self {
        let (high, low) = (random(), random().max(1));
        Self(((u128::from(high) << 64) | u128::from(low)).to_be_bytes())
    }

    /// As they stand in a span.
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// As they stood in a span; `None` for the zero id.
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        (bytes != [0; 16]).then_some(Self(bytes))
    }

    /// Reads 32 lower-case hex digits; `None` for any other form and for the zero id.
    pub fn parse(hex: &str) -> Option<Self> {
        parse_hex(hex.as_bytes()).map(Self)
    }
}

impl SpanId {
    /// As they stand in a span.
    pub const fn bytes(self) -> [u8; 8] {
        self.0
    }

    /// A new random id. `random` yields 64 random bits a call.
    pub fn mint(mut random: impl FnMut() -> u64) -> Self {
        Self(random().max(1).to_be_bytes())
    }

    /// Reads 16 lower-case hex digits; `None` for any other form and for the zero id.
    pub fn parse(hex: &str) -> Option<Self> {
        parse_hex(hex.as_bytes()).map(Self)
    }
}

impl RequestId {
    /// A new random id: `req_` and 32 hex digits.
    pub fn mint(random: impl FnMut() -> u64) -> Self {
        Self(format!("req_{}", TraceId::mint(random)).into_boxed_str())
    }

    /// Accepts a caller's id when it cannot hurt a log line, a header or a page.
    pub fn parse(text: &str) -> Option<Self> {
        let harmless = |b: u8| b.is_ascii_alphanumeric() || b"._:/+=-".contains(&b);
        let well_formed = (1..=128).contains(&text.len()) && text.bytes().all(harmless);
        well_formed.then(|| Self(text.into()))
    }

    /// The id as it goes into a header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn parse_hex<const N: usize>(hex: &[u8]) -> Option<[u8; N]> {
    if hex.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = (nibble(pair[0])? << 4) | nibble(pair[1])?;
    }
    (bytes != [0; N]).then_some(bytes)
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// In one piece: an id is written several times a request.
fn write_hex<const N: usize>(f: &mut fmt::Formatter<'_>, bytes: &[u8; N]) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    let text = text.get(..2 * N).unwrap_or_default();
    f.write_str(std::str::from_utf8(text).map_err(|_| fmt::Error)?)
}

macro_rules! show_as_hex {
    ($($id:ty),*) => {$(
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(f, &self.0)
            }
        }
        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(f, &self.0)
            }
        }
    )*};
}
show_as_hex!(TraceId, SpanId);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_back_as_they_are_written() {
        let trace = TraceId::mint(|| 0x0123_4567_89ab_cdef);
        assert_eq!(trace.to_string(), "0123456789abcdef0123456789abcdef");
        assert_eq!(TraceId::parse(&trace.to_string()), Some(trace));
        let span = SpanId::mint(|| 0xab);
        assert_eq!(SpanId::parse("00000000000000ab"), Some(span));
    }

    #[test]
    fn zero_short_upper_case_and_foreign_digits_are_refused() {
        for bad in ["", "0", &"0".repeat(32), &"A".repeat(32), &"g".repeat(32), &"1".repeat(33)] {
            assert_eq!(TraceId::parse(bad), None, "{bad}");
        }
        assert_ne!(TraceId::mint(|| 0).to_string(), "0".repeat(32));
    }

    #[test]
    fn request_ids_that_could_split_a_line_are_refused() {
        assert_eq!(RequestId::parse("a-b_c").map(|id| id.to_string()).as_deref(), Some("a-b_c"));
        for bad in ["", "a b", "a\nb", "é", "<b>", &"x".repeat(129)] {
            assert_eq!(RequestId::parse(bad), None, "{bad:?}");
        }
    }
}
