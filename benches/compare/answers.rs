//! The fixed requests and answers of the bench: what the load sends, what the mock
//! says, and so what every proxy must deliver byte for byte. No I/O.

use std::fmt::Write;
use std::time::Duration;

/// Time between two events of a stream.
pub const PERIOD: Duration = Duration::from_millis(20);

/// What a request asks the mock to say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// A chat completion of about 600 bytes.
    Reply,
    /// A chat completion of this many bytes, at least 1,000.
    Document(usize),
    /// This many events, [`PERIOD`] apart.
    Stream(usize),
    /// This many events at once.
    Burst(usize),
}

/// What a request says of how its answer is drawn, and so whether it may be cached.
#[derive(Clone, Copy)]
pub enum Drawn {
    /// Nothing: the answer is another one each time.
    Anew,
    /// `temperature` 0: the same answer each time.
    Greedily,
    /// `seed`: the same answer for the same seed.
    Seeded(u32),
}

impl Asked {
    /// What the body of a request asks for.
    pub fn of(body: &[u8]) -> Self {
        let holds = |member: &str| memchr::memmem::find(body, member.as_bytes()).is_some();
        match (number(body), holds(STREAM), holds(AT_ONCE)) {
            (None, _, _) => Self::Reply,
            (Some(bytes), false, _) => Self::Document(bytes),
            (Some(events), true, false) => Self::Stream(events),
            (Some(events), true, true) => Self::Burst(events),
        }
    }

    /// A whole HTTP/1.1 request that asks for it.
    pub fn request(self, drawn: Drawn) -> Vec<u8> {
        let wanted = match self {
            Self::Reply => String::new(),
            Self::Document(bytes) => format!(",{NUMBER}{bytes}"),
            Self::Stream(events) => format!(",{NUMBER}{events},{STREAM}"),
            Self::Burst(events) => format!(",{NUMBER}{events},{STREAM},{AT_ONCE}"),
        };
        match drawn {
            Drawn::Anew => request(&wanted),
            Drawn::Greedily => request(&format!("{wanted},\"temperature\":0")),
            // All requests of a case have the same length.
            Drawn::Seeded(seed) => request(&format!("{wanted},\"seed\":{}", 1_000_000 + seed)),
        }
    }

    /// What answers it.
    pub fn answer(self) -> Answer {
        match self {
            Self::Reply => Answer::document(REPLY),
            Self::Document(bytes) => Answer::document(&reply_of(bytes)),
            Self::Stream(events) | Self::Burst(events) => Answer::stream(events),
        }
    }
}

/// A body the load expects, in parts: the one JSON document, or the events of a stream.
pub struct Answer {
    bytes: Vec<u8>,
    /// End of each part in `bytes`, ascending; the last is the whole body's.
    ends: Vec<usize>,
}

impl Answer {
    /// One part.
    fn document(text: &str) -> Self {
        Self { bytes: text.as_bytes().to_vec(), ends: vec![text.len()] }
    }

    /// `events` numbered chat completion chunks; the last part also holds `[DONE]`.
    fn stream(events: usize) -> Self {
        let mut text = String::new();
        let mut ends = Vec::with_capacity(events);
        for number in 0..events {
            let reason = if number + 1 == events { "\"stop\"" } else { "null" };
            // Writing to a String does not fail.
            write!(
                text,
                "data: {{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\
                 \"created\":1700000000,\"model\":\"bench\",\"choices\":[{{\"index\":0,\
                 \"delta\":{{\"content\":\" token{number:04}\"}},\"finish_reason\":{reason}}}]}}\n\n"
            )
            .ok();
            if number + 1 == events {
                text.push_str("data: [DONE]\n\n");
            }
            ends.push(text.len());
        }
        Self { bytes: text.into_bytes(), ends }
    }

    /// The whole body.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many parts the whole body has.
    pub fn parts(&self) -> usize {
        self.ends.len()
    }

    /// How many parts are complete in the first `len` bytes.
    pub fn parts_within(&self, len: usize) -> usize {
        self.ends.partition_point(|end| *end <= len)
    }

    /// The bytes of each part, in order.
    pub fn each_part(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }
}

/// Stands before the number of events, or of bytes.
const NUMBER: &str = "\"max_tokens\":";
/// Asks for events.
const STREAM: &str = "\"stream\":true";
/// Asks for them without pauses.
const AT_ONCE: &str = "\"pause_ms\":0";

fn number(body: &[u8]) -> Option<usize> {
    let at = memchr::memmem::find(body, NUMBER.as_bytes())? + NUMBER.len();
    let digits = body[at..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0')))
}

fn request(options: &str) -> Vec<u8> {
    let body = format!(
        "{{\"model\":\"bench\",\"messages\":[\
         {{\"role\":\"system\",\"content\":\"You are a careful assistant.\"}},\
         {{\"role\":\"user\",\"content\":\"Name the three primary colours.\"}}]{options}}}"
    );
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: bench.test\r\nUser-Agent: transom-bench\r\n\
         Accept: */*\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// [`REPLY`] made `bytes` long by words after its own.
fn reply_of(bytes: usize) -> String {
    let (before, after) = REPLY.split_at(REPLY.find(CONTENT_ENDS).unwrap_or(REPLY.len()));
    let mut text = before.to_owned();
    text.extend(words().take(bytes.saturating_sub(REPLY.len())));
    text + after
}

/// Letters and spaces that hardly repeat, so that they take their room on disk when compressed:
/// xorshift64 (Marsaglia, 2003).
fn words() -> impl Iterator<Item = char> {
    let steps = std::iter::successors(Some(88_172_645_463_325_252_u64), |state| {
        let mut next = *state;
        next ^= next << 13;
        next ^= next >> 7;
        next ^= next << 17;
        Some(next)
    });
    steps.map(|state| char::from(b"abcdefghijklmnopqrstuvwxyz      "[(state >> 59) as usize]))
}

/// What stands after the text of [`REPLY`].
const CONTENT_ENDS: &str = r#"","refusal""#;

const REPLY: &str = concat!(
    r#"{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"bench","#,
    r#""choices":[{"index":0,"message":{"role":"assistant","content":"The three primary colours "#,
    r#"of light are red, green and blue. Mixed in equal parts they give white, and every other "#,
    r#"colour a screen can show is some blend of the three. Painters start from red, yellow and "#,
    r#"blue, and printers from cyan, magenta and yellow.","refusal":null},"logprobs":null,"#,
    r#""finish_reason":"stop"}],"usage":{"prompt_tokens":24,"completion_tokens":61,"#,
    r#""total_tokens":85},"system_fingerprint":"fp_bench"}"#,
);
