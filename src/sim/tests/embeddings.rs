//! Embeddings: shapes, encodings, counts.

use super::client::{TestServer, quick};
use super::with;
use serde_json::{Value, json};

const EMBEDDINGS: &str = "/v1/embeddings";

fn ask(input: Value) -> Value {
    json!({ "model": "sim-small", "input": input })
}

fn floats(answer: &Value) -> Vec<f32> {
    let list = answer["data"][0]["embedding"].as_array().unwrap();
    list.iter().map(|x| x.as_f64().unwrap() as f32).collect()
}

#[tokio::test]
async fn every_input_gets_a_unit_vector_in_order() {
    let server = TestServer::start(quick()).await;
    let answer = server.post(EMBEDDINGS, &ask(json!(["two words", "one"]))).await.json();
    assert_eq!((&answer["object"], &answer["model"]), (&json!("list"), &json!("sim-small")));
    assert_eq!(answer["usage"], json!({ "prompt_tokens": 3, "total_tokens": 3 }));
    assert_eq!(answer["data"].as_array().unwrap().len(), 2);
    assert_eq!(answer["data"][1]["index"], 1);
    let vector = floats(&answer);
    assert_eq!(vector.len(), 384);
    let norm: f32 = vector.iter().map(|x| x * x).sum();
    assert!((norm - 1.0).abs() < 1e-4, "{norm}");

    let alone = server.post(EMBEDDINGS, &ask(json!("two words"))).await.json();
    assert_eq!(floats(&alone), vector);
}

#[tokio::test]
async fn base64_holds_the_same_numbers_in_little_endian() {
    let server = TestServer::start(quick()).await;
    let ask = with(ask(json!("text")), "dimensions", 3);
    let vector = floats(&server.post(EMBEDDINGS, &ask).await.json());
    assert_eq!(vector.len(), 3);
    let encoded = server.post(EMBEDDINGS, &with(ask, "encoding_format", "base64")).await.json();
    let decoded = unbase64(encoded["data"][0]["embedding"].as_str().unwrap());
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!(decoded, bytes);
}

#[tokio::test]
async fn token_lists_are_inputs_too() {
    let server = TestServer::start(quick()).await;
    for (input, vectors, tokens) in [(json!([1, 2, 3]), 1, 3), (json!([[1, 2], [3]]), 2, 3)] {
        let answer = server.post(EMBEDDINGS, &ask(input)).await.json();
        assert_eq!(answer["data"].as_array().unwrap().len(), vectors);
        assert_eq!(answer["usage"]["prompt_tokens"], tokens);
    }
}

#[tokio::test]
async fn senseless_requests_are_refused_with_the_field() {
    let server = TestServer::start(quick()).await;
    for (bad, param) in [
        (ask(json!([])), "input"),
        (ask(json!({ "text": "x" })), "input"),
        (ask(json!(["x", 1])), "input"),
        (ask(json!(vec!["x"; 2049])), "input"),
        (with(ask(json!(vec!["x"; 2048])), "dimensions", 4096), "input"),
        (with(ask(json!("x")), "dimensions", 0), "dimensions"),
        (with(ask(json!("x")), "dimensions", 4097), "dimensions"),
        (json!({ "model": "sim-small" }), "input"),
    ] {
        let reply = server.post(EMBEDDINGS, &bad).await;
        assert_eq!((reply.status, &reply.json()["error"]["param"]), (400, &json!(param)));
    }
}

fn unbase64(text: &str) -> Vec<u8> {
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = text
        .trim_end_matches('=')
        .chars()
        .map(|c| digits.find(c).unwrap() as u8)
        .flat_map(|digit| (0..6).rev().map(move |bit| digit >> bit & 1))
        .collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |n, bit| n << 1 | bit)).collect()
}
