//! The fixed requests and answers of the bench: what the load sends, what the mock
//! says, and so what every proxy must deliver byte for byte. No I/O.

use std::fmt::Write;
use std::time::Duration;

/// Time between two events of a stream.
pub const PERIOD: Duration = Duration::from_millis(20);

/// A body the load expects, in parts: the one JSON document, or the events of a stream.
pub struct Answer {
    bytes: Vec<u8>,
    /// End of each part in `bytes`, ascending; the last is the whole body's.
    ends: Vec<usize>,
}

impl Answer {
    /// A chat completion of about 600 bytes with its usage: one part.
    pub fn json() -> Self {
        let bytes = JSON.as_bytes().to_vec();
        let ends = vec![bytes.len()];
        Self { bytes, ends }
    }

    /// `events` numbered chat completion chunks; the last part also holds `[DONE]`.
    pub fn stream(events: usize) -> Self {
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

/// A whole HTTP/1.1 request for the JSON answer.
pub fn json_request() -> Vec<u8> {
    request("")
}

/// A whole HTTP/1.1 request for a stream of `events` events.
pub fn stream_request(events: usize) -> Vec<u8> {
    request(&format!(",\"max_tokens\":{events},\"stream\":true"))
}

/// How many events a request body asks for; `None` when it asks for plain JSON.
pub fn events_asked(body: &[u8]) -> Option<usize> {
    memchr::memmem::find(body, b"\"stream\":true")?;
    let name = b"\"max_tokens\":";
    let at = memchr::memmem::find(body, name)? + name.len();
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

const JSON: &str = concat!(
    r#"{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"bench","#,
    r#""choices":[{"index":0,"message":{"role":"assistant","content":"The three primary colours "#,
    r#"of light are red, green and blue. Mixed in equal parts they give white, and every other "#,
    r#"colour a screen can show is some blend of the three. Painters start from red, yellow and "#,
    r#"blue, and printers from cyan, magenta and yellow.","refusal":null},"logprobs":null,"#,
    r#""finish_reason":"stop"}],"usage":{"prompt_tokens":24,"completion_tokens":61,"#,
    r#""total_tokens":85},"system_fingerprint":"fp_bench"}"#,
);
