//! Lines of a file that may be compressed with zstd, one at a time.
//!
//! Owns the bound of a line and the number of the last one. Must not know: what lines say.

use std::io::{self, BufRead, BufReader, Cursor, Read};

/// Longest line, in bytes: a body of the largest size that anybody lets through, escaped.
pub(in crate::capture) const MAX_LINE: u64 = 256 * 1024 * 1024;
/// What a zstd frame begins with (RFC 8878 §3.1.1).
pub(in crate::capture) const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Why a file cannot be read on. Nothing of a body is in its text.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// A line makes no sense.
    #[error("line {line}: {why}")]
    Line {
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// The bytes cannot be had.
    #[error("after line {line}: {source}")]
    Io {
        /// The last line that could be read.
        line: u64,
        /// The reason.
        source: io::Error,
    },
}

/// Lines, counted from 1.
pub(in crate::capture) struct Lines {
    source: Box<dyn BufRead>,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    /// Those of `source`, which may be compressed.
    pub(in crate::capture) fn new(source: impl Read + 'static) -> io::Result<Self> {
        Ok(Self { source: unpacked(source)?, line: Vec::new(), number: 0 })
    }

    /// The next line that says anything, without white space around it.
    pub(in crate::capture) fn next(&mut self) -> Result<Option<&[u8]>, LineError> {
        while self.read()? {
            if !self.line.trim_ascii().is_empty() {
                return Ok(Some(self.line.trim_ascii()));
            }
        }
        Ok(None)
    }

    /// The next line as it is, with its end.
    pub(in crate::capture) fn next_whole(&mut self) -> Result<Option<&[u8]>, LineError> {
        Ok(self.read()?.then_some(&self.line))
    }

    /// The number of the line that was read last.
    pub(in crate::capture) fn number(&self) -> u64 {
        self.number
    }

    /// What is wrong with the line that was read last.
    pub(in crate::capture) fn wrong(&self, why: impl Into<String>) -> LineError {
        LineError::Line { line: self.number, why: why.into() }
    }

    fn read(&mut self) -> Result<bool, LineError> {
        self.line.clear();
        let read = (&mut self.source).take(MAX_LINE).read_until(b'\n', &mut self.line);
        let read = read.map_err(|source| LineError::Io { line: self.number, source })?;
        if read as u64 == MAX_LINE && self.line.last() != Some(&b'\n') {
            // Where the next one begins is not known.
            let source = io::Error::other("a line is too long");
            return Err(LineError::Io { line: self.number, source });
        }
        self.number += u64::from(read > 0);
        Ok(read > 0)
    }
}

/// What `source` holds, decompressed where it is zstd.
pub(in crate::capture) fn unpacked(
    mut source: impl Read + 'static,
) -> io::Result<Box<dyn BufRead>> {
    let mut head = Vec::with_capacity(ZSTD_MAGIC.len());
    source.by_ref().take(ZSTD_MAGIC.len() as u64).read_to_end(&mut head)?;
    let is_zstd = head == ZSTD_MAGIC;
    let whole = Cursor::new(head).chain(source);
    Ok(if is_zstd {
        Box::new(BufReader::new(zstd::stream::read::Decoder::new(whole)?))
    } else {
        Box::new(BufReader::new(whole))
    })
}

/// The reason without serde's own idea of a line.
pub(in crate::capture) fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    format!("{} (column {})", &text[..end], error.column())
}
