//! A segment that is read.
//!
//! Whatever has happened to the file, what is whole in it is found. Must not know: other
//! segments, or what is done with a record.

use super::codec::{Block, DecodeError, Decoder};
use super::entry::Place;
use super::frames::{Frame, Frames, Look, Step};
use super::header::{BadHeader, HEADER, Header, KeyId};
use super::id::{Part, SegmentId};
use super::keys::{DataKey, KeyError, KeyFile, Master};
use crate::capture::Exchange;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Why a segment or a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file cannot be read.
    #[error("{segment}: {source}")]
    Io {
        /// The segment.
        segment: SegmentId,
        /// The reason.
        source: io::Error,
    },
    /// It was written by a newer program.
    #[error("{segment} is of version {version}, which is not known here")]
    Newer {
        /// The segment.
        segment: SegmentId,
        /// Its version.
        version: u16,
    },
    /// It is sealed, and cannot be opened.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// There is no whole frame at that place.
    #[error("{} has no record {} at {}", .0.segment, .0.ordinal, .0.offset)]
    NoRecord(Place),
    /// The frame is whole, and what is in it is not a record.
    #[error("{} at {}, record {}: {source}", place.segment, place.offset, place.ordinal)]
    Record {
        /// Where it is.
        place: Place,
        /// What is wrong with it.
        source: DecodeError,
    },
}

/// How the records of a segment can be read.
pub(crate) enum Access {
    /// As they are.
    Plain,
    /// With this key.
    Sealed(Box<DataKey>),
    /// Not at all; their frames can be counted nevertheless.
    Closed(KeyError),
}

/// A segment that is read from its beginning to its end, or at any frame.
pub(crate) struct SegmentReader {
    pub(crate) id: SegmentId,
    pub(crate) access: Access,
    frames: Frames,
    /// Which key the header names.
    pub(crate) key: Option<KeyId>,
    /// What is wrong with its header.
    pub(crate) header: Option<BadHeader>,
    decoder: Decoder,
}

impl SegmentReader {
    /// Opens the segment `id` of `directory`. One that is sealed and cannot be opened is
    /// closed, which `access` says.
    ///
    /// # Errors
    /// When the file cannot be read, or a newer program wrote it.
    pub(crate) fn open(
        directory: &Path,
        id: SegmentId,
        master: Option<&Master>,
    ) -> Result<Self, ReadError> {
        let reader = Self::open_once(directory, id, master)?;
        match reader.access {
            // It may have been rewritten, and sealed with another key, between two looks.
            Access::Closed(KeyError::Shredded(_)) => Self::open_once(directory, id, master),
            _ => Ok(reader),
        }
    }

    fn open_once(
        directory: &Path,
        id: SegmentId,
        master: Option<&Master>,
    ) -> Result<Self, ReadError> {
        let failed = |source| ReadError::Io { segment: id, source };
        let file = File::open(id.path(directory, Part::Records)).map_err(failed)?;
        let header = read_header(&file).map_err(failed)?;
        if let Err(BadHeader::Newer(version)) = header {
            return Err(ReadError::Newer { segment: id, version });
        }
        let keys = KeyFile::read(directory, id);
        let (sealed_as, key) = match header {
            Ok(header) => (header.id, header.key),
            Err(_) => (id, None),
        };
        // A damaged header does not say whether records are sealed; a key beside them does.
        let is_sealed = match header {
            Ok(header) => header.key.is_some(),
            Err(_) => !matches!(keys, Ok(None)),
        };
        let access = if is_sealed { unlock(keys, sealed_as, key, master) } else { Access::Plain };
        let look = if is_sealed { Look::Sealed } else { Look::Plain };
        let frames = Frames::new(file, HEADER as u64, look).map_err(failed)?;
        let decoder = Decoder::new().map_err(failed)?;
        Ok(Self { id, access, frames, key, header: header.err(), decoder })
    }

    /// Says why, where the segment is closed.
    /// Whether anybody who has the file can read it.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.access, Access::Plain)
    }

    pub(crate) fn check_open(&self) -> Result<(), ReadError> {
        match &self.access {
            Access::Closed(error) => Err(ReadError::Key(error.clone())),
            Access::Plain | Access::Sealed(_) => Ok(()),
        }
    }

    /// Bytes of the file.
    pub(crate) const fn length(&self) -> u64 {
        self.frames.length()
    }

    /// What comes next; `None` at the end.
    pub(crate) fn step(&mut self) -> Result<Option<Step>, ReadError> {
        self.frames.step().map_err(|source| ReadError::Io { segment: self.id, source })
    }

    /// The block of a frame as it is packed; `None` where it cannot be opened.
    pub(crate) fn packed(&self, frame: Frame) -> Option<Vec<u8>> {
        match &self.access {
            Access::Plain => Some(frame.body),
            Access::Sealed(key) => key.open(frame.number, frame.body),
            Access::Closed(_) => None,
        }
    }

    /// The block that is packed so.
    pub(crate) fn block(&mut self, packed: &[u8]) -> Result<Block, DecodeError> {
        self.decoder.block(packed)
    }

    /// What lists say of the records of the block that is packed so; their bodies are not
    /// unpacked.
    pub(crate) fn heads(&mut self, packed: &[u8]) -> Result<Block, DecodeError> {
        self.decoder.heads(packed)
    }

    /// The exchange at `place`, which is in this segment.
    pub(crate) fn read(&mut self, place: Place) -> Result<Exchange, ReadError> {
        self.check_open()?;
        let frame = self.frames.frame_at(place.offset);
        let frame = frame.map_err(|source| ReadError::Io { segment: self.id, source })?;
        let frame = frame.ok_or(ReadError::NoRecord(place))?;
        let damaged = |source| ReadError::Record { place, source };
        let packed = self.packed(frame).ok_or(damaged(DecodeError::Unpack))?;
        let block = self.decoder.block(&packed).map_err(damaged)?;
        let ordinal = usize::try_from(place.ordinal).unwrap_or(usize::MAX);
        if ordinal >= block.records() {
            return Err(ReadError::NoRecord(place));
        }
        block.exchange(ordinal).map_err(damaged)
    }
}

/// The header of `file`; one that is not all there is damaged.
fn read_header(file: &File) -> io::Result<Result<Header, BadHeader>> {
    let mut bytes = [0; HEADER];
    match file.read_exact_at(&mut bytes, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Err(BadHeader::Damaged)),
        read => read.map(|()| Header::read(&bytes)),
    }
}

fn unlock(
    keys: Result<Option<KeyFile>, KeyError>,
    segment: SegmentId,
    key: Option<KeyId>,
    master: Option<&Master>,
) -> Access {
    let opened = match (keys, master) {
        (Err(error), _) => Err(error),
        (Ok(None), _) => Err(KeyError::Shredded(segment)),
        (Ok(Some(_)), None) => Err(KeyError::NoMaster(segment)),
        (Ok(Some(keys)), Some(master)) => keys.open(segment, key, master),
    };
    opened.map_or_else(Access::Closed, |key| Access::Sealed(Box::new(key)))
}
