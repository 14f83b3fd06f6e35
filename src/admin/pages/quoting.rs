//! Text as it has to be written so that it means itself: in a shell, in Python, in PromQL, and on
//! a page that shows it as it came.
//!
//! What cannot be seen is escaped in all of them, so that what is read before it is run is what
//! runs: a terminal acts on control characters that are pasted, quoted or not. Must not know:
//! whose text it is.

use crate::protocol::is_harmful;
use std::fmt::Write;

/// As one word of a shell (POSIX.1-2017, Shell Command Language §2.2.2), or, where it holds what
/// cannot be seen, of bash, zsh and ksh (§2.2.4 of POSIX.1-2024). A shell has no word for NUL.
pub(super) fn shell(text: &str) -> String {
    if !text.chars().any(|c| is_harmful(c) && c != '\n') {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut word = String::from("$'");
    for c in text.chars() {
        match c {
            '\\' | '\'' => word.extend(['\\', c]),
            '\n' => word.push_str("\\n"),
            '\t' => word.push_str("\\t"),
            // Octal: unlike that of hexadecimal digits, their number is fixed everywhere.
            c if is_harmful(c) => each_byte(c, |byte| write!(word, "\\{byte:03o}").ok()),
            c => word.push(c),
        }
    }
    word + "'"
}

/// As a string of Python (Language Reference §2.4.1).
pub(super) fn python(text: &str) -> String {
    let mut literal = String::from("\"");
    for c in text.chars() {
        match c {
            '\\' | '"' => literal.extend(['\\', c]),
            '\n' => literal.push_str("\\n"),
            '\t' => literal.push_str("\\t"),
            c if is_harmful(c) => {
                write!(literal, "\\u{:04x}", u32::from(c)).ok();
            }
            c => literal.push(c),
        }
    }
    literal + "\""
}

/// As a string of PromQL, which has the escapes of Go.
pub(super) fn promql(text: &str) -> String {
    python(text)
}

/// As it came, with `\u{…}` for what cannot be seen, lines and tabs apart.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            '\r' => {}
            c if is_harmful(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

fn each_byte(c: char, mut with: impl FnMut(u8) -> Option<()>) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        with(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    const HOSTILE: [&str; 8] = [
        "it's $(touch /tmp/x) `id` \"$HOME\" !! \\ ; & | > * ~",
        "'; rm -rf / #",
        "\\'",
        "two\nlines\tand a tab",
        "@/etc/passwd",
        "-o /etc/passwd",
        "\u{1b}[201~\nid\r\u{9b}31m1\u{202e}8",
        "Ünïcödé 🎈 \u{7f}7",
    ];

    /// What a program, if this machine has it, prints when it is told to print the word.
    fn printed(program: &str, script: String) -> Option<String> {
        let output = Command::new(program).args(["-c", &script]).output().ok()?;
        assert!(output.status.success(), "{script}: {output:?}");
        Some(String::from_utf8(output.stdout).unwrap())
    }

    #[test]
    fn a_shell_takes_hostile_text_for_itself() {
        for text in HOSTILE {
            let word = shell(text);
            assert!(!word.chars().any(|c| is_harmful(c) && c != '\n'), "{word:?}");
            if let Some(said) = printed("bash", format!("printf %s {word}")) {
                assert_eq!(said, text, "{word}");
            }
        }
        assert_eq!(shell("it's"), r"'it'\''s'");
        assert_eq!(shell("a\n'\\\u{1b}1"), r"$'a\n\'\\\0331'");
    }

    #[test]
    fn python_takes_hostile_text_for_itself() {
        for text in HOSTILE {
            let literal = python(text);
            assert!(!literal.chars().any(is_harmful), "{literal:?}");
            let script = format!("import sys; sys.stdout.buffer.write({literal}.encode())");
            if let Some(said) = printed("python3", script) {
                assert_eq!(said, text, "{literal}");
            }
        }
        assert_eq!(python("a\"\\\n\u{202e}"), r#""a\"\\\n\u202e""#);
    }

    #[test]
    fn what_cannot_be_seen_can_be_on_a_page() {
        assert_eq!(visible("a\r\n\tb\u{202e}\u{1b}"), "a\n\tb\\u{202e}\\u{1b}");
    }
}
