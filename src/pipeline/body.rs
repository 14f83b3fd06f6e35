//! Step 2: the whole request body, within its limits.
//!
//! Must not know: what is in it.

use crate::error::Fault;
use crate::observe::RequestRecord;
use crate::pipeline::{Deps, Downstream, DownstreamFault};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, EXPECT};
use http::request::Parts;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// A client may be silent for this long within its body.
const SILENCE: Duration = Duration::from_secs(30);
/// The unit of the budget, so that its count fits a semaphore's permits.
const UNIT: u64 = 1024;

/// Room for request bodies: one request's and all requests' together.
pub struct BodyBudget {
    per_request: u64,
    room: Arc<Semaphore>,
}

impl BodyBudget {
    /// At most `per_request` bytes a body and `all` bytes together.
    pub fn new(per_request: u64, all: u64) -> Self {
        let permits = usize::try_from(all.div_ceil(UNIT)).unwrap_or(Semaphore::MAX_PERMITS);
        let room = Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        Self { per_request, room }
    }

    fn reserve(&self, bytes: u64) -> Result<OwnedSemaphorePermit, Fault> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).map_err(|_| Fault::Overloaded)?;
        Arc::clone(&self.room).try_acquire_many_owned(units).map_err(|_| Fault::Overloaded)
    }
}

/// A body and its share of the budget.
pub(super) struct Body {
    /// The bytes as the caller sent them.
    pub(super) bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

/// Reads the body to its end.
///
/// # Errors
/// When it is too large (before any of it is read, if its length is known), does not fit
/// the budget, stops arriving or breaks HTTP; and when the caller leaves.
pub(super) async fn read<D: Downstream, T>(
    deps: &Deps<T>,
    down: &mut D,
    rec: &mut RequestRecord,
) -> Result<Body, Fault> {
    let began = deps.clock.now();
    let body = read_within(&deps.bodies, down).await;
    rec.timeline.waited_since(began, deps.clock.now());
    match &body {
        Ok(body) => rec.call.bytes_in = body.bytes.len() as u64,
        Err(Fault::ClientGone) => {}
        // An answer that comes before the end of the body must not lose its connection.
        Err(_) => down.abandon_body(),
    }
    body
}

async fn read_within<D: Downstream>(budget: &BodyBudget, down: &mut D) -> Result<Body, Fault> {
    let limit = budget.per_request;
    let declared = declared_length(down.head());
    if declared.is_some_and(|length| length > limit) {
        return Err(Fault::BodyTooLarge { limit });
    }
    let mut room = budget.reserve(declared.unwrap_or(0))?;
    if expects_continue(down.head()) {
        down.send_continue().await.map_err(fault_of)?;
    }
    let mut bytes = Collected::default();
    while let Some(chunk) = next_chunk(down).await? {
        let length = bytes.len() + chunk.len() as u64;
        if length > limit {
            return Err(Fault::BodyTooLarge { limit });
        }
        if declared.is_none() {
            room.merge(budget.reserve(chunk.len() as u64)?);
        }
        bytes.push(chunk, declared);
    }
    Ok(Body { bytes: bytes.into_bytes(), _room: room })
}

async fn next_chunk<D: Downstream>(down: &mut D) -> Result<Option<Bytes>, Fault> {
    match timeout(SILENCE, down.read_chunk()).await {
        Ok(read) => read.map_err(fault_of),
        Err(_) => Err(Fault::BodyTimeout),
    }
}

fn fault_of(fault: DownstreamFault) -> Fault {
    match fault {
        DownstreamFault::Gone => Fault::ClientGone,
        DownstreamFault::Malformed => Fault::BodyMalformed,
    }
}

fn declared_length(head: &Parts) -> Option<u64> {
    head.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn expects_continue(head: &Parts) -> bool {
    let value = head.headers.get(EXPECT);
    value.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Chunks made one. A body that came in one chunk is not copied.
#[derive(Default)]
struct Collected {
    first: Option<Bytes>,
    all: BytesMut,
}

impl Collected {
    fn len(&self) -> u64 {
        (self.first.as_ref().map_or(0, Bytes::len) + self.all.len()) as u64
    }

    fn push(&mut self, chunk: Bytes, declared: Option<u64>) {
        if self.first.is_none() && self.all.is_empty() {
            self.first = Some(chunk);
            return;
        }
        if let Some(first) = self.first.take() {
            let declared = declared.and_then(|length| usize::try_from(length).ok());
            self.all.reserve(declared.unwrap_or(first.len() + chunk.len()));
            self.all.extend_from_slice(&first);
        }
        self.all.extend_from_slice(&chunk);
    }

    fn into_bytes(self) -> Bytes {
        self.first.unwrap_or_else(|| self.all.freeze())
    }
}
