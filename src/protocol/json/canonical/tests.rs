//! The canonical form against a decoder of it: what can be read back whole is unambiguous.

use super::*;
use crate::protocol::json::MAX_DEPTH;
use crate::types::Random;
use std::collections::{BTreeMap, HashMap};

/// A JSON value, its numbers as written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Json {
    Word(&'static str),
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

const TEXTS: [&str; 12] =
    ["", "a", "b", "ab", "s", "]", "}", "\u{ff}", "\"\\/", "\n\u{8}\u{c}\r\t\0", "é\u{fffd}", "😀"];
const NUMBERS: [&str; 11] =
    ["0", "-0", "0.0", "1", "12", "1.0", "1e0", "1E0", "10", "9007199254740993", "-1.5e-300"];
const WORDS: [&str; 3] = ["true", "false", "null"];

/// Chance, and what is made with it.
struct Maker(Random);

impl Maker {
    fn below(&self, bound: usize) -> usize {
        self.0.below(bound as u64) as usize
    }

    fn one<'a>(&self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn value(&self, depth: usize) -> Json {
        match self.below(if depth == 0 { 3 } else { 6 }) {
            0 => Json::Word(WORDS[self.below(3)]),
            1 => Json::Number(self.one(&NUMBERS).to_owned()),
            2 => Json::Text(self.text()),
            3 | 4 => {
                let name_and_value = |_| (self.text(), self.value(depth - 1));
                Json::Object((0..self.below(5)).map(name_and_value).collect())
            }
            _ => Json::Array((0..self.below(4)).map(|_| self.value(depth - 1)).collect()),
        }
    }

    fn text(&self) -> String {
        (0..self.below(3)).map(|_| self.one(&TEXTS)).collect()
    }

    fn space(&self) -> &'static str {
        ["", "", "", " ", "\n\t", "\r\n  "][self.below(6)]
    }

    /// The value as one of the many texts that mean it.
    fn write(&self, value: &Json) -> String {
        let inside = match value {
            Json::Word(word) => (*word).to_owned(),
            Json::Number(number) => number.clone(),
            Json::Text(text) => self.quoted(text),
            Json::Array(elements) => {
                let elements: Vec<_> = elements.iter().map(|element| self.write(element)).collect();
                format!("[{}{}]", self.space(), elements.join(","))
            }
            Json::Object(members) => {
                let mut members: Vec<_> = members
                    .iter()
                    .map(|(name, value)| {
                        [self.space(), &self.quoted(name), self.space(), ":", &self.write(value)]
                            .concat()
                    })
                    .collect();
                for at in (1..members.len()).rev() {
                    members.swap(at, self.below(at + 1));
                }
                format!("{{{}{}}}", members.join(","), self.space())
            }
        };
        [self.space(), &inside, self.space()].concat()
    }

    fn quoted(&self, text: &str) -> String {
        let mut units = [0; 2];
        let mut written = String::from("\"");
        for c in text.chars() {
            let must = c < ' ' || matches!(c, '"' | '\\');
            match (c, self.below(3)) {
                ('"' | '\\' | '/', 1) => written.extend(['\\', c]),
                ('\n', 1) => written.push_str("\\n"),
                ('\t', 1) => written.push_str("\\t"),
                ('\r', 1) => written.push_str("\\r"),
                ('\u{8}', 1) => written.push_str("\\b"),
                ('\u{c}', 1) => written.push_str("\\f"),
                (_, 1 | 2) if !must => written.push(c),
                _ => {
                    for unit in c.encode_utf16(&mut units) {
                        written.push_str(&format!("\\u{unit:04x}"));
                    }
                }
            }
        }
        written + "\""
    }
}

fn form(text: impl AsRef<[u8]>) -> Result<Vec<u8>, Ambiguous> {
    let mut form = Vec::new();
    write_canonical(text.as_ref(), |_| Part::Kept, &mut |piece| form.extend_from_slice(piece))?;
    Ok(form)
}

/// Reads a form back. Whatever it is made from can be read back only if no other value has
/// the same form.
fn decode(form: &mut &[u8]) -> Json {
    let (tag, rest) = form.split_first().unwrap();
    *form = rest;
    match tag {
        b't' => Json::Word("true"),
        b'f' => Json::Word("false"),
        b'n' => Json::Word("null"),
        b's' => Json::Text(decode_text(form)),
        b'd' => Json::Number(decode_text(form)),
        b'[' => {
            let mut elements = Vec::new();
            while form[0] != b']' {
                elements.push(decode(form));
            }
            *form = &form[1..];
            Json::Array(elements)
        }
        b'{' => {
            let mut members = BTreeMap::new();
            while form[0] != b'}' {
                let Json::Text(name) = decode(form) else { panic!("a name is a string") };
                let last = members.last_key_value().map(|(last, _): (&String, _)| last.as_str());
                assert!(last < Some(&name), "members are in order");
                members.insert(name, decode(form));
            }
            *form = &form[1..];
            Json::Object(members)
        }
        other => panic!("no value begins with {other}"),
    }
}

fn decode_text(form: &mut &[u8]) -> String {
    let end = form.iter().position(|byte| [*byte] == *END).unwrap();
    let text = String::from_utf8(form[..end].to_vec()).unwrap();
    *form = &form[end + 1..];
    text
}

