//! What each format says of the same few exchanges, and what it leaves out.

use super::*;
use crate::capture::{
    AnswerNote, CallerNote, ChunkKind, ChunkNote, Message, MessageShape, Records, Session, Times,
};
use crate::types::{NanoUsd, Usage, UsageSource};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Cursor;
use std::time::Duration;

const CHAT: &str = "{\"model\":\"m\",\n\"messages\":[{\"content\":\"\u{2028}\"}],\"stream\":true,\
    \"temperature\":0.10,\"stream_options\":{}}";

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    pairs.iter().map(pair).collect()
}

/// A chat, received at this many milliseconds, with credentials all over.
fn chat(at: u64) -> Exchange {
    let received = Duration::from_millis(1_767_225_600_000 + at);
    let call = CallNote {
        method: Method::POST,
        path: "/v1/chat/completions?api_key=canary&a=b".to_owned(),
        ..CallNote::default()
    };
    let asked = [("authorization", "canary"), ("content-type", "application/json")];
    let answered = [("set-cookie", "canary"), ("content-type", "text/event-stream")];
    let chunk =
        |micros, length, kind| ChunkNote { after: Duration::from_micros(micros), length, kind };
    let answer = AnswerNote {
        status: 200,
        message: Message {
            headers: headers(&answered),
            body: Content::Whole(Bytes::from_static(b"data: [DONE]\n\n")),
        },
        chunks: vec![chunk(5, 3, ChunkKind::Other), chunk(7, 11, ChunkKind::Generated)],
        complete: Some(true),
        bytes: Some(14),
    };
    Exchange {
        request_id: Some("req".to_owned()),
        trace_id: None,
        session: Some(Session { id: "s".to_owned(), turn: 1 }),
        caller: CallerNote { credential: Some("stand-in".to_owned()), ..CallerNote::default() },
        call,
        request: Message { headers: headers(&asked), body: Content::Whole(CHAT.into()) },
        answer: Some(answer),
        attempts: Vec::new(),
        times: Times {
            received,
            sent: Some(Duration::from_millis(1)),
            headers: Some(Duration::from_millis(3)),
            last: Some(Duration::from_micros(7250)),
            ..Times::default()
        },
        usage: Some(Usage { input: 300, output: 8, source: UsageSource::Upstream }),
        cost: Some(NanoUsd(7)),
        outcome: None,
        error: None,
        cache: None,
        redactions: BTreeMap::new(),
    }
}

fn with(body: Content) -> Exchange {
    Exchange { request: Message { body, ..Message::default() }, ..chat(0) }
}

fn shaped(messages: &[(u64, &[u64])], tools: u64, input: u64) -> Exchange {
    let message = |(length, blocks): &(u64, &[u64])| MessageShape {
        role: "user".to_owned(),
        length: *length,
        blocks: blocks.to_vec(),
    };
    let messages = messages.iter().map(message).collect();
    let shape = Shape { length: 9999, messages, tools, ..Shape::default() };
    let usage = Some(Usage { input, output: 8, source: UsageSource::Estimated });
    Exchange { usage, ..with(Content::Shape(Box::new(shape))) }
}

fn run(format: ExportFormat, all: &[Exchange]) -> (Vec<u8>, ExportReport) {
    let options = ExportOptions {
        target: "http://user:canary@h:1/base/",
        bytes_per_token: 4.0,
        shape: &|_, _| None,
        compose: &|_| None,
    };
    let mut out = Vec::new();
    let all = all.iter().cloned().map(Ok::<_, io::Error>);
    let report = export(format, all, &mut out, &options).unwrap();
    (out, report)
}

fn text(format: ExportFormat, all: &[Exchange]) -> String {
    String::from_utf8(run(format, all).0).unwrap()
}

