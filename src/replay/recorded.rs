//! The requests of a capture, to be sent again.
//!
//! Owns their order and which of them can be sent. Bodies stay where they are until they are
//! due, unless they came from a file that can only be read from its beginning. Must not know:
//! when they are sent, or where to.

use crate::capture::{Archive, Exchange, Filter, Place, ReadError, composed};
use crate::replay::planner::{CaptureInputs, PlanInput};
use crate::replay::request::{NotReplayable, Outgoing, RequestOptions, Requests, prepare};
use bytes::Bytes;
use std::collections::BTreeMap;

/// Bytes of exchanges that are held in memory.
const MOST_HELD: u64 = 1 << 30;

/// The requests of a capture, in the order in which they were received.
pub struct Recorded {
    requests: Held,
    inputs: Vec<PlanInput>,
    digest: String,
    options: RequestOptions,
    /// What cannot be sent again, by why not.
    left_out: BTreeMap<String, u64>,
}

enum Held {
    Archive(Archive, Vec<Place>),
    Memory(Vec<Exchange>),
}

/// Why a capture cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum RecordedError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The directory cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It would not fit into memory.
    #[error("the file holds more than 1 GiB: take it in with `transom capture import` first")]
    TooLarge,
}

impl Recorded {
    /// Those of an archive that `filter` lets through.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of_archive(
        archive: Archive,
        filter: Filter,
        options: RequestOptions,
    ) -> Result<Self, RecordedError> {
        let mut gathered = Gathered::default();
        for found in archive.exchanges(filter)? {
            let (place, exchange) = found?;
            gathered.take(&exchange, &options, || place);
        }
        Ok(gathered.ordered(options, |places| Held::Archive(archive, places)))
    }

    /// What a plan is made from.
    pub fn inputs(&self) -> CaptureInputs<'_> {
        CaptureInputs { requests: &self.inputs, digest: &self.digest }
    }

    /// What cannot be sent again, by why not.
    pub const fn left_out(&self) -> &BTreeMap<String, u64> {
        &self.left_out
    }

    fn exchange(&self, number: u64) -> Result<Exchange, NotReplayable> {
        let unknown = || NotReplayable::Other("the capture has no such request".to_owned());
        let number = usize::try_from(number).map_err(|_| unknown())?;
        match &self.requests {
            Held::Memory(exchanges) => exchanges.get(number).cloned().ok_or_else(unknown),
            Held::Archive(archive, places) => {
                let place = places.get(number).ok_or_else(unknown)?;
                archive.read(*place).map_err(|error| NotReplayable::Other(error.to_string()))
            }
        }
    }
}

impl Requests for Recorded {
    fn outgoing(&self, exchange: u64) -> Result<Outgoing, NotReplayable> {
        prepare(&self.exchange(exchange)?, &self.options, &made_up)
    }
}

/// Gathers requests that are held in memory.
pub struct InMemory {
    gathered: Gathered<Exchange>,
    bytes: u64,
    options: RequestOptions,
}

impl InMemory {
    /// None so far.
    pub fn new(options: RequestOptions) -> Self {
        Self { gathered: Gathered::default(), bytes: 0, options }
    }

    /// One more, of which the answer is not needed.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn take(&mut self, exchange: Exchange) -> Result<(), RecordedError> {
        self.bytes += exchange.request.body.kept().map_or(0, |body| body.len() as u64);
        if self.bytes > MOST_HELD {
            return Err(RecordedError::TooLarge);
        }
        let request = Exchange { answer: None, ..exchange };
        self.gathered.take(&request, &self.options, || request.clone());
        Ok(())
    }

    /// All of them.
    pub fn finish(self) -> Recorded {
        self.gathered.ordered(self.options, Held::Memory)
    }
}

/// Requests in the order in which they were found.
struct Gathered<T> {
    found: Vec<(PlanInput, [u8; 32], T)>,
    left_out: BTreeMap<String, u64>,
}

impl<T> Default for Gathered<T> {
    fn default() -> Self {
        Self { found: Vec::new(), left_out: BTreeMap::new() }
    }
}

impl<T> Gathered<T> {
    fn take(&mut self, exchange: &Exchange, options: &RequestOptions, held: impl FnOnce() -> T) {
        match prepare(exchange, options, &made_up) {
            Ok(outgoing) => {
                let digest = *blake3::hash(&outgoing.body).as_bytes();
                self.found.push((PlanInput::of(exchange), digest, held()));
            }
            Err(why) => *self.left_out.entry(why.to_string()).or_default() += 1,
        }
    }

    fn ordered(mut self, options: RequestOptions, held: impl FnOnce(Vec<T>) -> Held) -> Recorded {
        self.found.sort_by_key(|(input, ..)| input.received);
        let mut digest = blake3::Hasher::new();
        let (mut inputs, mut requests) = (Vec::new(), Vec::new());
        for (input, body, request) in self.found {
            digest.update(&input.received.0.to_le_bytes());
            digest.update(&body);
            inputs.push(input);
            requests.push(request);
        }
        Recorded {
            requests: held(requests),
            inputs,
            digest: digest.finalize().to_hex().to_string(),
            options,
            left_out: self.left_out,
        }
    }
}

fn made_up(exchange: &Exchange) -> Result<Bytes, NotReplayable> {
    let nothing = || NotReplayable::Other("nothing is known of the body but its length".to_owned());
    composed(exchange).ok_or_else(nothing)
}
