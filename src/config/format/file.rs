//! `transom-data`: the name of a file or directory.
//!
//! Must not know: what is in it, or whether it exists.

use super::{Format, Refusal};
use std::path::PathBuf;

impl Format for PathBuf {
    const NAME: &'static str = "transom-path";
    const NOUN: &'static str = "a path";
    const EXAMPLES: &'static [&'static str] = &["/var/lib/transom"];

    fn read(text: &str) -> Result<Self, Refusal> {
        if text.is_empty() {
            return Err(Refusal::Because("is empty".into()));
        }
        if text.contains('\0') {
            return Err(Refusal::Because("a path cannot hold a zero byte".into()));
        }
        Ok(text.into())
    }

    fn write(&self) -> String {
        self.display().to_string()
    }
}
