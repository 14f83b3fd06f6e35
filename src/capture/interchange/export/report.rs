//! What came of an export: what was written, what was left out and why.
//!
//! Must not know: formats.

use std::collections::BTreeMap;
use std::fmt;

/// What came of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportReport {
    /// Exchanges that were written.
    pub written: u64,
    /// Exchanges that were not, by why not.
    pub skipped: BTreeMap<Reason, u64>,
    /// Exchanges that were written without something, by what that is.
    pub lost: BTreeMap<Loss, u64>,
}

/// Why an exchange was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Nothing is known of its request's body.
    NoBody,
    /// Only the beginning of its request's body was kept.
    CutBody,
    /// Only the shape of its request's body was kept, and no text was made up.
    OnlyShape,
    /// Its request's body is not a JSON object.
    NotJson,
    /// Its request has no list of messages.
    NoMessages,
    /// Batches have no such request.
    NotBatchable,
    /// Tools of this format send all requests to one path: that of the first one, or to chat.
    OtherPath,
    /// Its tokens are not known, or it generated none.
    NoTokens,
    /// It is not known which parts of its prompt others share.
    NoBlocks,
    /// Its choice of tools cannot be said.
    ToolChoice,
}

/// What an exchange was written without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loss {
    /// A stream was asked for, and is not in the file.
    Stream,
    /// A header or a part of the query that looks like a credential.
    Credential,
    /// Its tokens were not counted by the upstream but estimated.
    EstimatedTokens,
    /// Which parts of its prompt others share is not known.
    Blocks,
    /// Its place: it arrived before one that was already written.
    Order,
    /// There was no answer.
    Answer,
    /// Some of its times are not known; the file has zeros for them.
    Times,
    /// Its request's body, of which not all was kept.
    RequestBody,
    /// Its answer's body, of which not all was kept.
    AnswerBody,
    /// What it said: only its shape was kept, and its text is made up.
    Text,
}

impl Reason {
    /// A word for it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::NoBody => "no_body",
            Self::CutBody => "cut_body",
            Self::OnlyShape => "only_shape",
            Self::NotJson => "not_json",
            Self::NoMessages => "no_messages",
            Self::NotBatchable => "not_batchable",
            Self::OtherPath => "other_path",
            Self::NoTokens => "no_tokens",
            Self::NoBlocks => "no_blocks",
            Self::ToolChoice => "tool_choice",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoBody => "nothing is known of the request's body",
            Self::CutBody => "only the beginning of the request's body was captured",
            Self::OnlyShape => "only the shape of the request's body was captured",
            Self::NotJson => "the request's body is not a JSON object",
            Self::NoMessages => "the request has no list of messages",
            Self::NotBatchable => "batches have no such request",
            Self::OtherPath => "all requests of a file go to one path, and it has another",
            Self::NoTokens => "its tokens are not known, or it generated none",
            Self::NoBlocks => "it is not known which parts of its prompt others share",
            Self::ToolChoice => "the format cannot say which tool is to be called",
        })
    }
}

impl Loss {
    /// A word for it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Credential => "credential",
            Self::EstimatedTokens => "estimated_tokens",
            Self::Blocks => "blocks",
            Self::Order => "order",
            Self::Answer => "answer",
            Self::Times => "times",
            Self::RequestBody => "request_body",
            Self::AnswerBody => "answer_body",
            Self::Text => "text",
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stream => "asks for no stream any more",
            Self::Credential => "without what looks like a credential",
            Self::EstimatedTokens => "with tokens that were estimated",
            Self::Blocks => "without the parts of its prompt that others share",
            Self::Order => "not in the order of arrival",
            Self::Answer => "without an answer: there was none",
            Self::Times => "with zeros for times that are not known",
            Self::RequestBody => "without the request's body, of which not all was captured",
            Self::AnswerBody => "without the answer's body, of which not all was captured",
            Self::Text => "with made-up text, of which only the shape was captured",
        })
    }
}

impl ExportReport {
    pub(super) fn skip(&mut self, reason: Reason) {
        *self.skipped.entry(reason).or_default() += 1;
    }

    pub(super) fn lose(&mut self, loss: Loss) {
        *self.lost.entry(loss).or_default() += 1;
    }
}
