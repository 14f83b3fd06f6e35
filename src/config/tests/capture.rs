//! `[capture]` and `capture` of a model.

use super::{errors, from_env, read};
use crate::capture::{
    CaptureMode, CaptureSettings, KnownPattern, MasterKey, RedactionRule, RedactionTarget,
    Retention, RouteCapture, Sampling,
};
use crate::types::Secret;
use std::time::Duration;

const MODELS: &str = r#"
[[upstream]]
name = "u"
endpoints = ["http://h"]
[[model]]
name = "chat-large"
targets = [{ upstream = "u" }]
"#;

/// What the one model of [`MODELS`] makes of `line` and of the section `[capture]`.
fn of_model(line: &str, section: &str) -> Option<RouteCapture> {
    let settings = read(&format!("{MODELS}{line}\n[capture]\n{section}")).unwrap();
    settings.model_captures["chat-large"].clone()
}

#[test]
fn without_a_setting_nothing_is_captured() {
    let settings = read(MODELS).unwrap();
    assert_eq!(settings.capture, CaptureSettings::default());
    assert_eq!(settings.model_captures["chat-large"], None);
}

#[test]
fn a_section_means_what_it_says() {
    let key = "0123456789abcdef".repeat(4);
    let text = r#"
[capture]
models      = ["chat-*"]
mode        = "full"
body        = "64KiB"
sample      = "10%"
always      = ["errors"]
slower_than = "5s"
keep        = { bytes = "1GiB", age = "7d" }
queue       = "16MiB"
key_env     = "CAPTURE_KEY"

[capture.redact]
patterns = ["email", "iban"]
headers  = ["X-Team"]
rules    = [{ name = "order", pattern = "ORD-[0-9]+" }, { name = "who", pointer = "/metadata/*" }]
"#;
    let settings = from_env(text, [("CAPTURE_KEY", &key)]).unwrap().capture;
    let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
    assert_eq!(settings.keep, Retention { bytes: 1 << 30, age: days(7) });
    assert_eq!((settings.queue, settings.models), (16 << 20, vec!["chat-*".to_owned()]));
    assert_eq!(settings.encryption, Some(MasterKey(Secret::new(key))));
    let slower_than = Some(Duration::from_secs(5));
    let sampling = Sampling { sessions: 0.1, errors: true, slower_than, cancelled: false };
    assert_eq!(settings.default, RouteCapture { mode: CaptureMode::Full, body: 65_536, sampling });
    let redaction = settings.redaction;
    assert_eq!(redaction.patterns, [KnownPattern::Email, KnownPattern::Iban]);
    assert_eq!(redaction.headers, ["x-team"]);
    let rule = |name: &str, target| RedactionRule { name: name.to_owned(), target };
    let pattern = RedactionTarget::Pattern("ORD-[0-9]+".to_owned());
    let pointer = RedactionTarget::Pointer("/metadata/*".to_owned());
    assert_eq!(redaction.rules, [rule("order", pattern), rule("who", pointer)]);
}

#[test]
fn a_model_is_captured_if_it_says_so_or_the_section_names_it() {
    let standard = Some(RouteCapture::default());
    assert_eq!(of_model("", ""), None);
    assert_eq!(of_model("", "models = [\"chat-*\"]"), standard);
    assert_eq!(of_model("capture = true", ""), standard);
    assert_eq!(of_model("capture = {}", ""), standard);
    assert_eq!(of_model("capture = false", "models = [\"*\"]"), None);
    let shape = of_model("capture = \"shape\"", "body = \"1KiB\"").unwrap();
    assert_eq!((shape.mode, shape.body), (CaptureMode::Shape, 1024));
    let section = "mode = \"full\"\nsample = \"50%\"\nslower_than = \"1s\"";
    let some = of_model("capture = { always = [], slower_than = \"0s\" }", section).unwrap();
    let sampling = Sampling { sessions: 0.5, errors: false, slower_than: None, cancelled: false };
    assert_eq!((some.mode, some.sampling), (CaptureMode::Full, sampling));
}

#[test]
fn capture_settings_that_make_no_sense_are_named() {
    let wrong = [
        ("keep = { bytes = \"1MiB\" }", "capture.keep.bytes: must be 128MiB or more"),
        ("keep = { age = \"0s\" }", "capture.keep.age: must be longer than 0s"),
        ("queue = 1", "capture.queue: must be 1MiB or more"),
        ("body = \"17MiB\"", "capture.body: must be 16MiB or less"),
        ("redact = { rules = [{ name = \"a\" }] }", "must have either a pattern or a pointer"),
        ("key_env = \"EMPTY\"", "capture.key_env"),
        ("key_env = \"TWO_LINES\"", "the key it leads to must be 64 hex digits"),
        ("sample = \"101%\"", "must be 0% to 100%"),
        ("mode = \"off\"", "capture.mode"),
    ];
    for (line, words) in wrong {
        let errors = errors(read(&format!("[capture]\n{line}")));
        assert!(errors.len() == 1 && errors[0].contains(words), "{line}: {errors:?}");
    }
    let errors = errors(read(&format!("{MODELS}\n[capture]\nmodels = [\"embed-*\"]")));
    assert!(errors[0].contains("\"embed-*\" matches no model's name"), "{errors:?}");
}
