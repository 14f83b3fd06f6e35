//! What of an answer is compared, worked out once.
//!
//! Must not know: which run an answer comes from.

use super::json::{arguments, structure};
use super::shingles::Shingles;
use crate::replay::AnswerText;

/// Tool calls of an answer that are compared; no sane answer has more.
const MOST_CALLS: usize = 64;

/// What was seen of a request in one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// The status of the answer; `None` where there was none.
    pub status: Option<u16>,
    /// What it said; `None` where it was not kept or came to no end.
    pub answer: Option<AnswerText>,
}

/// What is compared of it.
pub struct Features {
    /// As it was seen.
    pub status: Option<u16>,
    /// Of a good answer that was kept.
    pub said: Option<Said>,
}

/// What is compared of a good answer.
pub struct Said {
    /// Where the text is a JSON object or array.
    pub structure: Option<u64>,
    /// In order.
    pub calls: Vec<Call>,
    /// The finish reason.
    pub finish: Option<String>,
    /// Characters of the text and bytes of the tool calls.
    pub length: usize,
    /// Of all text and tool calls.
    pub digest: String,
    /// Of the text.
    pub shingles: Shingles,
}

/// A tool call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Of the tool.
    pub name: String,
    /// By name, each with a number for its value.
    pub arguments: Vec<(String, u64)>,
}

impl Features {
    /// Works them out.
    pub fn of(seen: &Seen) -> Self {
        let said = seen.answer.as_ref().filter(|_| is_good(seen.status)).map(said);
        Self { status: seen.status, said }
    }

    /// Whether the status is one of success.
    pub fn is_good(&self) -> bool {
        is_good(self.status)
    }
}

fn is_good(status: Option<u16>) -> bool {
    matches!(status, Some(200..=299))
}

fn said(answer: &AnswerText) -> Said {
    let calls = answer.tools.iter().take(MOST_CALLS);
    let calls_length: usize = answer.tools.iter().map(|(name, with)| name.len() + with.len()).sum();
    Said {
        structure: structure(&answer.text),
        calls: calls
            .map(|(name, with)| Call { name: name.clone(), arguments: arguments(with) })
            .collect(),
        finish: answer.finish.clone(),
        length: answer.text.chars().count() + calls_length,
        digest: answer.digest.clone(),
        shingles: Shingles::of(&answer.text),
    }
}
