//! A plan on disk: JSON Lines in a zstd frame. The first line is the head, then comes a request
//! a line, and the last line says how many there were and the digest of all lines before it, so
//! that a plan that was cut or changed is not run.
//!
//! Must not know: where the file lies.

use crate::replay::planner::{MAX_REQUESTS, VERSION};
use crate::replay::{Plan, PlanHead, Planned};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, Read, Write};

/// Longest line, in bytes: a head with the most stages there may be.
const MAX_LINE: u64 = 4 * 1024 * 1024;
/// Small enough to be quick, and a plan shrinks to a tenth.
const LEVEL: i32 = 3;

/// Why a plan cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// The bytes cannot be had.
    #[error("the plan cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It was written by another release.
    #[error("the plan has version {0}, and only version {VERSION} is known here")]
    Version(u64),
    /// A line makes no sense.
    #[error("line {line} of the plan: {why}")]
    Line {
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// Its last line is missing.
    #[error("the plan is cut: its last line is missing")]
    Cut,
    /// It is not what was written.
    #[error("the plan was changed after it was written: its digest is another one")]
    Changed,
}

/// The last line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    requests: u64,
    blake3: String,
}

impl Plan {
    /// Writes this plan, and returns its digest.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, out: impl Write) -> io::Result<String> {
        let mut out = zstd::stream::write::Encoder::new(out, LEVEL)?;
        let digest = self.write_lines(&mut out)?;
        let end = End { requests: self.requests.len() as u64, blake3: digest.clone() };
        serde_json::to_writer(&mut out, &end)?;
        out.write_all(b"\n")?;
        out.finish()?.flush()?;
        Ok(digest)
    }

    /// BLAKE3 of its head and its requests as they are written, in hexadecimal.
    pub fn digest(&self) -> String {
        // A sink does not fail.
        self.write_lines(&mut io::sink()).unwrap_or_default()
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// When there is none, or not all of it, or it is not as it was written.
    pub fn read(source: impl Read) -> Result<Self, PlanFileError> {
        let source = BufReader::new(zstd::stream::read::Decoder::new(source)?);
        let mut lines = Lines { source, line: Vec::new(), number: 0 };
        let mut hasher = blake3::Hasher::new();
        let line = lines.next()?.ok_or(PlanFileError::Cut)?;
        hasher.update(line);
        let head = head(line)?;
        let mut requests = Vec::new();
        loop {
            let number = lines.number + 1;
            let line = lines.next()?.ok_or(PlanFileError::Cut)?;
            if let Ok(end) = serde_json::from_slice::<End>(line) {
                if end.blake3 != hasher.finalize().to_hex().as_str() {
                    return Err(PlanFileError::Changed);
                }
                return Ok(Self { head, requests });
            }
            hasher.update(line);
            let request: Planned = parse(line, number)?;
            check(&request, requests.last(), &head)
                .map_err(|why| PlanFileError::Line { line: number, why: why.to_owned() })?;
            requests.push(request);
        }
    }

    /// All lines but the last; the digest of what was written.
    fn write_lines(&self, out: &mut impl Write) -> io::Result<String> {
        let mut hasher = blake3::Hasher::new();
        let mut line = Vec::new();
        let mut put = |line: &mut Vec<u8>| {
            line.push(b'\n');
            hasher.update(line);
            out.write_all(line)?;
            line.clear();
            io::Result::Ok(())
        };
        serde_json::to_writer(&mut line, &self.head)?;
        put(&mut line)?;
        for request in &self.requests {
            serde_json::to_writer(&mut line, request)?;
            put(&mut line)?;
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}

/// The lines of a source, one at a time, each with its end.
struct Lines<R> {
    source: R,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> Result<Option<&[u8]>, PlanFileError> {
        self.line.clear();
        let read = (&mut self.source).take(MAX_LINE).read_until(b'\n', &mut self.line);
        match read {
            // The frame itself breaks off.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(PlanFileError::Cut);
            }
            Err(error) => return Err(error.into()),
            Ok(0) => return Ok(None),
            Ok(_) => self.number += 1,
        }
        Ok(Some(&self.line))
    }
}

fn head(line: &[u8]) -> Result<PlanHead, PlanFileError> {
    /// Of any version.
    #[derive(Deserialize)]
    struct Versioned {
        version: u64,
    }
    let Versioned { version } = parse(line, 1)?;
    if version != u64::from(VERSION) {
        return Err(PlanFileError::Version(version));
    }
    parse(line, 1)
}

fn parse<'a, T: Deserialize<'a>>(line: &'a [u8], number: u64) -> Result<T, PlanFileError> {
    serde_json::from_slice(line)
        .map_err(|error| PlanFileError::Line { line: number, why: error.to_string() })
}

/// What whoever runs a plan relies on.
fn check(request: &Planned, before: Option<&Planned>, head: &PlanHead) -> Result<(), &'static str> {
    if request.exchange >= head.captured {
        return Err("the capture has no such request");
    }
    if request.number >= MAX_REQUESTS as u64 {
        return Err("there are too many requests");
    }
    if before.is_some_and(|before| before.number >= request.number) {
        return Err("its number was there before");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
