//! Sums as bytes: a version, then each part as how many entries follow that are not zero, each
//! with its number or name. Numbers are varints (LEB128).
//!
//! Outcomes, errors and cache statuses go by their labels: their lists grow between versions of
//! the program, and labels keep their meaning. Must not know: where the bytes are kept.

use super::buckets::BUCKETS;
use super::tally::{Tally, UpstreamTally};
use crate::types::{CacheStatus, ErrorType, Outcome, put_varint, take_varint};
use std::sync::Arc;

const VERSION: u8 = 1;

/// The bytes are not what [`encode`] gave, or of another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A tally as bytes.
pub(super) fn encode(tally: &Tally) -> Vec<u8> {
    let mut out = vec![VERSION];
    let outcomes = Outcome::ALL.map(Outcome::label).into_iter().zip(tally.outcomes);
    put_labelled(&mut out, outcomes);
    let errors = tally.errors.iter().map(|(at, count)| (error_label(*at), *count));
    put_labelled(&mut out, errors);
    put_labelled(&mut out, CacheStatus::LABELS.into_iter().zip(tally.caches));
    for histogram in &tally.times {
        let counted: Vec<_> =
            (0_u64..).zip(histogram.counts()).filter(|(_, count)| **count > 0).collect();
        put_varint(&mut out, counted.len() as u64);
        for (bucket, count) in counted {
            put_varint(&mut out, bucket);
            put_varint(&mut out, *count);
        }
    }
    let [tokens_in, tokens_out] = tally.tokens;
    for sum in [tokens_in, tokens_out, tally.cost, tally.saved_tokens, tally.saved_cost] {
        put_varint(&mut out, sum);
    }
    put_varint(&mut out, tally.upstreams.len() as u64);
    for (name, UpstreamTally { ok, failed }) in &tally.upstreams {
        put_text(&mut out, name);
        put_varint(&mut out, *ok);
        put_varint(&mut out, *failed);
    }
    out
}

/// The tally that [`encode`] was given. Words that this version does not know count as `_OTHER`
/// where there is such a word, and are malformed elsewhere.
pub(super) fn decode(bytes: &[u8]) -> Result<Tally, Malformed> {
    let (&version, mut rest) = bytes.split_first().ok_or(Malformed)?;
    if version != VERSION {
        return Err(Malformed);
    }
    let (rest, mut tally) = (&mut rest, Tally::default());
    for _ in 0..number(rest)? {
        let label = text(rest)?;
        let at = Outcome::ALL.iter().position(|outcome| outcome.label() == label);
        tally.outcomes[at.ok_or(Malformed)?] = number(rest)?;
    }
    for _ in 0..number(rest)? {
        let label = text(rest)?;
        let at = ErrorType::all().position(|error| error.label() == label);
        let count = tally.errors.entry(at.unwrap_or(ErrorType::COUNT - 1)).or_default();
        *count = count.saturating_add(number(rest)?);
    }
    for _ in 0..number(rest)? {
        let label = text(rest)?;
        let at = CacheStatus::LABELS.iter().position(|known| *known == label);
        tally.caches[at.ok_or(Malformed)?] = number(rest)?;
    }
    for histogram in &mut tally.times {
        for _ in 0..number(rest)? {
            let bucket = usize::try_from(number(rest)?).map_err(|_| Malformed)?;
            if bucket >= BUCKETS {
                return Err(Malformed);
            }
            histogram.add(bucket, number(rest)?);
        }
    }
    tally.tokens = [number(rest)?, number(rest)?];
    tally.cost = number(rest)?;
    tally.saved_tokens = number(rest)?;
    tally.saved_cost = number(rest)?;
    for _ in 0..number(rest)? {
        let name: Arc<str> = text(rest)?.into();
        let attempts = UpstreamTally { ok: number(rest)?, failed: number(rest)? };
        tally.add_attempts(&name, attempts);
    }
    if rest.is_empty() { Ok(tally) } else { Err(Malformed) }
}

fn error_label(at: usize) -> &'static str {
    ErrorType::all().nth(at).unwrap_or(ErrorType::Other).label()
}

fn put_labelled<'a>(out: &mut Vec<u8>, counts: impl Iterator<Item = (&'a str, u64)>) {
    let counted: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
    put_varint(out, counted.len() as u64);
    for (label, count) in counted {
        put_text(out, label);
        put_varint(out, count);
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn number(rest: &mut &[u8]) -> Result<u64, Malformed> {
    take_varint(rest).ok_or(Malformed)
}

fn text<'a>(rest: &mut &'a [u8]) -> Result<&'a str, Malformed> {
    let length = usize::try_from(number(rest)?).map_err(|_| Malformed)?;
    let (text, after) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = after;
    std::str::from_utf8(text).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::rollup::Quantity;
    use crate::types::Random;

    fn some(seed: u64) -> Tally {
        let random = Random::seeded(seed);
        let number = || random.below(1 << random.below(50));
        let mut tally = Tally::default();
        tally.outcomes = tally.outcomes.map(|_| number());
        tally.caches = tally.caches.map(|_| number());
        tally.errors = (0..ErrorType::COUNT).map(|at| (at, 1 + number())).collect();
        for quantity in Quantity::ALL {
            (0..BUCKETS).for_each(|at| tally.times[quantity as usize].add(at, number()));
        }
        tally.tokens = [number(), number()];
        (tally.cost, tally.saved_cost, tally.saved_tokens) = (number(), number(), number());
        for name in ["vllm", "模型/α"] {
            tally.add_attempts(&name.into(), UpstreamTally { ok: number(), failed: number() });
        }
        tally
    }

    #[test]
    fn sums_come_back() {
        assert_eq!(decode(&encode(&Tally::default())), Ok(Tally::default()));
        for seed in 0..20 {
            assert_eq!(decode(&encode(&some(seed))), Ok(some(seed)));
        }
    }

    #[test]
    fn what_was_cut_or_changed_is_refused_or_read_and_nothing_worse() {
        let whole = encode(&some(1));
        for length in 0..whole.len() {
            assert_eq!(decode(&whole[..length]), Err(Malformed), "cut at {length}");
        }
        let mut bytes = whole;
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            decode(&bytes).ok();
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        bytes[0] = 2;
        assert_eq!(decode(&bytes), Err(Malformed));
    }

    #[test]
    fn a_quiet_minute_takes_few_bytes() {
        assert!(encode(&Tally::default()).len() <= 16);
    }
}
