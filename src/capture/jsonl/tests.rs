//! Lines that are read, and lines that are refused.

use super::*;

const LINE: &str = r#"{"received":1.5,"path":"/v1/embeddings","request":{"a" : 1.0}}"#;

fn read(text: &str) -> Vec<Result<CapturedRequest, String>> {
    let records = Records::new(Cursor::new(text.as_bytes().to_vec())).unwrap();
    records.map(|record| record.map_err(|error| error.to_string())).collect()
}

fn one(text: &str) -> Result<CapturedRequest, String> {
    let mut records = read(text);
    assert_eq!(records.len(), 1, "{text}");
    records.remove(0)
}

/// A line with these members besides those that must be there.
fn with(members: &str) -> Result<CapturedRequest, String> {
    one(&LINE.replacen('{', &format!("{{{members},"), 1))
}

#[test]
fn a_line_may_say_very_little_and_nothing_is_made_up() {
    let record = one(LINE).unwrap();
    assert_eq!(record.received, Duration::from_millis(1500));
    assert_eq!(record.path, "/v1/embeddings");
    assert_eq!(record.body, br#"{"a" : 1.0}"#, "as it was written");
    assert_eq!((record.status, record.completeness), (None, None));
    assert_eq!((record.took, record.tokens, record.cost), (None, None, None));
    assert_eq!((record.model, record.key, record.credential), (None, None, None));
    assert!(record.headers.is_empty());
}

#[test]
fn a_line_may_say_everything_and_more() {
    let members = r#""v":1,"model":"m","key":"k","tenant":"t","credential":null,
        "headers":{"Accept":"*/*","x-a":["1","2"]},"status":200,"complete":false,
        "duration_seconds":0.25,"response_bytes":7,"cost_usd":0.0000015,
        "usage":{"input_tokens":3,"other":1},"cache":"miss","unknown":[{}]"#;
    let record = with(&members.replace('\n', " ")).unwrap();
    assert_eq!(record.model.as_deref(), Some("m"));
    assert_eq!((record.key.as_deref(), record.tenant.as_deref()), (Some("k"), Some("t")));
    assert_eq!(record.headers["accept"], "*/*");
    assert_eq!(record.headers.get_all("x-a").iter().count(), 2);
    assert_eq!((record.status, record.completeness), (Some(200), Some(Completeness::Cut)));
    assert_eq!(record.took, Some(Duration::from_millis(250)));
    assert_eq!(record.response_bytes, Some(7));
    assert_eq!(record.tokens, Some(Tokens { input: Some(3), output: None }));
    assert_eq!(record.cost, Some(NanoUsd(1500)));
}

#[test]
fn what_a_cache_answered_says_nothing_about_an_upstream() {
    let members = r#""cache":"hit","duration_seconds":0.001,"cost_usd":0,"status":200"#;
    let record = with(members).unwrap();
    assert_eq!((record.took, record.cost, record.status), (None, None, Some(200)));
}

#[test]
fn a_date_and_a_text_are_read_as_well() {
    let record = one(r#"{"received":"1970-01-02T00:00:00.5Z","path":"/","request_body":"é{"}"#);
    let record = record.unwrap();
    assert_eq!(record.received, Duration::from_millis(86_400_500));
    assert_eq!(record.body, "é{".as_bytes());
}

#[test]
fn a_bad_line_is_told_with_its_number() {
    let text = format!("{LINE}\n\n{{\n{LINE}");
    let records = read(&text);
    assert_eq!(records.len(), 2, "an empty line is none, and a bad one is the last");
    assert!(records[1].as_ref().unwrap_err().starts_with("line 3: EOF"), "{records:?}");
    for members in [
        r#""v":2"#,
        r#""request_body":"x""#,
        r#""headers":{"a b":"1"}"#,
        r#""headers":{"a":"\n"}"#,
        r#""duration_seconds":-1"#,
        r#""cost_usd":-0.1"#,
        r#""status":"200""#,
        r#""status":70000"#,
    ] {
        assert!(with(members).unwrap_err().starts_with("line 1: "), "{members}");
    }
    for received in ["-1", "1e300", "253402300800", "\"yesterday\"", "null", "[]"] {
        let line = LINE.replace("1.5", received);
        assert!(one(&line).is_err(), "{line}");
    }
    assert!(one(r#"{"received":1,"path":"/"}"#).unwrap_err().contains("`request`"));
}

#[test]
fn compressed_captures_are_read_like_plain_ones() {
    let text = format!("{LINE}\n{LINE}\n");
    let packed = zstd::stream::encode_all(text.as_bytes(), 3).unwrap();
    let records = Records::new(Cursor::new(packed.clone())).unwrap();
    assert!(records.map(|record| record.unwrap()).eq(read(&text).into_iter().map(Result::unwrap)));
    let cut = Records::new(Cursor::new(packed[..packed.len() - 4].to_vec())).unwrap();
    assert!(matches!(cut.last(), Some(Err(JsonlError::Io { .. }))));
    assert!(Records::new(io::empty()).unwrap().next().is_none());
}
