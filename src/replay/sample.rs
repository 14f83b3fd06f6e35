//! What was seen of one request of a run, and of a run as a whole.
//!
//! Must not know: how requests are sent, or what the figures will be compared with.

use crate::types::Micros;
use serde::{Deserialize, Serialize};

/// What was seen of one request. Times are since the run began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Its place in the plan.
    pub number: u64,
    /// The part of the run that it belongs to.
    pub phase: Phase,
    /// Whether a stream was asked for.
    pub streamed: bool,
    /// When the plan says that it is sent.
    pub intended: Micros,
    /// When its first byte was given to the connection; `None` where there was none.
    pub sent: Option<Micros>,
    /// How much later than intended the generator let it go; the time that a new connection
    /// took is the target's, and not counted. 0 where it was not sent.
    pub lag: Micros,
    /// How long there was no connection; 0 where one was at hand.
    pub connecting: Micros,
    /// When the head of the answer came.
    pub headers: Option<Micros>,
    /// When the first byte of its body came.
    pub first_byte: Option<Micros>,
    /// When the first generated output came.
    pub first_token: Option<Micros>,
    /// When the last byte came, or the request was given up.
    pub last: Option<Micros>,
    /// Between chunks of generated output.
    pub gaps: Vec<Micros>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Tokens of the prompt.
    pub tokens_in: Option<u64>,
    /// Generated tokens.
    pub tokens_out: Option<u64>,
    /// Who counted them.
    pub tokens_by: Option<CountedBy>,
    /// Bytes of the answer's body.
    pub bytes: u64,
    /// What the answer said; `None` where it was not asked for.
    pub answer: Option<AnswerText>,
}

impl Sample {
    /// That of a request that was not sent.
    pub const fn not_sent(number: u64, phase: Phase, intended: Micros) -> Self {
        Self {
            number,
            phase,
            streamed: false,
            intended,
            sent: None,
            lag: Micros(0),
            connecting: Micros(0),
            headers: None,
            first_byte: None,
            first_token: None,
            last: None,
            gaps: Vec::new(),
            status: None,
            failure: Some(Failure::NotSent),
            tokens_in: None,
            tokens_out: None,
            tokens_by: None,
            bytes: 0,
            answer: None,
        }
    }
}

/// Who counted tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountedBy {
    /// The target.
    Target,
    /// Nobody: a guess from the length of the text.
    Guess,
}

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before anything counts.
    WarmUp,
    /// What counts.
    Measured,
}

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// No connection.
    Connect,
    /// No connection, because the generator's machine has run out of files or ports. No failure
    /// of the target's, and no run with one counts.
    Exhausted,
    /// The connection broke, or the answer was no HTTP.
    Broken,
    /// It took longer than it may.
    Timeout,
    /// The answer's status is 429.
    RateLimited,
    /// Any other status from 400 to 499.
    ClientError,
    /// A status from 500.
    ServerError,
    /// The stream ended without its terminator.
    Truncated,
    /// The stream held an error.
    StreamError,
    /// It was not sent: a limit of spending was reached, or the run was stopped.
    NotSent,
    /// The recorded client had left, and so did this one. No failure of the target's.
    Cancelled,
}

/// What an answer said, as far as answers are compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AnswerText {
    /// The text of the first choice, cut at 64 KiB.
    pub text: String,
    /// Its tool calls: names with their arguments.
    pub tools: Vec<(String, String)>,
    /// Its finish reason.
    pub finish: Option<String>,
    /// BLAKE3 of all text and tool calls of all choices, in hexadecimal.
    pub digest: String,
}

/// A figure of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Metric {
    /// Of what.
    pub quantity: Quantity,
    /// Which figure.
    pub statistic: Statistic,
}

/// What is measured. Times are in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// To the first generated output, from the intended instant.
    Ttft,
    /// To the first generated output, from the instant of sending.
    TtftFromSend,
    /// To the last byte, from the intended instant.
    Latency,
    /// To the last byte, from the instant of sending.
    LatencyFromSend,
    /// Between chunks of generated output.
    InterChunk,
    /// For each output token after the first.
    Tpot,
    /// Generated tokens a second, of all requests together.
    OutputTokens,
    /// Requests a second that were answered as the objectives ask, failures counted as not.
    Goodput,
    /// The share of requests that failed.
    Failures,
    /// Requests a second that were sent.
    SendRate,
}

/// A figure of a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// The mean.
    Mean,
    /// The median.
    P50,
    /// The 90th percentile.
    P90,
    /// The 95th percentile.
    P95,
    /// The 99th percentile.
    P99,
    /// The one value there is of a run.
    Total,
}

/// Whether the figures of a run mean anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "why")]
pub enum Validity {
    /// They do.
    Valid,
    /// They do not, and why: the generator itself lagged, nothing was measured …
    Invalid(Vec<String>),
}
