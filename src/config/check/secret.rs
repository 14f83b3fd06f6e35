//! Reads secrets from where the configuration says they are.
//!
//! Must not know: what they open. Reports never repeat the secret, its variable's name or
//! its file's name: people put the secret itself there.

use crate::config::env::Environment;
use crate::config::file;
use crate::config::format::{Text, VariableName};
use crate::config::path::Path;
use crate::config::raw::RawUpstream;
use crate::config::report::Report;
use crate::types::Secret;
use std::path::PathBuf;

/// Where one secret may be: settings called `NAME_env` and `NAME_file`.
pub(super) struct Places<'a> {
    /// `NAME`.
    pub name: &'static str,
    /// What an operator calls it.
    pub noun: &'static str,
    /// The variable that holds it.
    pub env: Option<&'a Text<VariableName>>,
    /// The file that holds it.
    pub file: Option<&'a Text<PathBuf>>,
}

/// The API key of the upstream at `path`, if it has one.
pub(super) fn api_key(
    raw: &RawUpstream,
    env: &Environment,
    path: &Path,
    report: &mut Report<'_>,
) -> Option<Secret> {
    let (variable, file) = (raw.api_key_env.as_ref(), raw.api_key_file.as_ref());
    let places = Places { name: "api_key", noun: "key", env: variable, file };
    let (key, path) = places.read(env, path, report)?;
    // Only what a header can carry (RFC 6750 §2.1).
    if key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(Secret::new(key));
    }
    report.at(&path, "the key it leads to holds characters that cannot be sent");
    None
}

impl Places<'_> {
    /// The text, not empty, without the newline that files end with, and the path of the
    /// setting below `path` that led to it. `None` when there is no such setting, when nothing
    /// is looked at, and when something was reported.
    pub(super) fn read(
        &self,
        env: &Environment,
        path: &Path,
        report: &mut Report<'_>,
    ) -> Option<(String, Path)> {
        let Self { name, noun, .. } = self;
        let [in_env, in_file] = ["env", "file"].map(|kind| path.key(&format!("{name}_{kind}")));
        let (found, path) = match (self.env, self.file) {
            (None, None) => return None,
            (Some(_), None) | (None, Some(_)) if env.is_blind() => return None,
            (Some(_), Some(_)) => {
                let first = report.mention(&in_env);
                let words = format_args!("the {noun} comes from {first} already; use only one");
                report.at(&in_file, words);
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
        match found.as_deref().map(str::trim) {
            Ok("") => report.at(&path, format_args!("the {noun} it leads to is empty")),
            Ok(text) => return Some((text.to_owned(), path)),
            Err(why) => report.at(&path, why),
        }
        None
    }
}
