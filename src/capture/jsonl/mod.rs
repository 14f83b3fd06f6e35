//! The interchange format of captures: JSON Lines, an exchange a line, plain or zstd.
//!
//! Only `received` and `path` must be there. What else is missing or null is not known, and
//! whoever reads the capture has to say so: nothing is made up here. Members of other names
//! are ignored, so that a line may say more; so are words that are none of those below.
//! Times are in seconds and exact to the nanosecond, money to the billionth of a dollar.
//!
//! | member | is |
//! |---|---|
//! | `v` | the version of the format: 1, also where it is missing |
//! | `received` | when the request arrived: RFC 3339 in UTC (`2026-01-01T00:00:00.123Z`), or Unix seconds as a number |
//! | `request_id`, `trace_id` | its ids; that of the trace is 32 hexadecimal digits |
//! | `session` | `{"id", "turn"}`: its conversation, and which request of it this is, from 0 |
//! | `key` | the alias of the API key, where the proxy checks keys |
//! | `tenant` | whom that key belongs to |
//! | `credential` | where it does not: any word that stands for the credential that was shown (never itself), `""` where none was |
//! | `method` | of the request; `POST` where it is missing |
//! | `path` | of the request, with its query |
//! | `dialect` | `openai`; `_other` for any language that is not understood |
//! | `operation` | `chat`, `text_completion`, `embeddings`, `models` or `pass_through` |
//! | `stream` | whether a stream was asked for |
//! | `model` | the configured model that was meant, whatever the caller called it |
//! | `model_asked`, `model_sent`, `model_answered` | as the caller called it, as the upstream was asked for it, as the upstream named it |
//! | `headers` | those of the request that were kept: a name with its value, or with a list of values; a value that is no UTF-8 is `{"base64"}` |
//! | `request` | the request body, where it is JSON on one line, byte for byte |
//! | `request_body` | the request body as a text, where it is any other UTF-8 |
//! | `request_base64` | the request body, where it is anything else |
//! | `request_cut` | `{"length", "digest"}`: the body above is only a beginning of so many bytes; BLAKE3 of them all, in hexadecimal |
//! | `request_shape` | instead of a body: what it looked like (below) |
//! | `attempts` | the tries at upstreams: `[{"upstream", "endpoint", "began", "ended", "status", "error"}, …]`, in seconds since the request was received |
//! | `status` | of the answer. Without it there was none, and the members down to `response_bytes` say nothing |
//! | `response_headers` | those of the answer that were kept, as in `headers` |
//! | `response`, `response_body`, `response_base64`, `response_cut`, `response_shape` | the body of the answer, as that of the request |
//! | `chunks` | its chunks: `[[Δ, length, kind], …]`, microseconds since the chunk before or since the request was received, bytes, and 1 for generated output, 0 for anything else |
//! | `complete` | whether the answer came to its end: the terminator of a stream was seen, every choice was finished |
//! | `response_bytes` | the answer's body, whatever was kept of it |
//! | `duration_seconds` | from the request received to the answer's last byte |
//! | `times` | `{"sent", "headers", "first_byte", "first_token", "client_closed"}`: when the upstream had the request, its head came, the first byte of a body, the first generated output; when the caller left before the end. In seconds since the request was received |
//! | `usage` | `{"input_tokens", "output_tokens", "source"}`: as the upstream counted them, unless `source` is `estimated` or `cache` |
//! | `cost_usd` | what the upstream charged |
//! | `outcome` | `success`, `client_error`, `client_cancelled`, `rate_limited`, `upstream_error`, `timeout`, `stream_truncated`, `stream_error_event` or `internal_error` |
//! | `error` | why it failed: a label of `transom_errors_total` |
//! | `cache` | what a cache in the way said: `hit`, `stale`, `collapsed`, `miss`, `bypass` or `none` |
//! | `redactions` | how often each rule has taken something out: `{"email": 2}` |
//!
//! A shape is `{"length", "messages": [{"role", "length", "blocks"}], "tools", "parameters"}`,
//! in bytes; an id of a block is a whole number below 2⁶⁴, with which not every reader of
//! JSON is exact.
//!
//! Must not know: where a capture lies, or what it is used for.

