//! What went wrong in other gateways, one test a fault.

use super::*;
use serde_json::{Value, json};

/// A question with many members, none of which may be left out of its key.
fn rich() -> Value {
    json!({
        "model": "m", "temperature": 0, "seed": 9_007_199_254_740_992_u64, "n": 1, "top_p": 1.0,
        "max_tokens": 10, "max_completion_tokens": 10, "presence_penalty": 0.0,
        "frequency_penalty": 0.0, "logit_bias": { "5": 1 }, "logprobs": true, "top_logprobs": 2,
        "stop": ["a"], "response_format": { "type": "json_object" }, "tool_choice": "auto",
        "parallel_tool_calls": true, "reasoning_effort": "low", "service_tier": "auto",
        "modalities": ["text"], "prediction": { "type": "content", "content": "x" },
        "verbosity": "low", "min_p": 0.1, "top_k": 4, "repetition_penalty": 1.0,
        "guided_json": { "type": "object" }, "chat_template_kwargs": { "enable_thinking": true },
        "a_field_of_tomorrow": { "deep": [1, { "deeper": null }] },
        "tools": [{ "type": "function", "function": { "name": "f", "parameters": {} } }],
        "messages": [{ "role": "system", "content": "s" }, { "role": "user", "content": "u" }],
    })
}

/// `value` with one of its leaves another, for each leaf.
fn mutations(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(members) => {
            let mut all = Vec::new();
            for (name, member) in members {
                for mutated in mutations(member) {
                    let mut members = members.clone();
                    members.insert(name.clone(), mutated);
                    all.push(Value::Object(members));
                }
            }
            all.push(with_member(value));
            all
        }
        Value::Array(elements) => {
            let mut all = vec![json!([])];
            for (index, element) in elements.iter().enumerate() {
                for mutated in mutations(element) {
                    let mut elements = elements.clone();
                    elements[index] = mutated;
                    all.push(elements.into());
                }
            }
            all
        }
        Value::String(text) => vec![(text.clone() + "!").into(), Value::Null],
        Value::Bool(flag) => vec![(!flag).into()],
        Value::Number(number) if number.is_u64() => vec![(number.as_u64().unwrap() + 1).into()],
        Value::Number(number) => vec![(number.as_f64().unwrap() + 0.5).into()],
        Value::Null => vec![1.into()],
    }
}

fn with_member(value: &Value) -> Value {
    let mut more = value.clone();
    more["another"] = true.into();
    more
}

/// Changes that ask for something else, or another model: tested elsewhere.
fn is_a_question_of_its_own(mutated: &Value) -> bool {
    let original = rich();
    let tools_are_functions = mutated["tools"]
        .as_array()
        .is_some_and(|tools| tools.iter().all(|tool| tool["type"] == "function"));
    mutated["model"] == original["model"] && mutated["n"] == original["n"] && tools_are_functions
}

#[tokio::test]
async fn every_field_of_a_question_is_in_its_key() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    let questions: Vec<_> =
        mutations(&rich()).into_iter().filter(is_a_question_of_its_own).collect();
    assert!(questions.len() > 50, "{}", questions.len());
    let mut client = proxy.client().await;
    for (asked, question) in [rich()].iter().chain(&questions).enumerate() {
        let body = question.to_string();
        client.post("/v1/chat/completions", &[], body.as_bytes()).await;
        let response = client.response().await;
        assert_eq!(response.text(), numbered(CHAT, asked), "{body}");
    }
    // The first is there as it was.
    client.post("/v1/chat/completions", &[], rich().to_string().as_bytes()).await;
    let again = client.response().await;
    assert_hit(&again);
    assert_eq!(again.text(), numbered(CHAT, 0));
}

