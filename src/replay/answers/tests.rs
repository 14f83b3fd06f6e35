//! What the ladder says of servers that are known.

use super::{AnswerLadder, AnswerSettings, AnswersCompared, Seen, Step};
use crate::replay::chance::{Chance, Stream};
use crate::replay::{AnswerText, Effect, Role, Rung, Verdict};

/// Compares what `answer` gives for each request, run and arm: `true` is B.
fn compare(
    requests: u64,
    runs: usize,
    mut answer: impl FnMut(u64, usize, bool) -> Option<Seen>,
) -> AnswersCompared {
    let mut ladder = AnswerLadder::new(AnswerSettings::default());
    for number in 0..requests {
        let a: Vec<_> = (0..runs).map(|run| answer(number, run, false)).collect();
        let b: Vec<_> = (0..runs).map(|run| answer(number, run, true)).collect();
        ladder.take(number, &a, &b);
    }
    ladder.finish()
}

fn says(text: &str) -> Option<Seen> {
    with_tools(text, &[])
}

fn with_tools(text: &str, tools: &[(&str, &str)]) -> Option<Seen> {
    let tools: Vec<_> = tools.iter().map(|(n, a)| ((*n).to_owned(), (*a).to_owned())).collect();
    let digest = format!("{text}{tools:?}");
    let finish = if tools.is_empty() { "stop" } else { "tool_calls" };
    let finish = Some(finish.to_owned());
    let answer = AnswerText { text: text.to_owned(), tools, finish, digest };
    Some(Seen { status: Some(200), answer: Some(answer) })
}

fn rung(compared: &AnswersCompared, step: Step) -> &Rung {
    compared.comparison.rungs.iter().find(|rung| rung.name == step.name()).unwrap()
}

fn names(compared: &AnswersCompared) -> Vec<&str> {
    compared.comparison.rungs.iter().map(|rung| rung.name.as_str()).collect()
}

/// A sentence of so many words from a small vocabulary.
fn sentence(chance: &mut Chance, words: usize) -> String {
    (0..words).map(|_| format!("w{} ", chance.below(50))).collect()
}

#[test]
fn a_server_that_always_says_the_same_has_no_floor() {
    let same = compare(200, 3, |number, _, _| says(&format!("the answer to {number} is yes")));
    assert_eq!(same.comparison.verdict, Verdict::Equivalent);
    assert_eq!(same.comparison.pairs, 200 * 9);
    for rung in &same.comparison.rungs {
        assert!(rung.floor <= 0.0 && rung.differ <= 0.0 && rung.examples.is_empty(), "{rung:?}");
    }
    assert_eq!(names(&same), ["status", "finish", "length", "text", "similarity"]);
    assert!(same.reasons[0].contains("no more than A's from each other"));
}

#[test]
fn a_few_requests_do_not_prove_that_answers_are_equal() {
    let few = compare(20, 3, |number, _, _| says(&format!("the answer to {number} is yes")));
    assert_eq!(few.comparison.verdict, Verdict::Inconclusive);
    let Effect::Difference { value, high, .. } = rung(&few, Step::Text).excess else { panic!() };
    assert!(value.abs() < 1e-9 && (0.1..0.2).contains(&high), "{high}");
    assert!(few.reasons[0].contains("20 requests cannot rule them out: 149 "), "{:?}", few.reasons);
}

#[test]
fn a_changed_answer_is_seen_where_the_server_always_says_the_same() {
    let answer = |changed: u64| {
        move |number: u64, _: usize, is_b: bool| {
            let is_changed = is_b && number % 40 < changed;
            says(if is_changed { "no, it is not" } else { "yes, it is so" })
        }
    };
    let one = compare(40, 3, answer(1));
    let text = rung(&one, Step::Text);
    assert!(text.floor <= 0.0 && (text.differ - 0.025).abs() < 1e-9);
    assert_eq!(
        (text.examples.as_slice(), one.comparison.verdict),
        (&[0][..], Verdict::Inconclusive)
    );
    let many = compare(200, 3, answer(4));
    assert_eq!(many.comparison.verdict, Verdict::Regressed);
    assert_eq!(rung(&many, Step::Text).examples.len(), 10);
    let expected = "Answers differ in text: 10.0 % between A and B, 0 % between runs of A, 10.0 \
                    percentage points more (";
    assert!(many.reasons.iter().any(|reason| reason.starts_with(expected)), "{:?}", many.reasons);
}

