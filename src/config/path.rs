//! Where a value is in the configuration, as an operator would write it.
//!
//! Must not know: files or values.

use super::error::quoted;
use std::fmt;

/// Keys and indices from the root, such as `upstream[0].timeouts.connect`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Path(Vec<Step>);

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a table.
    Key(String),
    /// Into a list, from 0.
    Index(usize),
}

impl Path {
    /// The path of `key` in the table here.
    pub(super) fn key(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    /// The path of the item at `index` in the list here.
    pub(super) fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    /// From the root.
    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// What a table here is called: its header, where one can be written.
    pub(super) fn section(&self) -> String {
        let indexed = self.0.iter().any(|step| matches!(step, Step::Index(_)));
        if indexed { self.to_string() } else { format!("[{self}]") }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    let dot = if position == 0 { "" } else { "." };
                    if is_bare(key) {
                        write!(f, "{dot}{key}")?;
                    } else {
                        write!(f, "{dot}{}", quoted(key))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether TOML needs no quotes around `key`, and it is short enough to repeat.
fn is_bare(key: &str) -> bool {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !key.is_empty() && key.len() <= 60 && key.bytes().all(bare)
}
