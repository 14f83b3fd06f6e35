//! The formats of other tools: captures written for them, traces and recordings read from them.
//!
//! | room | owns |
//! |---|---|
//! | `export` | captures as other tools read them; what a format cannot say is counted |
//! | `import` | what other tools have written, as exchanges |
//!
//! Must not know: where a capture lies, what is secret in it, or how a shape is made.

mod export;
mod import;

pub use export::{ExportFormat, ExportOptions, ExportReport, Loss, Reason, export};
pub use import::{Assumed, DETECT, ImportError, ImportFormat, ImportReport, detect, import};

/// Bytes that a token of ordinary text has, roughly. What is counted in tokens alone is
/// given a length by it, and the other way round.
pub const BYTES_PER_TOKEN: u64 = 4;
