//! Names that operators give, and those that callers and upstreams use.
//!
//! Must not know: who is named.

use super::{Format, Refusal};
use crate::types::ModelSlot;

/// The longest name, in bytes.
const LONGEST: usize = 128;

/// A name for a metric label and for references in the configuration.
#[derive(Clone, Debug)]
pub(in crate::config) struct Label(pub String);

/// A model name callers may say; `*` stands for any text, `?` for one character.
#[derive(Clone, Debug)]
pub(in crate::config) struct Pattern(pub String);

/// What an upstream calls a model.
#[derive(Clone, Debug)]
pub(in crate::config) struct UpstreamModel(pub String);

impl Format for Label {
    const NAME: &'static str = "transom-name";
    const NOUN: &'static str = "a name";
    const EXAMPLES: &'static [&'static str] = &["chat-large"];

    fn read(text: &str) -> Result<Self, Refusal> {
        if text.contains(['*', '?']) {
            return Err(because("a name cannot hold * or ?; only a model's aliases can"));
        }
        if text == ModelSlot::OTHER_LABEL {
            return Err(Refusal::Because(format!("{text:?} stands for what is not configured")));
        }
        printable(text).map(Self)
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

impl Format for Pattern {
    const NAME: &'static str = "transom-pattern";
    const NOUN: &'static str = "a name or pattern";
    const EXAMPLES: &'static [&'static str] = &["gpt-4o", "llama-3*"];

    fn read(text: &str) -> Result<Self, Refusal> {
        if text.contains(['[', ']', '{', '}', '\\']) {
            return Err(because("patterns know only * and ?; [ ] { } and \\ cannot be used"));
        }
        printable(text).map(Self)
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

impl Format for UpstreamModel {
    const NAME: &'static str = "transom-upstream-model";
    const NOUN: &'static str = "a model name";
    const EXAMPLES: &'static [&'static str] = &["meta-llama/Llama-3.3-70B"];

    fn read(text: &str) -> Result<Self, Refusal> {
        printable(text).map(Self)
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

fn printable(text: &str) -> Result<String, Refusal> {
    if text.is_empty() {
        Err(because("is empty"))
    } else if text.len() > LONGEST {
        Err(Refusal::Because(format!("is longer than {LONGEST} bytes")))
    } else if text.contains(char::is_control) {
        Err(because("holds a control character"))
    } else if text.trim() != text {
        Err(because("begins or ends with a space"))
    } else {
        Ok(text.to_owned())
    }
}

fn because(words: &str) -> Refusal {
    Refusal::Because(words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_printable() {
        assert!(Label::read("meta-llama/Llama 3.3:70b é").is_ok());
        for wrong in ["", " a", "a\n", "a\0b", "gpt-*", "_other", &"a".repeat(129)] {
            assert!(Label::read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn patterns_know_only_stars_and_question_marks() {
        assert!(Pattern::read("llama-?.*").is_ok());
        for wrong in ["gpt-[34]", "{a,b}", "a\\*", ""] {
            assert!(Pattern::read(wrong).is_err(), "{wrong:?}");
        }
    }
}
