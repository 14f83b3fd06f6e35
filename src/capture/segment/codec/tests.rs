//! Everything is read back, and nothing that is not a block hurts.

use super::*;
use crate::capture::segment::made::{Made, numbered};
use crate::capture::{AttemptNote, IndexEntry};
use crate::types::Micros;
use wire::push;

fn decoder() -> Decoder {
    Decoder::new().unwrap()
}

/// The block of these exchanges.
fn packed(exchanges: &[Exchange]) -> Vec<u8> {
    let mut gathering = Gathering::default();
    exchanges.iter().for_each(|exchange| gathering.add(Record::of(exchange).unwrap().raw()));
    pack(&gathering)
}

fn pack(gathering: &Gathering) -> Vec<u8> {
    Packer::new().unwrap().pack(gathering).unwrap()
}

/// A block of one record of these parts.
fn made_of(head: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut gathering = Gathering::default();
    gathering.add(RawRecord { head, rest });
    pack(&gathering)
}

/// A head that says that so many bytes of the request were kept.
fn keeping(kept: u64) -> Vec<u8> {
    let mut message = vec![2 << 3];
    push(&mut message, kept);
    let mut head = vec![7 << 3 | 2];
    push(&mut head, message.len() as u64);
    [head, message].concat()
}

/// A head that says that the answer's chunks are so many bytes.
fn with_chunks(bytes: u8) -> Vec<u8> {
    vec![8 << 3 | 2, 2, 3 << 3, bytes]
}

fn read(decoder: &mut Decoder, block: &[u8]) -> Result<Exchange, DecodeError> {
    decoder.block(block)?.exchange(0)
}

#[test]
fn every_exchange_is_read_back_as_it_was() {
    let mut decoder = decoder();
    for seeds in [0..1, 1..200, 200..600] {
        let exchanges: Vec<_> = seeds.map(|seed| Made::seeded(seed).exchange()).collect();
        let packed = packed(&exchanges);
        let (block, heads) = (decoder.block(&packed).unwrap(), decoder.heads(&packed).unwrap());
        assert_eq!((block.records(), heads.records()), (exchanges.len(), exchanges.len()));
        for (ordinal, exchange) in exchanges.iter().enumerate() {
            assert_eq!(block.exchange(ordinal).unwrap(), *exchange, "{ordinal}");
            assert_eq!(block.entry(ordinal).unwrap(), IndexEntry::of(exchange), "{ordinal}");
            assert_eq!(heads.entry(ordinal).unwrap(), IndexEntry::of(exchange), "{ordinal}");
        }
        assert!(block.exchange(exchanges.len()).is_err() && heads.entry(exchanges.len()).is_err());
    }
}

#[test]
fn a_record_is_the_same_in_whichever_block_it_stands() {
    let mut decoder = decoder();
    let exchanges: Vec<_> = (0..9).map(|seed| Made::seeded(seed).exchange()).collect();
    let block = decoder.block(&packed(&exchanges)).unwrap();
    let mut gathering = Gathering::default();
    (0..9).step_by(2).for_each(|ordinal| gathering.add(block.raw(ordinal).unwrap()));
    let fewer = decoder.block(&pack(&gathering)).unwrap();
    let left: Vec<_> =
        (0..fewer.records()).map(|ordinal| fewer.exchange(ordinal).unwrap()).collect();
    assert_eq!(left, exchanges.into_iter().step_by(2).collect::<Vec<_>>());
}

#[test]
fn a_block_that_is_cut_or_damaged_is_refused_or_read_but_never_hurts() {
    let mut decoder = decoder();
    for seed in 0..12 {
        let made = Made::seeded(seed);
        let packed = packed(&[made.exchange(), made.exchange()]);
        for length in 0..packed.len() {
            assert!(decoder.block(&packed[..length]).is_err(), "seed {seed}, {length}");
        }
        for _ in 0..200 {
            let mut damaged = packed.clone();
            let at = made.below(damaged.len() as u64) as usize;
            damaged[at] ^= 1 << made.below(8);
            read_all(&mut decoder, &damaged);
        }
    }
}

#[test]
fn damage_behind_the_compression_never_hurts_either() {
    let mut decoder = decoder();
    for seed in 0..20 {
        let made = Made::seeded(seed);
        let packed = packed(&[made.exchange(), made.exchange()]);
        let plain = zstd::bulk::decompress(&packed, MAX_BLOCK).unwrap();
        for round in 0..100 {
            let mut damaged = plain.clone();
            // The lengths have their turn more often than by chance.
            let within = if round % 2 == 0 { 24 } else { damaged.len() as u64 };
            let at = made.below(within) as usize;
            damaged[at] = made.below(256) as u8;
            damaged.truncate(damaged.len() - made.below(3) as usize);
            read_all(&mut decoder, &zstd::bulk::compress(&damaged, 1).unwrap());
        }
    }
}

fn read_all(decoder: &mut Decoder, packed: &[u8]) {
    for block in [decoder.block(packed), decoder.heads(packed)].into_iter().flatten() {
        for ordinal in 0..block.records() {
            block.entry(ordinal).ok();
            block.exchange(ordinal).ok();
        }
    }
}

