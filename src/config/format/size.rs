//! `32MiB`
//!
//! Must not know: what is measured.

use super::{Format, Refusal, number};

/// Units in bytes; powers of 1024 only, so that nobody has to guess.
const UNITS: &[(&str, u64)] =
    &[("", 1), ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];

/// A number of bytes, at most `i64::MAX`, which is what TOML can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) struct ByteSize(pub u64);

impl Format for ByteSize {
    const NAME: &'static str = "transom-size";
    const NOUN: &'static str = "a size";
    const EXAMPLES: &'static [&'static str] = &["32MiB", "64KiB"];

    fn read(text: &str) -> Result<Self, Refusal> {
        let bytes = number::read(text, UNITS).filter(|bytes| i64::try_from(*bytes).is_ok());
        bytes.map(Self).ok_or(Refusal::Malformed)
    }

    fn write(&self) -> String {
        number::write(self.0, &UNITS[1..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_or_powers_of_1024() {
        let read = |text| ByteSize::read(text).ok().map(|size| size.0);
        assert_eq!(read("32MiB"), Some(32 << 20));
        assert_eq!(read("1.5KiB"), Some(1536));
        assert_eq!(read("1GiB"), Some(1 << 30));
        assert_eq!(read("4096"), Some(4096));
        for wrong in ["", "32MB", "32mib", "-1", "9999999TiB", "9223372036854775808"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(ByteSize(32 << 20).write(), "32MiB");
    }
}
