//! The words of the simulated model: how prompts are counted and answers made up.
//!
//! A token is a whitespace-separated word, in and out. Must not know: JSON, time.

use crate::types::Random;

/// How many tokens `text` has: its whitespace-separated words.
pub(super) fn count_tokens(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

/// One seed out of two.
pub(super) fn mix(seed: u64, salt: u64) -> u64 {
    Random::seeded(Random::seeded(seed).next_u64() ^ salt).next_u64()
}

/// A digest to draw words by: stable between releases and machines, quick, not for security.
pub(super) fn digest(seed: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let stir = |state: u64, word: &[u8; 8]| {
        (state ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    };
    let state = words.iter().chain([&last]).fold(seed, stir);
    mix(state, bytes.len() as u64)
}

/// An endless text; each word depends on the key and the word's place alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    key: u64,
}

impl Text {
    pub(super) const fn new(key: u64) -> Self {
        Self { key }
    }

    /// The parts of the token at `index`: the space before it, the word, the mark after it.
    /// All are plain ASCII without quotes, so they stand in JSON as they are.
    pub(super) fn token(self, index: u64) -> [&'static str; 3] {
        let slot = (index % SENTENCE.len() as u64) as usize;
        let choices = SENTENCE[slot];
        let word =
            choices[Random::seeded(mix(self.key, index)).below(choices.len() as u64) as usize];
        let space = if index == 0 { "" } else { " " };
        let mark = if slot + 1 == SENTENCE.len() { "." } else { "" };
        [space, word, mark]
    }

    /// The first `tokens` tokens as one text.
    pub(super) fn prefix(self, tokens: u64) -> String {
        (0..tokens).flat_map(|index| self.token(index)).collect()
    }
}

/// The words that may stand at each place of a sentence.
const SENTENCE: [&[&str]; 10] = [
    &["The", "Every", "Our", "One", "Another", "This", "That", "Each"],
    ADJECTIVES,
    NOUNS,
    &[
        "answers",
        "carries",
        "crosses",
        "finds",
        "follows",
        "gathers",
        "greets",
        "guides",
        "measures",
        "remembers",
        "repairs",
        "watches",
    ],
    DETERMINERS,
    ADJECTIVES,
    NOUNS,
    &["above", "across", "before", "behind", "beneath", "beside", "beyond", "near"],
    DETERMINERS,
    NOUNS,
];

const DETERMINERS: &[&str] = &["another", "every", "her", "his", "one", "our", "that", "the"];

const ADJECTIVES: &[&str] = &[
    "bright", "careful", "curious", "distant", "early", "gentle", "golden", "honest", "little",
    "patient", "quiet", "silver", "simple", "small", "steady", "warm",
];

const NOUNS: &[&str] = &[
    "bridge", "clock", "engine", "forest", "garden", "harbour", "lantern", "letter", "meadow",
    "morning", "mountain", "river", "sailor", "signal", "sparrow", "teacher",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_as_many_tokens_as_asked_and_counts_as_many() {
        for tokens in [0, 1, 10, 11, 57] {
            assert_eq!(count_tokens(&Text::new(9).prefix(tokens)), tokens);
        }
    }

    #[test]
    fn a_text_reads_as_sentences_and_needs_no_escapes() {
        let text = Text::new(9).prefix(30);
        assert_eq!(text.matches('.').count(), 3);
        assert!(text.starts_with(|c: char| c.is_ascii_uppercase()) && text.ends_with('.'));
        assert!(text.chars().all(|c| c.is_ascii_alphabetic() || c == ' ' || c == '.'), "{text}");
    }

    #[test]
    fn a_key_gives_one_text_and_another_key_another() {
        assert_eq!(Text::new(1).prefix(40), Text::new(1).prefix(40));
        assert_ne!(Text::new(1).prefix(40), Text::new(2).prefix(40));
    }

    #[test]
    fn a_digest_depends_on_every_byte_the_length_and_the_seed() {
        let base = digest(1, b"twelve bytes");
        assert_eq!(base, digest(1, b"twelve bytes"));
        let others =
            [digest(2, b"twelve bytes"), digest(1, b"twelve byteS"), digest(1, b"Twelve bytes")];
        assert!(others.iter().all(|other| *other != base));
        assert_ne!(digest(1, b"a"), digest(1, b"a\0"));
        assert_ne!(digest(1, b""), digest(1, &[0; 8]));
    }
}
