//! An exchange that is being written down while it happens: the bytes, as the client sends and
//! gets them.
//!
//! Must not know: what is taken out of it, or where it goes.

use crate::capture::recorder::Route;
use crate::capture::redact::NO_DIGEST;
use crate::capture::{
    AnswerNote, Choice, Content, Exchange, Message, Reserved, RouteCapture, Session,
};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::response::Parts;
use std::sync::Arc;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Collects what goes to a client. What it holds was reserved; where there is no more room it
/// lets go of everything.
pub struct Tap {
    pub(super) route: Arc<Route>,
    pub(super) choice: Choice,
    pub(super) session: Option<Session>,
    /// The body that was asked with.
    asked: Bytes,
    /// The status and the headers, with nothing taken out of them yet.
    head: Option<(u16, HeaderMap)>,
    parts: Vec<Bytes>,
    /// Bytes of the answer, kept or not.
    length: u64,
    extent: Extent,
    /// `None` once there was no room.
    reserved: Option<Reserved>,
    /// As long as somebody has it, there is something to be waited for.
    pub(super) under_way: TaskTrackerToken,
}

/// How much of the answer is in the parts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Beginning,
}

impl Tap {
    pub(super) fn new(
        (route, choice): (Arc<Route>, Choice),
        session: Option<Session>,
        asked: Bytes,
        reserved: Reserved,
        under_way: TaskTrackerToken,
    ) -> Self {
        Self {
            route,
            choice,
            session,
            asked,
            head: None,
            parts: Vec::new(),
            length: 0,
            extent: Extent::Whole,
            reserved: Some(reserved),
            under_way,
        }
    }

    /// The head of the answer, as the client gets it. The last one counts.
    pub fn head(&mut self, head: &Parts) {
        self.head = Some((head.status.as_u16(), head.headers.clone()));
    }

    /// A part of its body, as the client gets it.
    pub fn part(&mut self, part: Bytes) {
        self.length += part.len() as u64;
        let Some(reserved) = &mut self.reserved else { return };
        if self.length > RouteCapture::LARGEST_BODY {
            self.extent = Extent::Beginning;
            return;
        }
        if reserved.grow(part.len() as u64) {
            self.parts.push(part);
        } else {
            self.let_go();
        }
    }

    /// Whether there was no room for all of it.
    pub fn is_given_up(&self) -> bool {
        self.reserved.is_none()
    }

    /// Bytes it holds.
    pub(super) fn held(&self) -> u64 {
        self.reserved.as_ref().map_or(0, Reserved::bytes)
    }

    /// Puts what it has got into `exchange`, whose answer, if it has one, knows all but its
    /// head and body, with all of its headers. Returns what it was made with.
    pub(super) fn give(self, exchange: &mut Exchange) -> (Arc<Route>, Option<Reserved>) {
        exchange.request.body = Content::Whole(self.asked);
        let body = joined(self.parts);
        let body = match self.extent {
            Extent::Whole => Content::Whole(body),
            Extent::Beginning => {
                Content::Cut { kept: body, length: self.length, digest: NO_DIGEST }
            }
        };
        exchange.answer = self.head.map(|(status, headers)| AnswerNote {
            status,
            message: Message { headers, body },
            bytes: Some(self.length),
            ..exchange.answer.take().unwrap_or_default()
        });
        (self.route, self.reserved)
    }

    fn let_go(&mut self) {
        self.parts = Vec::new();
        self.asked = Bytes::new();
        self.reserved = None;
    }
}

/// In one piece; without a copy where it came in one.
fn joined(mut parts: Vec<Bytes>) -> Bytes {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let mut whole = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
    parts.iter().for_each(|part| whole.extend_from_slice(part));
    whole.freeze()
}
