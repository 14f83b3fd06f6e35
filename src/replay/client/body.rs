//! A request's body, which knows when its first byte went out.
//!
//! Must not know: what it holds, or what the connection is.

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Instant;

/// When a request was given to its connection. Shared by those that watch; of two tries the
/// first counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent(Arc<OnceLock<Instant>>);

/// A body in one piece.
#[derive(Debug)]
pub(super) struct TimedBody {
    rest: Option<Bytes>,
    length: u64,
    sent: Sent,
}

impl Sent {
    /// When that was; `None` where it was not.
    pub(super) fn instant(&self) -> Option<Instant> {
        self.0.get().copied()
    }

    fn mark(&self) {
        self.0.get_or_init(Instant::now);
    }
}

impl TimedBody {
    pub(super) fn new(bytes: Bytes, sent: Sent) -> Self {
        let length = bytes.len() as u64;
        Self { rest: Some(bytes).filter(|bytes| !bytes.is_empty()), length, sent }
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.sent.mark();
        Poll::Ready(self.rest.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    /// A connection asks this as it writes the head, whether there is a body or not.
    fn is_end_stream(&self) -> bool {
        self.sent.mark();
        self.rest.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.as_ref().map_or(0, |_| self.length))
    }
}
