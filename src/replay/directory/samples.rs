//! The file of samples: a sample a line, compressed.
//!
//! What was flushed can be read, whatever becomes of the writer: an unended end is left out.
//! Must not know: what a sample means.

use super::DirectoryError;
use crate::replay::Sample;
use crate::replay::engine::Observer;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use zstd::stream::read::Decoder;
use zstd::stream::write::{AutoFinishEncoder, Encoder};

/// zstd's own default.
const LEVEL: i32 = 3;
/// A line longer than this is none of ours.
const MAX_LINE: u64 = 16 * 1024 * 1024;

/// Writes samples; those of the last second may be lost with the process, those before are on
/// their way to the disk. Dropping it ends the file.
pub struct SampleWriter {
    file: AutoFinishEncoder<'static, BufWriter<File>>,
    line: Vec<u8>,
}

/// Reads samples.
pub struct Samples {
    lines: BufReader<Decoder<'static, BufReader<File>>>,
    path: PathBuf,
    line: Vec<u8>,
    number: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    Ended,
    Torn,
}

impl SampleWriter {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let file = Encoder::new(BufWriter::new(file), LEVEL)?.auto_finish();
        Ok(Self { file, line: Vec::new() })
    }
}

impl Observer for SampleWriter {
    fn sample(&mut self, sample: &Sample) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, sample)?;
        self.line.push(b'\n');
        self.file.write_all(&self.line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Samples {
    pub(super) fn open(path: PathBuf) -> Result<Self, DirectoryError> {
        let lines = File::open(&path).and_then(Decoder::new).map(BufReader::new);
        match lines {
            Ok(lines) => {
                Ok(Self { lines, path, line: Vec::new(), number: 0, state: State::Reading })
            }
            Err(error) => Err(DirectoryError::Io(path, error)),
        }
    }

    /// Whether the file ended before its end: its run goes on, or was killed. Known once all
    /// samples are read.
    pub fn is_torn(&self) -> bool {
        self.state == State::Torn
    }

    /// The next line; `None` at the end.
    fn line(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        let read = self.lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut self.line);
        match read {
            Ok(_) if self.line.ends_with(b"\n") => {
                self.number += 1;
                return Ok(Some(&self.line));
            }
            Ok(0) => self.state = State::Ended,
            Ok(_) if self.line.len() as u64 == MAX_LINE => {
                self.state = State::Ended;
                return Err(io::Error::other("a line is too long"));
            }
            Ok(_) => self.state = State::Torn,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => self.state = State::Torn,
            Err(error) => {
                self.state = State::Ended;
                return Err(error);
            }
        }
        Ok(None)
    }
}

impl Iterator for Samples {
    type Item = Result<Sample, DirectoryError>;

    /// A line that is no sample is an error with its number; the next one is read after it.
    fn next(&mut self) -> Option<Self::Item> {
        if self.state != State::Reading {
            return None;
        }
        let line = match self.line() {
            Ok(line) => serde_json::from_slice(line?),
            Err(error) => return Some(Err(DirectoryError::Io(self.path.clone(), error))),
        };
        let number = self.number;
        Some(line.map_err(|error| {
            let error = io::Error::other(format!("line {number}: {error}"));
            DirectoryError::Io(self.path.clone(), error)
        }))
    }
}
