//! Gentle sample traffic for the demo: a few callers, each with its own habit.
//!
//! Must not know: simulated models or the proxy; it speaks HTTP to an address.

use crate::edge::PingoraTransport;
use crate::types::Random;
use crate::upstream::{
    Balance, EndpointSettings, Exchange, Origin, Protocol, Reuse, Scheme, StreamUsage, Timeouts,
    Transport, TransportFault, Upstream, UpstreamSettings,
};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue};
use http::request::Parts;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// What one caller sends, and how long it thinks in between, in milliseconds.
struct Habit {
    path: &'static str,
    body: &'static str,
    pause: u64,
}

const HABITS: [Habit; 5] = [
    Habit {
        path: "/v1/chat/completions",
        body: r#"{"model":"chat-large","stream":true,"messages":[{"role":"user","content":"Explain the tides to a sailor."}]}"#,
        pause: 800,
    },
    Habit {
        path: "/v1/chat/completions",
        body: r#"{"model":"chat-small","stream":true,"messages":[{"role":"user","content":"Name three harbours."}]}"#,
        pause: 600,
    },
    Habit {
        path: "/v1/chat/completions",
        body: r#"{"model":"chat-small","messages":[{"role":"user","content":"What is a transom?"}]}"#,
        pause: 1200,
    },
    Habit {
        path: "/v1/chat/completions",
        body: r#"{"model":"chat-shaky","stream":true,"messages":[{"role":"user","content":"Will it hold?"}]}"#,
        pause: 400,
    },
    Habit {
        path: "/v1/embeddings",
        body: r#"{"model":"embed-small","input":"a light above the door"}"#,
        pause: 400,
    },
];

/// Sends until `stop`. A refused or failed request is part of the demo.
pub(super) async fn keep_flowing(proxy: Vec<SocketAddr>, stop: CancellationToken) {
    let Some(address) = proxy.first() else { return };
    let upstream = Upstream::new(0, settings(*address));
    let transport = PingoraTransport::new(std::slice::from_ref(&upstream));
    let random = Random::from_system();
    let callers = HABITS.iter().map(|habit| async {
        loop {
            let pause = habit.pause / 2 + random.below(habit.pause);
            sleep(Duration::from_millis(pause)).await;
            if let Err(fault) = send(&transport, &upstream, habit).await {
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

async fn send(
    transport: &PingoraTransport,
    upstream: &Upstream,
    habit: &Habit,
) -> Result<(), TransportFault> {
    let [endpoint, ..] = upstream.endpoints.as_slice() else { return Ok(()) };
    let Some(head) = head(habit, endpoint.authority.clone()) else { return Ok(()) };
    let mut exchange = transport.open(endpoint, Reuse::Pooled).await?.exchange;
    exchange.send_head(head).await?;
    exchange.send_body(Bytes::from_static(habit.body.as_bytes())).await?;
    exchange.end_body().await?;
    exchange.read_head().await?;
    while exchange.read_chunk().await?.is_some() {}
    exchange.release().await;
    Ok(())
}

fn head(habit: &Habit, authority: Arc<str>) -> Option<Parts> {
    let mut head = http::Request::post(habit.path).body(()).ok()?.into_parts().0;
    head.headers.insert(HOST, HeaderValue::try_from(&*authority).ok()?);
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(habit.body.len()));
    Some(head)
}

fn settings(address: SocketAddr) -> UpstreamSettings {
    let origin =
        Origin { scheme: Scheme::Http, host: address.ip().to_string(), port: address.port() };
    UpstreamSettings {
        name: "proxy".into(),
        protocol: Protocol::OpenAi,
        endpoints: vec![EndpointSettings { origin, prefix: String::new(), weight: 1 }],
        balance: Balance::default(),
        api_key: None,
        timeouts: Timeouts::default(),
        stream_usage: StreamUsage::AsSent,
    }
}
