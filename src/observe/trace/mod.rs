//! Traces: which are kept, the spans they are made of, and how those leave.
//!
//! The decision is local and falls at the end of a request, when everything about it is
//! known; spans are built from the record after that, away from the request's path. Must not
//! know: how trace context is read from a request, or the text of prompts and answers.

mod export;
mod health;
mod ids;
mod keep;
mod page;
mod settings;
mod spans;
mod traffic;
mod transport;

#[cfg(test)]
mod tests;

pub use export::TraceExport;
pub use health::{ExportHealth, ExportReport};
pub use keep::{KeepReason, Keeper};
pub use page::TracePage;
pub use settings::{Floor, OtlpProtocol, OtlpSettings, Sampling, TracingSettings, Trust, Trusted};
pub(in crate::observe) use spans::{span_count, spans};
#[cfg(test)]
pub(in crate::observe) use tests::{Collector, Manner, names, record, until};
