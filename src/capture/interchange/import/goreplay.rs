//! Payloads of GoReplay, as `--output-file` writes them.
//!
//! A payload is a line `1 ID NANOSECONDS`, a message as it was on the wire, and a line of three
//! monkeys; 1 is a request, 2 its answer and 3 the answer to its repetition, which counts
//! where there is no other and says nothing about times. Answers follow their requests, and a
//! bounded number of requests waits for them. Must not know: what an exchange is made of.

use crate::capture::interchange::import::http::{End, Wire, exchange, path_of};
use crate::capture::interchange::import::{ImportError, Taker};
use crate::capture::jsonl::{Lines, MAX_LINE};
use crate::capture::{AnswerNote, Content, Exchange, Message};
use http::Method;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// What stands on a line of its own after a payload.
const SEPARATOR: &str = "🐵🙈🙉";
/// Requests that wait for their answers.
const MOST_WAITING: usize = 4096;
/// Bytes of them.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// The year 1973 in nanoseconds: what is more is a date, what is less a span of time.
const FIRST_DATE: u64 = 100_000_000_000_000_000;

/// A payload without the line that ends it.
struct Payload {
    kind: Kind,
    id: String,
    /// A date, or with answers of old a span of time; nanoseconds.
    time: u64,
    /// From the first byte to the last one.
    took: Option<Duration>,
    wire: Wire,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Request,
    Answer,
    AnswerAgain,
}

/// Requests whose answers have not come.
#[derive(Default)]
struct Waiting {
    by_id: HashMap<String, Exchange>,
    order: VecDeque<String>,
    bytes: usize,
}

pub(super) fn read(mut lines: Lines, taker: &mut Taker<'_>) -> Result<(), ImportError> {
    let mut waiting = Waiting::default();
    let mut bytes = Vec::new();
    loop {
        let line = lines.next_whole()?;
        let is_end = line.is_none_or(|line| line.trim_ascii_end() == SEPARATOR.as_bytes());
        let is_last = line.is_none();
        if let Some(line) = line.filter(|_| !is_end) {
            bytes.extend_from_slice(line);
            if bytes.len() as u64 > MAX_LINE {
                return Err(lines.wrong("the payload is too long").into());
            }
            continue;
        }
        if !bytes.trim_ascii().is_empty() {
            let payload = Payload::read(bytes.strip_suffix(b"\n").unwrap_or(&bytes));
            let payload = payload.map_err(|why| lines.wrong(format!("the payload {why}")))?;
            waiting.take(payload, taker)?;
        }
        bytes.clear();
        if is_last {
            return waiting.give_up(0, 0, taker);
        }
    }
}

impl Payload {
    fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        const BAD: &str = "above has no line `1 ID NANOSECONDS`, or `2 …` or `3 …`";
        let end = memchr::memchr(b'\n', bytes).ok_or(BAD)?;
        let head = std::str::from_utf8(&bytes[..end]).map_err(|_| BAD)?;
        let mut words = head.split_whitespace();
        let kind = match words.next() {
            Some("1") => Kind::Request,
            Some("2") => Kind::Answer,
            Some("3") => Kind::AnswerAgain,
            _ => return Err(BAD),
        };
        let id = words.next().ok_or(BAD)?.to_owned();
        let time = words.next().and_then(|word| word.parse().ok()).ok_or(BAD)?;
        let took = words.next().and_then(|word| word.parse().ok()).map(Duration::from_nanos);
        let wire = Wire::read(&bytes[end + 1..]).ok_or("above is no message of HTTP")?;
        Ok(Self { kind, id, time, took, wire })
    }

    fn request(self) -> Option<Exchange> {
        let mut words = self.wire.start.split(' ');
        let method = Method::from_bytes(words.next()?.as_bytes()).ok()?;
        let path = path_of(words.next()?)?.to_owned();
        let mut exchange = exchange(method, &path, self.wire.headers, Some(self.wire.body));
        exchange.times.received = Duration::from_micros(self.time / 1000);
        Some(exchange)
    }

    fn answer(self, exchange: &mut Exchange) -> Option<()> {
        let status = self.wire.start.split(' ').nth(1)?.parse().ok()?;
        if self.kind == Kind::Answer {
            let received = exchange.times.received;
            let time = Duration::from_micros(self.time / 1000);
            let headers = (self.time >= FIRST_DATE).then(|| time.saturating_sub(received));
            let took = self.took.map(|took| Duration::from_micros(took.as_micros() as u64));
            exchange.times.headers = headers;
            exchange.times.last = match headers {
                Some(headers) => took.map(|took| headers + took),
                None => Some(time),
            };
        }
        let bytes = self.wire.body.len() as u64;
        exchange.answer = Some(AnswerNote {
            status,
            bytes: (self.wire.end == End::Whole).then_some(bytes),
            message: Message { headers: self.wire.headers, body: Content::Whole(self.wire.body) },
            chunks: Vec::new(),
            complete: (self.wire.end == End::Cut).then_some(false),
        });
        Some(())
    }
}

impl Waiting {
    fn take(&mut self, payload: Payload, taker: &mut Taker<'_>) -> Result<(), ImportError> {
        let id = payload.id.clone();
        match payload.kind {
            Kind::Request if payload.wire.end == End::Cut => taker.skip("cut_body"),
            Kind::Request => match payload.request() {
                Some(exchange) => return self.request(id, exchange, taker),
                None => taker.skip("not_http"),
            },
            Kind::Answer => {
                let Some(mut exchange) = self.remove(&id) else {
                    taker.skip("late_answer");
                    return Ok(());
                };
                if payload.answer(&mut exchange).is_none() {
                    taker.skip("not_http");
                }
                return taker.exchange(exchange);
            }
            Kind::AnswerAgain => {
                let Some(mut exchange) = self.remove(&id) else {
                    taker.skip("late_answer");
                    return Ok(());
                };
                if payload.answer(&mut exchange).is_none() {
                    taker.skip("not_http");
                }
                self.put(id, exchange);
                return self.give_up(MOST_WAITING, MOST_BYTES, taker);
            }
        }
        Ok(())
    }

    fn request(
        &mut self,
        id: String,
        exchange: Exchange,
        taker: &mut Taker<'_>,
    ) -> Result<(), ImportError> {
        if let Some(before) = self.remove(&id) {
            taker.exchange(before)?;
        }
        self.order.push_back(id.clone());
        self.put(id, exchange);
        self.give_up(MOST_WAITING, MOST_BYTES, taker)
    }

    /// Hands out those that have waited longest until there are no more than so many.
    fn give_up(
        &mut self,
        most: usize,
        bytes: usize,
        taker: &mut Taker<'_>,
    ) -> Result<(), ImportError> {
        while self.order.len() > most || self.bytes > bytes {
            let Some(id) = self.order.pop_front() else { break };
            // Its answer may have come meanwhile.
            if let Some(exchange) = self.remove(&id) {
                taker.exchange(exchange)?;
            }
        }
        Ok(())
    }

    fn put(&mut self, id: String, exchange: Exchange) {
        self.bytes += size(&exchange);
        self.by_id.insert(id, exchange);
    }

    fn remove(&mut self, id: &str) -> Option<Exchange> {
        let exchange = self.by_id.remove(id)?;
        self.bytes -= size(&exchange);
        Some(exchange)
    }
}

fn size(exchange: &Exchange) -> usize {
    let answer = exchange.answer.iter().map(|answer| &answer.message);
    let kept = answer.chain([&exchange.request]).filter_map(|message| message.body.kept());
    kept.map(|kept| kept.len()).sum()
}
