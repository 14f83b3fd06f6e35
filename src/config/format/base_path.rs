//! `/transom`
//!
//! Must not know: what is served below it.

use super::{Format, Refusal};

/// What comes before every path: empty, or segments that each begin with a slash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::config) struct BasePath(pub String);

impl Format for BasePath {
    const NAME: &'static str = "transom-base-path";
    const NOUN: &'static str = "a base path";
    const EXAMPLES: &'static [&'static str] = &["/transom"];

    fn read(text: &str) -> Result<Self, Refusal> {
        let trimmed = text.strip_suffix('/').unwrap_or(text);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let good =
            |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(plain);
        match trimmed.strip_prefix('/') {
            None if trimmed.is_empty() => Ok(Self::default()),
            Some(path) if path.split('/').all(good) => Ok(Self(trimmed.to_owned())),
            _ => Err(Refusal::Malformed),
        }
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_is_empty_or_begins_with_a_slash_and_ends_without() {
        let read = |text| BasePath::read(text).map(|path| path.0);
        assert_eq!(read("/ops/transom/"), Ok("/ops/transom".to_owned()));
        for root in ["", "/"] {
            assert_eq!(read(root), Ok(String::new()), "{root:?}");
        }
        for wrong in ["ops", "//ops", "/ops//x", "/..", "/a b", "/é", "/a?b", "/a;b", "//"] {
            assert_eq!(read(wrong), Err(Refusal::Malformed), "{wrong:?}");
        }
    }
}
