//! Segments: files that records are appended to.
//!
//! A segment is a header and frames, one after the other, each with a checksum of its own.
//! It is written once, from its beginning to its end, and never changed after that, but
//! replaced as a whole where records are erased; so whenever the program is killed, every
//! record that can be read is whole.
//!
//! | file | owns |
//! |---|---|
//! | `id` | how a segment and its files are called |
//! | `header`, `frame` | what the file begins with, and what each block of records does |
//! | `codec` | exchanges as a block |
//! | `entry` | what a list says of a record |
//! | `gathered` | exchanges on their way into a block |
//! | `frames`, `reader` | reading, whatever has happened to the file |
//! | `active`, `rewritten` | writing, and writing anew |
//! | `keys` | sealing, and the keys for it |
//! | `summary` | what a list says of a segment |
//! | `disk`, `hex` | files with one owner; digits |
//!
//! Must not know: which segments there are, or when one is begun, ended or removed.

mod active;
mod codec;
mod disk;
mod entry;
mod frame;
mod frames;
mod gathered;
mod header;
mod hex;
mod id;
mod keys;
#[cfg(test)]
pub(crate) mod made;
mod reader;
mod rewritten;
mod summary;
#[cfg(test)]
mod tests;

pub use codec::{DecodeError, EncodeError};
pub use entry::{IndexEntry, Indexed, Place};
pub use id::{NoSegmentId, SegmentId};
pub use keys::{KeyError, Master};
pub use reader::ReadError;

pub(crate) use active::ActiveSegment;
pub(crate) use codec::{Block, Gathering, Packer};
#[cfg(test)]
pub(crate) use disk::Tape;
pub(crate) use disk::{
    DirectoryLock, Disk, SystemDisk, create_directory, is_unfinished, lock, remove, replace_with,
};
pub(crate) use frames::Step;
pub(crate) use gathered::{Draft, Gathered};
pub(crate) use header::HEADER;
pub(crate) use id::Part;
pub(crate) use keys::KeyFile;
pub(crate) use reader::{Access, SegmentReader};
pub(crate) use rewritten::RewrittenSegment;
pub(crate) use summary::Summary;
