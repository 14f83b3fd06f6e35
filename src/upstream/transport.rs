//! How the pipeline talks to an endpoint, without knowing what carries the bytes.
//!
//! Owns the traits that the edge implements and tests can fake. Must not know: sockets.

use crate::types::ErrorType;
use crate::upstream::Endpoint;
use bytes::Bytes;
use std::future::Future;

/// Opens exchanges with endpoints.
pub trait Transport: Send + Sync + 'static {
    /// One request and its answer.
    type Exchange: Exchange;

    /// A connection to `endpoint`, pooled or new. Takes no longer than the upstream's
    /// connect timeout.
    fn open(
        &self,
        endpoint: &Endpoint,
        reuse: Reuse,
    ) -> impl Future<Output = Result<Opened<Self::Exchange>, TransportFault>> + Send;
}

/// Whether a pooled connection will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// A pooled connection is welcome.
    Pooled,
    /// Only a new one: a pooled one has just turned out to be dead.
    Fresh,
}

/// A connection that is ready for a request.
pub struct Opened<X> {
    /// The exchange over it.
    pub exchange: X,
    /// Whether it had served others before, so that it may be stale.
    pub pooled: bool,
}

/// One request and its answer over one connection. Reads are safe to cancel; writes are
/// not, and after a cancelled write the exchange can only be dropped or read from.
pub trait Exchange: Send {
    /// Sends the request head. Body length or `chunked` is in its headers.
    fn send_head(
        &mut self,
        head: http::request::Parts,
    ) -> impl Future<Output = Result<(), TransportFault>> + Send;

    /// Sends a part of the body.
    fn send_body(&mut self, part: Bytes)
    -> impl Future<Output = Result<(), TransportFault>> + Send;

    /// Says that the body is complete.
    fn end_body(&mut self) -> impl Future<Output = Result<(), TransportFault>> + Send;

    /// Returns when the upstream has begun to answer although it was not sent everything
    /// yet, as can be told without reading; never where it cannot be told.
    fn answers_early(&self) -> impl Future<Output = ()> + Send + 'static;

    /// The response head; informational (1xx) heads are skipped.
    fn read_head(
        &mut self,
    ) -> impl Future<Output = Result<http::response::Parts, TransportFault>> + Send;

    /// The next bytes of the response body as they arrive; `None` at its proper end.
    fn read_chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, TransportFault>> + Send;

    /// Gives the connection back to the pool. Only after `read_chunk` returned `None`;
    /// dropping the exchange instead closes the connection.
    fn release(self) -> impl Future<Output = ()> + Send;
}

/// What went wrong on the way to or from an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.label())]
pub struct TransportFault(pub ErrorType);
