//! What other tools have written, as exchanges.
//!
//! Owns the list of formats. Files are read a line, a row or an entry at a time. What a file
//! does not say stays unknown; what an exchange cannot be without ([`Assumed`]) the caller says.
//! Every exchange passes the caller's redaction before anybody else sees it. Must not know:
//! what is secret, or where exchanges go.

mod azure;
mod batch;
mod burstgpt;
mod detect;
mod goreplay;
mod har;
mod http;
mod mooncake;
mod table;
#[cfg(test)]
mod tests;
mod trace;

pub use detect::{DETECT, detect};

use crate::capture::jsonl::{Lines, unpacked};
use crate::capture::{Exchange, LineError, Records};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::time::Duration;

/// A format that captures are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportFormat {
    /// The interchange format.
    Jsonl,
    /// HTTP Archive 1.2.
    Har,
    /// A trace as Mooncake's: `timestamp` in milliseconds, `input_length`, `output_length`,
    /// `hash_ids` of 512 tokens each.
    Mooncake,
    /// Azure's LLM inference traces: `TIMESTAMP`, `ContextTokens`, `GeneratedTokens`.
    Azure,
    /// BurstGPT: `Timestamp` in seconds, `Request tokens`, `Response tokens` and more.
    BurstGpt,
    /// Input of OpenAI's Batch API.
    OpenAiBatch,
    /// Payloads of GoReplay, as `--output-file` writes them.
    GoReplay,
}

/// What an exchange cannot be without, and a file may not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumed {
    /// When a trace began whose instants are relative, and all requests of a batch came;
    /// since 1970.
    pub began: Duration,
    /// The path of a trace's requests.
    pub path: String,
    /// The model of a trace's requests, where it names none.
    pub model: Option<String>,
    /// Whether a trace's requests asked for streams.
    pub streamed: Option<bool>,
}

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Exchanges that were read.
    pub read: u64,
    /// What was left out, by why: `bad_line`, `not_http`, `cut_body`, `late_answer`.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Which lines made no sense, and why; the first 20.
    pub bad_lines: Vec<String>,
}

const BAD_LINE: &str = "bad_line";
/// Bad lines that are told one by one.
const MOST_TOLD: usize = 20;

impl ImportReport {
    /// Lines that made no sense.
    pub fn bad_line_count(&self) -> u64 {
        self.skipped.get(BAD_LINE).copied().unwrap_or(0)
    }
}

/// Why an import came to an end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read on.
    #[error("{0}")]
    Read(#[from] LineError),
    /// Whoever takes the exchanges takes no more.
    #[error("{0}")]
    Taker(io::Error),
}

impl ImportFormat {
    /// All formats.
    pub const ALL: [Self; 7] = [
        Self::Jsonl,
        Self::Har,
        Self::Mooncake,
        Self::Azure,
        Self::BurstGpt,
        Self::OpenAiBatch,
        Self::GoReplay,
    ];

    /// Its name on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Har => "har",
            Self::Mooncake => "mooncake-trace",
            Self::Azure => "azure-trace",
            Self::BurstGpt => "burstgpt",
            Self::OpenAiBatch => "openai-batch",
            Self::GoReplay => "goreplay",
        }
    }

    /// The format of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// Reads `source`, which may be compressed with zstd, to its end. `redact` takes out of each
/// exchange what may not be kept: headers above all, of which a file may hold any; then `take`
/// has it.
///
/// # Errors
/// The first place where the file cannot be read on, with its number, or the first error of
/// `take`. What was taken before that stays taken. Lines of the interchange format have nothing
/// to do with each other, so that of those a bad one is only left out.
pub fn import(
    format: ImportFormat,
    source: impl Read + 'static,
    assumed: &Assumed,
    redact: &mut dyn FnMut(&mut Exchange),
    take: &mut dyn FnMut(Exchange) -> io::Result<()>,
) -> Result<ImportReport, ImportError> {
    let unread = |source| LineError::Io { line: 0, source };
    let mut taker = Taker { redact, take, report: ImportReport::default() };
    let taken = &mut taker;
    match format {
        ImportFormat::Jsonl => {
            for exchange in Records::new(source).map_err(unread)? {
                match exchange {
                    Ok(exchange) => taken.exchange(exchange)?,
                    Err(LineError::Line { line, why }) => taken.skip_line(line, &why),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        ImportFormat::Har => har::read(unpacked(source).map_err(unread)?, taken)?,
        _ => {
            let lines = Lines::new(source).map_err(unread)?;
            match format {
                ImportFormat::Azure => azure::read(lines, assumed, taken)?,
                ImportFormat::BurstGpt => burstgpt::read(lines, assumed, taken)?,
                ImportFormat::OpenAiBatch => batch::read(lines, assumed, taken)?,
                ImportFormat::GoReplay => goreplay::read(lines, taken)?,
                _ => mooncake::read(lines, assumed, taken)?,
            }
        }
    }
    Ok(taker.report)
}

/// Whoever takes what was read.
struct Taker<'a> {
    redact: &'a mut dyn FnMut(&mut Exchange),
    take: &'a mut dyn FnMut(Exchange) -> io::Result<()>,
    report: ImportReport,
}

impl Taker<'_> {
    fn exchange(&mut self, mut exchange: Exchange) -> Result<(), ImportError> {
        (self.redact)(&mut exchange);
        self.report.read += 1;
        (self.take)(exchange).map_err(ImportError::Taker)
    }

    fn skip_line(&mut self, line: u64, why: &str) {
        self.skip(BAD_LINE);
        if self.report.bad_lines.len() < MOST_TOLD {
            self.report.bad_lines.push(format!("line {line}: {why}"));
        }
    }

    fn skip(&mut self, reason: &'static str) {
        *self.report.skipped.entry(reason).or_default() += 1;
    }
}
