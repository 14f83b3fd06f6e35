//! What was seen of an exchange, and when.
//!
//! Must not know: what the bytes say (`answer`), or when the run began.

use super::answer::{AnswerReader, BodyEnd};
use crate::replay::{AnswerText, CountedBy, Failure};
use crate::types::Micros;
use bytes::Bytes;
use http::StatusCode;
use std::time::{Duration, Instant};

/// Gaps between chunks that are kept of one answer.
const MAX_GAPS: usize = 65_536;

/// What was seen of an exchange.
#[derive(Debug)]
pub struct Seen {
    /// How long there was no connection.
    pub connecting: Option<Duration>,
    /// When the first byte was given to the connection.
    pub sent: Option<Instant>,
    /// When the head of the answer came.
    pub headers: Option<Instant>,
    /// When the first byte of its body came.
    pub first_byte: Option<Instant>,
    /// When the first generated output came.
    pub first_token: Option<Instant>,
    /// When the last byte came, or the request was given up.
    pub last: Instant,
    /// Between chunks of generated output; the first 65,536.
    pub gaps: Vec<Micros>,
    /// The status.
    pub status: Option<u16>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Tokens in and out.
    pub tokens: Option<(u64, u64, CountedBy)>,
    /// Bytes of the body.
    pub bytes: u64,
    /// What the answer said, where that is kept.
    pub answer: Option<AnswerText>,
    /// The beginning of its body as it came, where that is kept.
    pub raw: Option<Bytes>,
    last_generated: Option<Instant>,
}

impl Seen {
    pub(super) fn new() -> Self {
        Self {
            connecting: None,
            sent: None,
            headers: None,
            first_byte: None,
            first_token: None,
            last: Instant::now(),
            gaps: Vec::new(),
            status: None,
            failure: None,
            tokens: None,
            bytes: 0,
            answer: None,
            raw: None,
            last_generated: None,
        }
    }

    pub(super) fn on_head(&mut self, now: Instant, status: StatusCode) {
        self.headers = Some(now);
        self.last = now;
        self.status = Some(status.as_u16());
    }

    pub(super) fn on_chunk(&mut self, now: Instant, length: usize, generated: bool) {
        self.first_byte.get_or_insert(now);
        self.last = now;
        self.bytes += length as u64;
        if !generated {
            return;
        }
        self.first_token.get_or_insert(now);
        if let Some(before) = self.last_generated.replace(now)
            && self.gaps.len() < MAX_GAPS
        {
            self.gaps.push(now.saturating_duration_since(before).into());
        }
    }

    pub(super) fn on_end(&mut self, now: Instant) {
        self.last = now;
    }

    /// There was no exchange.
    pub(super) fn give_up(mut self, failure: Failure) -> Self {
        self.failure = Some(failure);
        self.last = Instant::now();
        self
    }

    /// The exchange is over; what its answer said is added.
    pub(super) fn end(mut self, mut reader: AnswerReader, end: BodyEnd) -> Self {
        self.raw = reader.take_raw();
        let said = reader.finish(self.status, end);
        if said.failure.is_some() && end != BodyEnd::Proper {
            self.last = Instant::now();
        }
        self.failure = said.failure;
        self.tokens = said.tokens;
        self.answer = said.answer;
        self
    }
}
