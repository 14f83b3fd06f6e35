//! `transom traffic`: gentle sample traffic, from a few callers with habits of their own.
//!
//! Must not know: simulated models or the proxy; it speaks HTTP to an address.

use crate::cli::{Failure, remote, runtime, say};
use crate::edge::PingoraTransport;
use crate::types::Random;
use crate::upstream::{Exchange, Reuse, Transport, TransportFault, Upstream};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue};
use http::request::Parts;
use serde_json::json;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The proxy
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7080")]
    to: String,
    /// The models to ask; those with "embed" in their name are asked for embeddings
    #[arg(long, value_delimiter = ',', required = true)]
    models: Vec<String>,
}

/// What one caller sends, and how long it thinks in between.
struct Habit {
    path: &'static str,
    body: Bytes,
    pause: Duration,
}

const CHAT: &str = "/v1/chat/completions";
const EMBEDDINGS: &str = "/v1/embeddings";
const QUESTIONS: [&str; 4] = [
    "Explain the tides to a sailor.",
    "Name three harbours.",
    "Will it hold?",
    "What is a transom?",
];

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let proxy = remote::server(&arguments.to)?;
    let models: Vec<&str> = arguments.models.iter().map(String::as_str).collect();
    runtime::run(1, async |stop| {
        say(&mut io::stderr(), &format!("asking {} for {}", arguments.to, models.join(", ")));
        keep_flowing(proxy, &models, stop).await;
        Ok(())
    })
}

/// Sends until `stop`. A refused or failed request is part of it.
pub(super) async fn keep_flowing(proxy: Arc<Upstream>, models: &[&str], stop: CancellationToken) {
    let transport = PingoraTransport::new(std::slice::from_ref(&proxy));
    let random = Random::from_system();
    let habits: Vec<Habit> =
        models.iter().enumerate().flat_map(|(index, model)| habits(model, index)).collect();
    let callers = habits.iter().map(|habit| async {
        let pause = u64::try_from(habit.pause.as_millis()).unwrap_or(u64::MAX);
        loop {
            sleep(Duration::from_millis(pause / 2 + random.below(pause))).await;
            if let Err(fault) = send(&transport, &proxy, habit).await {
                tracing::debug!(%fault, path = habit.path, "a sample request failed");
            }
        }
    });
    let all = futures_util::future::join_all(callers);
    tokio::select! {
        () = stop.cancelled() => {}
        _ = all => {}
    }
}

/// One caller streams, one waits for the whole, one asks for what does not change, one embeds.
fn habits(model: &str, index: usize) -> Vec<Habit> {
    let question = QUESTIONS[index % QUESTIONS.len()];
    let messages = json!([{ "role": "user", "content": question }]);
    let habit = |path, body: serde_json::Value, pause| Habit {
        path,
        body: body.to_string().into(),
        pause: Duration::from_millis(pause),
    };
    if model.contains("embed") {
        return vec![habit(EMBEDDINGS, json!({ "model": model, "input": question }), 400)];
    }
    let stream = json!({ "model": model, "stream": true, "messages": messages });
    let whole = json!({ "model": model, "messages": messages });
    let settled = json!({ "model": model, "temperature": 0, "messages": messages });
    vec![habit(CHAT, stream, 500), habit(CHAT, whole, 1500), habit(CHAT, settled, 2000)]
}

async fn send(
    transport: &PingoraTransport,
    proxy: &Upstream,
    habit: &Habit,
) -> Result<(), TransportFault> {
    let [endpoint, ..] = proxy.endpoints.as_slice() else { return Ok(()) };
    let Some(head) = head(habit, &endpoint.authority) else { return Ok(()) };
    let mut exchange = transport.open(endpoint, Reuse::Pooled).await?.exchange;
    exchange.send_head(head).await?;
    exchange.send_body(habit.body.clone()).await?;
    exchange.end_body().await?;
    exchange.read_head().await?;
    while exchange.read_chunk().await?.is_some() {}
    exchange.release().await;
    Ok(())
}

fn head(habit: &Habit, authority: &str) -> Option<Parts> {
    let mut head = http::Request::post(habit.path).body(()).ok()?.into_parts().0;
    head.headers.insert(HOST, HeaderValue::try_from(authority).ok()?);
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(habit.body.len()));
    Some(head)
}
