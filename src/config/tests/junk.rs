//! Whatever is in the file, the answer is settings or errors.

use super::{example::EXAMPLE, read};

#[test]
fn junk_never_panics_and_errors_are_single_lines() {
    let mut random = fastrand::Rng::with_seed(7);
    let pieces = [
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        ",",
        ".",
        "\n",
        "\"",
        "'",
        "\"\"\"",
        "#",
        "\\",
        "\u{0}",
        "server",
        "upstream",
        "model",
        "targets",
        "endpoints",
        "name",
        "1",
        "-",
        "0x",
        "1e9",
        "true",
        "é",
        "😀",
        "1979-05-27",
        " ",
        "\r",
        "inf",
        "\u{feff}",
        "99999999999999999999",
    ];
    for _ in 0..3000 {
        let count = random.usize(0..30);
        let text: String = (0..count).map(|_| pieces[random.usize(0..pieces.len())]).collect();
        survive(&text);
    }
}

#[test]
fn a_damaged_example_never_panics() {
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..1000 {
        let mut text: Vec<char> = EXAMPLE.chars().collect();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(0..text.len());
            match random.u8(0..3) {
                0 => drop(text.remove(at)),
                1 => text.insert(at, random.char(..)),
                _ => {
                    let other = random.usize(0..text.len());
                    text.swap(at, other);
                }
            }
        }
        survive(&text.into_iter().collect::<String>());
    }
}

#[test]
fn deep_nesting_is_survived() {
    survive(&format!("a = {}", "[".repeat(100_000)));
    survive(&format!("a = {}1{}", "[".repeat(1000), "]".repeat(1000)));
    survive(&"a = {".repeat(50_000));
    survive(&format!("{}a = 1", "a.".repeat(1000)));
}

fn survive(text: &str) {
    if let Err(errors) = read(text) {
        assert!(!errors.list().is_empty(), "{text:?}");
        for error in errors.list() {
            let line = error.to_string();
            assert!(!line.contains(['\n', '\r', '\0']) && line.len() < 1000, "{line:?}");
        }
    }
}
