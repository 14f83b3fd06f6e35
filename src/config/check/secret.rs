//! Reads an upstream's own API key from where the configuration says it is.
//!
//! Must not know: what it opens. Reports never repeat the secret, its variable's name or
//! its file's name: people put the secret itself there.

use crate::config::env::Environment;
use crate::config::file;
use crate::config::path::Path;
use crate::config::raw::RawUpstream;
use crate::config::report::Report;
use crate::types::Secret;

/// The API key of the upstream at `path`, if it has one.
pub(super) fn api_key(
    raw: &RawUpstream,
    env: &Environment,
    path: &Path,
    report: &mut Report<'_>,
) -> Option<Secret> {
    let (in_env, in_file) = (path.key("api_key_env"), path.key("api_key_file"));
    let (found, path) = match (&raw.api_key_env, &raw.api_key_file) {
        (None, None) => return None,
        (Some(_), Some(_)) => {
            let first = report.mention(&in_env);
            report.at(&in_file, format_args!("the key comes from {first} already; use only one"));
            return None;
        }
        (Some(name), None) => {
            let value = env.get(&name.0.0).map(str::to_owned);
            (value.ok_or("the environment variable it names is not set".to_owned()), in_env)
        }
        (None, Some(name)) => {
            let text = file::read(&name.0);
            (text.map_err(|why| format!("the file it names {why}")), in_file)
        }
    };
    match found.and_then(|text| sendable(&text)) {
        Ok(secret) => Some(secret),
        Err(why) => {
            report.at(&path, why);
            None
        }
    }
}

/// Without the newline that files end with; only what a header can carry (RFC 6750 §2.1).
fn sendable(text: &str) -> Result<Secret, String> {
    match text.trim() {
        "" => Err("the key it leads to is empty".to_owned()),
        key if key.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Secret::new(key)),
        _ => Err("the key it leads to holds characters that cannot be sent".to_owned()),
    }
}
