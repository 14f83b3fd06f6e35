//! What operators said of shares of traffic, as bytes: how many places, and of each its kind, its
//! names, and what was said.
//!
//! Must not know: what a share is, or where the bytes are kept.

use super::snapshot::{Form, SnapshotError, opened, sealed};
use crate::store::pack::{self, Malformed, Unpacker};
use crate::types::{Duty, Edit, Place};

const FORM: Form = Form { magic: b"TRANSOME", version: 1 };
/// The fewest bytes that a place takes: its kind, two empty texts, its duty and no weight.
const LEAST_PLACE: usize = 5;
const TARGET: u64 = 0;
const ENDPOINT: u64 = 1;
const ON: u64 = 0;
const DRAINED: u64 = 1;

/// The bytes of what was said.
pub(super) fn encode(edits: &[(Place, Edit)]) -> Vec<u8> {
    sealed(FORM, |bytes| {
        pack::put_number(bytes, edits.len() as u64);
        for (place, edit) in edits {
            put_place(bytes, place);
            let duty = match edit.duty {
                Duty::On => ON,
                Duty::Drained => DRAINED,
            };
            pack::put_number(bytes, duty);
            // 0 is no weight.
            pack::put_number(bytes, edit.weight.map_or(0, |weight| u64::from(weight) + 1));
        }
    })
}

/// What [`encode`] was given.
///
/// # Errors
/// When a single bit is not as it was written.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<(Place, Edit)>, SnapshotError> {
    Ok(edits(Unpacker::new(opened(FORM, bytes)?.1))?)
}

fn put_place(bytes: &mut Vec<u8>, place: &Place) {
    match place {
        Place::Target { model, upstream, served_as } => {
            pack::put_number(bytes, TARGET);
            [model, upstream, served_as].into_iter().for_each(|text| pack::put_text(bytes, text));
        }
        Place::Endpoint { upstream, url } => {
            pack::put_number(bytes, ENDPOINT);
            [upstream, url].into_iter().for_each(|text| pack::put_text(bytes, text));
        }
    }
}

fn edits(mut body: Unpacker<'_>) -> Result<Vec<(Place, Edit)>, Malformed> {
    let count = body.count(LEAST_PLACE)?;
    let mut edits = Vec::with_capacity(count);
    for _ in 0..count {
        let place = match body.number()? {
            TARGET => Place::Target {
                model: body.text()?,
                upstream: body.text()?,
                served_as: body.text()?,
            },
            ENDPOINT => Place::Endpoint { upstream: body.text()?, url: body.text()? },
            _ => return Err(Malformed),
        };
        let duty = match body.number()? {
            ON => Duty::On,
            DRAINED => Duty::Drained,
            _ => return Err(Malformed),
        };
        let weight = body.number()?.checked_sub(1).map(u32::try_from).transpose();
        edits.push((place, Edit { weight: weight.map_err(|_| Malformed)?, duty }));
    }
    body.end()?;
    Ok(edits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Vec<(Place, Edit)> {
        let (upstream, url) = ("vllm".to_owned(), "http://10.0.0.1:8000".to_owned());
        let target = Place::Target {
            model: "chat-α".to_owned(),
            upstream: upstream.clone(),
            served_as: String::new(),
        };
        vec![
            (target, Edit { weight: Some(0), duty: Duty::On }),
            (Place::Endpoint { upstream, url }, Edit { weight: None, duty: Duty::Drained }),
        ]
    }

    #[test]
    fn what_was_said_comes_back() {
        assert_eq!(decode(&encode(&some())).unwrap(), some());
        assert_eq!(decode(&encode(&[])).unwrap(), []);
    }

    #[test]
    fn what_was_cut_or_changed_is_refused() {
        let mut bytes = encode(&some());
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "cut at {length}");
        }
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&bytes).is_err(), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
