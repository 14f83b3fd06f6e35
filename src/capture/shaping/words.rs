//! Texts made up of English words: each depends on a number alone.
//!
//! Tokenisers have a token for most of the words, and longer ones take two, so that a text has
//! about as many tokens as prose of its length. Must not know: what the text stands for.

use fastrand::Rng;

/// The first `length` bytes of the endless text that belongs to `seed`. All are ASCII, and
/// none needs an escape in JSON.
pub(super) fn text(seed: u64, length: usize) -> String {
    let mut rng = Rng::with_seed(seed);
    let mut text = String::with_capacity(length + LONGEST);
    let mut left = 0;
    while text.len() < length {
        if left == 0 {
            left = rng.usize(6..16);
        }
        left -= 1;
        text.push_str(WORDS[rng.usize(..WORDS.len())]);
        text.push_str(match (left, rng.u8(..9)) {
            (0, _) => ". ",
            (_, 0) => ", ",
            _ => " ",
        });
    }
    text.truncate(length);
    text
}

/// The longest word and what stands after it.
const LONGEST: usize = 20;

const WORDS: [&str; 134] = [
    "the",
    "a",
    "of",
    "and",
    "to",
    "in",
    "is",
    "that",
    "for",
    "it",
    "with",
    "as",
    "was",
    "on",
    "are",
    "by",
    "this",
    "at",
    "from",
    "or",
    "have",
    "an",
    "they",
    "which",
    "one",
    "were",
    "all",
    "there",
    "when",
    "more",
    "about",
    "their",
    "some",
    "than",
    "into",
    "other",
    "time",
    "first",
    "year",
    "out",
    "up",
    "so",
    "my",
    "no",
    "if",
    "we",
    "do",
    "he",
    "she",
    "you",
    "can",
    "had",
    "not",
    "but",
    "his",
    "her",
    "its",
    "our",
    "us",
    "me",
    "water",
    "part",
    "place",
    "work",
    "small",
    "large",
    "day",
    "two",
    "way",
    "may",
    "new",
    "now",
    "old",
    "see",
    "him",
    "how",
    "man",
    "any",
    "who",
    "did",
    "get",
    "made",
    "hull",
    "moth",
    "knoll",
    "tarn",
    "sloe",
    "thatch",
    "cobble",
    "marmot",
    "yarrow",
    "blacksmith",
    "watchmaker",
    "lighthouse",
    "apprentice",
    "marmalade",
    "quarrelsome",
    "unremarkable",
    "conscientious",
    "7",
    "12",
    "40",
    "185",
    "1066",
    "3.5",
    "people",
    "number",
    "country",
    "under",
    "system",
    "program",
    "question",
    "during",
    "government",
    "public",
    "company",
    "problem",
    "without",
    "another",
    "service",
    "history",
    "research",
    "morning",
    "general",
    "several",
    "increase",
    "different",
    "available",
    "following",
    "community",
    "production",
    "possible",
    "understand",
    "continue",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_long_as_asked_and_the_same_each_time() {
        for length in [0, 1, 7, 1024, 5000] {
            assert_eq!(text(7, length).len(), length);
            assert!(text(7, 6000).starts_with(&text(7, length)));
        }
        assert_ne!(text(7, 100), text(8, 100));
        let json = serde_json::to_string(&text(9, 4000)).unwrap();
        assert_eq!(json.len(), 4002);
    }

    #[test]
    fn it_has_as_many_words_as_prose() {
        let words = text(1, 60_000).split_whitespace().count();
        let bytes_each = 60_000 / words;
        assert!((4..7).contains(&bytes_each), "{bytes_each}");
    }
}
