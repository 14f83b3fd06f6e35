//! Small files of each format, good and bad.

use super::*;
use crate::capture::interchange::export::{ExportFormat, ExportOptions, export};
use crate::capture::{Content, LineWriter, Shape, Times};
use crate::types::{Operation, Usage, UsageSource};
use std::io::Cursor;

const BEGAN: Duration = Duration::from_secs(1000);

fn run(
    format: ImportFormat,
    text: impl AsRef<[u8]>,
) -> (Vec<Exchange>, Result<ImportReport, String>) {
    let assumed = Assumed {
        began: BEGAN,
        path: "/v1/chat/completions".to_owned(),
        model: Some("assumed".to_owned()),
        streamed: Some(true),
    };
    let mut taken = Vec::new();
    let mut redact = |exchange: &mut Exchange| {
        exchange.request.headers.remove("authorization");
    };
    let mut take = |exchange| {
        taken.push(exchange);
        Ok(())
    };
    let source = Cursor::new(text.as_ref().to_vec());
    let report = import(format, source, &assumed, &mut redact, &mut take);
    (taken, report.map_err(|error| error.to_string()))
}

fn good(format: ImportFormat, text: impl AsRef<[u8]>) -> Vec<Exchange> {
    let head = text.as_ref();
    assert_eq!(detect("x", &head[..head.len().min(200)]), Some(format));
    let (taken, report) = run(format, head);
    assert_eq!(report.unwrap().read, taken.len() as u64);
    taken
}

fn shape(exchange: &Exchange) -> &Shape {
    let Content::Shape(shape) = &exchange.request.body else { panic!("{exchange:?}") };
    shape
}

fn tokens(exchange: &Exchange) -> (u64, u64) {
    let Some(Usage { input, output, source: UsageSource::Upstream }) = exchange.usage else {
        panic!("{exchange:?}")
    };
    (input, output)
}

fn millis(exchange: &Exchange) -> u128 {
    (exchange.times.received - BEGAN).as_millis()
}

#[test]
fn prompts_of_mooncake_that_begin_alike_have_blocks_that_do() {
    let all = good(
        ImportFormat::Mooncake,
        r#"{"timestamp": 0, "input_length": 1100, "output_length": 52, "hash_ids": [46, 47, 48]}
           {"timestamp": 3012.5, "input_length": 600, "output_length": 1, "hash_ids": [46], "session_id": "s"}
           {"timestamp": 3013, "input_length": 600, "output_length": 1, "session_id": "s"}"#,
    );
    assert_eq!(all.iter().map(millis).collect::<Vec<_>>(), [0, 3012, 3013]);
    assert_eq!(tokens(&all[0]), (1100, 52));
    assert_eq!(shape(&all[0]).length, 4400);
    assert_eq!(shape(&all[0]).messages[0].blocks, [92, 93, 94, 95, 96]);
    assert_eq!(shape(&all[0]).parameters["max_tokens"], 52);
    let (known, unknown) = (&shape(&all[1]).messages[0].blocks, &shape(&all[2]).messages[0].blocks);
    assert_eq!((&known[..2], known.len(), unknown.len()), (&[92, 93][..], 3, 3));
    assert!(known.iter().all(|block| !unknown.contains(block)), "what is not known is not shared");
    assert_eq!(all[2].session.as_ref().unwrap().turn, 1);
    assert_eq!(all[0].call.operation, Some(Operation::Chat));
    assert_eq!(
        (all[0].call.model_asked.as_deref(), all[0].call.streamed),
        (Some("assumed"), Some(true))
    );
}

#[test]
fn a_trace_goes_out_as_it_came_in() {
    let trace = "{\"timestamp\":0,\"input_length\":1100,\"output_length\":52,\"hash_ids\":[0,1,2,3,4]}\n\
         {\"timestamp\":12,\"input_length\":1100,\"output_length\":52,\"hash_ids\":[0,1,5,6,7]}\n";
    // Of 512 tokens each, when they come in.
    let wide = trace.replace("[0,1,2,3,4]", "[7,8,9]").replace("[0,1,5,6,7]", "[7,5,6]");
    let all = good(ImportFormat::Mooncake, wide);
    let options =
        ExportOptions { target: "", bytes_per_token: 4.0, shape: &|_, _| None, compose: &|_| None };
    let mut out = Vec::new();
    let all = all.into_iter().map(Ok::<_, io::Error>);
    export(ExportFormat::MooncakeTrace, all, &mut out, &options).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), trace);
}

