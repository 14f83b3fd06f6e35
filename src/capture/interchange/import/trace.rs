//! Traces of lengths: requests of which nothing is known but when they came and how many tokens
//! went in and out.
//!
//! Their prompts become shapes of [`BYTES_PER_TOKEN`] bytes a token, and the length of an
//! answer becomes `max_tokens` too, so that the answer to a repetition is not longer. Must not
//! know: how a trace is written.

use crate::capture::interchange::BYTES_PER_TOKEN;
use crate::capture::interchange::import::Assumed;
use crate::capture::interchange::import::http::call;
use crate::capture::{
    BLOCK, CallerNote, Content, Exchange, Message, MessageShape, Session, Shape, Times,
};
use crate::types::{Usage, UsageSource};
use ::http::Method;
use std::collections::BTreeMap;
use std::time::Duration;

/// The blocks that belong to one request alone are told from all others by this bit.
const ITS_OWN: u64 = 1 << 63;
/// More blocks than a request has.
const BLOCK_BITS: u32 = 24;
/// More tokens than a request has: beyond that a trace is mistaken.
const MOST_TOKENS: u64 = 1 << 32;

/// A request of a trace.
pub(super) struct Traced {
    /// Its place in the file.
    pub(super) line: u64,
    /// Since 1970.
    pub(super) received: Duration,
    /// Tokens.
    pub(super) input: u64,
    /// Tokens.
    pub(super) output: u64,
    /// Ids of the blocks that others may share, of [`BLOCK`] bytes each.
    pub(super) blocks: Vec<u64>,
    pub(super) session: Option<Session>,
    pub(super) model: Option<String>,
    pub(super) last: Option<Duration>,
}

impl Traced {
    /// As an exchange; `None` where it has more tokens than there can be.
    pub(super) fn exchange(self, assumed: &Assumed) -> Option<Exchange> {
        let Self { line, received, input, output, mut blocks, session, model, last } = self;
        if input.max(output) > MOST_TOKENS {
            return None;
        }
        let length = input * BYTES_PER_TOKEN;
        let count = length.div_ceil(BLOCK as u64);
        // What is not known to be shared is not.
        let known = blocks.len() as u64;
        blocks.extend((known..count).map(|number| ITS_OWN | line << BLOCK_BITS | number));
        blocks.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        let message = MessageShape { role: "user".to_owned(), length, blocks };
        let most = (output > 0).then(|| ("max_tokens".to_owned(), output.into()));
        let parameters = most.into_iter().collect();
        let shape = Shape { length, messages: vec![message], tools: 0, parameters };
        let mut call = call(Method::POST, &assumed.path, &[]);
        call.streamed = assumed.streamed;
        call.model_asked = model.or_else(|| assumed.model.clone());
        Some(Exchange {
            request_id: None,
            trace_id: None,
            session,
            caller: CallerNote::default(),
            call,
            request: Message { body: Content::Shape(Box::new(shape)), ..Message::default() },
            answer: None,
            attempts: Vec::new(),
            times: Times { received, last, ..Times::default() },
            usage: Some(Usage { input, output, source: UsageSource::Upstream }),
            cost: None,
            outcome: None,
            error: None,
            cache: None,
            redactions: BTreeMap::new(),
        })
    }
}
