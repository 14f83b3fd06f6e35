//! `[admin]`, as it is written.
//!
//! Must not know: how requests are kept.

use super::RawSize;
use crate::config::format::{ByteSize, Text};
use crate::history::RecentSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawAdmin {
    /// The requests that are kept in memory, each with its times; the oldest make room.
    pub recent: RawRecent,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawRecent {
    /// How many; 0 keeps none.
    #[schemars(range(max = 100_000_000))]
    pub requests: usize,
    /// What they may take, 1MiB or more.
    pub bytes: RawSize,
}

impl Default for RawRecent {
    fn default() -> Self {
        let RecentSettings { requests, bytes } = RecentSettings::default();
        Self { requests, bytes: RawSize::Text(Text(ByteSize(bytes as u64))) }
    }
}