#[test]
fn azure_has_dates_and_tokens() {
    let all = good(
        ImportFormat::Azure,
        "\u{feff}TIMESTAMP,ContextTokens,GeneratedTokens\r\n\
         2023-11-16 18:17:03.9799600,4808,10\r\n\
         2024-05-10 00:00:00.009930+00:00,110,27",
    );
    assert_eq!(all[0].times.received, Duration::from_micros(1_700_158_623_979_960));
    assert_eq!((tokens(&all[0]), tokens(&all[1])), ((4808, 10), (110, 27)));
}

#[test]
fn burstgpt_has_conversations_models_and_failures() {
    let all = good(
        ImportFormat::BurstGpt,
        "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
         5.5,7,3.25,ChatGPT,472,18,490,Conversation log\n\
         45.0,,,GPT-4,1087,0,1087,API log\n\
         118.0,7,2,ChatGPT,417.0,276,693,Conversation log\n",
    );
    assert_eq!(all.iter().map(millis).collect::<Vec<_>>(), [5500, 45_000, 118_000]);
    let turn = |exchange: &Exchange| exchange.session.as_ref().map(|session| session.turn);
    assert_eq!(all.iter().map(turn).collect::<Vec<_>>(), [Some(0), None, Some(1)]);
    assert_eq!(all[0].times.last, Some(Duration::from_millis(3250)));
    assert_eq!((all[1].call.model_asked.as_deref(), tokens(&all[1]).1), (Some("GPT-4"), 0));
    assert!(shape(&all[1]).parameters.is_empty());
    assert_eq!(tokens(&all[2]).0, 417);
    let old = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,M,1,2,3,x\n";
    assert_eq!(good(ImportFormat::BurstGpt, old).len(), 1);
}

#[test]
fn a_batch_has_requests_and_no_times() {
    let line = r#"{"custom_id":"a","method":"POST","url":"/v1/embeddings","body":{"model":"e" ,"input":[]}}"#;
    let all = good(ImportFormat::OpenAiBatch, line);
    assert_eq!((all[0].request_id.as_deref(), millis(&all[0])), (Some("a"), 0));
    assert_eq!(all[0].call.model_asked.as_deref(), Some("e"));
    let body = Content::Whole(r#"{"model":"e" ,"input":[]}"#.into());
    assert_eq!(all[0].request.body, body, "byte for byte");
}

#[test]
fn an_archive_loses_pseudo_headers_and_what_is_not_of_http() {
    let har = r#"{"log":{"version":"1.2","pages":[{}],"entries":[
        {"startedDateTime":"1970-01-01T02:00:00.5+02:00","time":30.5,
         "request":{"method":"POST","url":"https://h/v1/chat/completions?a#b","headers":[
            {"name":":authority","value":"h"},{"name":"Authorization","value":"x"},
            {"name":"Accept","value":"é"}],"postData":{"mimeType":"","text":"{\"model\":\"m\"}"}},
         "response":{"status":200,"headers":[{"name":"content-encoding","value":"br"}],
            "content":{"size":2,"text":"aGk=","encoding":"base64"}},
         "timings":{"blocked":-1,"dns":1,"connect":2,"ssl":1,"send":1,"wait":6,"receive":20.5}},
        {"startedDateTime":"1970-01-01T00:00:01Z","request":{"method":"GET","url":"data:x"}},
        {"startedDateTime":"1970-01-01T00:00:02Z","time":-1,"request":{"method":"GET","url":"http://h"},
         "response":{"status":0,"content":{}}}
      ],"comment":{"entries":1}}}"#;
    assert_eq!(detect("x", har.as_bytes()), Some(ImportFormat::Har));
    let (all, report) = run(ImportFormat::Har, har);
    assert_eq!(report.unwrap().skipped, [("not_http", 1)].into());
    let times = all[0].times;
    assert_eq!(times.received, Duration::from_millis(500));
    let expected = [4000, 10_000, 30_500].map(|micros| Some(Duration::from_micros(micros)));
    assert_eq!([times.sent, times.headers, times.last], expected);
    assert_eq!(all[0].call.path, "/v1/chat/completions?a");
    assert_eq!(all[0].request.headers.len(), 1);
    let answer = all[0].answer.as_ref().unwrap();
    assert_eq!(answer.message.body, Content::Whole("hi".into()));
    assert!(answer.message.headers.is_empty());
    assert_eq!((all[1].answer.is_none(), all[1].call.path.as_str()), (true, "/"));
}

/// Payloads, each with its separator.
fn payloads(all: &[&str]) -> String {
    all.iter().map(|payload| format!("{payload}\n🐵🙈🙉\n")).collect()
}