mod body;
mod decimal;
mod headers;
mod lines;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub(in crate::capture) use decimal::Billionths;
pub(in crate::capture) use headers::Written as WrittenHeaders;
pub use lines::LineError;
pub(in crate::capture) use lines::{Lines, MAX_LINE, ZSTD_MAGIC, told, unpacked};
pub(in crate::capture) use write::date;

use crate::capture::Exchange;
use std::io::{self, Read, Write};
use zstd::stream::write::Encoder;

/// The version that is read and written here.
const VERSION: u32 = 1;
/// Lines have much in common: higher levels take far longer for little.
const ZSTD_LEVEL: i32 = 3;

/// The exchanges of a capture, in the order they are written. Holds one line at a time. A line
/// that makes no sense is an error, and the next one follows it; where the file cannot be read
/// on, that is the last item.
pub struct Records {
    lines: Lines,
    ended: Ended,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    No,
    Yes,
}

impl Records {
    /// Reads `source`, which may be compressed with zstd.
    ///
    /// # Errors
    /// When nothing at all can be read.
    pub fn new(source: impl Read + 'static) -> io::Result<Self> {
        Ok(Self { lines: Lines::new(source)?, ended: Ended::No })
    }

    /// The line that was read last, counted from 1.
    pub fn line(&self) -> u64 {
        self.lines.number()
    }

    /// The next line, read or not; `None` at the end.
    fn read(&mut self) -> Result<Option<Result<Exchange, LineError>>, LineError> {
        let Some(line) = self.lines.next()? else { return Ok(None) };
        let read = read::exchange(line);
        Ok(Some(read.map_err(|why| self.lines.wrong(why))))
    }
}

impl Iterator for Records {
    type Item = Result<Exchange, LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended == Ended::Yes {
            return None;
        }
        match self.read() {
            Ok(Some(read)) => Some(read),
            Ok(None) => {
                self.ended = Ended::Yes;
                None
            }
            Err(error) => {
                self.ended = Ended::Yes;
                Some(Err(error))
            }
        }
    }
}

/// Writes exchanges, each of which is then read back as it was.
pub struct Writer<W: Write> {
    sink: Sink<W>,
    line: Vec<u8>,
}

enum Sink<W: Write> {
    Plain(W),
    Packed(Encoder<'static, W>),
}

impl<W: Write> Writer<W> {
    /// Writes plain lines.
    pub fn plain(sink: W) -> Self {
        Self { sink: Sink::Plain(sink), line: Vec::new() }
    }

    /// Writes lines compressed with zstd.
    ///
    /// # Errors
    /// When the compressor cannot be set up.
    pub fn zstd(sink: W) -> io::Result<Self> {
        Ok(Self { sink: Sink::Packed(Encoder::new(sink, ZSTD_LEVEL)?), line: Vec::new() })
    }

    /// Writes an exchange.
    ///
    /// # Errors
    /// When `sink` takes no more, or the request was received after the year 9999.
    pub fn write(&mut self, exchange: &Exchange) -> io::Result<()> {
        self.line.clear();
        write::line(exchange, &mut self.line)?;
        match &mut self.sink {
            Sink::Plain(sink) => sink.write_all(&self.line),
            Sink::Packed(sink) => sink.write_all(&self.line),
        }
    }

    /// Writes what is still held back. Without it a compressed capture has no end.
    ///
    /// # Errors
    /// When `sink` takes no more.
    pub fn finish(self) -> io::Result<W> {
        let mut sink = match self.sink {
            Sink::Plain(sink) => sink,
            Sink::Packed(sink) => sink.finish()?,
        };
        sink.flush()?;
        Ok(sink)
    }
}
