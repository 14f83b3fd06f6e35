//! Somebody else's text inside of GitHub-flavoured Markdown: it stays text.
//!
//! Must not know: what is said.

/// Longer texts are cut, in letters.
const LONGEST: usize = 300;
/// Comes after a sign that would call a person or name an issue; it takes no room.
const BREAK: &str = "&#8203;";

/// A sentence: no markup, no links, nobody is mentioned, no issue is named.
pub(super) fn prose(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for (at, letter) in text.chars().take(LONGEST).enumerate() {
        let means_something = match letter {
            '-' | '+' | '=' => at == 0,
            '.' | ')' => begins_list(text, at) || begins_address(text, at),
            _ => is_markup(letter),
        };
        safe.push_str(&if means_something { reference(letter) } else { plain(letter) });
        if matches!(letter, '@' | '#') {
            safe.push_str(BREAK);
        }
    }
    ended(safe, text)
}

/// A name or an address, in the type of code.
pub(super) fn code(text: &str) -> String {
    let letter = |letter: char| match letter {
        '-' | ',' => plain(letter),
        _ if letter.is_ascii_punctuation() => reference(letter),
        _ => plain(letter),
    };
    let safe = text.chars().take(LONGEST).map(letter).collect();
    format!("<code>{}</code>", ended(safe, text))
}

/// As it is; a space for what would break the line or turn the direction of writing.
fn plain(letter: char) -> String {
    let turns = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if letter.is_control() || turns { " ".to_owned() } else { letter.to_string() }
}

/// As HTML names it by its number, which means nothing to Markdown.
fn reference(letter: char) -> String {
    format!("&#{};", u32::from(letter))
}

fn is_markup(letter: char) -> bool {
    letter.is_ascii_punctuation() && !matches!(letter, ',' | ';' | '%' | '(' | '/' | '\'' | '?')
}

/// Whether the letter at `at` ends a number that nothing stands before.
fn begins_list(text: &str, at: usize) -> bool {
    at > 0 && text.chars().take(at).all(|letter| letter.is_ascii_digit())
}

/// Whether the letter at `at` is the first point of what would become a link.
fn begins_address(text: &str, at: usize) -> bool {
    let before: String = text.chars().take(at).collect();
    before.to_lowercase().ends_with("www")
}

fn ended(mut safe: String, text: &str) -> String {
    if text.chars().nth(LONGEST).is_some() {
        safe.push('…');
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_sentences_are_left_alone() {
        let said = "p95 TTFT rose by 6.1 % (2.9 to 9.4 %), p < 0.02 after correction.";
        assert_eq!(prose(said), said.replace('<', "&#60;"));
    }

    #[test]
    fn nothing_is_marked_up_linked_or_mentioned() {
        let hostile = "@team see [x](javascript:alert(1)) <img src=x> `a` | #12 www.evil.example";
        let safe = prose(hostile);
        let rest = safe.replace("&#", "").replace(';', "");
        assert!(!rest.contains(['@', '[', ']', '<', '>', '`', '|', '#', ':']), "{safe}");
        assert!(safe.starts_with("&#64;&#8203;team"), "{safe}");
        assert!(safe.contains("www&#46;evil"), "{safe}");
    }

    #[test]
    fn a_sentence_begins_no_list_and_no_second_line() {
        assert_eq!(prose("- a\n# b"), "&#45; a &#35;&#8203; b");
        assert_eq!(prose("12. a"), "12&#46; a");
        assert_eq!(prose("+ a"), "&#43; a");
    }

    #[test]
    fn a_name_is_code_and_no_more() {
        assert_eq!(code("a|`b`"), "<code>a&#124;&#96;b&#96;</code>");
        assert_eq!(code("https://x"), "<code>https&#58;&#47;&#47;x</code>");
        assert_eq!(code("</code><script>"), "<code>&#60;&#47;code&#62;&#60;script&#62;</code>");
        assert!(code(&"x".repeat(1000)).ends_with("x…</code>"));
    }
}