#[test]
fn payloads_of_goreplay_find_their_answers() {
    let post = |id: &str, time: &str, body: &str| {
        let length = body.len();
        let head = "POST /v1/chat/completions HTTP/1.1\r\nAuthorization: x\r\n";
        format!("1 {id} {time}\n{head}Content-Length: {length}\r\n\r\n{body}")
    };
    let body = "{\"model\":\"m\",\n\"messages\":[]}\n";
    let text = payloads(&[
        &post("a", "1767225600000000000", body),
        &post("b", "1767225601000000000", body),
        "2 a 1767225600050000000 20000000\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        "3 b 1767229999000000000 5\nHTTP/1.1 503 X\r\nContent-Length: 9\r\n\r\nno",
        &post("c", "1767225602000000000", body),
        "2 c 70000000\nHTTP/1.1 204 No Content\r\n\r\n",
        "2 d 70000000\nHTTP/1.1 204 No Content\r\n\r\n",
        &post("e", "1767225603000000000", body).replace("\"m\"", "\"\""),
    ]);
    assert_eq!(detect("x", text.as_bytes()), Some(ImportFormat::GoReplay));
    let (all, report) = run(ImportFormat::GoReplay, text);
    assert_eq!(report.unwrap().skipped, [("late_answer", 1), ("cut_body", 1)].into());
    let told: Vec<_> = all
        .iter()
        .map(|exchange| {
            let answer = exchange.answer.as_ref().unwrap();
            let kept = answer.message.body.kept().unwrap().clone();
            let Times { headers, last, .. } = exchange.times;
            (answer.status, kept, answer.complete, headers.zip(last).or(last.map(|l| (l, l))))
        })
        .collect();
    let ms = Duration::from_millis;
    assert_eq!(told[0], (200, "hi".into(), None, Some((ms(50), ms(70)))));
    assert_eq!(told[1], (204, "".into(), None, Some((ms(70), ms(70)))), "an older version's");
    assert_eq!(told[2], (503, "no".into(), Some(false), None), "of a repetition");
    assert_eq!(all[0].request.body, Content::Whole(body.into()));
    assert_eq!(all[0].request.headers.len(), 1);
}

#[test]
fn requests_that_wait_for_answers_are_bounded() {
    let request = |number: u64| format!("1 {number} {number}\nGET /{number} HTTP/1.1\r\n\r\n");
    let all: Vec<_> = (0..5000).map(request).collect();
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    let mut text = payloads(&all);
    text += &payloads(&["2 0 5\nHTTP/1.1 200 OK\r\n\r\n", "2 4999 5\nHTTP/1.1 200 OK\r\n\r\n"]);
    let (all, report) = run(ImportFormat::GoReplay, text);
    assert_eq!(report.unwrap().skipped, [("late_answer", 1)].into());
    assert_eq!((all.len(), all[0].call.path.as_str()), (5000, "/0"));
}

#[test]
fn an_archive_and_the_interchange_format_are_read_as_they_were_written() {
    let har = r#"{"log":{"entries":[{"startedDateTime":"2026-01-01T00:00:00.123456Z","time":1.5,
        "request":{"method":"POST","url":"http://h/v1/x","postData":{"text":"a\n"}},
        "response":{"status":200,"content":{"size":1,"text":"b"}},
        "timings":{"send":0.25,"wait":0.5,"receive":0.75}}]}}"#;
    let first = good(ImportFormat::Har, har).remove(0);
    let options = ExportOptions {
        target: "https://elsewhere",
        bytes_per_token: 4.0,
        shape: &|_, _| None,
        compose: &|_| None,
    };
    for (out_as, in_as) in
        [(ExportFormat::Har, ImportFormat::Har), (ExportFormat::Jsonl, ImportFormat::Jsonl)]
    {
        let mut out = Vec::new();
        let all = [Ok::<_, io::Error>(first.clone())];
        export(out_as, all, &mut out, &options).unwrap();
        assert_eq!(good(in_as, out), std::slice::from_ref(&first));
    }
}

