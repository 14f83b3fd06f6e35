//! The connections to one target, and which of them are free.
//!
//! HTTP/1.1: the one that was used last is used next, a new one is opened when none is free,
//! however many there are, as an open system has it. HTTP/2: one connection carries up to
//! [`STREAMS`] requests. Must not know: how a connection is opened, or what it carries.

use super::body::TimedBody;
use super::dial::{ConnectError, Dialer, Fresh};
use super::target::Target;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use parking_lot::Mutex;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::timeout;

/// Requests at a time on an HTTP/2 connection: the least that RFC 9113 §6.5.2 recommends to
/// allow, and what most servers do.
const STREAMS: usize = 100;
/// A connection that is not ready again after so long is closed.
const SETTLE: Duration = Duration::from_secs(1);

/// The connections to one target.
pub(super) struct Pool {
    dialer: Dialer,
    idle: Mutex<Vec<http1::SendRequest<TimedBody>>>,
    shared: Mutex<Vec<Arc<http2::SendRequest<TimedBody>>>>,
    /// Whether connections carry many requests, once that is known.
    shares: OnceLock<bool>,
    /// Taken to open a connection that others may use too.
    opening: tokio::sync::Mutex<()>,
}

/// A connection, or a place on one.
pub(super) struct Connection {
    wire: Wire,
    origin: Origin,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// It was free.
    AtHand,
    /// Somebody else opened it meanwhile.
    Awaited,
    /// It was opened for this.
    Fresh,
}

enum Wire {
    Http1(http1::SendRequest<TimedBody>),
    /// How many hold it is how many requests it carries.
    Http2(Arc<http2::SendRequest<TimedBody>>),
}

impl Pool {
    pub(super) fn new(dialer: Dialer) -> Self {
        Self {
            dialer,
            idle: Mutex::default(),
            shared: Mutex::default(),
            shares: OnceLock::new(),
            opening: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn target(&self) -> &Target {
        &self.dialer.target
    }

    /// A connection that a request can be sent on now.
    pub(super) async fn connection(&self) -> Result<Connection, ConnectError> {
        if let Some(connection) = self.at_hand() {
            return Ok(connection);
        }
        if !self.target().is_tls() || self.shares.get() == Some(&false) {
            return self.open().await;
        }
        // Whoever waits here may find a place on what the one before has opened.
        let _turn = self.opening.lock().await;
        match self.at_hand() {
            Some(connection) => Ok(Connection { origin: Origin::Awaited, ..connection }),
            None => self.open().await,
        }
    }

    /// Takes a connection back whose answer was read to its end.
    pub(super) async fn give_back(&self, connection: Connection) {
        if let Wire::Http1(mut sender) = connection.wire
            && matches!(timeout(SETTLE, sender.ready()).await, Ok(Ok(())))
        {
            self.idle.lock().push(sender);
        }
    }

    fn at_hand(&self) -> Option<Connection> {
        let mut idle = self.idle.lock();
        while let Some(sender) = idle.pop() {
            if sender.is_ready() {
                return Some(Connection { wire: Wire::Http1(sender), origin: Origin::AtHand });
            }
        }
        drop(idle);
        let mut shared = self.shared.lock();
        shared.retain(|sender| !sender.is_closed());
        // One of those is the pool's own.
        let free = shared.iter().find(|sender| Arc::strong_count(sender) <= STREAMS)?;
        Some(Connection { wire: Wire::Http2(Arc::clone(free)), origin: Origin::AtHand })
    }

    async fn open(&self) -> Result<Connection, ConnectError> {
        // Boxed: a handshake of TLS is large, and rare.
        let wire = match Box::pin(self.dialer.dial()).await? {
            Fresh::Http1(sender) => Wire::Http1(sender),
            Fresh::Http2(sender) => {
                let sender = Arc::new(sender);
                self.shared.lock().push(Arc::clone(&sender));
                Wire::Http2(sender)
            }
        };
        self.shares.get_or_init(|| matches!(wire, Wire::Http2(_)));
        Ok(Connection { wire, origin: Origin::Fresh })
    }
}

impl Connection {
    /// Whether it was free, so that no time was lost.
    pub(super) fn was_at_hand(&self) -> bool {
        self.origin == Origin::AtHand
    }

    /// Whether it had been used before, and so may have been closed meanwhile.
    pub(super) fn was_open(&self) -> bool {
        self.origin != Origin::Fresh
    }

    /// Whether it speaks HTTP/2.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self.wire, Wire::Http2(_))
    }

    pub(super) async fn send(
        &mut self,
        request: Request<TimedBody>,
    ) -> hyper::Result<Response<Incoming>> {
        match &mut self.wire {
            Wire::Http1(sender) => sender.send_request(request).await,
            Wire::Http2(shared) => {
                let mut sender = http2::SendRequest::clone(shared);
                sender.send_request(request).await
            }
        }
    }
}
