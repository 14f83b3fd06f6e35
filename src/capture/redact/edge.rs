//! The end of what was kept of a body that was cut before it could be redacted.
//!
//! Half a secret may stand there that no rule knows. So the end is held back: as much as most
//! secrets are long, and on to where no word goes across. Must not know: what the text is.

/// Bytes that are held back at least.
const LEAST: usize = 256;
/// And beyond those at most, to the beginning of a word.
const WORD: usize = 8 * 1024;
/// In a stream, texts of which a piece came within so many bytes before the end are held back.
pub(super) const REACH: usize = 64 * 1024;

/// Whether a body was there to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// It was.
    Whole,
    /// It goes on, nobody knows how.
    Cut,
}

/// Where the part of a text begins that is held back.
pub(super) fn held_back(text: &str) -> usize {
    let limit = floor(text, text.len().saturating_sub(LEAST));
    let lowest = floor(text, limit.saturating_sub(WORD));
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>');
    text[lowest..limit].rfind(is_end).map_or(lowest, |at| lowest + at)
}

/// The last place before `at` where a character begins.
pub(super) fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_held_back_to_the_beginning_of_a_word() {
        assert_eq!(held_back("short"), 0);
        let text = format!("some words {}", "x".repeat(300));
        assert_eq!(held_back(&text), 10);
        let text = format!("é {}", "word ".repeat(100));
        let at = held_back(&text);
        assert!(text[at..].starts_with(' ') && (256..264).contains(&(text.len() - at)));
        let endless = "x".repeat(20_000);
        assert_eq!(held_back(&endless), 20_000 - LEAST - WORD);
    }
}
