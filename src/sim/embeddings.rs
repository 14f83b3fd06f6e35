//! Made-up embeddings: the same text, model and seed always give the same unit vector.
//!
//! Must not know: timing, faults, sockets.

use super::request::{EmbeddingAsk, Encoding};
use super::text::{digest, mix};
use bytes::Bytes;
use serde::Serialize;

/// The JSON answer of `POST /v1/embeddings`.
pub(super) fn answer(ask: &EmbeddingAsk, seed: u64) -> Bytes {
    let model_key = digest(seed, ask.model.as_bytes());
    let data = ask.inputs.iter().enumerate().map(|(index, input)| {
        let vector = unit_vector(mix(model_key, input.key), ask.dimensions);
        Embedding { object: "embedding", index, embedding: Vector::new(vector, ask.encoding) }
    });
    let tokens = ask.prompt_tokens();
    let answer = Answer {
        object: "list",
        data: data.collect(),
        model: &ask.model,
        usage: Usage { prompt_tokens: tokens, total_tokens: tokens },
    };
    // Strings and finite numbers always serialise.
    Bytes::from(serde_json::to_vec(&answer).unwrap_or_default())
}

#[derive(Serialize)]
struct Answer<'a> {
    object: &'static str,
    data: Vec<Embedding>,
    model: &'a str,
    usage: Usage,
}

#[derive(Serialize)]
struct Embedding {
    object: &'static str,
    index: usize,
    embedding: Vector,
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: u64,
    total_tokens: u64,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Vector {
    Numbers(Vec<f32>),
    Base64(String),
}

impl Vector {
    fn new(vector: Vec<f32>, encoding: Encoding) -> Self {
        match encoding {
            Encoding::Float => Self::Numbers(vector),
            Encoding::Base64 => Self::Base64(base64(&little_endian(&vector))),
        }
    }
}

impl EmbeddingAsk {
    /// Tokens of all inputs.
    pub(super) fn prompt_tokens(&self) -> u64 {
        self.inputs.iter().map(|input| input.tokens).sum()
    }
}

fn unit_vector(key: u64, dimensions: usize) -> Vec<f32> {
    let mut rng = fastrand::Rng::with_seed(key);
    // Never 0, so that there always is a direction.
    let mut draw = || (rng.f32() + f32::EPSILON) * if rng.bool() { 1.0 } else { -1.0 };
    let mut vector: Vec<f32> = (0..dimensions).map(|_| draw()).collect();
    let norm = vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt() as f32;
    vector.iter_mut().for_each(|x| *x /= norm);
    vector
}

fn little_endian(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// Base64 with padding, RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let octet = |place: usize| u32::from(group.get(place).copied().unwrap_or(0));
        let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_agrees_with_the_vectors_of_rfc_4648() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (bytes, text) in vectors {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xff, 0xfe, 0xfd]), "//79");
    }

    #[test]
    fn a_vector_has_unit_length_and_its_own_direction() {
        for dimensions in [1, 2, 384, 4096] {
            let norm: f32 = unit_vector(7, dimensions).iter().map(|x| x * x).sum();
            assert!((norm - 1.0).abs() < 1e-4, "{norm}");
        }
        let dot: f32 =
            unit_vector(7, 384).iter().zip(unit_vector(8, 384)).map(|(a, b)| a * b).sum();
        assert!(dot.abs() < 0.3, "{dot}");
    }
}
