//! What is written down of an exchange is what its caller saw.

use super::*;
use std::time::{Duration, UNIX_EPOCH};
use transom::capture::ChunkKind;
use transom::types::{Clock, Outcome, UsageSource};

/// A model that goes by a third name at its upstream.
const RENAMED: &str = "[[model]]\nname = \"m\"\naliases = [\"nick\"]\n\
     targets = [{ upstream = \"u\", model = \"sent-model\" }]\n";

/// That ids, names, tokens and tries are those of the answer and of its line in the log.
fn assert_told(exchange: &Exchange, response: &Response, line: &LogLine) {
    assert_eq!(exchange.request_id.as_deref(), response.header("x-request-id"));
    assert_eq!(exchange.trace_id.unwrap().to_string(), response.trace_id());
    assert_eq!(exchange.outcome.unwrap().label(), line.outcome());
    assert_eq!(exchange.attempts.len() as u64, line.count("attempts"));
    let answer = exchange.answer.as_ref().unwrap();
    assert_eq!((answer.status, answer.bytes), (response.status, Some(response.body.len() as u64)));
    for (name, value) in &answer.message.headers {
        assert_eq!(value.to_str().ok(), response.header(name.as_str()), "{name}");
    }
    assert_eq!(String::from_utf8_lossy(answered(exchange)), response.text());
}

#[tokio::test]
async fn a_plain_chat_is_written_down_as_it_was() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let proxy = capturing(&data, &upstream, "").models(RENAMED).start().await;
    let began = Clock::system().date().duration_since(UNIX_EPOCH).unwrap();
    let body = CHAT.replace("\"m\"", "\"nick\"");
    let response = ask(&proxy, &[("X-Session-Id", "talk-7")], &body).await;
    let line = proxy.only_line().await;
    stop(proxy).await;
    let exchange = only_exchange(&data);
    assert_told(&exchange, &response, &line);
    assert_eq!(whole(&exchange.request.body), body.as_bytes());
    assert_eq!(exchange.request.headers["content-type"], "application/json");
    let answer = exchange.answer.as_ref().unwrap();
    assert_eq!(answer.message.headers["content-type"], "application/json");
    assert_eq!((answer.complete, exchange.outcome), (Some(true), Some(Outcome::Success)));
    let call = &exchange.call;
    assert_eq!((call.path.as_str(), call.streamed), ("/v1/chat/completions", Some(false)));
    let names = [&call.model_asked, &call.model, &call.model_sent, &call.model_answered];
    let names = names.map(|name| name.as_deref().unwrap());
    assert_eq!(names, ["nick", "m", "sent-model", "served-model"]);
    let session = exchange.session.as_ref().unwrap();
    assert_eq!((session.id.as_str(), session.turn), ("talk-7", 0));
    let usage = exchange.usage.unwrap();
    assert_eq!((usage.input, usage.output), (PROMPT_TOKENS, COMPLETION_TOKENS));
    assert_eq!(usage.source, UsageSource::Upstream);
    let attempt = &exchange.attempts[0];
    let tried = (attempt.upstream.as_str(), attempt.endpoint.as_str(), attempt.status);
    assert_eq!(tried, ("u", upstream.authority().as_str(), Some(200)));
    let times = exchange.times;
    assert!(times.received >= began - Duration::from_millis(1), "{times:?} {began:?}");
    let order = [times.sent, times.headers, times.first_byte, times.last].map(Option::unwrap);
    assert!(order.is_sorted() && attempt.ended.unwrap() >= attempt.began, "{times:?}");
    assert_eq!((times.client_closed, exchange.error, exchange.cache), (None, None, None));
}

#[tokio::test]
async fn of_two_targets_at_one_upstream_the_one_that_was_asked_is_told() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let targets = ["one", "other"].map(|name| format!("{{ upstream = \"u\", model = {name:?} }}"));
    let models = format!("[[model]]\nname = \"m\"\ntargets = [{}]\n", targets.join(", "));
    let proxy = capturing(&data, &upstream, "").models(&models).start().await;
    for _ in 0..12 {
        assert_eq!(proxy.chat(CHAT).await.status, 200);
    }
    stop(proxy).await;
    let mut seen = std::collections::BTreeSet::new();
    for (exchange, request) in exchanges(&data).iter().zip(upstream.requests()) {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let told = exchange.call.model_sent.as_deref();
        assert_eq!(told, body["model"].as_str());
        assert_eq!(exchange.attempts[0].upstream, "u");
        seen.extend(told.map(str::to_owned));
    }
    assert_eq!(seen.len(), 2, "both had their share");
}

