//! The rules of an operator's.

use super::{body, redactor, settings, with_rules};
use crate::capture::redact::{Counts, Redactor};
use crate::capture::{RedactionRule, RedactionTarget};

#[test]
fn a_pattern_is_looked_for_in_what_strings_mean() {
    let redactor = with_rules(&[("ticket", "(?i)case-[0-9]{3}"), ("name", "^Jane D\u{f6}e$")]);
    let planted = r#"{"a": "CASE-123 and c\u0061se-9999", "Jane D\u00f6e": "Jane Döe", "b": "not Jane Döe", "n": 5}"#;
    let (left, counts) = body(&redactor, planted);
    let expected = r#"{"a": "[redacted:ticket] and [redacted:ticket]9", "[redacted:name]": "[redacted:name]", "b": "not Jane Döe", "n": 5}"#;
    assert_eq!(left, expected);
    assert_eq!(counts, Counts::from([("name".to_owned(), 2), ("ticket".to_owned(), 2)]));
}

#[test]
fn a_pattern_is_looked_for_in_numbers_too() {
    let (left, _) = body(&with_rules(&[("pin", "^[0-9]{4}$")]), r#"{"pin": 1234, "n": 12345}"#);
    assert_eq!(left, r#"{"pin": "[redacted:pin]", "n": 12345}"#);
}

#[test]
fn a_pattern_that_matches_everything_leaves_json() {
    let redactor = with_rules(&[("all", "(?s).+")]);
    let (left, _) = body(&redactor, r#"{"a": "b\n[redacted:email]", "c": [1, true, null, ""]}"#);
    assert_eq!(
        left,
        r#"{"[redacted:all]": "[redacted:all][redacted:email]", "[redacted:all]": ["[redacted:all]", true, null, ""]}"#
    );
    assert_eq!(body(&redactor, left.clone()), (left, Counts::new()));
}

#[test]
fn a_pointer_takes_out_whatever_stands_there() {
    let redactor = with_rules(&[
        ("who", "/user"),
        ("said", "/messages/*/content"),
        ("second", "/list/1"),
        ("slash", "/a~1b"),
    ]);
    let planted = r#"{"user": {"name": ["x", {}]}, "messages": [{"role": "user", "content": "hi"}, {"content": [1, "a@b.io"]}], "list": [1, 2.5, 3], "a\/b": null, "c": "user"}"#;
    let (left, counts) = body(&redactor, planted);
    let expected = r#"{"user": "[redacted:who]", "messages": [{"role": "user", "content": "[redacted:said]"}, {"content": "[redacted:said]"}], "list": [1, "[redacted:second]", 3], "a\/b": "[redacted:slash]", "c": "user"}"#;
    assert_eq!(left, expected);
    assert_eq!(counts["said"], 2);
    assert_eq!(body(&redactor, left.clone()), (left, Counts::new()));
    let (left, _) = body(&redactor, "data: {\"user\": 1}\n\ndata: {\"user\": 2}\n\n");
    assert_eq!(left, "data: {\"user\": \"[redacted:who]\"}\n\n".repeat(2));
}

#[test]
fn a_value_that_breaks_off_is_taken_out_to_its_end() {
    let (left, _) = body(&with_rules(&[("who", "/user")]), r#"{"a": 1, "user": {"name": "Jane"#);
    assert_eq!(left, r#"{"a": 1, "user": "[redacted:who]""#);
}

#[test]
fn a_bad_rule_is_refused_by_name() {
    let error = |name: &str, target: &str| {
        Redactor::new(&settings(&[(name, target)])).unwrap_err().to_string()
    };
    assert_eq!(error("a b", "x"), "rule `a b`: a name has 1 to 64 letters, digits, `_` and `-`");
    assert_eq!(error("email", "x"), "rule `email`: the name is taken");
    assert_eq!(error("edge", "x"), "rule `edge`: the name is taken");
    assert_eq!(error("r", "("), "rule `r`: not a regular expression: unclosed group");
    assert_eq!(
        error("r", "a*"),
        "rule `r`: the regular expression matches the empty text, and so everywhere"
    );
    assert_eq!(error("r", r"\w{500}{500}"), "rule `r`: the regular expression is too large");
    assert_eq!(error("r", "/a~x"), "rule `r`: not a JSON pointer: after `~` there is `0` or `1`");
    let rule = |index: usize| RedactionRule {
        name: format!("r{index}"),
        target: RedactionTarget::Pattern("x".into()),
    };
    let mut many = settings(&[]);
    many.rules = (0..257).map(rule).collect();
    assert_eq!(
        Redactor::new(&many).unwrap_err().to_string(),
        "rule `r256`: there are more than 256 rules"
    );
    let twice = settings(&[("r", "x"), ("r", "y")]);
    assert_eq!(Redactor::new(&twice).unwrap_err().to_string(), "rule `r`: the name is taken");
}

#[test]
fn only_the_patterns_of_the_settings_are_looked_for() {
    let mut settings = settings(&[]);
    settings.patterns = vec![crate::capture::KnownPattern::Email];
    let redactor = Redactor::new(&settings).unwrap();
    let (left, _) = body(&redactor, "a@b.io 4111111111111111");
    assert_eq!(left, "[redacted:email] 4111111111111111");
}

#[test]
fn a_false_marker_does_not_hide_a_secret() {
    let (left, _) = body(&redactor(), "[redacted:sk-proj-0123456789abcdefghij] [redacted:email]");
    assert_eq!(left, "[redacted:[redacted:api_key]] [redacted:email]");
}
