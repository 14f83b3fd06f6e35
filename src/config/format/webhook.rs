//! `https://example.org/hook`
//!
//! Must not know: what is sent there. Refusals never repeat the text: what receivers are protected
//! by often stands in their URL.

use super::{Format, Refusal};
use crate::webhook::WebhookUrl;

impl Format for WebhookUrl {
    const NAME: &'static str = "transom-webhook";
    const NOUN: &'static str = "a URL";
    const EXAMPLES: &'static [&'static str] = &["https://example.org/hook"];

    fn read(text: &str) -> Result<Self, Refusal> {
        Self::read(text).map_err(|words| Refusal::Because(words.to_owned()))
    }

    fn write(&self) -> String {
        self.to_string()
    }
}
