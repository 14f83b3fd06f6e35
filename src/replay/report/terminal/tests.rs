//! Reports in a terminal fit it and do nothing to it.

use super::grid::{Cell, Side, cut, grid};
use super::style::{Colour, safe, width};
use super::*;
use crate::replay::report::simulated;

fn all() -> Vec<ReportInput> {
    vec![
        simulated::regressed(),
        simulated::inconclusive(),
        simulated::single(),
        simulated::invalid(),
        simulated::empty(),
        simulated::broken(),
        simulated::hostile(),
    ]
}

fn plain(width: usize) -> TerminalStyle {
    TerminalStyle { width, colour: Colour::Plain }
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for input in all() {
        for room in [60, 80, 100, 120] {
            for line in terminal(&input, plain(room)).lines() {
                assert!(width(line) <= room, "{} > {room}: {line}", width(line));
                assert_eq!(line, line.trim_end());
            }
        }
    }
}

#[test]
fn validity_and_verdict_come_first() {
    let first = |input| terminal(&input, plain(80)).lines().next().unwrap().to_owned();
    assert_eq!(first(simulated::regressed()), "! REGRESSED  all 10 runs count");
    assert_eq!(first(simulated::single()), "✓ VALID  all 3 runs count");
    assert_eq!(first(simulated::invalid()), "× INVALID  the run does not count");
}

#[test]
fn columns_that_say_least_are_left_out_first() {
    let head = |room| {
        let text = terminal(&simulated::regressed(), plain(room));
        let line = text.lines().find(|line| line.starts_with("Metric")).unwrap().to_owned();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(head(120), "Metric A B B vs A interval p (Holm) verdict");
    assert_eq!(head(80), "Metric A B B vs A interval verdict");
    assert_eq!(head(60), "Metric B vs A verdict");
}

#[test]
fn colour_is_only_there_where_it_is_wanted() {
    let input = simulated::regressed();
    let coloured = terminal(&input, TerminalStyle { width: 100, colour: Colour::Ansi });
    assert!(coloured.starts_with("\u{1b}[1;31m! REGRESSED\u{1b}[0m"));
    let mut bare = coloured;
    while let Some(begin) = bare.find('\u{1b}') {
        let end = begin + bare[begin..].find('m').unwrap();
        bare.replace_range(begin..=end, "");
    }
    assert_eq!(bare, terminal(&input, plain(100)));
}

#[test]
fn nobody_elses_text_moves_the_cursor() {
    let text = terminal(&simulated::hostile(), plain(100));
    assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()));
    assert!(!text.contains('\u{202e}'));
    assert_eq!(safe("a\tb\u{1b}[2J\u{200b}"), "a\u{fffd}b\u{fffd}[2J\u{fffd}");
}

#[test]
fn columns_are_even_for_letters_of_any_width() {
    assert_eq!((width("模型"), width("e\u{301}"), width("ü")), (4, 1, 1));
    assert_eq!(cut("模型模型", 6), "模型…");
    let columns = [column("", Side::Left, u8::MAX), column("", Side::Right, u8::MAX)];
    let row = |name, value| vec![Cell::plain(name), Cell::plain(value)];
    let text = grid(&columns, &[row("模型", "1"), row("chat", "22")], 80, Colour::Plain);
    assert_eq!(text, "\n模型   1\nchat  22\n");
}

#[test]
fn a_run_says_why_it_does_not_count() {
    let text = terminal(&simulated::invalid(), plain(120));
    assert_eq!(text.matches("The generator lagged").count(), 1, "{text}");
    let mut compared = simulated::regressed();
    if let crate::replay::report::Arms::Two { b, .. } = &mut compared.arms {
        b.runs[2].validity = crate::replay::Validity::Invalid(vec!["It was stopped.".to_owned()]);
    }
    let text = terminal(&compared, plain(120));
    assert!(text.contains("9 of 10 runs count") && text.contains("B3: It was stopped."), "{text}");
}