#[tokio::test]
async fn path_stream_and_headers_that_change_an_answer_are_in_the_key() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    let prompt = r#"{"model":"m","temperature":0,"prompt":"x"}"#;
    let usage = STREAM.replace("\"stream\"", r#""stream_options":{"include_usage":true},"stream""#);
    let asked: [(&str, &[Header<'_>], &str); 7] = [
        ("/v1/chat/completions", &[], CHAT),
        ("/v1/chat/completions", &[], STREAM),
        ("/v1/chat/completions", &[], &usage),
        ("/v1/chat/completions", &[("OpenAI-Beta", "a=v1")], CHAT),
        ("/v1/chat/completions", &[("OpenAI-Beta", "a=v2")], CHAT),
        ("/v1/chat/completions?api-version=2", &[], CHAT),
        ("/v1/completions", &[], prompt),
    ];
    for (count, (path, headers, body)) in asked.into_iter().enumerate() {
        let mut client = proxy.client().await;
        client.post(path, headers, body.as_bytes()).await;
        let response = client.response().await;
        assert!(x_cache(&response) != "HIT" && response.status == 200, "{path}: {response:?}");
        assert_eq!(upstream.count(), count + 1, "{path} {headers:?} {body}");
        idle(&proxy).await;
    }
}

#[tokio::test]
async fn seeds_that_are_equal_as_doubles_are_not_equal() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    for (number, seed) in ["9007199254740992", "9007199254740993"].into_iter().enumerate() {
        let body = format!(r#"{{"model":"m","seed":{seed},"messages":[]}}"#);
        let response = ask_again(&proxy, &[], &body).await;
        assert_miss(&response);
        assert_eq!(response.text(), numbered(&body, number));
        assert_hit(&ask_again(&proxy, &[], &body).await);
    }
}

#[tokio::test]
async fn an_absent_temperature_is_not_taken_for_zero() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    assert_miss(&ask_again(&proxy, &[], CHAT).await);
    for temperature in ["", r#""temperature":null,"#, r#""temperature":1,"#] {
        let body = CHAT.replace(r#""temperature":0,"#, temperature);
        for _ in 0..2 {
            assert_bypass(&ask_again(&proxy, &[], &body).await, "sampled");
        }
    }
    assert_eq!(upstream.count(), 7);
    let metrics = proxy.metrics().await;
    assert_eq!(metrics.sum("transom_cache_bypass_total", &[("reason", "sampled")]), 6.0);
    assert_eq!(metrics.sum("transom_cache_bypass_total", &[]), 6.0);
    for zero in ["0.0", "-0", "0e5"] {
        assert_miss(&ask_again(&proxy, &[], &CHAT.replace(":0,", &format!(":{zero},"))).await);
    }
}

#[tokio::test]
async fn a_caller_with_another_key_never_gets_the_answer() {
    let upstream = Upstream::start(serve_numbered);
    let keys = key_table("one", "sk-1", None) + &key_table("two", "sk-2", None);
    let proxy = cached(&upstream, "true").tables(&keys).start().await;
    for (number, key) in ["Bearer sk-1", "Bearer sk-2"].into_iter().enumerate() {
        let headers = [("Authorization", key)];
        for body in [CHAT, STREAM] {
            let response = ask_again(&proxy, &headers, body).await;
            assert_miss(&response);
            assert_hit(&ask_again(&proxy, &headers, body).await);
        }
        assert_eq!(upstream.count(), 2 * number + 2);
    }
    // Nor does one whose key is refused.
    let refused = ask_again(&proxy, &[("Authorization", "Bearer sk-3")], CHAT).await;
    assert_eq!((refused.status, refused.header("x-cache")), (401, None));
}

#[tokio::test]
async fn the_answer_of_a_target_that_stands_in_is_not_kept() {
    let (refusing, stand_in) = (Refusing::new(), Upstream::start(serve_numbered));
    let model = "[[model]]\nname = \"m\"\ncache = true\n\
                 targets = [{ upstream = \"u\", weight = 1000 }, { upstream = \"v\", weight = 1 }]\n";
    let proxy =
        Setup::to([refusing.url()]).upstream("v", [stand_in.url()]).models(model).start().await;
    // Each has a key of its own, so that the few that are meant for the second target do no
    // harm: those may be kept.
    let questions: Vec<_> =
        (0..40).map(|number| CHAT.replace("Hello", &number.to_string())).collect();
    for body in &questions {
        assert_eq!(ask_again(&proxy, &[], body).await.status, 200);
    }
    let metrics = proxy.metrics().await;
    let not_kept =
        metrics.sum("transom_cache_not_stored_total", &[("reason", "stand_in")]) as usize;
    assert!(not_kept >= 30, "{not_kept}");
    let before = stand_in.count();
    for body in &questions {
        ask_again(&proxy, &[], body).await;
    }
    assert!(stand_in.count() - before >= 30, "asked again: {}", stand_in.count() - before);
}

#[tokio::test]
async fn a_truncated_stream_is_neither_kept_nor_given_a_terminator() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk(role() + &token("half"))).await?;
        match call.number % 3 {
            0 => call.close(),
            1 => call.reset(),
            // A proper end of the body is not the end of the stream.
            _ => call.answer(LAST_CHUNK).await,
        }
    });
    let proxy = cached(&upstream, "true").start().await;
    for number in 0..6 {
        let response = ask_again(&proxy, &[], STREAM).await;
        assert!(!response.whole && !response.text().contains("[DONE]"), "{response:?}");
        assert_eq!((x_cache(&response), upstream.count()), ("MISS", number + 1));
    }
    let metrics = proxy.metrics().await;
    let truncated = metrics.sum("transom_cache_not_stored_total", &[("reason", "truncated")]);
    assert_eq!(truncated, 6.0);
    assert_eq!(metrics.sum("transom_cache_entries", &[("tier", "memory")]), 0.0);
}

