//! How the pipeline talks to a client, without knowing what carries the bytes.
//!
//! Owns the trait that the edge implements and tests can fake. Must not know: sockets,
//! HTTP versions beyond what the request head says.

use crate::observe::RequestRecord;
use crate::types::Clock;
use bytes::Bytes;
use std::future::Future;
use std::time::Duration;

/// One client's request and the answer to it. Reads are safe to cancel.
pub trait Downstream: Send {
    /// The request head.
    fn head(&self) -> &http::request::Parts;

    /// Whether no response head was sent yet.
    fn owes_an_answer(&self) -> bool;

    /// Says that the body is wanted, to a client that waits for it (RFC 9110 §10.1.1).
    fn send_continue(&mut self) -> impl Future<Output = Result<(), DownstreamFault>> + Send;

    /// The next bytes of the request body; `None` at its end.
    fn read_chunk(&mut self)
    -> impl Future<Output = Result<Option<Bytes>, DownstreamFault>> + Send;

    /// Returns when the client is gone. Only once the request body has been read.
    fn closed(&mut self) -> impl Future<Output = ()> + Send;

    /// How long a write may make no progress.
    fn set_write_timeout(&mut self, limit: Duration);

    /// Sends the response head. Hop-by-hop headers are the implementation's own.
    fn write_head(
        &mut self,
        head: http::response::Parts,
    ) -> impl Future<Output = Result<(), ClientGone>> + Send;

    /// Sends a part of the response body at once.
    fn write_chunk(&mut self, chunk: Bytes) -> impl Future<Output = Result<(), ClientGone>> + Send;

    /// Ends the answer properly.
    fn finish(&mut self) -> impl Future<Output = Result<(), ClientGone>> + Send;

    /// Makes sure that the client sees the answer as broken off: no proper end follows.
    fn abort(&mut self);

    /// The request body was not read to its end: after the answer what is left is
    /// discarded for a while, so that the client gets to read the answer, and the
    /// connection is not used again.
    fn abandon_body(&mut self);
}

/// Sends a part of the response body, and notes in `rec` the wait and the bytes that went out.
///
/// # Errors
/// When the client is gone.
pub(super) async fn write_part<D: Downstream>(
    down: &mut D,
    part: Bytes,
    rec: &mut RequestRecord,
    clock: Clock,
) -> Result<(), ClientGone> {
    let (began, length) = (clock.now(), part.len() as u64);
    let written = down.write_chunk(part).await;
    rec.timeline.waited_since(began, clock.now());
    if written.is_ok() {
        rec.call.bytes_out += length;
    }
    written
}

/// Why the request body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownstreamFault {
    /// The client is gone.
    Gone,
    /// The client breaks HTTP.
    Malformed,
}

/// The client is gone, or reads nothing for longer than the write timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientGone;
