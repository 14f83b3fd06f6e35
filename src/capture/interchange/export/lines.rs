//! Formats that have a piece of text for each exchange, in the order of their arrival.
//!
//! Captures are written as exchanges end, so pieces wait here for those that began earlier
//! and ended later: a bounded number and size of them. Must not know: what a piece says.

use crate::capture::interchange::export::{ExportReport, Loss, Reason, Sink};
use crate::capture::{Content, Exchange};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};
use std::time::Duration;

/// Pieces that wait.
const MOST_PIECES: usize = 65_536;
/// Bytes of them.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// A format of pieces.
pub(super) trait Pieces {
    /// What stands around the pieces.
    const FRAME: Frame = Frame { before: "", between: "\n", after: "\n" };
    /// The member that says when a request came; pieces that have one are JSON objects.
    const STAMP: Option<Stamp> = None;
    /// Whether a piece holds a request's body, made up where only its shape is known.
    const SENDS: bool = true;

    /// The piece of an exchange.
    ///
    /// # Errors
    /// Why it has none.
    fn piece(&mut self, exchange: &Exchange, report: &mut ExportReport) -> Result<Vec<u8>, Reason>;

    /// What comes after [`Frame::after`].
    fn ending(&self) -> String {
        String::new()
    }
}

/// What stands around pieces.
pub(super) struct Frame {
    /// Before the first one, also where there is none.
    pub(super) before: &'static str,
    pub(super) between: &'static str,
    /// After the last one; where there is none, too, unless it is the end of a line.
    pub(super) after: &'static str,
}

/// A member that says when a request came, since the first one did.
#[derive(Clone, Copy)]
pub(super) struct Stamp {
    pub(super) name: &'static str,
    pub(super) unit: Unit,
}

/// How a time is written: always as a number of the same kind, for tools that find out by
/// themselves what a column holds.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    /// Whole milliseconds.
    Millis,
    /// Milliseconds with three decimals.
    MillisExact,
    /// Seconds with six decimals.
    Seconds,
}

/// Writes pieces.
pub(super) struct Lines<'a, P> {
    out: &'a mut (dyn Write + Send),
    pieces: P,
    waiting: BinaryHeap<Reverse<(Duration, u64, Vec<u8>)>>,
    bytes: usize,
    number: u64,
    written: Option<Written>,
}

#[derive(Clone, Copy)]
struct Written {
    first: Duration,
    last: Duration,
}

impl<'a, P: Pieces> Lines<'a, P> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), pieces: P) -> Self {
        let waiting = BinaryHeap::new();
        Self { out, pieces, waiting, bytes: 0, number: 0, written: None }
    }

    fn write_first(&mut self, report: &mut ExportReport) -> io::Result<()> {
        let Some(Reverse((received, _, piece))) = self.waiting.pop() else { return Ok(()) };
        self.bytes -= piece.len();
        let before = self.written;
        let separator = if before.is_some() { P::FRAME.between } else { P::FRAME.before };
        self.out.write_all(separator.as_bytes())?;
        let Written { first, last } = before.unwrap_or(Written { first: received, last: received });
        if received < last {
            report.lose(Loss::Order);
        }
        self.written = Some(Written { first, last: last.max(received) });
        match (P::STAMP, piece.strip_prefix(b"{")) {
            (Some(stamp), Some(rest)) => {
                let time = stamp.unit.format(received.saturating_sub(first));
                write!(self.out, "{{\"{}\":{time},", stamp.name)?;
                self.out.write_all(rest)
            }
            _ => self.out.write_all(&piece),
        }
    }
}

impl<P: Pieces> Sink for Lines<'_, P> {
    fn put(&mut self, exchange: &Exchange, report: &mut ExportReport) -> io::Result<()> {
        match self.pieces.piece(exchange, report) {
            Ok(piece) => {
                report.written += 1;
                if P::SENDS && matches!(exchange.request.body, Content::Shape(_)) {
                    report.lose(Loss::Text);
                }
                self.number += 1;
                self.bytes += piece.len();
                self.waiting.push(Reverse((exchange.times.received, self.number, piece)));
            }
            Err(reason) => report.skip(reason),
        }
        while self.waiting.len() > MOST_PIECES || self.bytes > MOST_BYTES {
            self.write_first(report)?;
        }
        Ok(())
    }

    fn end(mut self: Box<Self>, report: &mut ExportReport) -> io::Result<()> {
        while !self.waiting.is_empty() {
            self.write_first(report)?;
        }
        if self.written.is_none() {
            self.out.write_all(P::FRAME.before.as_bytes())?;
        }
        if self.written.is_some() || P::FRAME.after != "\n" {
            self.out.write_all(P::FRAME.after.as_bytes())?;
        }
        self.out.write_all(self.pieces.ending().as_bytes())?;
        self.out.flush()
    }
}

impl Unit {
    fn format(self, time: Duration) -> String {
        let micros = time.as_micros();
        match self {
            Self::Millis => ((micros + 500) / 1000).to_string(),
            Self::MillisExact => format!("{}.{:03}", micros / 1000, micros % 1000),
            Self::Seconds => format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000),
        }
    }
}
