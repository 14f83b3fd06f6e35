//! Captured traffic: what was asked, and what came of it.
//!
//! | file | owns |
//! |---|---|
//! | `settings` | what an operator says |
//! | `exchange`, `shape` | a request and what came back, with its content or without |
//! | `segment` | one file of exchanges: its frames, their encoding and sealing |
//! | `archive` | all of them: reading, erasing, retention, and the thread that writes |
//! | `jsonl` | the interchange format: a request a line, readable and writable by anything |
//! | `interchange` | the formats of other tools |
//!
//! Must not know: how traffic is answered, or what a capture is used for.

mod archive;
mod exchange;
mod interchange;
mod jsonl;
mod segment;
mod settings;
mod shape;

pub use crate::types::{ChunkKind, ChunkNote};
pub use archive::{
    AppendError, Archive, ArchiveError, CaptureCounts, CaptureEvent, CaptureHandle, CaptureHook,
    CaptureState, CaptureUsage, CaptureWorker, DropReason, Entries, Erase, Erased, Exchanges,
    Filter, Reserved, SegmentCondition, SegmentInfo, SegmentReport, SegmentState, Writer as ArchiveWriter,
};
pub use exchange::{
    AnswerNote, AttemptNote, CallNote, CallerNote, Content, Exchange, Message, Session, Times,
};
pub use interchange::{
    Assumed, BYTES_PER_TOKEN, DETECT, ExportFormat, ExportOptions, ExportReport, ImportError,
    ImportFormat, ImportReport, Loss, Reason, detect, export, import,
};
pub use jsonl::{LineError, Records, Writer as LineWriter};
pub use segment::{
    DecodeError, Decoder, EncodeError, Encoder, IndexEntry, Indexed, KeyError, MAX_RECORD, Master,
    NoSegmentId, Place, ReadError, SegmentId,
};
pub use settings::{
    CaptureMode, CaptureSettings, KnownPattern, MasterKey, RedactionRule, RedactionSettings,
    RedactionTarget, Retention, Roll, RouteCapture, Sampling,
};
pub use shape::{BLOCK, MessageShape, Shape};
