//! What answers say, without what is secret in it, before it is written down.
//!
//! A target may say what a client told it, or what it was told about others. Must not know: what
//! counts as a secret.

use crate::capture::{CaptureSettings, Redactor};
use crate::replay::engine::Observer;
use crate::replay::{AnswerText, Sample};
use std::collections::BTreeMap;
use std::io;

/// Takes the known patterns out of kept answers.
pub(super) struct Redacted<O> {
    redactor: Option<Redactor>,
    to: O,
}

impl<O> Redacted<O> {
    pub(super) fn new(to: O) -> Self {
        // The standard settings have no rule that could be wrong.
        Self { redactor: Redactor::new(&CaptureSettings::default().redaction).ok(), to }
    }

    fn clean(&self, answer: &AnswerText) -> Option<AnswerText> {
        let redactor = self.redactor.as_ref()?;
        let mut counts = BTreeMap::new();
        let mut without =
            |text: &str| redactor.text(text, &mut counts).unwrap_or_else(|| text.to_owned());
        let tools = answer.tools.iter().map(|(name, said)| (name.clone(), without(said)));
        let tools = tools.collect();
        Some(AnswerText { text: without(&answer.text), tools, ..answer.clone() })
    }
}

impl<O: Observer> Observer for Redacted<O> {
    fn sample(&mut self, sample: &Sample) -> io::Result<()> {
        let Some(answer) = &sample.answer else { return self.to.sample(sample) };
        let answer = self.clean(answer);
        self.to.sample(&Sample { answer, ..sample.clone() })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
