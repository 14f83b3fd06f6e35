//! Ordinary bodies, which must stay as they are.

use super::{redactor, with_rules};
use crate::capture::Content;
use crate::capture::redact::{Counts, Redactor};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::json;

/// Nothing changes and nothing is copied.
fn assert_untouched(redactor: &Redactor, body: &str) {
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    let mut counts = Counts::new();
    let content = redactor.content(Content::Whole(bytes.clone()), &HeaderMap::new(), &mut counts);
    let kept = content.kept().unwrap();
    let changed = String::from_utf8_lossy(kept);
    assert_eq!(changed, body);
    assert_eq!(kept.as_ptr(), bytes.as_ptr());
    assert!(counts.is_empty());
}

const PROSE: &str = "On 12 March 2024 at 10:45, about 1,250,000 people (some 3.5 % of 35 million) \
    watched. The task-oriented, risk-free bearer of good news said: \"Basic training lasts 12 weeks; \
    see chapters 4-5, pp. 120-134, ISBN 978-3-16-148410-0.\" Prices: $1,299.99, EUR 45.00. \
    Room 415, floor 3, extension 0132. Version 1.2.3-rc.1, build 20240312.104500. \
    Ratio 16:9, range 1990-2024, 10.0.0.1 and fe80::1ff:fe23:4567:890a. @everyone, meet @ 5pm!";

const CODE: &str = r#"
import os, re
from typing import Any
API_KEY = os.environ["OPENAI_API_KEY"]
client = OpenAI(api_key=API_KEY, base_url="https://api.example.com:8443/v1")
@app.route("/users/<int:id>")
def f(x: int = 1_000_000, token: str = "") -> dict[str, Any]:
    """Secret: none. `password` is read from the environment."""
    total_tokens = 12345; max_tokens=4096; mask = 0xDEADBEEF; seed = 1716239022
    return {"sha": "da39a3ee5e6b4b0d3255bfef95601890afd80709", "id": 4155550132}
git clone git@github.com:org/repo.git && npm i @types/node left-pad@1.3.0
let access_key = process.env.AWS_ACCESS_KEY_ID ?? getSecret("prod/db");
export AUTH_TOKEN=$(cat /run/secrets/token) && curl -H "Authorization: Bearer $AUTH_TOKEN"
SELECT * FROM t WHERE created > '2024-01-15 10:20:30.123456+00' LIMIT 100 OFFSET 2000;
-----BEGIN CERTIFICATE-----
MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ
-----END CERTIFICATE-----
![icon](img/icon@2x.png) <div class="sk-circle sk-fading"></div> \d{3}-\d{4} [0-9]{16}
C:\Users\name\new.txt \u00e9 %d%% 100%25 %s
"#;

const IDS: &str = "550e8400-e29b-41d4-a716-446655440000 chatcmpl-9xYz0123456789abcdefghijklm \
    msg_01XFDUDYJgAACzvnptvVoYEL toolu_01A09q90qw90lq917835lq9 call_abc123DEF456ghi789JKL012 \
    resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b req_0123456789abcdef0123456789abcdef \
    d41d8cd98f00b204e9800998ecf8427e \
    e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 01ARZ3NDEKTSV4RRFFQ69G5FAV \
    arn:aws:iam::123456789012:role/name sha256:9f86d081884c7d659a2feaa0c55ad015 \
    1716239022 1716239022123 1716239022123456789 175928847299117063 0.0032175 -0.4532015112830366 \
    fp_44709d6fcb v1.30.2+k3s1 W/\"67ab43\" 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn prose_code_ids_and_numbers_are_left_alone() {
    let redactor = redactor();
    let with_own = with_rules(&[("never", "zzzzzzz"), ("nowhere", "/nowhere/*")]);
    for text in [PROSE, CODE, IDS] {
        let request = json!({
            "model": "gpt-4o", "max_tokens": 4096, "temperature": 0.7, "stream": true,
            "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": text}],
            "tools": [{"type": "function", "function": {"name": "get_token", "parameters":
                {"type": "object", "properties": {"api_key": {"type": "string"}}}}}],
            "arguments": json!({"code": text, "list": [1, 2, 3]}).to_string(),
            "prompt_cache_key": "conversation-0123456789abcdef",
        });
        for body in [text.to_owned(), request.to_string(), format!("{request:#}")] {
            assert_untouched(&redactor, &body);
            assert_untouched(&with_own, &body);
        }
    }
}

#[test]
fn images_and_embeddings_are_left_alone() {
    let redactor = redactor();
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..8 {
        let bytes: Vec<u8> = (0..30_000).map(|_| random.u8(..)).collect();
        let image = BASE64_STANDARD.encode(&bytes);
        let url = format!("data:image/png;base64,{image}");
        let floats: Vec<f64> = (0..1536).map(|_| random.f64() * 2.0 - 1.0).collect();
        let hex: String = bytes.iter().take(3000).map(|byte| format!("{byte:02x}")).collect();
        let body = json!({
            "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}],
            "source": {"type": "base64", "data": image}, "embedding": floats, "hex": hex,
            "text": format!("see ![x]({url}) here"),
        });
        assert_untouched(&redactor, &body.to_string());
    }
}

#[test]
fn counts_times_and_ids_drawn_at_random_are_left_alone() {
    let redactor = redactor();
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..100 {
        let rows: Vec<_> = (0..20)
            .map(|_| {
                let time = random.u64(1_600_000_000_000_000_000..1_900_000_000_000_000_000);
                json!({
                    "created": time / 1_000_000_000, "ms": time / 1_000_000, "ns": time,
                    "usage": {"prompt_tokens": random.u32(..2_000_000), "logprob": -random.f64()},
                    "id": format!("{:032x}", random.u128(..)),
                    "uuid": format!("{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}", random.u32(..),
                        random.u16(..), random.u16(..0xfff), random.u16(..0xfff), random.u64(..1 << 48)),
                    "date": format!("20{:02}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}+00:00", random.u8(10..30),
                        random.u8(1..13), random.u8(1..29), random.u8(..24), random.u8(..60),
                        random.u8(..60), random.u32(..1_000_000)),
                })
            })
            .collect();
        assert_untouched(&redactor, &json!(rows).to_string());
    }
}

#[test]
fn a_stream_is_left_alone() {
    let words = PROSE.split_inclusive(' ').map(|word| {
        let event = json!({"id": "chatcmpl-9xYz0123456789abc", "object": "chat.completion.chunk",
            "created": 1716239022, "model": "m", "choices": [{"index": 0, "delta": {"content": word},
            "logprobs": {"content": [{"token": word, "logprob": -0.25}]}, "finish_reason": null}]});
        format!("data: {event}\n\n")
    });
    let stream: String = words.chain([": ping\n\ndata: [DONE]\n\n".to_owned()]).collect();
    assert_untouched(&redactor(), &stream);
    assert_untouched(&redactor(), &stream.replace('\n', "\r\n"));
}
