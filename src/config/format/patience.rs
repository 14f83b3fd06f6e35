//! `30s` or `off`: how long to wait for something, if at all.
//!
//! Must not know: what is waited for.

use super::{Format, Refusal};
use std::time::Duration;

/// The longest wait, more than 0; `None` waits for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) struct Patience(pub Option<Duration>);

impl Format for Patience {
    const NAME: &'static str = "transom-patience";
    const NOUN: &'static str = "a duration or \"off\"";
    const EXAMPLES: &'static [&'static str] = &["30s", "off"];

    fn read(text: &str) -> Result<Self, Refusal> {
        if text == "off" {
            return Ok(Self(None));
        }
        match <Duration as Format>::read(text)? {
            Duration::ZERO => Err(Refusal::Because("must be longer than 0s, or \"off\"".into())),
            duration => Ok(Self(Some(duration))),
        }
    }

    fn write(&self) -> String {
        self.0.map_or_else(|| "off".to_owned(), |duration| duration.write())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_a_duration_or_none() {
        for text in ["30s", "off", "500ms"] {
            assert_eq!(Patience::read(text).unwrap().write(), text);
        }
        for wrong in ["", "0s", "on", "30", "366d"] {
            assert!(Patience::read(wrong).is_err(), "{wrong}");
        }
    }
}
