//! Lists of models by `*` and `?`
//!
//! Must not know: what they are lists for.

use crate::config::error::quoted;
use crate::config::format::{Pattern, Text};
use crate::config::path::Path;
use crate::config::report::Report;
use wildmatch::WildMatch;

/// The patterns; each has to match one of `models`, unless those are to be discovered.
pub(super) fn of_models(
    raw: Vec<Text<Pattern>>,
    models: &[String],
    path: &Path,
    report: &mut Report<'_>,
) -> Vec<String> {
    let patterns: Vec<String> = raw.into_iter().map(|Text(pattern)| pattern.0).collect();
    for (index, pattern) in patterns.iter().enumerate() {
        let matcher = WildMatch::new(pattern);
        if !models.is_empty() && !models.iter().any(|name| matcher.matches(name)) {
            let words = format_args!("{} matches no model's name", quoted(pattern));
            report.at(&path.index(index), words);
        }
    }
    patterns
}
