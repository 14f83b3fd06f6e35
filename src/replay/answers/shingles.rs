//! How alike two texts are: the Jaccard index of their runs of three words (Broder 1997).
//!
//! Unlike an edit distance it takes time in proportion to the texts, and a paragraph that was
//! moved counts for little; 1 less the index is a metric. Must not know: what the texts say.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Words in a run.
const RUN: usize = 3;

/// The runs of a text, by number, each once, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shingles(Vec<u64>);

impl Shingles {
    /// Of words without their case and what lies between them. A text of fewer than three
    /// words is one run.
    pub fn of(text: &str) -> Self {
        let words = words(text);
        let mut runs: Vec<u64> = match words.len() {
            0 => Vec::new(),
            few if few < RUN => vec![number(&words)],
            _ => words.windows(RUN).map(number).collect(),
        };
        runs.sort_unstable();
        runs.dedup();
        Self(runs)
    }

    /// The share of all runs of both that only one of them has; 0 where neither has any.
    pub fn distance(&self, other: &Self) -> f64 {
        let (mut x, mut y) = (self.0.as_slice(), other.0.as_slice());
        let mut shared = 0_usize;
        while let ([first_x, rest_x @ ..], [first_y, rest_y @ ..]) = (x, y) {
            shared += usize::from(first_x == first_y);
            if first_x <= first_y {
                x = rest_x;
            }
            if first_y <= first_x {
                y = rest_y;
            }
        }
        let all = self.0.len() + other.0.len() - shared;
        if all == 0 { 0.0 } else { 1.0 - shared as f64 / all as f64 }
    }
}

/// A number for each word. Scripts that leave no space between words: for each character.
fn words(text: &str) -> Vec<u64> {
    let mut words = Vec::new();
    let mut open: Option<DefaultHasher> = None;
    for character in text.chars() {
        if !character.is_alphanumeric() || is_a_word(character) {
            words.extend(open.take().map(|word| word.finish()));
        }
        if is_a_word(character) {
            words.push(number(character));
        } else if character.is_alphanumeric() {
            let word = open.get_or_insert_default();
            character.to_lowercase().for_each(|lower| lower.hash(word));
        }
    }
    words.extend(open.map(|word| word.finish()));
    words
}

const fn is_a_word(character: char) -> bool {
    matches!(
        character,
        '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}'
    )
}

fn number(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(x: &str, y: &str) -> f64 {
        let (x, y) = (Shingles::of(x), Shingles::of(y));
        assert!((x.distance(&y) - y.distance(&x)).abs() < 1e-12);
        x.distance(&y)
    }

    #[test]
    fn the_distance_is_the_share_of_runs_that_are_not_shared() {
        assert!(distance("The cat sat down.", "the CAT, sat — down") < 1e-12);
        // Runs: a b c, b c d; a b c, b c e.
        assert!((distance("a b c d", "a b c e") - 2.0 / 3.0).abs() < 1e-12);
        assert!((distance("a b c", "x y z") - 1.0).abs() < 1e-12);
        assert!((distance("", "x") - 1.0).abs() < 1e-12);
        assert!(distance("", "…") < 1e-12 && distance("yes", "Yes!") < 1e-12);
        assert!((distance("这是一个好主意", "这是一个坏主意") - 1.0).abs() > 0.1);
    }
}
