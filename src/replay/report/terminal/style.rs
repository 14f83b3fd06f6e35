//! Text that is safe in a terminal, how wide it is there, and colours where they are wanted.
//!
//! Must not know: what is said.

use crate::replay::report::summary::Tone;

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// No: it goes to a file, or to who does not want it.
    #[default]
    Plain,
    /// By the sixteen colours of ECMA-48 (SGR), which follow the terminal's theme.
    Ansi,
}

/// How a piece of text is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Strong,
    Quiet,
    Tone(Tone),
}

/// The text with its colour around it.
pub(super) fn painted(text: &str, paint: Paint, colour: Colour) -> String {
    let code = match (colour, paint) {
        _ if text.is_empty() => return String::new(),
        (Colour::Plain, _) | (_, Paint::Plain) => return text.to_owned(),
        (_, Paint::Strong) => "1",
        (_, Paint::Quiet) => "2",
        (_, Paint::Tone(Tone::Good)) => "1;32",
        (_, Paint::Tone(Tone::Bad)) => "1;31",
        (_, Paint::Tone(Tone::Doubt)) => "1;33",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// Somebody else's text on one line: whatever could move the cursor, change colours or turn
/// the direction of writing is replaced.
pub(super) fn safe(text: &str) -> String {
    let replaced = |letter: char| if is_control(letter) { '\u{fffd}' } else { letter };
    text.chars().map(replaced).collect()
}

/// How many cells a text takes: ideographs and pictures take two, combining marks none.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(cells).sum()
}

fn is_control(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(letter, '\u{061c}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

fn cells(letter: char) -> usize {
    match letter {
        '\u{300}'..='\u{36f}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}