#[tokio::test]
async fn after_a_retry_the_model_is_that_of_the_target_that_answered() {
    let (data, dead, upstream) = (Home::new(), Refusing::new(), Upstream::start(serve_well));
    let targets = [("dead", "one"), ("u", "other")];
    let targets = targets.map(|(at, name)| format!("{{ upstream = {at:?}, model = {name:?} }}"));
    let models = format!("[[model]]\nname = \"m\"\ntargets = [{}]\n", targets.join(", "));
    let setup = capturing(&data, &upstream, "").upstream("dead", [dead.url()]);
    let proxy = setup.models(&models).start().await;
    for _ in 0..8 {
        assert_eq!(proxy.chat(CHAT).await.status, 200);
    }
    stop(proxy).await;
    let all = exchanges(&data);
    assert!(all.iter().all(|one| one.call.model_sent.as_deref() == Some("other")), "{all:#?}");
    let retried = all.iter().filter(|one| one.attempts.len() == 2).collect::<Vec<_>>();
    assert!(retried.iter().all(|one| one.attempts[0].upstream == "dead"), "{retried:#?}");
    assert!(!retried.is_empty(), "a dead target was never asked");
}

/// Writes each event when the gate lets it.
async fn serve_gated(gate: Gate, mut call: Call) -> std::io::Result<After> {
    let body = call.body().await?;
    call.write(STREAM_HEAD).await?;
    for event in events_for(&body) {
        gate.pass().await;
        call.write(chunk(event)).await?;
    }
    call.answer(LAST_CHUNK).await
}

#[tokio::test]
async fn a_stream_is_written_down_byte_for_byte_with_each_chunk() {
    let (data, gate) = (Home::new(), Gate::shut());
    let upstream = Upstream::sharing(&gate, serve_gated);
    let proxy = capturing(&data, &upstream, "").start().await;
    let mut client = proxy.client().await;
    let began = Instant::now();
    client.post("/v1/chat/completions", &[], STREAM.as_bytes()).await;
    let head = client.head().await;
    let events = events_for(STREAM.as_bytes());
    let (mut seen, mut came) = (Vec::new(), Vec::new());
    for event in &events {
        gate.open();
        seen.extend(client.body_bytes(event.len()).await);
        came.push(began.elapsed());
    }
    let mut response = client.rest("POST", vec![], head).await;
    assert!(response.whole && response.body.is_empty());
    response.body = seen;
    let line = proxy.only_line().await;
    stop(proxy).await;
    let exchange = only_exchange(&data);
    assert_told(&exchange, &response, &line);
    assert_eq!(exchange.call.streamed, Some(true));
    let answer = exchange.answer.as_ref().unwrap();
    assert_eq!(answer.complete, Some(true));
    let lengths: Vec<_> = answer.chunks.iter().map(|chunk| chunk.length as usize).collect();
    assert_eq!(lengths, events.iter().map(String::len).collect::<Vec<_>>());
    let (told, silent) = (ChunkKind::Generated, ChunkKind::Other);
    let kinds: Vec<_> = answer.chunks.iter().map(|chunk| chunk.kind).collect();
    assert_eq!(kinds, [silent, told, told, told, silent, silent, silent]);
    // A chunk came to the proxy before its client had it, and after the one before.
    let mut at = Duration::ZERO;
    for (index, chunk) in answer.chunks.iter().enumerate() {
        at += chunk.after;
        assert!(at <= came[index], "chunk {index}: {at:?} {came:?}");
        let first = (index == 1).then_some(at);
        assert!(first.is_none() || first == exchange.times.first_token, "{:?}", exchange.times);
    }
    assert!(exchange.times.last.unwrap() >= at);
    assert_eq!(exchange.usage.unwrap().output, COMPLETION_TOKENS);
}

