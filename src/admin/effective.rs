//! The configuration as it is shown: plain values, and where each was said.
//!
//! Must not know: files, TOML or the environment. No secret ever gets here.

use crate::upstream::{EndpointSettings, UpstreamSettings};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// All that is configured.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EffectiveConfig {
    /// The file that was read; empty where there was none.
    pub file: String,
    /// Every setting, in the order of its path; what is off and has no default is left out.
    pub entries: Vec<ConfigEntry>,
}

impl EffectiveConfig {
    /// Adds an upstream that nobody named, at `position`.
    pub fn add_upstream(&mut self, position: usize, upstream: &UpstreamSettings) {
        let endpoints: Value = upstream.endpoints.iter().map(EndpointSettings::url).collect();
        for (key, value) in [("endpoints", endpoints), ("name", upstream.name.as_str().into())] {
            let path = format!("upstream[{position}].{key}");
            let origin = ConfigOrigin::Found;
            self.entries.push(ConfigEntry { path, value: Some(value), origin });
        }
    }
}

/// One setting.
#[derive(Clone, Debug, Serialize)]
pub struct ConfigEntry {
    /// Such as `upstream[0].timeouts.connect`.
    pub path: String,
    /// What it is set to; `None` for what is not shown.
    pub value: Option<Value>,
    /// Who said so.
    #[serde(flatten)]
    pub origin: ConfigOrigin,
}

/// Where a setting was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigOrigin {
    /// Nowhere: it is the default.
    Default,
    /// In this line of the file, from 1.
    Line(usize),
    /// By this environment variable.
    Variable(String),
    /// By this flag of the command line.
    Flag(String),
    /// By nobody: it was found on this machine.
    Found,
}

impl ConfigOrigin {
    /// In a word.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Line(_) => "file",
            Self::Variable(_) => "environment",
            Self::Flag(_) => "flag",
            Self::Found => "found",
        }
    }
}

/// In words.
impl fmt::Display for ConfigOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Line(line) => write!(f, "line {line}"),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
            Self::Found => f.write_str("found here"),
        }
    }
}

/// `{"origin": "file", "at": 12}`
impl Serialize for ConfigOrigin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let at = match self {
            Self::Default | Self::Found => Value::Null,
            Self::Line(line) => (*line).into(),
            Self::Variable(name) | Self::Flag(name) => name.as_str().into(),
        };
        serde_json::json!({ "origin": self.label(), "at": at }).serialize(serializer)
    }
}

/// A mistake in a configuration that somebody had checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigFault {
    /// The line, from 1, where it is in one.
    pub line: Option<usize>,
    /// The setting; empty where it is about none.
    pub path: String,
    /// What is wrong, and what to write instead.
    pub message: String,
}

/// Everything that is wrong with a text.
pub type ConfigCheck = dyn Fn(&str) -> Vec<ConfigFault> + Send + Sync;

/// The configuration, and who can say what is wrong with another one. Cloning shares it.
#[derive(Clone)]
pub struct ConfigControl {
    /// What holds now.
    pub effective: Arc<EffectiveConfig>,
    /// Everything that is wrong with a text, found without looking at this machine. It may take
    /// its time.
    pub check: Arc<ConfigCheck>,
}
