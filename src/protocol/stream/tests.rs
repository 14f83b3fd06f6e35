//! Recorded streams, cut at every place there is.

use super::recordings::{RECORDINGS, Recording};
use super::*;
use crate::types::UsageSource;

/// All that can be known of a stream at its end, and what the client got.
#[derive(Debug, PartialEq, Eq)]
struct Result {
    forwarded: Vec<u8>,
    end: StreamEnd,
    finished: bool,
    error: Option<String>,
    usage: Option<Usage>,
    model: Option<String>,
    events: u64,
    output_bytes: u64,
}

/// Feeds `chunks` and counts those that held generated output.
fn feed_all<'a>(
    operation: Operation,
    usage_chunk: UsageChunk,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Result, usize) {
    let mut reader = StreamReader::new(operation, usage_chunk);
    let (mut forwarded, mut generated) = (Vec::new(), 0);
    for chunk in chunks {
        let fed = reader.feed(Bytes::copy_from_slice(chunk));
        if usage_chunk == UsageChunk::Keep {
            assert_eq!(fed.forward.iter().collect::<Vec<_>>(), [chunk], "passed on as it came");
        }
        forwarded.extend(fed.forward.into_iter().flatten());
        generated += usize::from(fed.generated);
    }
    forwarded.extend(reader.finish().into_iter().flatten());
    let result = Result {
        forwarded,
        end: reader.end(),
        finished: reader.finish_reason_seen(),
        error: reader.error_message().map(str::to_owned),
        usage: reader.usage(),
        model: reader.model().map(str::to_owned),
        events: reader.events(),
        output_bytes: reader.output_bytes(),
    };
    (result, generated)
}

fn expected(recording: &Recording, usage_chunk: UsageChunk) -> Result {
    let forwarded = match usage_chunk {
        UsageChunk::Keep => recording.text(),
        UsageChunk::Strip => recording.stripped(),
    };
    let error = recording.end == StreamEnd::ErrorEvent;
    Result {
        forwarded: forwarded.into_bytes(),
        end: recording.end,
        finished: recording.finished,
        error: error.then(|| "out of memory".to_owned()),
        usage: recording.usage.map(|(input, output)| Usage {
            input,
            output,
            source: UsageSource::Upstream,
        }),
        model: recording.model.map(str::to_owned),
        events: recording.events,
        output_bytes: recording.output_bytes,
    }
}

#[test]
fn a_recorded_stream_says_what_it_says_wherever_it_is_cut() {
    for recording in &RECORDINGS {
        let text = recording.text();
        for usage_chunk in [UsageChunk::Keep, UsageChunk::Strip] {
            let expected = expected(recording, usage_chunk);
            for cut in 1..text.len() {
                let (head, tail) = text.as_bytes().split_at(cut);
                let (result, _) = feed_all(recording.operation, usage_chunk, [head, tail]);
                assert_eq!(result, expected, "{} cut at {cut}", recording.name);
            }
            for size in [1, 2, 3, 5, 64, text.len()] {
                let chunks = text.as_bytes().chunks(size);
                let (result, _) = feed_all(recording.operation, usage_chunk, chunks);
                assert_eq!(result, expected, "{} in chunks of {size}", recording.name);
            }
        }
    }
}

#[test]
fn only_chunks_with_generated_output_count_as_such() {
    for recording in &RECORDINGS {
        for usage_chunk in [UsageChunk::Keep, UsageChunk::Strip] {
            let blocks = recording.blocks.iter().map(|block| block.as_bytes());
            let (_, generated) = feed_all(recording.operation, usage_chunk, blocks);
            assert_eq!(generated, recording.generated, "{}", recording.name);
            let text = recording.text();
            let (_, generated) =
                feed_all(recording.operation, usage_chunk, text.as_bytes().chunks(1));
            assert_eq!(generated, recording.generated, "{} byte by byte", recording.name);
        }
    }
}

fn reader_after(usage_chunk: UsageChunk, text: &str) -> (StreamReader, String) {
    let mut reader = StreamReader::new(Operation::Chat, usage_chunk);
    let fed = reader.feed(Bytes::copy_from_slice(text.as_bytes()));
    let forwarded = fed.forward.into_iter().flatten().collect();
    (reader, String::from_utf8(forwarded).unwrap())
}

