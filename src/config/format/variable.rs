//! `VLLM_KEY`: the name of an environment variable.
//!
//! Must not know: the environment. Refusals never repeat the text: it may be the secret
//! that belongs into the variable.

use super::{Format, Refusal};

/// A name as POSIX has it (Base Definitions §8.1), of either case.
#[derive(Clone, Debug)]
pub(in crate::config) struct VariableName(pub String);

impl Format for VariableName {
    const NAME: &'static str = "transom-variable";
    const NOUN: &'static str = "the name of an environment variable";
    const EXAMPLES: &'static [&'static str] = &["VLLM_KEY"];

    fn read(text: &str) -> Result<Self, Refusal> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let digit_first = text.bytes().next().is_none_or(|first| first.is_ascii_digit());
        if digit_first || !text.bytes().all(allowed) {
            let words = "is not the name of an environment variable; write it like \"VLLM_KEY\"";
            return Err(Refusal::Because(words.into()));
        }
        Ok(Self(text.to_owned()))
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_place_of_the_name_is_not_repeated() {
        assert!(VariableName::read("VLLM_KEY2").is_ok());
        for wrong in ["", "sk-canary", "2canary", "canary canary"] {
            let Err(Refusal::Because(words)) = VariableName::read(wrong) else { panic!("{wrong}") };
            assert!(!words.contains("canary"), "{words}");
        }
    }
}
