//! `http://127.0.0.1:16686/trace/{trace_id}`
//!
//! Must not know: who shows traces.

use super::{Format, Refusal};
use crate::observe::TracePage;

impl Format for TracePage {
    const NAME: &'static str = "transom-trace-page";
    const NOUN: &'static str = "a URL";
    const EXAMPLES: &'static [&'static str] = &["http://127.0.0.1:16686/trace/{trace_id}"];

    fn read(text: &str) -> Result<Self, Refusal> {
        Self::read(text).map_err(|words| Refusal::Because(words.to_owned()))
    }

    fn write(&self) -> String {
        self.to_string()
    }
}