#[tokio::test]
async fn gaps_between_chunks_are_as_long_as_they_were() {
    let (data, pause) = (Home::new(), Duration::from_millis(80));
    let upstream = Upstream::sharing(&pause, |pause, mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        for event in [role(), token("a"), token("b"), finish() + DONE] {
            call.write(chunk(event)).await?;
            call.delay(pause).await;
        }
        call.answer(LAST_CHUNK).await
    });
    let proxy = capturing(&data, &upstream, "").start().await;
    proxy.chat(STREAM).await;
    stop(proxy).await;
    let chunks = only_exchange(&data).answer.unwrap().chunks;
    assert_eq!(chunks.len(), 4);
    for chunk in &chunks[1..] {
        assert!(chunk.after >= pause / 2 && chunk.after < PATIENCE, "{chunks:?}");
    }
}

#[tokio::test]
async fn a_caller_without_usage_is_written_down_as_it_was_served() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let proxy = capturing(&data, &upstream, "").start().await;
    let body = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi"}]}"#;
    let response = proxy.chat(body).await;
    let line = proxy.only_line().await;
    stop(proxy).await;
    let exchange = only_exchange(&data);
    assert_told(&exchange, &response, &line);
    assert_eq!(whole(&exchange.request.body), body.as_bytes(), "as the client sent it");
    assert!(!response.text().contains("prompt_tokens"));
    assert_eq!(exchange.usage.unwrap().input, PROMPT_TOKENS);
}

#[tokio::test]
async fn a_failure_is_written_down_with_every_try() {
    let (data, dead) = (Home::new(), Refusing::new());
    let upstream = Upstream::start(|call| async move {
        call.answer(json_answer(503, r#"{"error":{"message":"busy"}}"#)).await
    });
    let both = [dead.url(), upstream.url()];
    let proxy = Setup::to(both)
        .server(&format!("data_dir = {:?}", data.path()))
        .tables("[capture]\nmodels = [\"m\"]")
        .start()
        .await;
    let response = proxy.chat(CHAT).await;
    let line = proxy.only_line().await;
    stop(proxy).await;
    let exchange = only_exchange(&data);
    assert_told(&exchange, &response, &line);
    assert_ne!(exchange.outcome, Some(Outcome::Success));
    assert_eq!(exchange.error.as_deref(), Some(line.error_type()));
    assert!(exchange.attempts.iter().all(|attempt| attempt.ended.is_some()), "{exchange:#?}");
    let last = exchange.attempts.last().unwrap();
    assert!(last.error.is_some() || last.status == Some(503), "{last:?}");
}

#[tokio::test]
async fn a_client_that_leaves_is_written_down_with_what_it_had() {
    let data = Home::new();
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk(role() + &token("half"))).await?;
        call.until_closed().await
    });
    let proxy = capturing(&data, &upstream, "").start().await;
    let sent = role() + &token("half");
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], STREAM.as_bytes()).await;
    client.head().await;
    assert_eq!(client.body_bytes(sent.len()).await, sent.as_bytes());
    drop(client);
    let line = proxy.only_line().await;
    assert_eq!(line.outcome(), "client_cancelled");
    stop(proxy).await;
    let exchange = only_exchange(&data);
    assert_eq!(exchange.outcome, Some(Outcome::ClientCancelled));
    assert_eq!(answered(&exchange), sent.as_bytes());
    let answer = exchange.answer.as_ref().unwrap();
    assert_eq!((answer.complete, answer.chunks.len()), (Some(false), 1));
    let times = exchange.times;
    assert!(times.client_closed.is_some() && times.client_closed == times.last, "{times:?}");
    assert!(times.client_closed > times.first_token && times.first_token.is_some(), "{times:?}");
}

#[tokio::test]
async fn an_answer_from_the_cache_says_so() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let models = model("m", "cache = true");
    let proxy = capturing(&data, &upstream, "").models(&models).start().await;
    let body = CHAT.replace("\"messages\"", "\"temperature\":0,\"messages\"");
    let first = proxy.chat(&body).await;
    proxy.settled(1).await;
    let second = proxy.chat(&body).await;
    assert_eq!(second.header("x-cache"), Some("HIT"));
    let lines = proxy.settled(2).await;
    assert_eq!(upstream.count(), 1);
    stop(proxy).await;
    let all = exchanges(&data);
    let cache: Vec<_> = all.iter().map(|exchange| exchange.cache.as_deref()).collect();
    assert_eq!(cache, [Some("miss"), Some("hit")]);
    assert_told(&all[0], &first, &lines[0]);
    assert_told(&all[1], &second, &lines[1]);
    assert!(all[1].attempts.is_empty());
    assert_eq!(all[1].answer.as_ref().unwrap().complete, Some(true));
}

