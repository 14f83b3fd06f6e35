//! Lines that are read, lines that are refused, and exchanges that come back as they were.

use super::*;
use crate::capture::{
    AnswerNote, AttemptNote, CallNote, CallerNote, ChunkKind, ChunkNote, Content, Message,
    MessageShape, Session, Shape, Times,
};
use crate::types::{Dialect, NanoUsd, Operation, Outcome, Random, TraceId, Usage, UsageSource};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::io::Cursor;
use std::time::Duration;

const LINE: &str = r#"{"received":1.5,"path":"/v1/embeddings","request":{"a" : 1.0}}"#;

fn read(text: &str) -> Vec<Result<Exchange, String>> {
    let records = Records::new(Cursor::new(text.as_bytes().to_vec())).unwrap();
    records.map(|record| record.map_err(|error| error.to_string())).collect()
}

fn one(text: &str) -> Result<Exchange, String> {
    let mut records = read(text);
    assert_eq!(records.len(), 1, "{text}");
    records.remove(0)
}

/// A line with these members besides those that must be there.
fn with(members: &str) -> Result<Exchange, String> {
    one(&LINE.replacen('{', &format!("{{{members},"), 1))
}

#[test]
fn a_line_may_say_very_little_and_nothing_is_made_up() {
    let record = one(LINE).unwrap();
    let times = Times { received: Duration::from_millis(1500), ..Times::default() };
    let call =
        CallNote { method: Method::POST, path: "/v1/embeddings".to_owned(), ..CallNote::default() };
    let body = Content::Whole(Bytes::from_static(br#"{"a" : 1.0}"#));
    assert_eq!(record.request, Message { body, ..Message::default() }, "as it was written");
    assert_eq!((record.times, record.call), (times, call));
    assert_eq!((record.answer, record.usage, record.cost), (None, None, None));
    assert_eq!(record.caller, CallerNote::default());
    let nothing = one(r#"{"received":1,"path":"/"}"#).unwrap();
    assert_eq!(nothing.request.body, Content::Unknown);
}

#[test]
fn a_line_of_old_may_say_everything_and_more() {
    let members = r#""v":1,"model":"m","key":"k","tenant":"t","credential":null,
        "headers":{"Accept":"*/*","x-a":["1","2"]},"status":200,"complete":false,
        "duration_seconds":0.25,"response_bytes":7,"cost_usd":0.0000015,
        "usage":{"input_tokens":3,"other":1},"cache":"miss","unknown":[{}]"#;
    let record = with(&members.replace('\n', " ")).unwrap();
    assert_eq!(record.call.model.as_deref(), Some("m"));
    let caller = &record.caller;
    assert_eq!((caller.key.as_deref(), caller.tenant.as_deref()), (Some("k"), Some("t")));
    assert_eq!(record.request.headers["accept"], "*/*");
    assert_eq!(record.request.headers.get_all("x-a").iter().count(), 2);
    let answer = record.answer.unwrap();
    assert_eq!((answer.status, answer.complete, answer.bytes), (200, Some(false), Some(7)));
    assert_eq!(record.times.last, Some(Duration::from_millis(250)));
    let usage = Usage { input: 3, output: 0, source: UsageSource::Upstream };
    assert_eq!(record.usage, Some(usage), "embeddings generate nothing");
    assert_eq!((record.cost, record.cache.as_deref()), (Some(NanoUsd(1500)), Some("miss")));
}

#[test]
fn half_of_a_usage_is_not_made_whole() {
    let chat = r#"{"received":1,"path":"/v1/chat/completions","usage":{"input_tokens":3}}"#;
    assert_eq!(one(chat).unwrap().usage, None);
}

#[test]
fn a_date_and_a_text_are_read_as_well() {
    let record = one(r#"{"received":"1970-01-02T00:00:00.5Z","path":"/","request_body":"é{"}"#);
    let record = record.unwrap();
    assert_eq!(record.times.received, Duration::from_millis(86_400_500));
    assert_eq!(record.request.body, Content::Whole(Bytes::from("é{")));
}

#[test]
fn words_of_another_version_are_not_known() {
    let members = r#""dialect":"klingon","operation":"sing","outcome":"glory","status":200,
        "usage":{"input_tokens":1,"output_tokens":1,"source":"oracle"},"trace_id":"x",
        "chunks":[[1,2,7]]"#;
    let record = with(&members.replace('\n', " ")).unwrap();
    assert_eq!((record.call.dialect, record.call.operation), (None, None));
    assert_eq!((record.outcome, record.usage, record.trace_id), (None, None, None));
    assert_eq!(record.answer.unwrap().chunks[0].kind, ChunkKind::Other);
}

#[test]
fn a_bad_line_is_told_with_its_number() {
    let text = format!("{LINE}\n\n{{\n{LINE}");
    let records = read(&text);
    assert_eq!(records.len(), 3, "an empty line is none, and a bad one is not the last");
    assert!(records[1].as_ref().unwrap_err().starts_with("line 3: EOF"), "{records:?}");
    assert_eq!(records[2], records[0]);
    for members in [
        r#""v":2"#,
        r#""request_body":"x""#,
        r#""request_shape":{"length":1,"messages":[]}"#,
        r#""request_cut":{"length":9,"digest":"00"}"#,
        r#""response_base64":"?""#,
        r#""headers":{"a b":"1"}"#,
        r#""headers":{"a":"\n"}"#,
        r#""headers":{"a":{"base64":"Cg=="}}"#,
        r#""method":"P T""#,
        r#""duration_seconds":-1"#,
        r#""times":{"sent":"soon"}"#,
        r#""cost_usd":-0.1"#,
        r#""cost_usd":1e12"#,
        r#""status":"200""#,
        r#""status":70000"#,
    ] {
        assert!(with(members).unwrap_err().starts_with("line 1: "), "{members}");
    }
    for received in ["-1", "1e300", "253402300800", "\"yesterday\"", "null", "[]"] {
        let line = LINE.replace("1.5", received);
        assert!(one(&line).is_err(), "{line}");
    }
    assert!(one(r#"{"received":1}"#).unwrap_err().contains("missing field `path`"));
}

#[test]
fn compressed_captures_are_read_like_plain_ones() {
    let text = format!("{LINE}\n{LINE}\n");
    let packed = zstd::stream::encode_all(text.as_bytes(), 3).unwrap();
    let records = Records::new(Cursor::new(packed.clone())).unwrap();
    assert!(records.map(|record| record.unwrap()).eq(read(&text).into_iter().map(Result::unwrap)));
    let cut = Records::new(Cursor::new(packed[..packed.len() - 4].to_vec())).unwrap();
    assert!(matches!(cut.last(), Some(Err(LineError::Io { .. }))));
    assert!(Records::new(io::empty()).unwrap().next().is_none());
}

#[test]
fn every_exchange_comes_back_as_it_was_written() {
    let all: Vec<Exchange> = (0..2000).map(|seed| any(&Random::seeded(seed))).collect();
    let mut plain = Writer::plain(Vec::new());
    let mut packed = Writer::zstd(Vec::new()).unwrap();
    for exchange in &all {
        plain.write(exchange).unwrap();
        packed.write(exchange).unwrap();
    }
    let (plain, packed) = (plain.finish().unwrap(), packed.finish().unwrap());
    assert_eq!(plain.iter().filter(|byte| **byte == b'\n').count(), all.len());
    for written in [plain, packed] {
        let records = Records::new(Cursor::new(written)).unwrap();
        let read: Result<Vec<_>, _> = records.collect();
        for (read, all) in read.unwrap().iter().zip(&all) {
            assert_eq!(read, all);
        }
    }
}

#[test]
fn what_has_no_date_is_not_written() {
    let mut exchange = one(LINE).unwrap();
    exchange.times.received = Duration::from_secs(253_402_300_800);
    assert!(Writer::plain(Vec::new()).write(&exchange).is_err());
}

/// Any exchange at all.
fn any(random: &Random) -> Exchange {
    let text = |most: u64| text(random, most);
    let micros = || Duration::from_micros(random.below(1 << 40));
    let session = || Session { id: text(9), turn: random.below(9) as u32 };
    let count = |most: u64| 0..random.below(most);
    Exchange {
        request_id: maybe(random, || text(20)),
        trace_id: maybe(random, || TraceId::mint(|| random.next_u64())),
        session: maybe(random, session),
        caller: CallerNote {
            key: maybe(random, || text(5)),
            tenant: maybe(random, || text(5)),
            credential: maybe(random, || text(5)),
        },
        call: CallNote {
            method: pick(random, &[Method::POST, Method::GET, Method::from_bytes(b"X").unwrap()]),
            path: text(30),
            dialect: maybe(random, || pick(random, &[Dialect::OpenAi, Dialect::Generic])),
            operation: maybe(random, || pick(random, &Operation::ALL)),
            streamed: maybe(random, || random.below(2) == 0),
            model: maybe(random, || text(9)),
            model_asked: maybe(random, || text(9)),
            model_sent: maybe(random, || text(9)),
            model_answered: maybe(random, || text(9)),
        },
        request: message(random),
        answer: maybe(random, || answer(random)),
        attempts: count(3).map(|_| attempt(random)).collect(),
        times: Times {
            received: Duration::from_nanos(random.below(1 << 62)),
            sent: maybe(random, micros),
            headers: maybe(random, micros),
            first_byte: maybe(random, micros),
            first_token: maybe(random, micros),
            last: maybe(random, micros),
            client_closed: maybe(random, micros),
        },
        usage: maybe(random, || Usage {
            input: random.next_u64(),
            output: random.next_u64(),
            source: pick(random, &UsageSource::ALL),
        }),
        cost: maybe(random, || NanoUsd(random.next_u64() >> random.below(64))),
        outcome: maybe(random, || pick(random, &Outcome::ALL)),
        error: maybe(random, || text(9)),
        cache: maybe(random, || text(9)),
        redactions: count(3).map(|_| (text(9), random.below(1 << 32) as u32)).collect(),
    }
}

fn answer(random: &Random) -> AnswerNote {
    let chunk = |_| ChunkNote {
        after: Duration::from_micros(random.below(1 << 50)),
        length: random.below(1 << 32) as u32,
        kind: pick(random, &[ChunkKind::Generated, ChunkKind::Other]),
    };
    AnswerNote {
        status: random.below(1 << 16) as u16,
        message: message(random),
        chunks: (0..random.below(4)).map(chunk).collect(),
        complete: maybe(random, || random.below(2) == 0),
        bytes: maybe(random, || random.next_u64()),
    }
}

fn attempt(random: &Random) -> AttemptNote {
    AttemptNote {
        upstream: text(random, 9),
        endpoint: text(random, 9),
        began: Duration::from_micros(random.below(1 << 40)),
        ended: maybe(random, || Duration::from_micros(random.below(1 << 40))),
        status: maybe(random, || random.below(1 << 16) as u16),
        error: maybe(random, || text(random, 9)),
    }
}

fn message(random: &Random) -> Message {
    let mut headers = HeaderMap::new();
    for _ in 0..random.below(4) {
        let name = pick(random, &["accept", "x-a", "x-b"]);
        let value = pick(random, &[&b"1"[..], b"", b"\xc3\xa9", b"\xff\xfe"]);
        headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
    }
    let body = match random.below(4) {
        0 => Content::Unknown,
        1 => Content::Whole(body(random)),
        2 => {
            let digest = std::array::from_fn(|_| random.below(256) as u8);
            Content::Cut { kept: body(random), length: random.next_u64(), digest }
        }
        _ => Content::Shape(Box::new(Shape {
            length: random.next_u64(),
            messages: vec![MessageShape {
                role: "user".to_owned(),
                length: random.next_u64(),
                blocks: vec![random.next_u64(), u64::MAX],
            }],
            tools: random.below(2),
            parameters: [("temperature".to_owned(), 0.3.into())].into_iter().collect(),
        })),
    };
    Message { headers, body }
}

/// JSON and what only looks like it, lines that break, bytes that are no text.
fn body(random: &Random) -> Bytes {
    let all: [&[u8]; 13] = [
        b"",
        b"null",
        b" null",
        br#"{"a" : 1e400, "a":"\ud800", "b":12345678901234567890.10}"#,
        b"{\"a\":\n1}",
        b"{\"a\":1}\r",
        b" {}",
        b"{} ",
        b"[1,",
        b"data: {}\n\ndata: [DONE]\n\n",
        "\u{2028}\u{0}é".as_bytes(),
        b"\xff\x00\x01",
        b"true",
    ];
    Bytes::from_static(pick(random, &all))
}

fn text(random: &Random, most: u64) -> String {
    let characters = ['a', '"', '\\', '\n', '\u{0}', 'é', '🐵', '\u{2028}', ' ', '{'];
    (0..random.below(most)).map(|_| pick(random, &characters)).collect()
}

fn pick<T: Clone>(random: &Random, all: &[T]) -> T {
    all[random.below(all.len() as u64) as usize].clone()
}

fn maybe<T>(random: &Random, make: impl FnOnce() -> T) -> Option<T> {
    (random.below(2) == 0).then(make)
}
