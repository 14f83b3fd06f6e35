//! Everything is read back, and nothing that is not a record hurts.

use super::*;
use crate::capture::segment::made::{Made, numbered};
use serde_json::{Value, json};

fn codec() -> (Encoder, Decoder) {
    (Encoder::new().unwrap(), Decoder::new().unwrap())
}

/// A record of these parts.
fn packed(head: &Value, rest: &[u8]) -> Vec<u8> {
    let head = head.to_string();
    let mut plain = (head.len() as u32).to_le_bytes().to_vec();
    plain.extend_from_slice(head.as_bytes());
    plain.extend_from_slice(rest);
    zstd::bulk::compress(&plain, 1).unwrap()
}

#[test]
fn every_exchange_is_read_back_as_it_was() {
    let (mut encoder, mut decoder) = codec();
    for seed in 0..600 {
        let exchange = Made::seeded(seed).exchange();
        let record = encoder.encode(&exchange).unwrap();
        assert_eq!(decoder.decode(&record).unwrap(), exchange, "seed {seed}");
        assert_eq!(decoder.entry(&record).unwrap(), IndexEntry::of(&exchange), "seed {seed}");
    }
}

#[test]
fn a_record_that_is_cut_or_damaged_is_refused_or_read_but_never_hurts() {
    let (mut encoder, mut decoder) = codec();
    for seed in 0..12 {
        let made = Made::seeded(seed);
        let record = encoder.encode(&made.exchange()).unwrap();
        for length in 0..record.len() {
            assert!(decoder.decode(&record[..length]).is_err(), "seed {seed}, {length}");
        }
        for _ in 0..200 {
            let mut damaged = record.clone();
            let at = made.below(damaged.len() as u64) as usize;
            damaged[at] ^= 1 << made.below(8);
            decoder.decode(&damaged).ok();
            decoder.entry(&damaged).ok();
        }
    }
}

#[test]
fn damage_behind_the_compression_never_hurts_either() {
    let (mut encoder, mut decoder) = codec();
    for seed in 0..20 {
        let made = Made::seeded(seed);
        let record = encoder.encode(&made.exchange()).unwrap();
        let plain = zstd::bulk::decompress(&record, MAX_RECORD).unwrap();
        for _ in 0..100 {
            let mut damaged = plain.clone();
            let at = made.below(damaged.len() as u64) as usize;
            damaged[at] = made.below(256) as u8;
            damaged.truncate(damaged.len() - made.below(3) as usize);
            let damaged = zstd::bulk::compress(&damaged, 1).unwrap();
            decoder.decode(&damaged).ok();
            decoder.entry(&damaged).ok();
        }
    }
}

#[test]
fn what_a_newer_program_adds_is_passed_over() {
    let head = json!({
        "times": {"received": 7, "of_next_year": 1}, "mood": {"good": true},
        "call": {"dialect": "of next year"}, "outcome": "of next year",
        "usage": {"input": 1, "output": 2, "source": "of next year"},
        "request": {"body": {"kept": 2}},
    });
    let exchange = codec().1.decode(&packed(&head, b"{}and a part of next year")).unwrap();
    assert_eq!(exchange.times.received.as_micros(), 7);
    assert_eq!(exchange.request.body, Content::Whole("{}".into()));
    assert_eq!((exchange.call.dialect, exchange.outcome, exchange.usage), (None, None, None));
    assert_eq!(exchange.call.method, http::Method::POST);
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    let mut decoder = codec().1;
    let body = |kept: u64| json!({"times": {"received": 0}, "request": {"body": {"kept": kept}}});
    assert!(matches!(decoder.decode(&packed(&body(3), b"{}")), Err(DecodeError::Parts)));
    assert!(matches!(decoder.decode(&packed(&body(u64::MAX), b"{}")), Err(DecodeError::Parts)));
    let answer = |chunks: u64| json!({"times": {"received": 0}, "answer": {"status": 200, "chunks": chunks}});
    assert!(matches!(decoder.decode(&packed(&answer(9), &[0; 3])), Err(DecodeError::Parts)));
    assert!(decoder.decode(&packed(&answer(3), &[0; 3])).is_ok());
    let long = vec![b' '; MAX_HEAD + 5];
    let mut plain = ((MAX_HEAD + 1) as u32).to_le_bytes().to_vec();
    plain.extend_from_slice(&long);
    let long = zstd::bulk::compress(&plain, 1).unwrap();
    assert!(matches!(decoder.decode(&long), Err(DecodeError::Parts)));
    assert!(matches!(decoder.entry(&long), Err(DecodeError::Parts)));
}

#[test]
fn a_small_record_that_unpacks_into_a_huge_one_is_refused() {
    let bomb = zstd::bulk::compress(&vec![0; MAX_RECORD + 1], 1).unwrap();
    assert!(bomb.len() < 10_000);
    assert!(matches!(codec().1.decode(&bomb), Err(DecodeError::Unpack)));
}

#[test]
fn what_would_not_be_read_back_is_not_encoded() {
    let mut encoder = codec().0;
    let mut exchange = numbered(1, 0);
    exchange.request.body = Content::Whole(vec![b' '; MAX_RECORD - 1].into());
    assert!(matches!(encoder.encode(&exchange), Err(EncodeError::TooLarge)), "with its head");
    exchange.request.body = Content::Unknown;
    exchange.error = Some(" ".repeat(MAX_HEAD));
    assert!(matches!(encoder.encode(&exchange), Err(EncodeError::TooLarge)));
}

#[test]
fn a_list_does_not_unpack_bodies() {
    let (mut encoder, mut decoder) = codec();
    let exchange = numbered(5, 1 << 20);
    let record = encoder.encode(&exchange).unwrap();
    // All but the first blocks is missing, and not missed.
    let beginning = &record[..record.len() / 2];
    for _ in 0..3 {
        assert_eq!(decoder.entry(beginning).unwrap(), IndexEntry::of(&exchange));
    }
    assert!(decoder.decode(beginning).is_err());
}