#[tokio::test]
async fn reasoning_and_tool_calls_of_a_stream_are_there_on_a_hit() {
    let tool = |arguments: &str| {
        json!({ "tool_calls": [{ "index": 0, "id": "call-1", "type": "function",
                "function": { "name": "weather", "arguments": arguments } }] })
    };
    let events = [
        role(),
        event(json!({ "reasoning_content": "The user says \"hi\"…" }), None),
        event(json!({ "reasoning": "hm", "reasoning_details": [{ "text": "hm" }] }), None),
        ": a comment\n\n".to_owned(),
        event(tool(r#"{"city":"#), None),
        event(tool(r#""Zanzibar"}"#), None),
        event(json!({}), Some("tool_calls")),
        DONE.to_owned(),
    ];
    let upstream = Upstream::sharing(&events, |events, mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        for event in events {
            call.write(chunk(event)).await?;
        }
        call.answer(LAST_CHUNK).await
    });
    let proxy = cached(&upstream, "true").start().await;
    let first = ask_again(&proxy, &[], STREAM).await;
    assert_miss(&first);
    assert_eq!(first.text(), events.concat());
    let again = ask_again(&proxy, &[], STREAM).await;
    assert_hit(&again);
    assert_eq!(again.text(), events.concat());
}

#[tokio::test]
async fn tokens_are_counted_once_and_charged_once_however_many_hits_there_are() {
    const HITS: usize = 4;
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    for _ in 0..=HITS {
        ask_again(&proxy, &[], STREAM).await;
    }
    let lines = proxy.settled(HITS + 1).await;
    let tokens = |line: &LogLine| (line.count("tokens_in"), line.count("tokens_out"));
    assert!(lines.iter().all(|line| tokens(line) == (PROMPT_TOKENS, COMPLETION_TOKENS)));
    let cost = (PROMPT_TOKENS * 1000 + COMPLETION_TOKENS * 2000) as f64 / 1e6;
    assert!((lines[0].number("cost_usd") - cost).abs() < 1e-9, "{lines:?}");
    assert!(lines[1..].iter().all(|line| line.0["cost_usd"].is_null()), "{lines:?}");

    let metrics = proxy.metrics().await;
    let counted = |direction, source| {
        metrics.sum("transom_tokens_total", &[("direction", direction), ("source", source)])
    };
    let (input, output) = (PROMPT_TOKENS as f64, COMPLETION_TOKENS as f64);
    assert_eq!((counted("input", "upstream"), counted("output", "upstream")), (input, output));
    let hits = HITS as f64;
    let cached = (counted("input", "cache"), counted("output", "cache"));
    assert_eq!(cached, (hits * input, hits * output));
    assert_eq!(counted("input", "estimated") + counted("output", "estimated"), 0.0);
    assert_eq!(metrics.sum("transom_saved_tokens_total", &[]), hits * (input + output));
    assert!((metrics.sum("transom_cost_usd_total", &[]) - cost).abs() < 1e-9);
    assert!((metrics.sum("transom_saved_usd_total", &[]) - hits * cost).abs() < 1e-9);
    assert!(metrics.sum("transom_saved_seconds_total", &[]) > 0.0);
}

#[tokio::test]
async fn a_miss_is_passed_on_event_by_event_not_when_it_is_whole() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        for event in [role(), token("a"), token("b"), finish() + DONE] {
            gate.pass().await;
            call.write(chunk(event)).await?;
        }
        call.answer(LAST_CHUNK).await
    });
    let proxy = cached(&upstream, "true").start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], STREAM.as_bytes()).await;
    // The head is there before the first event, each event before the next one is sent.
    assert_eq!(client.head().await.header("x-cache"), Some("MISS"));
    for event in [role(), token("a"), token("b"), finish() + DONE] {
        gate.open();
        assert_eq!(client.body_bytes(event.len()).await, event.as_bytes());
    }
    assert_eq!(client.chunk().await.unwrap(), None);
}

#[tokio::test]
async fn exact_hits_need_nothing_beside_the_proxy() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").tables("[cache]\ndisk = 0").start().await;
    for body in [CHAT, STREAM] {
        assert_miss(&ask_again(&proxy, &[], body).await);
        assert_hit(&ask_again(&proxy, &[], body).await);
    }
    // A question that is merely alike is another one.
    assert_miss(&ask_again(&proxy, &[], &CHAT.replace("Hello?", "Hello!")).await);
}

#[tokio::test]
async fn equal_questions_at_once_ask_the_upstream_once() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, call| async move {
        gate.pass().await;
        serve_numbered(call).await
    });
    let proxy = cached(&upstream, "true").start().await;
    let asked = futures_util::future::join_all((0..50).map(|_| ask(&proxy, &[], CHAT)));
    let opened = async {
        in_flight(&proxy, 50).await;
        gate.open_wide();
    };
    let (answers, ()) = tokio::join!(asked, opened);
    for answer in &answers {
        assert_eq!((answer.status, answer.text()), (200, &*numbered(CHAT, 0)));
    }
    assert_eq!(upstream.count(), 1);
}
