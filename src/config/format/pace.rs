//! `40 tokens/s`: how fast an answer is replayed.
//!
//! Must not know: answers.

use super::{Format, Refusal};
use crate::cache::Pace;

impl Format for Pace {
    const NAME: &'static str = "transom-pace";
    const NOUN: &'static str = "a pace";
    const EXAMPLES: &'static [&'static str] = &["at_once", "recorded", "40 tokens/s"];

    fn read(text: &str) -> Result<Self, Refusal> {
        match text {
            "at_once" => Ok(Self::AtOnce),
            "recorded" => Ok(Self::Recorded),
            rate => {
                let number = rate.strip_suffix("tokens/s").ok_or(Refusal::Malformed)?.trim_end();
                let digits = number.bytes().all(|byte| byte.is_ascii_digit());
                let rate = number.parse().ok().filter(|_| digits);
                rate.map(Self::TokensPerSecond).ok_or(Refusal::Malformed)
            }
        }
    }

    fn write(&self) -> String {
        match self {
            Self::AtOnce => "at_once".to_owned(),
            Self::Recorded => "recorded".to_owned(),
            Self::TokensPerSecond(rate) => format!("{rate} tokens/s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_a_word_or_a_rate_of_tokens() {
        for text in ["at_once", "recorded", "40 tokens/s"] {
            assert_eq!(Pace::read(text).unwrap().write(), text);
        }
        assert_eq!(Pace::read("40tokens/s").unwrap().write(), "40 tokens/s");
        for wrong in ["", "tokens/s", "0 tokens/s", "+4 tokens/s", "1.5 tokens/s", "40", "fast"] {
            assert!(Pace::read(wrong).is_err(), "{wrong}");
        }
    }
}