#[test]
fn what_cannot_be_read_is_told_with_its_line() {
    let csv = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
    let moon = r#"{"timestamp":0,"input_length":1,"output_length":1}"#;
    for (format, text, told) in [
        (ImportFormat::Azure, format!("{csv}x,1,1"), "line 2: `TIMESTAMP` cannot be read"),
        (ImportFormat::Azure, format!("{csv}1,1"), "line 2: it has 2 fields"),
        (ImportFormat::Azure, "a\n1".to_owned(), "line 2: there is no `TIMESTAMP`"),
        (ImportFormat::Azure, format!("{csv}2024-05-10 00:00:00,1.5,1"), "line 2: `ContextTokens`"),
        (ImportFormat::Mooncake, format!("{moon}\n{{}}"), "line 2: missing field `timestamp`"),
        (ImportFormat::Mooncake, moon.replace(":1,", ":99999999999,"), "line 1: its time or"),
        (ImportFormat::Mooncake, moon.replace(":0,", ":-1,"), "line 1: a number is negative"),
        (ImportFormat::OpenAiBatch, r#"{"url":"/"}"#.to_owned(), "line 1: missing field `body`"),
        (ImportFormat::GoReplay, "\n\nhello".to_owned(), "line 3: the payload above has no line"),
        (ImportFormat::GoReplay, "1 a 5\nhello".to_owned(), "line 2: the payload above is no"),
        (ImportFormat::Har, "{\n\"log\":{}}".to_owned(), "line 2: missing field `entries`"),
        (ImportFormat::Har, "{\"log\":{\"entries\":[\n{}]}}".to_owned(), "line 2: missing field"),
        (ImportFormat::Har, "{\"log\":{\"entries\":[\n".to_owned(), "line 2: EOF"),
        (ImportFormat::Har, "[]".to_owned(), "line 1: invalid type"),
    ] {
        let error = run(format, &text).1.unwrap_err();
        assert!(error.starts_with(told), "{text}: {error}");
    }
}

#[test]
fn a_bad_line_of_the_interchange_format_is_left_out() {
    let good = |received| format!("{{\"received\":{received},\"path\":\"/\"}}\n");
    let bad = "{}\n[\n".repeat(15);
    let (taken, report) = run(ImportFormat::Jsonl, good(1) + &bad + &good(2));
    let report = report.unwrap();
    let seconds: Vec<_> = taken.iter().map(|one| one.times.received.as_secs()).collect();
    assert_eq!((seconds, report.read, report.bad_line_count()), (vec![1, 2], 2, 30));
    assert!(report.bad_lines[0].starts_with("line 2: missing field `received`"), "{report:?}");
    assert_eq!(report.bad_lines.len(), MOST_TOLD, "the others are only counted");
}

#[test]
fn who_takes_no_more_is_asked_no_more() {
    let line = "{\"timestamp\":0,\"input_length\":1,\"output_length\":1}\n".repeat(3);
    let entry =
        r#"{"startedDateTime":"1970-01-01T00:00:01Z","request":{"method":"GET","url":"/"}}"#;
    let har = format!(r#"{{"log":{{"entries":[{entry},{entry}]}}}}"#);
    for (format, text) in [(ImportFormat::Mooncake, line), (ImportFormat::Har, har)] {
        let assumed = Assumed { began: BEGAN, path: "/".to_owned(), model: None, streamed: None };
        let mut asked = 0;
        let mut take = |_| {
            asked += 1;
            Err(io::Error::other("full"))
        };
        let source = Cursor::new(text.into_bytes());
        let failed = import(format, source, &assumed, &mut |_| {}, &mut take);
        assert!(matches!(failed, Err(ImportError::Taker(error)) if error.to_string() == "full"));
        assert_eq!(asked, 1);
    }
}

#[test]
fn formats_are_told_by_their_content_before_their_name() {
    assert_eq!(detect("x.har", b"TIMESTAMP,ContextTokens"), Some(ImportFormat::Azure));
    assert_eq!(detect("x.har", b"{ \"comment\": 1"), Some(ImportFormat::Har));
    assert_eq!(detect("x.gor", b""), Some(ImportFormat::GoReplay));
    for unknown in [&b""[..], b"{}", b"hello", b"1 a b", b"\xff\xfe", b"a,b,c"] {
        assert_eq!(detect("x.txt", unknown), None);
    }
    let mut writer = LineWriter::zstd(Vec::new()).unwrap();
    let line = "{\"timestamp\":0,\"input_length\":1,\"output_length\":1}";
    let exchange = good(ImportFormat::Mooncake, line).remove(0);
    for _ in 0..3000 {
        writer.write(&exchange).unwrap();
    }
    let packed = writer.finish().unwrap();
    assert_eq!(detect("x.jsonl.zst", &packed), Some(ImportFormat::Jsonl));
    assert_eq!(detect("x", &packed[..packed.len() - 4]), Some(ImportFormat::Jsonl), "cut short");
    for format in ImportFormat::ALL {
        assert_eq!(ImportFormat::parse(format.name()), Some(format));
    }
}
