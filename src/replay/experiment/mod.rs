//! Runs made for one question: one by itself, two arms by turns, many of the same, or a search.
//!
//! | file | owns |
//! |---|---|
//! | `production` | captured traffic in the place of an arm |
//! | `record` | what an experiment is, on disk beside its runs |
//! | `redacted` | what answers say, without secrets |
//! | `runner` | one run, from its plan to its directory |
//! | `sequence` | which run comes after which |
//! | `standing` | how far it all is |
//! | `findings` | what came of it, read back from the disk |
//!
//! ```text
//! root/20260101-120000-abc123/        a run
//! root/20260101-120900-def456/        another one
//! root/20260101-120000-fed321.json    the experiment that they belong to
//! ```
//!
//! Must not know: who asks, or how what is found is shown.

mod findings;
mod production;
mod record;
mod redacted;
mod runner;
mod sequence;
mod standing;

pub use findings::{Findings, Swept, SweptStage, figures, say_alike};
pub use production::Production;
pub use record::{ArmRecord, Ending, ExperimentRecord, Question, RecordError};
pub use runner::{Destination, ExperimentError, Runner, Setup};
pub use sequence::{Asked, Planning, begin, carry_out};
pub use standing::{Standing, Watch};