#[test]
fn every_text_of_a_value_has_one_form_from_which_the_value_can_be_read_back() {
    let maker = Maker(Random::seeded(11));
    for _ in 0..20_000 {
        let value = maker.value(4);
        let text = maker.write(&value);
        let form = form(&text).unwrap();
        assert_eq!(form, super::tests::form(maker.write(&value)).unwrap(), "{text}");
        let mut rest = form.as_slice();
        assert_eq!((decode(&mut rest), rest), (value, &[][..]), "{text}");
    }
}

#[test]
fn no_two_values_have_the_same_form() {
    let maker = Maker(Random::seeded(12));
    let mut seen: HashMap<Vec<u8>, Json> = HashMap::new();
    for _ in 0..50_000 {
        let value = maker.value(2);
        let before = seen.insert(form(maker.write(&value)).unwrap(), value.clone());
        assert!(before.is_none_or(|before| before == value));
    }
    assert!(seen.len() > 5_000, "{}", seen.len());
}

#[test]
fn a_text_that_may_be_understood_in_two_ways_has_no_form() {
    let cases: [&[u8]; 18] = [
        br#"{"a":1,"a":1}"#,
        br#"{"a":1,"\u0061":2}"#,
        br#"{"x":[{"y":{"a":1,"b":2,"a":3}}]}"#,
        br#"{"":1,"":2}"#,
        b"{\"a\":\"\xff\"}",
        b"{\"a\":\"\xed\xa0\x80\"}",
        br#"{"a":"\ud800"}"#,
        br#"{"a":"\udc00"}"#,
        br#"{"a":"\ud800\ud800"}"#,
        br#"{"a":"\ud83d \ude00"}"#,
        br#"{"a":"\ud83d\n"}"#,
        br#"{"\ud800":1}"#,
        br#"{"a":["\udfff"]}"#,
        br#"{"a":01}"#,
        br#"{"a":1} x"#,
        br#"{"a":1,}"#,
        b"",
        br#"{"a":"b"#,
    ];
    for text in cases {
        assert_eq!(form(text), Err(Ambiguous), "{}", String::from_utf8_lossy(text));
    }
    assert!(form(r#"{"a":{"a":1},"b":{"a":1}}"#).is_ok(), "objects of their own");
    assert_eq!(form(r#""\ud83d\ude00""#), form("\"😀\""));
    assert_eq!(form(r#""\uD83D\uDE00""#), form("\"😀\""));
}

#[test]
fn a_text_that_is_cut_has_no_form() {
    let maker = Maker(Random::seeded(13));
    for _ in 0..500 {
        let text = maker.write(&Json::Array(vec![maker.value(3)])).trim().to_owned();
        for end in 0..text.len() {
            assert_eq!(form(&text.as_bytes()[..end]), Err(Ambiguous), "{text} cut at {end}");
        }
    }
}

#[test]
fn members_of_the_outermost_object_alone_are_left_out_or_replaced() {
    let form_of = |text: &str| {
        let choose = |name: &str| match name {
            "out" => Part::LeftOut,
            "model" => Part::Replaced("m"),
            _ => Part::Kept,
        };
        let mut form = Vec::new();
        write_canonical(text.as_bytes(), choose, &mut |piece| form.extend_from_slice(piece))
            .map(|()| form)
    };
    let form_as_is = |text: &str| super::tests::form(text);
    assert_eq!(
        form_of(r#"{"x":1,"out":{"a":[1]},"model":{"any":1}}"#),
        form_as_is(r#"{"x":1,"model":"m"}"#)
    );
    let inside = r#"{"x":{"out":1,"model":"x"},"y":[{"out":2}]}"#;
    assert_eq!(form_of(inside), form_as_is(inside));
    assert_eq!(form_of(r#"{"out":1,"\u006fut":2}"#), Err(Ambiguous), "also there not twice");
    assert_eq!(form_of(r#"{"out":1}"#), form_as_is("{}"));
}

#[test]
fn long_strings_and_many_small_pieces_come_whole() {
    let long = "é\\n".repeat(BUFFER);
    let text = format!("{{\"b\":[{}1],\"a\":\"{long}\"}}", "12345,".repeat(10_000));
    let mut pieces = 0;
    let mut whole = Vec::new();
    let mut sink = |piece: &[u8]| {
        pieces += 1;
        whole.extend_from_slice(piece);
    };
    write_canonical(text.as_bytes(), |_| Part::Kept, &mut sink).unwrap();
    assert!(pieces < 20, "{pieces}");
    let Json::Object(members) = decode(&mut whole.as_slice()) else { panic!("an object") };
    assert_eq!(members["a"], Json::Text("é\n".repeat(BUFFER)));
    assert!(matches!(&members["b"], Json::Array(numbers) if numbers.len() == 10_001));
}

#[test]
fn depth_and_members_are_bounded() {
    let nested = |depth: usize| format!("{}1{}", "{\"a\":[".repeat(depth), "]}".repeat(depth));
    assert!(form(nested(MAX_DEPTH as usize / 2)).is_ok());
    assert_eq!(form(nested(MAX_DEPTH as usize)), Err(Ambiguous));
    assert_eq!(form("[".repeat(1_000_000)), Err(Ambiguous));
    let objects = |count: usize| format!("[{}1]", "{\"a\":1},".repeat(count));
    assert!(form(objects(MAX_MEMBERS)).is_ok());
    assert_eq!(form(objects(MAX_MEMBERS + 1)), Err(Ambiguous));
}
