//! `[[webhook]]`
//!
//! Must not know: how anything is signed or sent. Reports never repeat a secret or a URL.

use super::patterns;
use super::secret::Places;
use super::unique::Taken;
use crate::config::env::Environment;
use crate::config::format::Text;
use crate::config::path::Path;
use crate::config::raw::{RawWebhook, RawWebhookEvent};
use crate::config::report::Report;
use crate::webhook::{EventKind, SigningKey, WebhookSettings};

/// Each has a queue and a client of its own.
const MOST: usize = 32;

/// The validated tables, with the secrets they name. `models` are those that are configured.
pub(super) fn settings(
    raw: Vec<RawWebhook>,
    models: &[String],
    env: &Environment,
    report: &mut Report<'_>,
) -> Vec<WebhookSettings> {
    let path = Path::default().key("webhook");
    if raw.len() > MOST {
        report.at(&path.index(MOST), format_args!("there can be {MOST} webhooks at most"));
    }
    let (mut names, mut webhooks) = (Taken::default(), Vec::new());
    for (index, webhook) in raw.into_iter().enumerate() {
        let path = path.index(index);
        if let Some(name) = &webhook.name {
            names.claim(&name.0.0, path.key("name"), report);
        }
        let key = key(&webhook, env, &path, report);
        let RawWebhook { name, url, events, models: wanted, .. } = webhook;
        let models = patterns::of_models(wanted, models, &path.key("models"), report);
        if let (Some(Text(name)), Some(Text(url)), Some(key)) = (name, url, key) {
            let events = events.into_iter().map(kind).collect();
            webhooks.push(WebhookSettings { name: name.0, url, key, events, models });
        }
    }
    webhooks
}

fn key(
    raw: &RawWebhook,
    env: &Environment,
    path: &Path,
    report: &mut Report<'_>,
) -> Option<SigningKey> {
    let (variable, file) = (raw.secret_env.as_ref(), raw.secret_file.as_ref());
    if variable.is_none() && file.is_none() {
        let words = "needs a secret to sign with: \"secret_env\" or \"secret_file\"";
        report.at(path, words);
        return None;
    }
    let places = Places { name: "secret", noun: "secret", env: variable, file };
    let (secret, path) = places.read(env, path, report)?;
    let key = SigningKey::read(&secret);
    key.map_err(|why| report.at(&path, format_args!("the secret it leads to {why}"))).ok()
}

const fn kind(raw: RawWebhookEvent) -> EventKind {
    match raw {
        RawWebhookEvent::Budget => EventKind::Budget,
        RawWebhookEvent::Upstream => EventKind::Upstream,
    }
}
