//! The words that a head is written in.
//!
//! A word that is not known here was written by a newer program, and stands for nothing that
//! this one could say. Must not know: which field a word stands in.

use crate::types::{Dialect, Operation, Outcome, UsageSource};

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
}
