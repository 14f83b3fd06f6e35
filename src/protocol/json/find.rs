//! The search for the few bytes that matter in a JSON text.
//!
//! Owns the speed of the cursor: a first look at 16 bytes, word by word, for the short
//! strings that most are; then blocks, which the compiler turns into vector instructions.
//! Must not know: the grammar.

const WORD: usize = 8;
const BLOCK: usize = 64;
const ONES: u64 = u64::MAX / 255;
const HIGH_BITS: u64 = ONES << 7;

/// A set of bytes to find.
pub trait Wanted {
    /// Whether a byte is in the set.
    fn byte(byte: u8) -> bool;

    /// Sets the high bit of the first byte of `word`, in memory order, that is in the set.
    /// Other bits may be set above it, none below.
    fn word(word: u64) -> u64;
}

/// What ends the plain part of a string: its end, an escape, a control character.
pub struct StringStop;

/// What matters to find the end of an object or array: strings and brackets.
pub struct Structure;

/// The place of the first wanted byte from `from` on, or the text's length.
#[inline]
pub fn find<W: Wanted>(text: &[u8], from: usize) -> usize {
    let near = text.len().min(from + 2 * WORD);
    let at = find_by_word::<W>(&text[..near], from);
    if at < near {
        return at;
    }
    let mut at = near;
    while let Some(block) = text[at..].first_chunk::<BLOCK>() {
        if block.iter().fold(0, |any, &byte| any | u8::from(W::byte(byte))) != 0 {
            break;
        }
        at += BLOCK;
    }
    find_by_word::<W>(text, at)
}

#[inline]
fn find_by_word<W: Wanted>(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(word) = text[at..].first_chunk::<WORD>() {
        let found = W::word(u64::from_le_bytes(*word)) & HIGH_BITS;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += WORD;
    }
    let rest = &text[at..];
    at + rest.iter().position(|&byte| W::byte(byte)).unwrap_or(rest.len())
}

impl Wanted for StringStop {
    fn byte(byte: u8) -> bool {
        // No short circuit: a block is looked at as a whole.
        (byte == b'"') | (byte == b'\\') | (byte < 0x20)
    }

    fn word(word: u64) -> u64 {
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        control | equal(word, b'"') | equal(word, b'\\')
    }
}

impl Wanted for Structure {
    fn byte(byte: u8) -> bool {
        // In ASCII, `[` and `{`, and `]` and `}`, differ in bit 5 alone.
        (byte == b'"') | (byte | 0x20 == b'{') | (byte | 0x20 == b'}')
    }

    fn word(word: u64) -> u64 {
        let folded = word | (ONES * 0x20);
        equal(word, b'"') | equal(folded, b'{') | equal(folded, b'}')
    }
}

/// High bits where a byte of `word` equals `byte`; exact for the first (Mycroft, 1987).
const fn equal(word: u64, byte: u8) -> u64 {
    let difference = word ^ (ONES * byte as u64);
    difference.wrapping_sub(ONES) & !difference
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_found_where_it_is<W: Wanted>() {
        for byte in 0..=255 {
            for (length, place) in
                [(1, 0), (7, 6), (8, 0), (20, 17), (90, 15), (90, 16), (200, 140)]
            {
                let mut text = vec![b'a'; length];
                text[place] = byte;
                // What comes after the first must not matter.
                text.extend([byte.wrapping_add(1), b'"']);
                let expected = text.iter().position(|&byte| W::byte(byte));
                assert_eq!(Some(find::<W>(&text, 0)), expected, "{byte} at {place}");
                assert_eq!(find::<W>(&text[..length], length), length);
            }
        }
    }

    #[test]
    fn every_wanted_byte_and_no_other_is_found() {
        is_found_where_it_is::<StringStop>();
        is_found_where_it_is::<Structure>();
        let wanted = |byte: &u8| StringStop::byte(*byte);
        assert_eq!((0..=255).filter(wanted).count(), 34);
        let wanted = |byte: &u8| Structure::byte(*byte);
        assert_eq!((0..=255).filter(wanted).collect::<Vec<_>>(), b"\"[]{}");
    }
}
