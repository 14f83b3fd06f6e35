//! `[[model]]`
//!
//! Must not know: endpoints.

use super::unique::Taken;
use super::upstreams::Names;
use crate::config::error::quoted;
use crate::config::format::Text;
use crate::config::path::Path;
use crate::config::raw::{RawModel, RawTarget};
use crate::config::report::Report;
use crate::config::suggest::did_you_mean;
use crate::types::NanoUsd;
use crate::upstream::{ModelSettings, Price, TargetSettings};

/// The validated sections; their targets are among `upstreams`.
pub(super) fn settings(
    raw: Vec<RawModel>,
    upstreams: &Names,
    report: &mut Report<'_>,
) -> Vec<ModelSettings> {
    names(&raw, report);
    let mut models = Vec::new();
    for (index, model) in raw.into_iter().enumerate() {
        let path = path(index).key("targets");
        let targets = model.targets.map(|targets| self::targets(targets, upstreams, &path, report));
        if let (Some(Text(name)), Some(targets)) = (model.name, targets) {
            let aliases = model.aliases.into_iter().map(|Text(alias)| alias.0).collect();
            let price = Price {
                input: per_token(model.price.input),
                output: per_token(model.price.output),
            };
            models.push(ModelSettings { name: name.0, aliases, targets, price });
        }
    }
    models
}

/// Names go before aliases, so that it is the alias that is at fault.
fn names(raw: &[RawModel], report: &mut Report<'_>) {
    let mut taken = Taken::default();
    for (index, model) in raw.iter().enumerate() {
        if let Some(name) = &model.name {
            taken.claim(&name.0.0, path(index).key("name"), report);
        }
    }
    for (index, model) in raw.iter().enumerate() {
        for (position, alias) in model.aliases.iter().enumerate() {
            taken.claim(&alias.0.0, path(index).key("aliases").index(position), report);
        }
    }
}

fn targets(
    raw: Vec<RawTarget>,
    upstreams: &Names,
    path: &Path,
    report: &mut Report<'_>,
) -> Vec<TargetSettings> {
    if raw.iter().all(|target| target.weight == 0) {
        report.at(path, "every target has weight 0, so none would be used");
    }
    let mut targets = Vec::new();
    for (index, target) in raw.into_iter().enumerate() {
        let Some(upstream) = target.upstream else { continue };
        if upstreams.complete && !upstreams.known.contains(&upstream) {
            let near = did_you_mean(&upstream, upstreams.known.iter().map(String::as_str));
            let words = format_args!("there is no upstream {}{near}", quoted(&upstream));
            report.at(&path.index(index).key("upstream"), words);
        }
        let model = target.model.map(|Text(model)| model.0);
        targets.push(TargetSettings { upstream, model, weight: target.weight });
    }
    targets
}

/// From dollars per million tokens.
fn per_token(price: f64) -> NanoUsd {
    NanoUsd((price * 1e3).round() as u64)
}

fn path(index: usize) -> Path {
    Path::default().key("model").index(index)
}