#[test]
fn a_delta_is_generated_output_only_when_it_has_a_payload() {
    let cases = [
        (r#"{"role":"assistant"}"#, false),
        (r#"{"role":"assistant","content":""}"#, false),
        (r#"{"content":null,"reasoning_content":null,"tool_calls":[],"refusal":null}"#, false),
        (
            r#"{"tool_calls":[{"index":0,"id":"x","type":"function","function":{"arguments":""}}]}"#,
            false,
        ),
        (r#"{"content":[]}"#, false),
        (r#"{"content":7}"#, false),
        (r#"{"content":" "}"#, true),
        (r#"{"refusal":"no"}"#, true),
        (r#"{"reasoning":"hm"}"#, true),
        (r#"{"reasoning_content":"hm"}"#, true),
        (r#"{"function_call":{"name":"f","arguments":""}}"#, true),
        (r#"{"tool_calls":[{"type":"custom","custom":{"input":"x"}}]}"#, true),
        (r#"{"audio":{"id":"a","data":"UklGRg=="}}"#, true),
        (r#"{"c\u006fntent":"a"}"#, true),
    ];
    for (delta, generated) in cases {
        let event = format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n\n");
        let mut reader = StreamReader::new(Operation::Chat, UsageChunk::Keep);
        assert_eq!(reader.feed(event.into()).generated, generated, "{delta}");
    }
}

#[test]
fn every_choice_is_counted_and_whether_it_came_to_its_end() {
    let count = |choices: &[&str]| {
        let text: String = choices
            .iter()
            .map(|choices| format!("data: {{\"choices\":[{choices}]}}\n\n"))
            .collect();
        let count = reader_after(UsageChunk::Keep, &text).0.choices();
        (count.seen, count.finished)
    };
    let part = r#"{"index":0,"delta":{"content":"a"},"finish_reason":null}"#;
    let second = r#"{"delta":{"content":"b"},"index":1}"#;
    let end = r#"{"index":0,"finish_reason":"stop"}"#;
    let second_end = r#"{"index":1,"delta":{},"finish_reason":"length"}"#;
    assert_eq!(count(&[]), (0, 0));
    assert_eq!(count(&[part, part]), (1, 0));
    assert_eq!(count(&[part, end, end]), (1, 1));
    assert_eq!(count(&[part, second, end]), (2, 1), "one of two is cut");
    assert_eq!(count(&[&format!("{part},{second}"), &format!("{second_end},{end}")]), (2, 2));
    assert_eq!(count(&[r#"{"finish_reason":"stop"}"#]), (1, 1), "without an index it is the first");
    assert_eq!(count(&[part, r#"{"index":0,"finish_reason":"abort"}"#]), (1, 0));
}

#[test]
fn a_choice_that_was_given_up_still_ends_the_stream() {
    let text = "data: {\"choices\":[{\"finish_reason\":\"abort\"}]}\n\n";
    let (reader, _) = reader_after(UsageChunk::Keep, text);
    assert!(reader.finish_reason_seen());
    assert!(!reader.choices().is_whole(1));
}

#[test]
fn an_event_is_held_back_only_for_as_long_as_it_may_have_to_be_left_out() {
    let (mut reader, forwarded) = reader_after(UsageChunk::Strip, "data: {}\n\ndata: {\"a");
    assert_eq!(forwarded, "data: {}\n\n");
    assert!(reader.at_event_boundary(), "the client has whole events only");
    let rest = reader.feed(Bytes::from_static(b"\":1}\n\ndata: {}\n\n")).forward;
    assert_eq!(rest.into_iter().collect::<Vec<_>>(), ["data: {\"a\":1}\n\n", "data: {}\n\n"]);
    assert_eq!(reader.finish(), None);
    assert!(reader.at_event_boundary());
}

#[test]
fn after_half_an_event_another_cannot_follow() {
    let (mut reader, forwarded) = reader_after(UsageChunk::Keep, "data: {}\n\ndata: {\"a");
    assert_eq!(forwarded, "data: {}\n\ndata: {\"a");
    assert!(!reader.at_event_boundary());
    assert_eq!(reader.finish(), None);
    assert!(!reader.at_event_boundary());

    let (mut reader, _) = reader_after(UsageChunk::Strip, "data: {\"a");
    assert_eq!(reader.finish().as_deref(), Some(&b"data: {\"a"[..]));
    assert!(!reader.at_event_boundary());
    assert_eq!((reader.finish(), reader.events()), (None, 0));
}

#[test]
fn several_usage_chunks_in_one_chunk_are_all_left_out() {
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n";
    let text = format!("{usage}data: 1\n\n{usage}{usage}data: 2\n\ndata: 3\n\n{usage}");
    let (reader, forwarded) = reader_after(UsageChunk::Strip, &text);
    assert_eq!(forwarded, "data: 1\n\ndata: 2\n\ndata: 3\n\n");
    assert_eq!(reader.events(), 7);
}

#[test]
fn a_last_event_without_its_empty_line_is_read() {
    for end in ["", "\n", "\r\n"] {
        for usage_chunk in [UsageChunk::Keep, UsageChunk::Strip] {
            let (mut reader, _) = reader_after(usage_chunk, &format!("data: [DONE]{end}"));
            assert_eq!(reader.end(), StreamEnd::Open);
            reader.finish();
            assert_eq!(reader.end(), StreamEnd::Terminated);
        }
    }
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}";
    let (mut reader, _) = reader_after(UsageChunk::Strip, usage);
    assert_eq!((reader.finish(), reader.at_event_boundary()), (None, true));
}

#[test]
fn errors_are_known_by_every_form_they_are_sent_in() {
    let cases = [
        ("data: {\"error\":{\"message\":\"a\\nb\",\"code\":500}}\n\n", "ab"),
        ("data: {\"error\":\"no\",\"message\":\"more\"}\n\n", "no"),
        ("event: error\ndata: {\"message\":\"no\",\"code\":500}\n\n", "no"),
        ("event: error\ndata: broken\n\n", "broken"),
        ("error: {\"code\":500,\"message\":\"llama\"}\n\n", "llama"),
        ("data: {\"object\":\"error\",\"message\":\"old vLLM\",\"code\":400}\n\n", "old vLLM"),
        ("data: {\"error\":{\"code\":7}}\n\n", "{\"error\":{\"code\":7}}"),
    ];
    for (event, message) in cases {
        let (reader, _) = reader_after(UsageChunk::Keep, event);
        assert_eq!(reader.end(), StreamEnd::ErrorEvent, "{event}");
        assert_eq!(reader.error_message(), Some(message), "{event}");
    }
    let (reader, _) = reader_after(UsageChunk::Keep, "data: {\"error\":null,\"object\":\"x\"}\n\n");
    assert_eq!((reader.end(), reader.error_message()), (StreamEnd::Open, None));
    let text = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1},\"error\":\"no\"}\n\n";
    let (reader, forwarded) = reader_after(UsageChunk::Strip, text);
    assert_eq!((reader.end(), &*forwarded), (StreamEnd::ErrorEvent, text));
}

#[test]
fn names_and_messages_of_strangers_are_cleaned_and_cut() {
    let long = "x".repeat(2000);
    let text =
        format!("data: {{\"model\":\"\\u001b{long}\"}}\n\ndata: {{\"error\":\"{long}\"}}\n\n");
    let (reader, _) = reader_after(UsageChunk::Keep, &text);
    assert_eq!(reader.model().map(str::len), Some(256));
    assert_eq!(reader.error_message().map(str::len), Some(512));
}

#[test]
fn an_event_too_long_to_be_read_is_passed_on_as_it_comes() {
    let part = Bytes::from("x".repeat(64 * 1024));
    for usage_chunk in [UsageChunk::Keep, UsageChunk::Strip] {
        let mut reader = StreamReader::new(Operation::Chat, usage_chunk);
        let mut held_back = 0_usize;
        let mut fed = 0;
        for _ in 0..40 {
            fed += part.len();
            held_back += part.len();
            held_back -= reader.feed(part.clone()).forward.len();
            assert!(held_back <= 1024 * 1024);
        }
        assert!(fed > 2 * 1024 * 1024);
        assert_eq!((held_back, reader.at_event_boundary()), (0, false));
        let rest = reader.feed(Bytes::from_static(b"\n\ndata: [DONE]\n\n")).forward;
        assert_eq!(rest.len(), 16);
        assert_eq!((reader.oversized_events(), reader.events()), (1, 1));
        assert_eq!((reader.end(), reader.at_event_boundary()), (StreamEnd::Terminated, true));
    }
}

#[test]
fn odd_events_break_nothing() {
    let mut random = fastrand::Rng::with_seed(5);
    let parts = [
        "data: ",
        "{",
        "}",
        "\"choices\"",
        "\"usage\"",
        ":",
        "[",
        "]",
        ",",
        "\n",
        "\r\n",
        "\n\n",
        "1",
        "\"",
        "\\",
        "null",
        "\u{feff}",
        "é",
    ];
    for _ in 0..5_000 {
        let text: String =
            (0..random.usize(..30)).map(|_| parts[random.usize(..parts.len())]).collect();
        let whole = feed_all(Operation::Chat, UsageChunk::Strip, [text.as_bytes()]).0;
        for size in [1, 4] {
            let cut = feed_all(Operation::Chat, UsageChunk::Strip, text.as_bytes().chunks(size)).0;
            assert_eq!(cut, whole, "{text:?}");
        }
    }
}

#[test]
fn a_delta_nested_without_end_is_no_overflow() {
    for open in ["[", "{\"a\":"] {
        let event =
            format!("data: {{\"choices\":[{{\"delta\":{{\"content\":{}\n\n", open.repeat(100_000));
        let (reader, forwarded) = reader_after(UsageChunk::Strip, &event);
        assert_eq!((forwarded.len(), reader.events(), reader.output_bytes()), (event.len(), 1, 0));
        let event = format!("event: error\ndata: {}\n\n", "{\"error\":".repeat(100_000));
        assert!(reader_after(UsageChunk::Keep, &event).0.error_message().is_some());
    }
}
