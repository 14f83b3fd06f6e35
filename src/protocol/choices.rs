//! Which of the answers to one request came to their end.
//!
//! Owns what counts as an end. Must not know: how many there should be, or what they say.

/// Indices from here on are not told apart.
const MAX_INDEX: u64 = 4096;
const WORD: u64 = u64::BITS as u64;

/// How many choices an answer has, and how many of them came to their end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChoiceCount {
    /// Choices of which anything was seen.
    pub seen: u64,
    /// Those whose `finish_reason` says that the model, a stop sequence, a limit or a
    /// filter ended them.
    pub finished: u64,
}

impl ChoiceCount {
    /// Whether there are at least `expected` choices, and all of them came to their end.
    pub const fn is_whole(self, expected: u64) -> bool {
        self.seen == self.finished && self.finished >= expected
    }

    /// Counts one more.
    pub(super) fn count(&mut self, finish: Finish) {
        self.seen += 1;
        self.finished += u64::from(finish == Finish::Proper);
    }
}

/// What a `finish_reason` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Finish {
    /// Nothing yet.
    #[default]
    None,
    /// The choice is at its end because something went wrong.
    Aborted,
    /// The choice is at its end.
    Proper,
}

impl Finish {
    /// What the text of a `finish_reason` says. vLLM and SGLang end a request that they
    /// give up with `abort`, others with `error`.
    pub(super) fn of(reason: &[u8]) -> Self {
        match reason {
            b"" => Self::None,
            b"abort" | b"error" | b"cancelled" => Self::Aborted,
            _ => Self::Proper,
        }
    }
}

/// The choices of a stream, whose parts come in any order.
#[derive(Debug, Default)]
pub struct Choices {
    seen: Indices,
    finished: Indices,
    /// One with an index beyond what is told apart.
    beyond: bool,
}

impl Choices {
    /// Takes note of a part of the choice `index`.
    pub fn note(&mut self, index: u64, finish: Finish) {
        if index >= MAX_INDEX {
            self.beyond = true;
            return;
        }
        self.seen.insert(index);
        if finish == Finish::Proper {
            self.finished.insert(index);
        }
    }

    /// How many there are so far. One that is not told apart counts as not finished.
    pub fn count(&self) -> ChoiceCount {
        ChoiceCount {
            seen: self.seen.len() + u64::from(self.beyond),
            finished: self.finished.len(),
        }
    }
}

/// A set of numbers below [`MAX_INDEX`], one bit each. The first 64 take no memory of their
/// own.
#[derive(Debug, Default)]
struct Indices {
    low: u64,
    high: Vec<u64>,
}

impl Indices {
    fn insert(&mut self, index: u64) {
        let bit = 1 << (index % WORD);
        // Below `MAX_INDEX`, so within `usize`.
        match ((index / WORD) as usize).checked_sub(1) {
            None => self.low |= bit,
            Some(word) => {
                if self.high.len() <= word {
                    self.high.resize(word + 1, 0);
                }
                self.high[word] |= bit;
            }
        }
    }

    fn len(&self) -> u64 {
        let high: u32 = self.high.iter().map(|word| word.count_ones()).sum();
        u64::from(self.low.count_ones() + high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_counted_once_however_often_they_come() {
        let mut choices = Choices::default();
        for index in [0, 1, 63, 64, 4095, 1, 0] {
            choices.note(index, Finish::None);
        }
        assert_eq!(choices.count(), ChoiceCount { seen: 5, finished: 0 });
        for index in [1, 64, 64] {
            choices.note(index, Finish::Proper);
        }
        choices.note(0, Finish::Aborted);
        assert_eq!(choices.count(), ChoiceCount { seen: 5, finished: 2 });
    }

    #[test]
    fn a_choice_beyond_what_is_told_apart_is_never_whole() {
        let mut choices = Choices::default();
        choices.note(u64::MAX, Finish::Proper);
        assert_eq!(choices.count(), ChoiceCount { seen: 1, finished: 0 });
        assert!(!choices.count().is_whole(0));
    }

    #[test]
    fn an_answer_is_whole_when_every_expected_choice_came_to_its_end() {
        let whole = |seen, finished, expected| ChoiceCount { seen, finished }.is_whole(expected);
        assert!(whole(1, 1, 1) && whole(2, 2, 1));
        assert!(!whole(2, 1, 1) && !whole(1, 1, 2) && !whole(0, 0, 1));
    }

    #[test]
    fn a_reason_that_tells_of_a_failure_is_no_proper_end() {
        for reason in ["stop", "length", "tool_calls", "content_filter", "function_call"] {
            assert_eq!(Finish::of(reason.as_bytes()), Finish::Proper);
        }
        for reason in ["abort", "error", "cancelled"] {
            assert_eq!(Finish::of(reason.as_bytes()), Finish::Aborted);
        }
        assert_eq!(Finish::of(b""), Finish::None);
    }
}
