//! Captured traffic: what was asked, and what came of it.
//!
//! | file | owns |
//! |---|---|
//! | `settings` | what an operator says |
//! | `exchange`, `shape` | a request and what came back, with its content or without |
//! | `recorder`, `tap` | which exchanges are written down, and what of them |
//! | `batch` | exchanges that are over, so that several are made records of at once |
//! | `sampling`, `session` | a share of the conversations; which conversation a request is of |
//! | `redact`, `shaping` | what is taken out; what is left where everything is |
//! | `segment` | one file of exchanges: its frames, their encoding and sealing |
//! | `archive` | all of them: reading, erasing, retention, and the thread that writes |
//! | `jsonl` | the interchange format: a request a line, readable and writable by anything |
//! | `interchange` | the formats of other tools |
//!
//! Must not know: how traffic is answered, or what a capture is used for.

mod archive;
mod batch;
mod exchange;
mod installation;
mod interchange;
mod jsonl;
mod recorder;
mod redact;
mod sampling;
mod segment;
mod session;
mod settings;
mod shape;
mod shaping;
mod tap;

pub use crate::types::{ChunkKind, ChunkNote};
pub use archive::{
    AppendError, Archive, ArchiveError, CaptureCounts, CaptureEvent, CaptureHandle, CaptureHook,
    CaptureState, CaptureUsage, CaptureWorker, DropReason, Entries, Erase, Erased, Exchanges,
    Filter, Reserved, SegmentCondition, SegmentInfo, SegmentReport, SegmentRows, SegmentState,
    Writer as ArchiveWriter,
};
pub use exchange::{
    AnswerNote, AttemptNote, CallNote, CallerNote, Content, Exchange, Message, Session, Times,
};
pub use installation::installation_key;
pub use interchange::{
    Assumed, BYTES_PER_TOKEN, DETECT, ExportFormat, ExportOptions, ExportReport, ImportError,
    ImportFormat, ImportReport, Loss, Reason, detect, export, import,
};
pub use jsonl::{LineError, Records, Writer as LineWriter};
pub use recorder::Recorder;
pub use redact::{BadRule, BadRuleReason, Redactor};
pub use sampling::{Choice, Ending, Sampler};
pub use segment::{
    DecodeError, EncodeError, IndexEntry, Indexed, KeyError, Master, NoSegmentId, Place, ReadError,
    SegmentId,
};
pub use session::Sessions;
pub use settings::{
    CaptureMode, CaptureSettings, KnownPattern, MasterKey, RedactionRule, RedactionSettings,
    RedactionTarget, Retention, Roll, RouteCapture, Sampling,
};
pub use shape::{BLOCK, MessageShape, Shape};
pub use shaping::{Form, Shaper, composed};
pub use tap::Tap;