fn lines(format: ExportFormat, all: &[Exchange]) -> Vec<Value> {
    text(format, all).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn no_format_holds_a_credential() {
    for format in ExportFormat::ALL {
        let (out, report) = run(format, &[chat(0)]);
        let unpacked = zstd::stream::decode_all(&out[..]).unwrap_or(out);
        assert_eq!(memchr::memmem::find(&unpacked, b"canary"), None, "{}", format.name());
        assert_eq!(report.written + report.skipped.values().sum::<u64>(), 1);
        assert_eq!(ExportFormat::parse(format.name()), Some(format));
    }
}

#[test]
fn without_exchanges_every_format_has_a_valid_file() {
    for format in ExportFormat::ALL {
        assert_eq!(run(format, &[]).1, ExportReport::default());
    }
    assert_eq!(text(ExportFormat::Vegeta, &[]), "");
    let har: Value = serde_json::from_str(&text(ExportFormat::Har, &[])).unwrap();
    assert_eq!(har["log"]["entries"], json!([]));
    let reader = SerializedFileReader::new(Bytes::from(run(ExportFormat::Parquet, &[]).0));
    assert_eq!(reader.unwrap().metadata().file_metadata().num_rows(), 0);
}

#[test]
fn a_body_that_cannot_be_sent_is_left_out_and_counted() {
    let cut = Content::Cut { kept: Bytes::new(), length: 9, digest: [0; 32] };
    let mut get = with(Content::Unknown);
    get.call.method = Method::GET;
    let all = [
        with(cut),
        with(Content::Unknown),
        with(Content::Shape(Box::default())),
        with(Content::Whole("[1]".into())),
        get,
    ];
    let sent = [(Reason::NoBody, 1), (Reason::CutBody, 1), (Reason::OnlyShape, 1)];
    let (_, report) = run(ExportFormat::Vegeta, &all);
    assert_eq!((report.written, report.skipped), (2, sent.into()));
    let (_, report) = run(ExportFormat::OpenAiBatch, &all);
    let json = [(Reason::NotJson, 1), (Reason::NotBatchable, 1)];
    assert_eq!(report.skipped, sent.into_iter().chain(json).collect());
}

#[test]
fn a_made_up_body_takes_the_place_of_a_shape() {
    let options = ExportOptions {
        target: "http://h",
        bytes_per_token: 4.0,
        shape: &|_, _| None,
        compose: &|_| Some(Bytes::from_static(br#"{"messages":[]}"#)),
    };
    let mut out = Vec::new();
    let all = [chat(0), shaped(&[], 0, 1)].map(Ok::<_, io::Error>);
    let report = export(ExportFormat::AiperfRawPayload, all, &mut out, &options).unwrap();
    assert!(out.ends_with(b"\n{\"messages\":[]}\n"));
    assert_eq!((report.written, report.lost), (2, [(Loss::Text, 1)].into()));
}

#[test]
fn lines_are_in_the_order_of_arrival_and_stamped_from_the_first() {
    let all = [chat(1500), chat(0), chat(250)];
    let stamps = |format, name: &str| -> Vec<String> {
        lines(format, &all).iter().map(|line| line[name].to_string()).collect()
    };
    let payloads = stamps(ExportFormat::AiperfPayloadTrace, "timestamp");
    assert_eq!(payloads, ["0.0", "250.0", "1500.0"]);
    assert_eq!(stamps(ExportFormat::MooncakeTrace, "timestamp"), ["0", "250", "1500"]);
    assert_eq!(stamps(ExportFormat::Guidellm, "relative_timestamp"), ["0.0", "0.25", "1.5"]);
}

#[test]
fn a_batch_has_ids_of_its_own_and_no_streams() {
    let (out, report) = run(ExportFormat::OpenAiBatch, &[chat(0), chat(1)]);
    let out = String::from_utf8(out).unwrap();
    let first = "{\"custom_id\":\"0-req\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\
        \"body\":{\"model\":\"m\",\"messages\":[{\"content\":\"\u{2028}\"}],\"temperature\":0.10}}";
    assert_eq!(out.lines().next(), Some(first));
    assert!(out.contains("\"1-req\""));
    assert_eq!(report.lost, [(Loss::Stream, 2)].into());
}

#[test]
fn payloads_are_the_bodies_that_were_captured() {
    let mut other = chat(1);
    other.call.path = "/v1/completions".to_owned();
    let (out, report) = run(ExportFormat::AiperfRawPayload, &[chat(0), other]);
    assert_eq!(String::from_utf8(out).unwrap(), CHAT.replace('\n', " ") + "\n");
    assert_eq!(report.skipped, [(Reason::OtherPath, 1)].into());
    let trace = text(ExportFormat::AiperfPayloadTrace, &[chat(0)]);
    assert!(trace.starts_with("{\"timestamp\":0.000,\"payload\":{\"model\":\"m\","), "{trace}");
}

#[test]
fn prompts_that_begin_alike_have_ids_that_do() {
    let first = shaped(&[(1500, &[11, 12]), (3000, &[13, 14, 15])], 500, 1300);
    let next = shaped(&[(1500, &[11, 12]), (3000, &[13, 14, 15]), (100, &[16])], 500, 1350);
    let all = [first.clone(), next, first];
    let (out, report) = run(ExportFormat::MooncakeTrace, &all);
    let out = String::from_utf8(out).unwrap();
    let lines: Vec<_> = out.lines().collect();
    // Blocks of 1024 bytes end in the blocks 11, 13, 14 and 15; what is beyond 5000 bytes
    // belongs to 15, or to 16.
    let line = r#"{"timestamp":0,"input_length":1300,"output_length":8,"hash_ids":[0,1,2,3,4,5]}"#;
    assert_eq!((lines[0], lines[2]), (line, line));
    assert!(lines[1].ends_with("[0,1,2,3,6,7]}"), "{out}");
    assert_eq!(report.lost, [(Loss::EstimatedTokens, 3)].into());
    let vllm = text(ExportFormat::VllmTimedTrace, &all);
    assert!(vllm.starts_with(r#"{"timestamp":0.000000,"input_length":1300"#), "{vllm}");
}

#[test]
fn no_id_is_twice_in_a_prompt_and_there_are_as_many_as_its_tokens_take() {
    for input in [1, 255, 256, 257, 1000, 5000] {
        let all = [shaped(&[(10, &[1]), (2000, &[2, 3]), (1, &[4])], 0, input)];
        let ids = lines(ExportFormat::MooncakeTrace, &all)[0]["hash_ids"].clone();
        let mut ids: Vec<_> = ids.as_array().unwrap().iter().map(|id| id.as_u64()).collect();
        assert_eq!(ids.len() as u64, input.div_ceil(256));
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len() as u64, input.div_ceil(256), "{input}");
    }
}

#[test]
fn what_prompts_share_is_not_made_up() {
    let unknown = [chat(0), shaped(&[(10, &[])], 0, 5)];
    let (_, report) = run(ExportFormat::MooncakeTrace, &unknown);
    assert_eq!((report.written, report.lost[&Loss::Blocks]), (2, 2));
    let (_, report) = run(ExportFormat::VllmTimedTrace, &unknown);
    assert_eq!((report.written, report.skipped), (0, [(Reason::NoBlocks, 2)].into()));
    let nothing = Exchange { usage: None, ..chat(0) };
    let (_, report) = run(ExportFormat::MooncakeTrace, &[nothing]);
    assert_eq!(report.skipped, [(Reason::NoTokens, 1)].into());
}

#[test]
fn a_conversation_of_guidellm_is_json_in_a_string() {
    let line = lines(ExportFormat::Guidellm, &[chat(0)]).remove(0);
    let turns: Value = serde_json::from_str(line["conversation_turns"].as_str().unwrap()).unwrap();
    let columns = json!({
        "raw_messages_column": [[{"content": "\u{2028}"}]],
        "prompt_tokens_count_column": [300],
        "output_tokens_count_column": [8],
        "request_duration_column": [0.00725],
    });
    assert_eq!(turns, json!({"turns": [{"node_id": "main_0", "columns": columns}]}));
    let tools = |choice: &str| {
        let body = format!(r#"{{"messages":[],"tools":[1]{choice}}}"#);
        with(Content::Whole(body.into()))
    };
    let all = [tools(""), tools(r#","tool_choice":"none""#)];
    let (out, report) = run(ExportFormat::Guidellm, &all);
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains(r#"tool_choice_column\":[\"auto\"]"#));
    assert!(out.contains(r#"turn_type_column\":[\"client_tool_call\"]"#));
    assert_eq!(report.skipped, [(Reason::ToolChoice, 1)].into());
}

#[test]
fn a_script_holds_its_data_and_how_many_were_under_way() {
    let script = text(ExportFormat::K6, &[chat(0), chat(10), chat(5000)]);
    let line = r#"{"at":0.010000,"method":"POST","path":"/v1/chat/completions?a=b","headers":{"content-type":"application/json"},"body":"#;
    assert!(script.contains(line), "{script}");
    assert!(script.contains("\\u2028") && !script.contains('\u{2028}'));
    assert!(script.contains("const peak = 2;"), "{script}");
    let binary = text(ExportFormat::K6, &[with(Content::Whole(Bytes::from_static(b"\xff")))]);
    assert!(binary.contains(r#""base64":"/w==""#), "{binary}");
}

#[test]
fn a_target_is_whole() {
    let target = lines(ExportFormat::Vegeta, &[chat(0)]).remove(0);
    assert_eq!(target["url"], "http://h:1/base/v1/chat/completions?a=b");
    assert_eq!(target["header"], json!({"content-type": ["application/json"]}));
    assert!(target["body"].as_str().unwrap().starts_with("eyJtb2RlbCI6"), "{target}");
}

#[test]
fn an_archive_has_what_http_has() {
    let unanswered = Exchange { answer: None, ..with(Content::Whole(Bytes::from_static(b"\xff"))) };
    let (out, report) = run(ExportFormat::Har, &[chat(0), unanswered]);
    let har: Value = serde_json::from_slice(&out).unwrap();
    let entry = &har["log"]["entries"][0];
    assert_eq!(entry["startedDateTime"], "2026-01-01T00:00:00Z");
    assert_eq!(entry["timings"], json!({"send": 1.0, "wait": 2.0, "receive": 4.25}));
    assert_eq!(entry["time"], 7.25);
    assert_eq!(entry["request"]["postData"]["text"], CHAT);
    assert_eq!(entry["request"]["queryString"], json!([{"name": "a", "value": "b"}]));
    let content = json!({"size": 14, "mimeType": "text/event-stream", "text": "data: [DONE]\n\n"});
    assert_eq!(entry["response"]["content"], content);
    assert_eq!(har["log"]["entries"][1]["response"]["status"], 0);
    let lost = [(Loss::Credential, 2), (Loss::Answer, 1), (Loss::RequestBody, 1)];
    assert_eq!(report.lost, lost.into());
}

#[test]
fn a_table_has_a_typed_row_for_each_exchange() {
    let mut empty = with(Content::Unknown);
    empty.answer = None;
    let mut silent = chat(1);
    silent.answer.as_mut().unwrap().chunks.clear();
    let (out, _) = run(ExportFormat::Parquet, &[chat(0), empty, silent]);
    let reader = SerializedFileReader::new(Bytes::from(out)).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    let told = rows.iter().map(ToString::to_string).collect::<Vec<_>>();
    for part in [
        "received: 2026-01-01 00:00:00",
        "request_id: \"req\"",
        "turn: 1",
        "complete: true",
        "chunk_after_us: [5, 7], chunk_bytes: [3, 11], chunk_generated: [0, 1]",
        "headers_us: 3000",
        "input_tokens: 300",
        "cost_nano_usd: 7",
    ] {
        assert!(told[0].contains(part), "{part} in {}", told[0]);
    }
    assert!(told[1].contains("status: null") && told[1].contains("chunk_bytes: null"));
    assert!(told[2].contains("chunk_bytes: []"), "{}", told[2]);
}

#[test]
fn the_interchange_format_has_all_but_credentials() {
    let (out, report) = run(ExportFormat::Jsonl, &[chat(0)]);
    let read = Records::new(Cursor::new(out)).unwrap().next().unwrap().unwrap();
    let mut expected = chat(0);
    expected.call.path = "/v1/chat/completions?a=b".to_owned();
    expected.request.headers.remove("authorization");
    expected.answer.as_mut().unwrap().message.headers.remove("set-cookie");
    assert_eq!(read, expected);
    assert_eq!(report.lost, [(Loss::Credential, 1)].into());
}
