//! `[capture]`, and `capture` of each `[[model]]`
//!
//! Must not know: how exchanges are stored, or how anything is found in them.

use super::patterns;
use super::secret::Places;
use crate::capture::{
    CaptureMode, CaptureSettings, KnownPattern, MasterKey, RedactionRule, RedactionSettings,
    RedactionTarget, Redactor, Retention, RouteCapture, Sampling,
};
use crate::config::env::Environment;
use crate::config::format::Text;
use crate::config::path::Path;
use crate::config::raw::{
    RawAlways, RawCapture, RawCaptureMode, RawModel, RawModelCapture, RawPattern, RawRedact,
    RawRouteCapture, RawRule, RawSize,
};
use crate::config::report::Report;
use crate::types::Secret;
use std::collections::BTreeMap;
use wildmatch::WildMatch;

const LEAST_KEPT: u64 = 128 << 20;
const LEAST_QUEUE: u64 = 1 << 20;

/// The validated section. `models` are the names of all models, none where they are to be
/// discovered.
pub(super) fn settings(
    raw: RawCapture,
    models: &[String],
    env: &Environment,
    report: &mut Report<'_>,
) -> CaptureSettings {
    let path = Path::default().key("capture");
    let keep = Retention { bytes: raw.keep.bytes.bytes(), age: raw.keep.age.0 };
    if keep.bytes < LEAST_KEPT {
        report.at(&path.key("keep").key("bytes"), "must be 128MiB or more");
    }
    if keep.age.is_zero() {
        report.at(&path.key("keep").key("age"), "must be longer than 0s");
    }
    let queue = raw.queue.bytes();
    if queue < LEAST_QUEUE {
        report.at(&path.key("queue"), "must be 1MiB or more");
    }
    let (variable, file) = (raw.key_env.as_ref(), raw.key_file.as_ref());
    let places = Places { name: "key", noun: "key", env: variable, file };
    let key = places.read(env, &path, report);
    CaptureSettings {
        keep,
        queue,
        encryption: key.and_then(|(key, from)| master_key(&key, &from, report)),
        redaction: redaction(raw.redact, &path.key("redact"), report),
        models: patterns::of_models(raw.models, models, &path.key("models"), report),
        default: route(&raw.route, &RouteCapture::default(), &path, report),
        ..CaptureSettings::default()
    }
}

/// How each of `models` is captured, by its name.
pub(super) fn of_models(
    models: &[RawModel],
    settings: &CaptureSettings,
    report: &mut Report<'_>,
) -> BTreeMap<String, Option<RouteCapture>> {
    let patterns: Vec<WildMatch> = settings.models.iter().map(|p| WildMatch::new(p)).collect();
    let mut captures = BTreeMap::new();
    for (index, model) in models.iter().enumerate() {
        let path = Path::default().key("model").index(index).key("capture");
        let default = || settings.default.clone();
        let own = match &model.capture {
            Some(RawModelCapture::Switch(on)) => Some(on.then(default)),
            Some(RawModelCapture::Mode(raw)) => {
                Some(Some(RouteCapture { mode: mode(*raw), ..default() }))
            }
            Some(RawModelCapture::Route(raw)) => {
                Some(Some(route(raw, &settings.default, &path, report)))
            }
            None => None,
        };
        if let Some(Text(name)) = &model.name {
            let named = || patterns.iter().any(|pattern| pattern.matches(&name.0));
            captures.insert(name.0.clone(), own.unwrap_or_else(|| named().then(default)));
        }
    }
    captures
}

fn master_key(key: &str, path: &Path, report: &mut Report<'_>) -> Option<MasterKey> {
    let is_key = key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_key {
        report.at(path, "the key it leads to must be 64 hex digits");
    }
    is_key.then(|| MasterKey(Secret::new(key)))
}

fn redaction(raw: RawRedact, path: &Path, report: &mut Report<'_>) -> RedactionSettings {
    let mut rules = Vec::new();
    for (index, rule) in raw.rules.into_iter().enumerate() {
        let path = path.key("rules").index(index);
        if let Some(rule) = self::rule(rule, &path, report) {
            rules.push(rule);
        }
    }
    let headers = raw.headers.into_iter().map(|name| name.to_ascii_lowercase()).collect();
    let patterns = raw.patterns.into_iter().map(pattern).collect();
    let settings = RedactionSettings { headers, patterns, rules };
    // Patterns of ours are known to be good, and take long to build.
    if !settings.rules.is_empty()
        && let Err(bad) = Redactor::new(&settings)
    {
        report.at(&path.key("rules"), bad);
    }
    settings
}

fn rule(raw: RawRule, path: &Path, report: &mut Report<'_>) -> Option<RedactionRule> {
    let target = match (raw.pattern, raw.pointer) {
        (Some(pattern), None) => RedactionTarget::Pattern(pattern),
        (None, Some(pointer)) => RedactionTarget::Pointer(pointer),
        _ => {
            report.at(path, "must have either a pattern or a pointer");
            return None;
        }
    };
    Some(RedactionRule { name: raw.name?.0.0, target })
}

/// What `raw` at `path` says, and `base` about the rest.
fn route(
    raw: &RawRouteCapture,
    base: &RouteCapture,
    path: &Path,
    report: &mut Report<'_>,
) -> RouteCapture {
    let always = |word, base| raw.always.as_ref().map_or(base, |words| words.contains(&word));
    let sampling = Sampling {
        sessions: raw.sample.as_ref().map_or(base.sampling.sessions, |Text(share)| share.0),
        errors: always(RawAlways::Errors, base.sampling.errors),
        cancelled: always(RawAlways::Cancelled, base.sampling.cancelled),
        slower_than: match &raw.slower_than {
            Some(Text(limit)) => Some(*limit).filter(|limit| !limit.is_zero()),
            None => base.sampling.slower_than,
        },
    };
    let body = raw.body.as_ref().map_or(base.body, RawSize::bytes);
    if body > RouteCapture::LARGEST_BODY {
        report.at(&path.key("body"), "must be 16MiB or less");
    }
    RouteCapture { mode: raw.mode.map_or(base.mode, mode), body, sampling }
}

fn mode(raw: RawCaptureMode) -> CaptureMode {
    match raw {
        RawCaptureMode::Full => CaptureMode::Full,
        RawCaptureMode::Redacted => CaptureMode::Redacted,
        RawCaptureMode::Shape => CaptureMode::Shape,
    }
}

fn pattern(raw: RawPattern) -> KnownPattern {
    match raw {
        RawPattern::ApiKey => KnownPattern::ApiKey,
        RawPattern::Jwt => KnownPattern::Jwt,
        RawPattern::Email => KnownPattern::Email,
        RawPattern::Phone => KnownPattern::Phone,
        RawPattern::Card => KnownPattern::Card,
        RawPattern::Iban => KnownPattern::Iban,
    }
}
