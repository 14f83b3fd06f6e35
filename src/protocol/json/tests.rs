//! The cursor against `serde_json`.

use super::{Cursor, Kind, MAX_DEPTH};
use serde::de::IgnoredAny;

/// Whether the cursor takes the whole of `text` as JSON.
fn is_json(text: &str) -> bool {
    let mut cursor = Cursor::new(text.as_bytes());
    cursor.check().and_then(|_| cursor.end()).is_ok()
}

fn serde_takes(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

const TEXTS: &[&str] = &[
    "",
    " ",
    "null",
    "nul",
    "nulll",
    "true",
    "tru",
    "false",
    "fals",
    "t",
    "-",
    "0",
    "-0",
    "01",
    "1.",
    "1.5",
    ".5",
    "1e",
    "1e5",
    "1e+5",
    "1E-05",
    "1e+",
    "--1",
    "+1",
    "1 2",
    "123456789012345678901234567890",
    "1e999",
    "\"\"",
    "\"",
    "\"a",
    "\"\\",
    "\"\\\"",
    "\"\\\"\"",
    "\"\\u00e9\"",
    "\"\\u00g9\"",
    "\"\\u12\"",
    "\"\\x\"",
    "\"\\ud800\"",
    "\"a\nb\"",
    "\"\t\"",
    "\"\u{7f}é😀\"",
    "[]",
    "[ ]",
    "[1]",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1,2",
    "[",
    "]",
    "[]]",
    "{}",
    "{ }",
    "{\"a\":1}",
    "{\"a\":1,}",
    "{,}",
    "{\"a\"}",
    "{\"a\":}",
    "{a:1}",
    "{\"a\" : [ {} ,\n{\"b\":null}\t] }",
    "{\"a\":1 \"b\":2}",
    "{\"a\":[1,{\"b\":[]}],\"c\":\"d\"}",
    "{1:2}",
    "[1}",
    "{\"a\":1]",
    "nan",
    "[true,false,null]",
    "{\"a\":tru}",
    "'a'",
    "\u{feff}1",
    "[1]//",
    "\u{b}1",
    "{\"0123456789012345678901234567890123456789\":\"0123456789012345678901234567890123456789\\n\"}",
];

#[test]
fn a_text_is_json_exactly_when_serde_json_says_so() {
    for text in TEXTS {
        assert_eq!(is_json(text), serde_takes(text), "{text:?}");
    }
}

#[test]
fn a_text_that_was_tampered_with_is_judged_as_serde_json_judges_it() {
    let mut random = fastrand::Rng::with_seed(7);
    let bytes = b"{}[]\",:\\ue+-.019 \ntfn\x01a";
    let (mut good, mut bad) = (0, 0);
    for _ in 0..50_000 {
        let mut text = TEXTS[random.usize(..TEXTS.len())].as_bytes().to_vec();
        for _ in 0..random.usize(..3) {
            let byte = bytes[random.usize(..bytes.len())];
            match text.len() {
                0 => text.push(byte),
                len if random.bool() => text[random.usize(..len)] = byte,
                len => text.insert(random.usize(..=len), byte),
            }
        }
        let Ok(text) = String::from_utf8(text) else { continue };
        let expected = serde_takes(&text);
        assert_eq!(is_json(&text), expected, "{text:?}");
        *(if expected { &mut good } else { &mut bad }) += 1;
    }
    assert!(good > 2_000 && bad > 2_000, "{good} {bad}");
}

#[test]
fn passing_a_value_ends_where_reading_it_ends() {
    for text in TEXTS.iter().filter(|text| serde_takes(text)) {
        let (mut reading, mut passing) =
            (Cursor::new(text.as_bytes()), Cursor::new(text.as_bytes()));
        assert_eq!(reading.check(), passing.pass(), "{text:?}");
    }
}

#[test]
fn garbage_makes_no_way_past_it_panic_or_stand_still() {
    let mut random = fastrand::Rng::with_seed(8);
    let bytes = b"{}[]\"\\,: u1\xff";
    let mut refused = 0;
    for _ in 0..20_000 {
        let byte = |_| bytes[random.usize(..bytes.len())];
        let text: Vec<u8> = (0..24).map(byte).collect();
        let mut cursor = Cursor::new(&text);
        let mut steps = 0;
        while cursor.pass().is_ok() {
            steps += 1;
            assert!(steps <= text.len());
        }
        let members = Cursor::new(&text).members(|cursor, _| cursor.skip());
        let elements = Cursor::new(&text).elements(|cursor| cursor.check().map(|_| ()));
        refused += usize::from(members.is_err() && elements.is_err());
    }
    assert!(refused > 10_000, "{refused}");
}

#[test]
fn nesting_is_limited_where_serde_json_limits_it() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in [1, MAX_DEPTH as usize, MAX_DEPTH as usize + 1, 1_000_000] {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let fits = depth <= MAX_DEPTH as usize;
            assert_eq!(is_json(&text), fits, "{depth}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), fits);
            assert!(Cursor::new(text.as_bytes()).pass().is_ok());
        }
    }
}

#[test]
fn members_are_visited_in_order_and_other_kinds_are_passed() {
    let mut cursor = Cursor::new(b"[{\"a\":1,\"b\\n\":\"x\\u00e9\"},7,{}]");
    let mut seen = Vec::new();
    let walked = cursor.elements(|cursor| {
        cursor.members(|cursor, name| {
            let name = String::from_utf8_lossy(&name.bytes()).into_owned();
            let value = match cursor.kind()? {
                Kind::String => cursor.text()?.and_then(|text| text.decode()).unwrap_or_default(),
                _ => format!("{:?}", cursor.count()?).into(),
            };
            seen.push((name, value.into_owned()));
            Ok(())
        })
    });
    assert_eq!(walked, Ok(()));
    let expected = [("a", "Some(1)"), ("b\n", "xé")];
    assert!(seen.iter().map(|(name, value)| (&**name, &**value)).eq(expected), "{seen:?}");
}

#[test]
fn the_place_of_an_error_is_told() {
    let fault = Cursor::new(b"{\"a\": [1, x]}").check().unwrap_err();
    assert_eq!((fault.at, fault.what), (10, "expected a value"));
    let fault = Cursor::new(b"{\"a\": [1").check().unwrap_err();
    assert_eq!((fault.at, fault.what), (8, "unexpected end"));
}