/// The kinds of an exchange's chunks, and whether the first generated one is its first token.
fn kinds(exchange: &Exchange) -> Vec<ChunkKind> {
    let chunks = &exchange.answer.as_ref().unwrap().chunks;
    let mut at = Duration::ZERO;
    let mut first = None;
    for chunk in chunks {
        at += chunk.after;
        first = first.or((chunk.kind == ChunkKind::Generated).then_some(at));
    }
    assert_eq!(exchange.times.first_token, first, "{chunks:?}");
    chunks.iter().map(|chunk| chunk.kind).collect()
}

#[tokio::test]
async fn what_the_cache_or_another_exchange_answers_is_generated_output_too() {
    let (data, gate) = (Home::new(), Gate::shut());
    let upstream = Upstream::sharing(&gate, serve_gated);
    let models = model("m", "cache = { pace = \"recorded\" }");
    let proxy = capturing(&data, &upstream, "").models(&models).start().await;
    let body = STREAM.replace("\"stream\"", "\"temperature\":0,\"stream\"");
    let (mut leader, mut follower) = (proxy.client().await, proxy.client().await);
    leader.post("/v1/chat/completions", &[], body.as_bytes()).await;
    let head = leader.head().await;
    follower.post("/v1/chat/completions", &[], body.as_bytes()).await;
    let other = follower.head().await;
    for event in events_for(body.as_bytes()) {
        gate.open();
        leader.body_bytes(event.len()).await;
        follower.body_bytes(event.len()).await;
    }
    leader.rest("POST", vec![], head).await;
    follower.rest("POST", vec![], other).await;
    proxy.settled(2).await;
    assert_eq!(proxy.chat(&body).await.header("x-cache"), Some("HIT"));
    proxy.settled(3).await;
    stop(proxy).await;
    let all = exchanges(&data);
    let cache: Vec<_> = all.iter().map(|exchange| exchange.cache.as_deref().unwrap()).collect();
    assert_eq!((cache, upstream.count()), (vec!["miss", "collapsed", "hit"], 1));
    let led = kinds(&all[0]);
    assert_eq!(led.iter().filter(|kind| **kind == ChunkKind::Generated).count(), 3, "{led:?}");
    assert_eq!((kinds(&all[1]), kinds(&all[2])), (led.clone(), led));
}

#[tokio::test]
async fn whoever_has_a_key_is_known_by_its_alias() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let key = "sk-search-0123456789abcdef";
    let table = key_table("search", key) + "tenant = \"shop\"\n";
    let proxy = capturing(&data, &upstream, "").tables(&table).start().await;
    let response = ask(&proxy, &[("Authorization", &format!("Bearer {key}"))], CHAT).await;
    assert_eq!(response.status, 200);
    stop(proxy).await;
    let caller = only_exchange(&data).caller;
    let known = (caller.key.as_deref(), caller.tenant.as_deref());
    assert_eq!((known, caller.credential), ((Some("search"), Some("shop")), None));
    assert_nowhere(&data, &[key]);
}

#[tokio::test]
async fn callers_without_keys_of_ours_are_told_apart() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let proxy = capturing(&data, &upstream, "").start().await;
    for credential in ["Bearer one-credential", "Bearer other-credential", "Bearer one-credential"]
    {
        ask(&proxy, &[("Authorization", credential)], CHAT).await;
    }
    proxy.chat(CHAT).await;
    stop(proxy).await;
    let all = exchanges(&data);
    let shown: Vec<_> = all.iter().map(|one| one.caller.credential.as_deref().unwrap()).collect();
    assert!(shown[0] == shown[2] && shown[0] != shown[1] && shown[3].is_empty(), "{shown:?}");
    assert_nowhere(&data, &["one-credential", "other-credential"]);
}
