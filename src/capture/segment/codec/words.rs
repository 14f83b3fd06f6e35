//! The words and headers that a head is written in.
//!
//! A word that is not known here was written by a newer program, and stands for nothing that
//! this one could say. Must not know: which member a word stands in.

use crate::types::{Dialect, Operation, Outcome, UsageSource};
use http::{HeaderMap, HeaderName, HeaderValue};

pub(super) fn dialect(word: &str) -> Option<Dialect> {
    [Dialect::OpenAi, Dialect::Generic].into_iter().find(|dialect| dialect.label() == word)
}

pub(super) fn operation(word: &str) -> Option<Operation> {
    Operation::ALL.into_iter().find(|operation| operation.label() == word)
}

pub(super) fn outcome(word: &str) -> Option<Outcome> {
    Outcome::ALL.into_iter().find(|outcome| outcome.label() == word)
}

pub(super) fn usage_source(word: &str) -> Option<UsageSource> {
    UsageSource::ALL.into_iter().find(|source| source.label() == word)
}

/// Names and values in their order. Values are bytes, not text: each is a character of
/// ISO-8859-1 here.
pub(super) fn write_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| value.as_bytes().iter().copied().map(char::from).collect();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// `None` for what HTTP does not allow, and for more headers than a map can hold.
pub(super) fn read_headers(written: Vec<(String, String)>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in written {
        let name = HeaderName::try_from(name).ok()?;
        let value = value.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Vec<u8>>>()?;
        headers.try_append(name, HeaderValue::try_from(value).ok()?).ok()?;
    }
    Some(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for it in Operation::ALL {
            assert_eq!(operation(it.label()), Some(it));
        }
        for it in Outcome::ALL {
            assert_eq!(outcome(it.label()), Some(it));
        }
        for it in UsageSource::ALL {
            assert_eq!(usage_source(it.label()), Some(it));
        }
        for it in [Dialect::OpenAi, Dialect::Generic] {
            match it {
                // Whoever adds one here adds it to `dialect`, too.
                Dialect::OpenAi | Dialect::Generic => assert_eq!(dialect(it.label()), Some(it)),
            }
        }
        assert_eq!(outcome("of next year"), None);
    }

    #[test]
    fn headers_are_read_back_with_bytes_that_are_no_text() {
        let mut headers = HeaderMap::new();
        let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).unwrap();
        headers.append("x-a", value(b"\xff\x80\t~"));
        headers.append("x-b", value(b""));
        headers.append("x-a", value(b"2"));
        assert_eq!(read_headers(write_headers(&headers)), Some(headers));
        let many = (0..40_000).map(|number| (format!("x-{number}"), String::new())).collect();
        assert_eq!(read_headers(many), None, "and nothing panics");
    }
}
