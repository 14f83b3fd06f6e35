//! Just enough HTTP/1.1 for both ends of the bench: message heads, body framing,
//! chunk decoding (RFC 9112 §6, §7.1). No I/O. Not for reuse outside the bench:
//! it trusts its peers to send what HTTP/1.1 allows.

use crate::load::Failure;

/// What the bench needs of a message head.
pub struct Head {
    /// Bytes of the head, including the blank line.
    pub len: usize,
    /// Status of a response; 0 for a request.
    pub status: u16,
    /// What a request asks for.
    pub target: Target,
    /// How the body ends.
    pub framing: Framing,
    /// Whether the peer will close the connection after the message.
    pub close: bool,
}

/// What the mock can be asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// `POST /v1/chat/completions`
    Chat,
    /// `POST /v1/traces`: spans, which are thrown away.
    Traces,
    /// `GET /traces`: how often spans came.
    TracesSeen,
    /// Anything else, such as a response.
    Other,
}

/// Where a body ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// After this many bytes.
    Length(usize),
    /// At the chunk of length 0.
    Chunked,
}

/// The head at the start of `buffer`; `None` until it is complete.
pub fn head(buffer: &[u8]) -> Option<Head> {
    let len = memchr::memmem::find(buffer, b"\r\n\r\n")? + 4;
    let mut lines = buffer[..len - 4].split(|byte| *byte == b'\n');
    let start = lines.next().unwrap_or_default();
    let mut head = Head {
        len,
        status: status(start),
        target: target(start),
        framing: Framing::Length(0),
        close: false,
    };
    for line in lines {
        let Some(colon) = memchr::memchr(b':', line) else {
            continue;
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            head.framing = Framing::Length(number(value));
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            head.framing = Framing::Chunked;
        } else if name.eq_ignore_ascii_case(b"connection") {
            head.close = value.eq_ignore_ascii_case(b"close");
        }
    }
    Some(head)
}

/// Takes a body out of its framing, however the bytes were cut.
pub enum Body {
    /// Bytes still to come.
    Length(usize),
    /// Within a chunk-size line: the size so far, and whether its digits are over.
    Size(usize, Digits),
    /// Bytes of a chunk still to come, its closing CRLF included.
    Chunk(usize),
    /// After the last chunk: bytes of the trailer line so far.
    Trailer(usize),
    /// The message is over.
    Over,
}

/// Whether a chunk-size line is still in its hex digits or past them, in an extension.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Digits {
    /// More digits may come.
    Open,
    /// The rest of the line is not the size.
    Closed,
}

impl Body {
    /// A body that is about to begin.
    pub fn new(framing: Framing) -> Self {
        match framing {
            Framing::Length(0) => Self::Over,
            Framing::Length(len) => Self::Length(len),
            Framing::Chunked => Self::Size(0, Digits::Open),
        }
    }

    /// Feeds `input`, hands each run of payload to `payload`.
    ///
    /// # Errors
    /// [`Failure::Framing`] on bytes after the end or a malformed chunk size; whatever
    /// `payload` refuses.
    pub fn feed(
        &mut self,
        mut input: &[u8],
        mut payload: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        while let Some(&byte) = input.first() {
            let mut used = 1;
            *self = match *self {
                Self::Over => return Err(Failure::Framing),
                Self::Length(left) => {
                    used = left.min(input.len());
                    payload(&input[..used])?;
                    if used == left { Self::Over } else { Self::Length(left - used) }
                }
                Self::Size(size, digits) => size_byte(size, digits, byte)?,
                Self::Chunk(left) => {
                    used = left.min(input.len());
                    payload(&input[..used.min(left.saturating_sub(2))])?;
                    if used == left {
                        Self::Size(0, Digits::Open)
                    } else {
                        Self::Chunk(left - used)
                    }
                }
                Self::Trailer(0) if byte == b'\r' => Self::Trailer(0),
                Self::Trailer(0) if byte == b'\n' => Self::Over,
                Self::Trailer(_) if byte == b'\n' => Self::Trailer(0),
                Self::Trailer(len) => Self::Trailer(len + 1),
            };
            input = &input[used..];
        }
        Ok(())
    }
}

fn size_byte(size: usize, digits: Digits, byte: u8) -> Result<Body, Failure> {
    match (byte, digits) {
        (b'\n', _) if size == 0 => Ok(Body::Trailer(0)),
        (b'\n', _) => Ok(Body::Chunk(size + 2)),
        (b'\r' | b';', _) | (_, Digits::Closed) => Ok(Body::Size(size, Digits::Closed)),
        (_, Digits::Open) => {
            let digit = char::from(byte).to_digit(16).ok_or(Failure::Framing)?;
            Ok(Body::Size(size * 16 + digit as usize, Digits::Open))
        }
    }
}

fn target(line: &[u8]) -> Target {
    match line {
        _ if line.starts_with(b"POST /v1/chat/completions ") => Target::Chat,
        _ if line.starts_with(b"POST /v1/traces ") => Target::Traces,
        _ if line.starts_with(b"GET /traces ") => Target::TracesSeen,
        _ => Target::Other,
    }
}

/// The status of `HTTP/1.1 200 OK`; 0 for any other line.
fn status(line: &[u8]) -> u16 {
    let code = line.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
    code.and_then(|digits| u16::try_from(number(digits)).ok()).unwrap_or(0)
}

fn number(digits: &[u8]) -> usize {
    std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}
