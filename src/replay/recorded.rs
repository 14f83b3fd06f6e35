//! The requests of a capture, to be sent again.
//!
//! Owns their order and which of them can be sent. Bodies stay where they are until they are
//! due, unless they came from a file that can only be read from its beginning. Must not know:
//! when they are sent, or where to.

use crate::capture::{Archive, Exchange, Filter, Place, ReadError, composed};
use crate::protocol::{AskUsage, read_request};
use crate::replay::planner::{CaptureInputs, PlanInput};
use crate::replay::request::{NotReplayable, Outgoing, RequestOptions, Requests, prepare};
use crate::replay::{RequestFacts, SpendEstimate};
use crate::types::UsageSource;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of exchanges that are held in memory.
const MOST_HELD: u64 = 1 << 30;

/// The requests of a capture, in the order in which they were received.
pub struct Recorded {
    requests: Held,
    inputs: Vec<PlanInput>,
    estimates: Vec<SpendEstimate>,
    digest: String,
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
    pub fn of_archive(archive: Archive, filter: Filter) -> Result<Self, RecordedError> {
        let mut gathered = Gathered::default();
        for found in archive.exchanges(filter)? {
            let (place, exchange) = found?;
            gathered.take(&exchange, || place);
        }
        Ok(gathered.ordered(|places| Held::Archive(archive, places)))
    }

    /// What a plan is made from.
    pub fn inputs(&self) -> CaptureInputs<'_> {
        CaptureInputs { requests: &self.inputs, digest: &self.digest }
    }

    /// These requests; with `model` in place of the recorded ones, if there is one. Tokens are
    /// asked for where the recorded client did not ask.
    pub fn asked_for(self: &Arc<Self>, model: Option<String>) -> Asked {
        Asked { of: Arc::clone(self), options: RequestOptions { model, ask_usage: AskUsage::Yes } }
    }

    /// What the request with this number will probably use.
    pub fn estimate(&self, exchange: u64) -> SpendEstimate {
        let known = usize::try_from(exchange).ok().and_then(|number| self.estimates.get(number));
        known.copied().unwrap_or_else(|| SpendEstimate::of(&RequestFacts::default()))
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

/// The requests of a capture, with a model in them.
pub struct Asked {
    of: Arc<Recorded>,
    options: RequestOptions,
}

impl Requests for Asked {
    fn outgoing(&self, exchange: u64) -> Result<Outgoing, NotReplayable> {
        prepare(&self.of.exchange(exchange)?, &self.options, &made_up)
    }
}

/// Gathers requests that are held in memory.
#[derive(Default)]
pub struct InMemory {
    gathered: Gathered<Exchange>,
    bytes: u64,
}

impl InMemory {
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
        self.gathered.take(&request, || request.clone());
        Ok(())
    }

    /// All of them.
    pub fn finish(self) -> Recorded {
        self.gathered.ordered(Held::Memory)
    }
}

/// A request that can be sent again.
struct Found<T> {
    input: PlanInput,
    estimate: SpendEstimate,
    body: blake3::Hash,
    held: T,
}

/// Requests in the order in which they were found.
struct Gathered<T> {
    found: Vec<Found<T>>,
    left_out: BTreeMap<String, u64>,
}

impl<T> Default for Gathered<T> {
    fn default() -> Self {
        Self { found: Vec::new(), left_out: BTreeMap::new() }
    }
}

impl<T> Gathered<T> {
    fn take(&mut self, exchange: &Exchange, held: impl FnOnce() -> T) {
        match prepare(exchange, &RequestOptions::default(), &made_up) {
            Ok(outgoing) => self.found.push(Found {
                input: PlanInput::of(exchange),
                estimate: SpendEstimate::of(&facts(exchange, &outgoing)),
                body: blake3::hash(&outgoing.body),
                held: held(),
            }),
            Err(why) => *self.left_out.entry(why.to_string()).or_default() += 1,
        }
    }

    fn ordered(mut self, held: impl FnOnce(Vec<T>) -> Held) -> Recorded {
        self.found.sort_by_key(|found| found.input.received);
        let mut digest = blake3::Hasher::new();
        let (mut inputs, mut estimates, mut requests) = (Vec::new(), Vec::new(), Vec::new());
        for found in self.found {
            digest.update(&found.input.received.0.to_le_bytes());
            digest.update(found.body.as_bytes());
            inputs.push(found.input);
            estimates.push(found.estimate);
            requests.push(found.held);
        }
        Recorded {
            requests: held(requests),
            inputs,
            estimates,
            digest: digest.finalize().to_hex().to_string(),
            left_out: self.left_out,
        }
    }
}

/// What is known of what a request uses.
fn facts(exchange: &Exchange, outgoing: &Outgoing) -> RequestFacts {
    let view = read_request(outgoing.operation, &outgoing.body).ok();
    let counted = exchange.usage.filter(|usage| usage.source != UsageSource::Estimated);
    RequestFacts {
        prompt_bytes: outgoing.body.len() as u64,
        recorded_input: counted.map(|usage| usage.input),
        recorded_output: counted.map(|usage| usage.output),
        max_tokens: view.and_then(|view| view.max_tokens()),
        choices: 1,
    }
}

fn made_up(exchange: &Exchange) -> Result<Bytes, NotReplayable> {
    let nothing = || NotReplayable::Other("nothing is known of the body but its length".to_owned());
    composed(exchange).ok_or_else(nothing)
}