#[test]
fn a_server_that_never_says_the_same_twice_raises_no_alarm() {
    for seed in 0..4 {
        let mut chance = Chance::new(seed, Stream::Simulation);
        let sampled = compare(60, 3, |_, _, _| {
            let words = 30 + chance.below(20);
            says(&sentence(&mut chance, words))
        });
        let text = rung(&sampled, Step::Text);
        assert!(text.floor >= 1.0 && text.differ >= 1.0 && text.examples.is_empty());
        assert_ne!(sampled.comparison.verdict, Verdict::Regressed, "{:?}", sampled.reasons);
    }
}

#[test]
fn tool_calls_that_are_dropped_more_often_are_found() {
    let mut chance = Chance::new(1, Stream::Simulation);
    let mut drops = |share: f64| chance.uniform() < share;
    let mut world = |of_b: f64| {
        compare(500, 3, |number, _, is_b| {
            let call = [("search", format!(r#"{{"q":"{number}"}}"#))];
            let call = call.each_ref().map(|(name, with)| (*name, with.as_str()));
            let share = if is_b { of_b } else { 0.02 };
            if drops(share) { with_tools("", &[]) } else { with_tools("", &call) }
        })
    };
    let dropping = world(0.07);
    assert_eq!(dropping.comparison.verdict, Verdict::Regressed);
    let tools = rung(&dropping, Step::Tools);
    assert!((tools.floor - 0.04).abs() < 0.015, "{tools:?}");
    let Effect::Difference { value, low, high } = tools.excess else { panic!() };
    assert!(low > 0.02 && (0.035..0.065).contains(&value) && high < 0.08, "{tools:?}");
    let alike = world(0.02);
    assert_eq!(alike.comparison.verdict, Verdict::Equivalent, "{:?}", alike.reasons);
}

#[test]
fn tool_calls_are_compared_argument_by_argument() {
    let call = |with: &'static str| with_tools("", &[("a", with), ("b", "{}")]);
    let distance = |b: Option<Seen>| {
        let compared = compare(
            1,
            2,
            |_, _, is_b| {
                if is_b { b.clone() } else { call(r#"{"x":1,"y":2,"z":3}"#) }
            },
        );
        rung(&compared, Step::Tools).differ
    };
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found}");
    near(distance(call(r#"{ "z":3.0, "y":2, "x":1 }"#)), 0.0);
    near(distance(call(r#"{"x":1,"y":2,"z":4}"#)), 1.0 / 6.0);
    near(distance(call(r#"{"x":1,"y":2}"#)), 1.0 / 6.0);
    near(distance(with_tools("", &[("b", ""), ("a", r#"{"x":1,"y":2,"z":3}"#)])), 0.0);
    near(distance(with_tools("", &[("c", "{}"), ("b", "{}")])), 0.5);
    near(distance(says("I cannot do that")), 1.0);
}

#[test]
fn answers_that_grow_longer_are_found_though_lengths_vary() {
    let mut chance = Chance::new(2, Stream::Simulation);
    let longer = compare(150, 3, |_, _, is_b| {
        let words = (40 + chance.below(40)) * if is_b { 6 } else { 5 } / 5;
        says(&sentence(&mut chance, words))
    });
    let Effect::Ratio { value, low, high } = rung(&longer, Step::Length).excess else { panic!() };
    assert!(low > 1.1 && (1.15..1.25).contains(&value) && high < 1.3, "{low} {value} {high}");
    assert_eq!(longer.comparison.verdict, Verdict::Regressed);
    assert!(longer.reasons.iter().any(|reason| reason.contains("times as long as A's")));
}

#[test]
fn a_status_that_got_worse_counts_and_one_that_got_better_does_not() {
    let failed = || Some(Seen { status: Some(500), answer: None });
    let failing = |fails: bool| {
        compare(
            100,
            3,
            |number, _, is_b| {
                if is_b == fails && number % 5 == 0 { failed() } else { says("yes") }
            },
        )
    };
    let worse = failing(true);
    assert_eq!(worse.comparison.verdict, Verdict::Regressed);
    assert!(
        worse.reasons[0].starts_with("Answers differ in status: 20.0 %"),
        "{:?}",
        worse.reasons
    );
    let better = failing(false);
    assert_ne!(better.comparison.verdict, Verdict::Regressed);
    assert!(rung(&better, Step::Status).differ <= 0.0);
}

#[test]
fn statuses_alone_are_not_said_to_be_answers() {
    let statuses = compare(200, 2, |_, _, _| Some(Seen { status: Some(200), answer: None }));
    assert_eq!(names(&statuses), ["status"]);
    assert!(statuses.reasons.last().unwrap().contains("only the statuses"));
}

#[test]
fn a_rung_that_does_not_decide_says_so_and_its_verdict_all_the_same() {
    let decisive = vec![Step::Status, Step::Finish];
    let settings = AnswerSettings { decisive, ..AnswerSettings::default() };
    let mut ladder = AnswerLadder::new(settings);
    for number in 0..200 {
        let (a, b) =
            ([says("yes"), says("yes"), says("yes")], [says("no"), says("no"), says("no")]);
        ladder.take(number, &a, &b);
    }
    let compared = ladder.finish();
    assert_eq!(compared.comparison.verdict, Verdict::Equivalent);
    let found = |step| {
        let rung = rung(&compared, step);
        (rung.role, rung.verdict, rung.p_adjusted < 0.01)
    };
    assert_eq!(found(Step::Status), (Role::Primary, Verdict::Equivalent, false));
    assert_eq!(found(Step::Text), (Role::Informative, Verdict::Regressed, true));
}

#[test]
fn structure_is_only_asked_of_requests_with_json() {
    let compared = compare(400, 2, |number, _, is_b| match (number % 4, is_b) {
        (0, false) => says(r#"{"name":"x","age":3}"#),
        (0, true) => says(r#"{"name":"x"}"#),
        _ => says("text"),
    });
    let structure = rung(&compared, Step::Structure);
    assert!(structure.floor <= 0.0 && structure.differ >= 1.0, "{structure:?}");
    assert_eq!(compared.comparison.verdict, Verdict::Regressed);
}

#[test]
fn the_luck_of_a_whole_run_is_no_regression() {
    // One run of each arm met a replica that says something else.
    let lucky = compare(100, 4, |_, run, is_b| {
        says(if run == usize::from(is_b) || is_b && run == 3 { "another way" } else { "one way" })
    });
    assert_ne!(lucky.comparison.verdict, Verdict::Regressed, "{:?}", lucky.reasons);
}

#[test]
fn without_two_runs_of_a_nothing_is_said() {
    for runs in [0, 1] {
        let alone = compare(5, runs, |_, _, _| says("yes"));
        assert_eq!((alone.comparison.verdict, alone.comparison.pairs), (Verdict::Inconclusive, 0));
        assert!(alone.reasons[0].contains("two runs of A"));
    }
    let unsent = compare(5, 3, |_, _, is_b| if is_b { None } else { says("yes") });
    assert_eq!(unsent.comparison.pairs, 0);
}

#[test]
fn more_runs_than_are_looked_at_do_no_harm() {
    let many = compare(200, 14, |_, _, _| says("yes"));
    assert_eq!((many.comparison.pairs, many.comparison.verdict), (200 * 100, Verdict::Equivalent));
}

#[test]
fn the_same_answers_always_get_the_same_verdict() {
    let made = || {
        let mut chance = Chance::new(3, Stream::Simulation);
        compare(30, 3, |_, _, _| says(&sentence(&mut chance, 12)))
    };
    assert_eq!(made(), made());
}
