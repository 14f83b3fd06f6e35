//! `[admin]`
//!
//! Must not know: how requests are kept.

use crate::config::path::Path;
use crate::config::raw::RawAdmin;
use crate::config::report::Report;
use crate::history::RecentSettings;

/// The validated `recent`.
pub(super) fn recent(raw: &RawAdmin, report: &mut Report<'_>) -> RecentSettings {
    let bytes = usize::try_from(raw.recent.bytes.bytes()).unwrap_or(usize::MAX);
    if bytes < RecentSettings::LEAST_BYTES {
        let path = Path::default().key("admin").key("recent").key("bytes");
        report.at(&path, "must be 1MiB or more");
    }
    RecentSettings { requests: raw.recent.requests, bytes }
}
