//! Exchanges made up for tests: every field in every state, from a seed.
//!
//! Must not know: what is tested.

use crate::capture::{
    AnswerNote, AttemptNote, CallNote, CallerNote, ChunkKind, ChunkNote, Content, Exchange,
    Message, MessageShape, Session, Shape, Times,
};
use crate::types::{Dialect, NanoUsd, Operation, Outcome, Random, TraceId, Usage, UsageSource};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

/// A maker of exchanges.
pub(crate) struct Made(Random);

impl Made {
    pub(crate) const fn seeded(seed: u64) -> Self {
        Self(Random::seeded(seed))
    }

    /// Any exchange.
    pub(crate) fn exchange(&self) -> Exchange {
        Exchange {
            request_id: self.perhaps(|| self.text()),
            trace_id: self.perhaps(|| TraceId::mint(|| self.0.next_u64())),
            session: self.perhaps(|| Session { id: self.text(), turn: self.number() as u32 }),
            caller: CallerNote {
                key: self.perhaps(|| self.text()),
                tenant: self.perhaps(|| self.text()),
                credential: self.perhaps(|| self.text()),
            },
            call: self.call(),
            request: self.message(),
            answer: self.perhaps(|| self.answer()),
            attempts: self.many(3, || self.attempt()),
            times: self.times(),
            usage: self.perhaps(|| self.usage()),
            cost: self.perhaps(|| NanoUsd(self.number())),
            outcome: self.perhaps(|| self.one_of(&Outcome::ALL)),
            error: self.perhaps(|| self.text()),
            cache: self.perhaps(|| self.text()),
            redactions: self.many(3, || (self.text(), self.number() as u32)).into_iter().collect(),
        }
    }

    fn call(&self) -> CallNote {
        let method = self.one_of(&[http::Method::POST, http::Method::GET]);
        CallNote {
            method: if self.below(4) > 0 { method } else { "BREW".parse().unwrap() },
            path: self.text(),
            dialect: self.perhaps(|| self.one_of(&[Dialect::OpenAi, Dialect::Generic])),
            operation: self.perhaps(|| self.one_of(&Operation::ALL)),
            streamed: self.perhaps(|| self.below(2) == 1),
            model: self.perhaps(|| self.text()),
            model_asked: self.perhaps(|| self.text()),
            model_sent: self.perhaps(|| self.text()),
            model_answered: self.perhaps(|| self.text()),
        }
    }

    fn message(&self) -> Message {
        let mut headers = HeaderMap::new();
        for _ in 0..self.below(4) {
            let name = HeaderName::try_from(format!("x-{}", self.below(3))).unwrap();
            let bytes = self.many(9, || self.below(128) as u8 | 0x80);
            headers.append(name, HeaderValue::from_bytes(&bytes).unwrap());
        }
        Message { headers, body: self.content() }
    }

    fn content(&self) -> Content {
        let kept = self.bytes().into();
        match self.below(4) {
            0 => Content::Unknown,
            1 => Content::Whole(kept),
            2 => Content::Cut {
                kept,
                length: self.number(),
                digest: std::array::from_fn(|_| self.below(256) as u8),
            },
            _ => Content::Shape(Box::new(self.shape())),
        }
    }

    fn shape(&self) -> Shape {
        let message = || MessageShape {
            role: self.text(),
            length: self.number(),
            blocks: self.many(5, || self.number()),
        };
        let parameter = || (self.text(), serde_json::json!(self.number()));
        Shape {
            length: self.number(),
            messages: self.many(4, message),
            tools: self.below(2) * self.number(),
            parameters: self.many(3, parameter).into_iter().collect(),
        }
    }

    fn answer(&self) -> AnswerNote {
        let chunk = || ChunkNote {
            after: self.micros(),
            length: self.number() as u32,
            kind: self.one_of(&[ChunkKind::Generated, ChunkKind::Other]),
        };
        AnswerNote {
            status: self.below(1000) as u16,
            message: self.message(),
            chunks: self.many(40, chunk),
            complete: self.perhaps(|| self.below(2) == 1),
            bytes: self.perhaps(|| self.number()),
        }
    }

    fn attempt(&self) -> AttemptNote {
        AttemptNote {
            upstream: self.text(),
            endpoint: self.text(),
            began: self.micros(),
            ended: self.perhaps(|| self.micros()),
            status: self.perhaps(|| self.below(1000) as u16),
            error: self.perhaps(|| self.text()),
        }
    }

    fn times(&self) -> Times {
        Times {
            received: self.micros(),
            sent: self.perhaps(|| self.micros()),
            headers: self.perhaps(|| self.micros()),
            first_byte: self.perhaps(|| self.micros()),
            first_token: self.perhaps(|| self.micros()),
            last: self.perhaps(|| self.micros()),
            client_closed: self.perhaps(|| self.micros()),
        }
    }

    fn usage(&self) -> Usage {
        let source = self.one_of(&UsageSource::ALL);
        Usage { input: self.number(), output: self.number(), source }
    }

    fn text(&self) -> String {
        const SIGNS: [&str; 10] = ["a", "Z", "0", "\"", "\\", "\n", "\0", "é", "𝄞", "\u{2028}"];
        self.many(8, || self.one_of(&SIGNS)).concat()
    }

    /// Bytes of any kind, some of which can be compressed.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let range = self.below(256) + 1;
        self.many(2_000, || self.below(range) as u8)
    }

    fn micros(&self) -> Duration {
        Duration::from_micros(self.number())
    }

    /// A number of any size.
    fn number(&self) -> u64 {
        self.0.next_u64() >> self.below(64)
    }

    pub(crate) fn below(&self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    fn perhaps<T>(&self, make: impl FnOnce() -> T) -> Option<T> {
        (self.below(3) > 0).then(make)
    }

    fn many<T>(&self, most: u64, make: impl Fn() -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| make()).collect()
    }

    fn one_of<T: Clone>(&self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize].clone()
    }
}

/// An exchange with nothing in it but what makes it `number`, and a body that follows from
/// that: see [`is_whole`].
pub(crate) fn numbered(number: u64, bytes: usize) -> Exchange {
    let made = Random::seeded(number);
    let body: Vec<u8> = (0..bytes).map(|_| made.next_u64() as u8).collect();
    Exchange {
        request_id: Some(format!("request-{number}")),
        trace_id: None,
        session: Some(Session { id: format!("session-{}", number % 7), turn: 0 }),
        caller: CallerNote { key: Some(format!("key-{}", number % 3)), ..CallerNote::default() },
        call: CallNote::default(),
        request: Message { headers: HeaderMap::new(), body: Content::Whole(body.into()) },
        answer: None,
        attempts: Vec::new(),
        times: Times { received: Duration::from_millis(number), ..Times::default() },
        usage: None,
        cost: None,
        outcome: None,
        error: None,
        cache: None,
        redactions: std::collections::BTreeMap::new(),
    }
}

/// The number of an exchange that [`numbered`] has made, and that nothing has happened to.
pub(crate) fn is_whole(exchange: &Exchange) -> Option<u64> {
    let number = exchange.request_id.as_deref()?.strip_prefix("request-")?.parse().ok()?;
    let bytes = exchange.request.body.kept()?.len();
    (numbered(number, bytes) == *exchange).then_some(number)
}