#[test]
fn what_a_newer_program_adds_is_passed_over() {
    let mut decoder = decoder();
    let received = [1 << 3 | 2, 4, 1 << 3, 7, 9 << 3, 1];
    let mood = [100_u8 << 3 | 2 | 0x80, 6, 1, 0xff];
    let outcome = [&[12 << 3 | 2, 12][..], b"of next year"].concat();
    let dialect = [&[6 << 3 | 2, 14, 3 << 3 | 2, 12][..], b"of next year"].concat();
    let usage = [&[10 << 3 | 2, 14, 3 << 3 | 2, 12][..], b"of next year"].concat();
    let head = [&received[..], &mood, &outcome, &dialect, &usage, &keeping(2)].concat();
    let exchange = read(&mut decoder, &made_of(&head, b"{}and a part of next year")).unwrap();
    assert_eq!(Micros::from(exchange.times.received).0, 7);
    assert_eq!(exchange.request.body, Content::Whole("{}".into()));
    assert_eq!((exchange.call.dialect, exchange.outcome, exchange.usage), (None, None, None));
    assert_eq!(exchange.call.method, http::Method::POST);
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    let mut decoder = decoder();
    let mut read = |head: &[u8], rest: &[u8]| read(&mut decoder, &made_of(head, rest));
    assert!(matches!(read(&keeping(3), b"{}"), Err(DecodeError::Parts)));
    assert!(matches!(read(&keeping(u64::MAX), b"{}"), Err(DecodeError::Parts)));
    assert!(matches!(read(&with_chunks(9), &[0; 3]), Err(DecodeError::Parts)));
    assert!(read(&with_chunks(3), &[0; 3]).is_ok());
    assert!(matches!(read(&[9 << 3 | 2, 0].repeat(1025), b""), Err(DecodeError::Head)));
    assert!(matches!(read(&vec![0; MAX_HEAD + 1], b""), Err(DecodeError::Parts)));
}

#[test]
fn blocks_whose_lengths_do_not_fit_are_refused() {
    let mut decoder = decoder();
    let counts = [(1, 0), (1, 8), (0, 9), (MAX_RECORDS + 1, 0), (1, u32::MAX as usize)];
    for (records, heads) in counts {
        let plain = [&lengths(records, heads)[..], &lengths(1, 0)].concat();
        let packed = zstd::bulk::compress(&plain, 1).unwrap();
        assert!(decoder.block(&packed).is_err(), "{records} {heads}");
        assert!(decoder.heads(&packed).is_err(), "{records} {heads}");
    }
    let many = lengths(0, 0).repeat(MAX_RECORDS + 1);
    let plain = [&lengths(MAX_RECORDS + 1, many.len())[..], &many].concat();
    let packed = zstd::bulk::compress(&plain, 1).unwrap();
    assert!(matches!(decoder.block(&packed), Err(DecodeError::Parts)));
}

#[test]
fn a_small_block_that_unpacks_into_a_huge_one_is_refused() {
    let mut decoder = decoder();
    let bomb = zstd::bulk::compress(&vec![0; MAX_BLOCK + 1], 1).unwrap();
    assert!(bomb.len() < 10_000);
    assert!(matches!(decoder.block(&bomb), Err(DecodeError::Unpack)));
}

#[test]
fn what_would_not_be_read_back_is_not_written() {
    let mut exchange = numbered(3, 0);
    exchange.request.body = Content::Whole(vec![b' '; MAX_RECORD - 1].into());
    assert!(matches!(Record::of(&exchange), Err(EncodeError::TooLarge)), "with its head");
    exchange.request.body = Content::Unknown;
    exchange.error = Some(" ".repeat(MAX_HEAD));
    assert!(matches!(Record::of(&exchange), Err(EncodeError::TooLarge)));
}

#[test]
fn the_largest_record_is_read_back_from_the_largest_block() {
    let mut gathering = Gathering::default();
    gathering.add(Record::of(&numbered(1, FULL - 200)).unwrap().raw());
    assert!(!gathering.is_full());
    let mut exchange = numbered(3, 0);
    exchange.request.body = Content::Whole(vec![b' '; MAX_RECORD - 200].into());
    exchange.attempts = vec![AttemptNote::default(); 3];
    gathering.add(Record::of(&exchange).unwrap().raw());
    let block = decoder().block(&pack(&gathering)).unwrap();
    assert_eq!(block.exchange(block.records() - 1).unwrap(), exchange);
}

#[test]
fn a_block_is_full_by_its_bytes_and_by_its_records() {
    let mut gathering = Gathering::default();
    let small = RawRecord { head: &[], rest: &[] };
    while !gathering.is_full() {
        gathering.add(small);
    }
    let heads = decoder().heads(&pack(&gathering)).unwrap();
    assert_eq!(heads.records(), MAX_RECORDS);
    gathering.clear();
    assert!(!gathering.is_full());
    gathering.add(Record::of(&numbered(1, FULL)).unwrap().raw());
    assert!(gathering.is_full());
}

#[test]
fn a_list_does_not_unpack_bodies() {
    let mut decoder = decoder();
    let exchanges: Vec<_> = (0..3).map(|number| numbered(number, 1 << 20)).collect();
    let packed = packed(&exchanges);
    // All but the first blocks is missing, and not missed.
    let beginning = &packed[..packed.len() / 2];
    for _ in 0..3 {
        let heads = decoder.heads(beginning).unwrap();
        assert_eq!(heads.entry(2).unwrap(), IndexEntry::of(&exchanges[2]));
        assert!(heads.exchange(0).is_err());
    }
    assert!(decoder.block(beginning).is_err());
}
