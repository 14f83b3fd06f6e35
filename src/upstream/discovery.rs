//! What upstreams serve: from what they say, from what the operator says, and where on
//! this machine a backend usually listens.
//!
//! Must not know: how an upstream is asked.

use crate::types::ModelSlot;
use crate::upstream::{
    Backends, Catalog, Model, ModelSettings, Price, Protocol, Share, Target, Upstream,
};
use serde_json::value::RawValue;
use std::sync::Arc;

/// A backend that usually listens on a port of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalBackend {
    /// Its name.
    pub name: &'static str,
    /// Its usual port.
    pub port: u16,
    /// A path that it, and no other kind of server, answers with 200.
    pub path: &'static str,
    /// What it speaks.
    pub protocol: Protocol,
}

/// Where to look when the operator names no upstream, in this order.
pub const LOCAL_BACKENDS: [LocalBackend; 6] = [
    LocalBackend { name: "ollama", port: 11434, path: "/v1/models", protocol: Protocol::OpenAi },
    LocalBackend { name: "vllm", port: 8000, path: "/v1/models", protocol: Protocol::OpenAi },
    LocalBackend { name: "llama-cpp", port: 8080, path: "/v1/models", protocol: Protocol::OpenAi },
    LocalBackend { name: "lm-studio", port: 1234, path: "/v1/models", protocol: Protocol::OpenAi },
    LocalBackend { name: "sglang", port: 30000, path: "/v1/models", protocol: Protocol::OpenAi },
    LocalBackend { name: "triton", port: 8000, path: "/v2", protocol: Protocol::Http },
];

/// A model that an upstream says it serves.
#[derive(Clone, Debug)]
pub struct Discovered {
    /// Its name there.
    pub id: String,
    /// The upstream's own description.
    pub description: Box<RawValue>,
}

/// The catalog of configured models or, where none is configured, of what each upstream
/// said it serves (`None`: it has not answered yet). `slot_of` names a model's series.
pub fn catalog_of(
    configured: &[ModelSettings],
    upstreams: &[Arc<Upstream>],
    said: &[Option<Vec<Discovered>>],
    slot_of: impl Fn(&str) -> ModelSlot,
) -> Catalog {
    if !configured.is_empty() {
        let model = |settings: &ModelSettings| configured_model(settings, upstreams, &slot_of);
        return Catalog::new(configured.iter().map(model).collect(), Backends::Known);
    }
    let mut models: Vec<Model> = Vec::new();
    for (upstream, found) in upstreams.iter().zip(said) {
        for Discovered { id, description } in found.iter().flatten() {
            let (upstream, share) = (Arc::clone(upstream), Share::new(1));
            let target = Target { upstream, model: id.as_str().into(), share };
            match models.iter_mut().find(|model| model.name == *id) {
                Some(model) => model.targets.push(target),
                None => models.push(Model {
                    name: id.clone(),
                    slot: slot_of(id),
                    aliases: Vec::new(),
                    targets: vec![target],
                    price: Price::default(),
                    description: Some(description.clone()),
                }),
            }
        }
    }
    let awaited = said.iter().any(Option::is_none);
    Catalog::new(models, if awaited { Backends::Awaited } else { Backends::Known })
}

fn configured_model(
    settings: &ModelSettings,
    upstreams: &[Arc<Upstream>],
    slot_of: impl Fn(&str) -> ModelSlot,
) -> Model {
    let targets = settings.targets.iter().filter_map(|target| {
        let upstream = upstreams.iter().find(|u| u.settings.name == target.upstream)?;
        Some(Target {
            upstream: Arc::clone(upstream),
            model: target.model.as_ref().unwrap_or(&settings.name).as_str().into(),
            share: Share::new(target.weight),
        })
    });
    Model {
        name: settings.name.clone(),
        slot: slot_of(&settings.name),
        aliases: settings.aliases.clone(),
        targets: targets.collect(),
        price: settings.price,
        description: None,
    }
}
