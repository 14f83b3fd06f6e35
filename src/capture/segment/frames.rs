//! The frames of a segment file, one after the other, whatever has happened to it.
//!
//! A frame that is damaged is passed over: the next one begins where its length says, or else
//! wherever a whole frame is found. Must not know: what a block is, or which segment it is in.

use super::frame::{FRAME_HEAD, FrameHead};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes that are searched at a time.
const WINDOW: usize = 1 << 20;
/// Bytes that are hashed at most to find whole frames behind damaged ones.
const PATIENCE: u64 = 1 << 30;
/// What a block begins with where it is not sealed (RFC 8878 §3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// How far the numbers of two frames may lie apart, with damaged ones between them.
const NUMBERS: u32 = 1 << 22;

/// A whole frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) offset: u64,
    pub(crate) number: u32,
    /// The block, sealed where the segment is.
    pub(crate) body: Vec<u8>,
}

/// What comes next in a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Frame(Frame),
    /// Bytes that are no frame, and a whole frame behind them.
    Bad {
        bytes: u64,
    },
    /// Bytes that are no frame, up to the end.
    Tail {
        offset: u64,
        bytes: u64,
    },
}

/// What blocks look like, as far as that helps to find one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Plain,
    Sealed,
}

/// The frames of a file, as far as it was written when it was opened.
pub(crate) struct Frames {
    file: File,
    end: u64,
    at: u64,
    number: u32,
    look: Look,
    patience: u64,
}

impl Frames {
    /// Those from `at` on.
    pub(crate) fn new(file: File, at: u64, look: Look) -> io::Result<Self> {
        let end = file.metadata()?.len();
        Ok(Self { file, end, at, number: 0, look, patience: PATIENCE })
    }

    /// Bytes of the file.
    pub(crate) const fn length(&self) -> u64 {
        self.end
    }

    /// What comes next; `None` at the end.
    pub(crate) fn step(&mut self) -> io::Result<Option<Step>> {
        if self.at >= self.end {
            return Ok(None);
        }
        let offset = self.at;
        match self.take() {
            // Whoever writes it has cut off what was not whole.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.at = self.end;
                Ok(Some(Step::Tail { offset, bytes: self.end - offset }))
            }
            step => step.map(Some),
        }
    }

    fn take(&mut self) -> io::Result<Step> {
        if let Some(frame) = self.frame_at(self.at)? {
            self.at += FRAME_HEAD as u64 + frame.body.len() as u64;
            self.number = frame.number;
            return Ok(Step::Frame(frame));
        }
        let offset = self.at;
        let next = self.next_whole()?;
        self.at = next.unwrap_or(self.end);
        let bytes = self.at - offset;
        Ok(next.map_or(Step::Tail { offset, bytes }, |_| Step::Bad { bytes }))
    }

    /// The frame that begins at `offset`; `None` where none does.
    pub(crate) fn frame_at(&self, offset: u64) -> io::Result<Option<Frame>> {
        let Some(head) = self.head_at(offset)? else { return Ok(None) };
        let mut body = vec![0; head.body];
        self.file.read_exact_at(&mut body, offset + FRAME_HEAD as u64)?;
        let frame = Frame { offset, number: head.number, body };
        Ok(head.is_of(&frame.body).then_some(frame))
    }

    /// The head at `offset`, where a frame of its length fits into the file.
    fn head_at(&self, offset: u64) -> io::Result<Option<FrameHead>> {
        let mut bytes = [0; FRAME_HEAD];
        if self.end.saturating_sub(offset) < FRAME_HEAD as u64 {
            return Ok(None);
        }
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(FrameHead::read(&bytes).filter(|head| head.frame() <= self.end - offset))
    }

    /// Where the next whole frame begins.
    fn next_whole(&mut self) -> io::Result<Option<u64>> {
        let next = self.head_at(self.at)?.map(|head| self.at + head.frame());
        match next {
            // Its length is well: there is nothing behind it.
            Some(next) if next == self.end => return Ok(None),
            Some(next) if self.frame_at(next)?.is_some() => return Ok(Some(next)),
            _ => {}
        }
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let mut window = vec![0; left.min(WINDOW + FRAME_HEAD + ZSTD.len())];
        let mut from = self.at + 1;
        while from < self.end && self.patience > 0 {
            let length = usize::try_from(self.end - from).unwrap_or(usize::MAX).min(window.len());
            self.file.read_exact_at(&mut window[..length], from)?;
            if let Some(found) = self.search(&window[..length], from)? {
                return Ok(Some(found));
            }
            from += WINDOW as u64;
        }
        Ok(None)
    }

    /// The first whole frame that begins in the window, which begins at `from`.
    fn search(&mut self, window: &[u8], from: u64) -> io::Result<Option<u64>> {
        for (at, bytes) in window.windows(FRAME_HEAD + ZSTD.len()).take(WINDOW).enumerate() {
            let (head, block) = bytes.split_at(FRAME_HEAD);
            let Some(head) = head.try_into().ok().and_then(FrameHead::read) else { continue };
            let offset = from + at as u64;
            let is_likely = match self.look {
                Look::Plain => block == ZSTD,
                Look::Sealed => head.number.wrapping_sub(self.number) <= NUMBERS,
            };
            if !is_likely || head.frame() > self.end - offset {
                continue;
            }
            if self.frame_at(offset)?.is_some() {
                return Ok(Some(offset));
            }
            self.patience = self.patience.saturating_sub(head.frame());
            if self.patience == 0 {
                return Ok(None);
            }
        }
        Ok(None)
    }
}
