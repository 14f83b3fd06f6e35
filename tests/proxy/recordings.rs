//! Streams as real servers send them, odd but legal, for tests that compare bytes.

use crate::support::{COMPLETION_TOKENS, PROMPT_TOKENS};

/// A stream with two line ends, comments, several data lines, no space after the colon,
/// characters of two to four bytes, escapes and a tool call. The usage event is apart, so
/// that it can be left out.
pub struct Recording {
    /// Up to the usage event.
    pub before: String,
    /// The usage event.
    pub usage: String,
    /// After it.
    pub after: String,
}

/// The one recording there is.
pub fn recording() -> Recording {
    let chunk = |choices: &str| {
        format!(
            r#"{{"id":"c-1","object":"chat.completion.chunk","model":"µ-7b","choices":{choices}}}"#
        )
    };
    let delta = |delta: &str| chunk(&format!(r#"[{{"index":0,"delta":{delta}}}]"#));
    let before = [
        ": ping\n\n".to_owned(),
        format!("data: {}\n\n", delta(r#"{"role":"assistant","content":""}"#)),
        format!("data:{}\r\n\r\n", delta(r#"{"content":"Zürich – 東京 🦀"}"#)),
        format!("event: message\nid: 3\ndata: {}\n\n", delta(r#"{"content":"\ud83e\udd80\n"}"#)),
        "data: {\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\"x\"}}]}\n\n".to_owned(),
        format!(
            "data: {}\n\n",
            delta(r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]}"#)
        ),
        ":\n\n".to_owned(),
        format!("data: {}\n\n", chunk(r#"[{"index":0,"delta":{},"finish_reason":"stop"}]"#)),
    ]
    .concat();
    let counted = format!(
        r#"{{"id":"c-1","model":"µ-7b","choices":[],"usage":{{"prompt_tokens":{PROMPT_TOKENS},"completion_tokens":{COMPLETION_TOKENS},"total_tokens":10}}}}"#
    );
    Recording {
        before,
        usage: format!("data: {counted}\n\n"),
        after: "data: [DONE]\n\n".to_owned(),
    }
}

impl Recording {
    /// All of it.
    pub fn whole(&self) -> String {
        [&*self.before, &self.usage, &self.after].concat()
    }

    /// What a caller gets that did not ask for usage.
    pub fn without_usage(&self) -> String {
        [&*self.before, &self.after].concat()
    }
}
