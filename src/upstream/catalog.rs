//! The models there are, by the names callers say, and where each is served.
//!
//! Must not know: how models were found, or how a target is reached. A catalog never
//! changes but in its shares; a new one takes its place.

use crate::types::{ModelSlot, Place, Random};
use crate::upstream::{Endpoint, Price, Share, Upstream, balance};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::sync::Arc;
use wildmatch::WildMatch;

/// All models of one moment.
#[derive(Debug, Default)]
pub struct Catalog {
    models: Vec<Arc<Model>>,
    by_name: HashMap<String, Arc<Model>>,
    by_pattern: Vec<(WildMatch, Arc<Model>)>,
    awaiting_backends: bool,
}

/// One model.
#[derive(Debug)]
pub struct Model {
    /// The label everywhere.
    pub name: String,
    /// Its series and figures.
    pub slot: ModelSlot,
    /// Other names; may hold `*` and `?`.
    pub aliases: Vec<String>,
    /// At least one.
    pub targets: Vec<Target>,
    /// What its tokens cost.
    pub price: Price,
    /// The upstream's own description, for discovered models.
    pub description: Option<Box<RawValue>>,
}

/// One place where a model is served.
#[derive(Debug)]
pub struct Target {
    /// Where.
    pub upstream: Arc<Upstream>,
    /// What the upstream calls the model.
    pub model: Arc<str>,
    /// What it gets of the model's traffic.
    pub share: Share,
}

impl Catalog {
    /// A catalog of `models`. An earlier model wins a name that two claim.
    pub fn new(models: Vec<Model>, backends: Backends) -> Self {
        let mut catalog =
            Self { awaiting_backends: backends == Backends::Awaited, ..Self::default() };
        for model in models.into_iter().map(Arc::new) {
            catalog.by_name.entry(model.name.clone()).or_insert_with(|| Arc::clone(&model));
            for alias in &model.aliases {
                if alias.contains(['*', '?']) {
                    catalog.by_pattern.push((WildMatch::new(alias), Arc::clone(&model)));
                } else {
                    catalog.by_name.entry(alias.clone()).or_insert_with(|| Arc::clone(&model));
                }
            }
            catalog.models.push(model);
        }
        catalog
    }

    /// The model that `asked` means: by name or alias, else by the first pattern.
    pub fn find(&self, asked: &str) -> Option<&Arc<Model>> {
        self.by_name.get(asked).or_else(|| self.first_match(asked).map(|(_, model)| model))
    }

    /// As [`Catalog::find`], with what `asked` was taken for.
    pub fn look_up(&self, asked: &str) -> Option<(&Arc<Model>, Matched)> {
        if let Some(model) = self.by_name.get(asked) {
            let by = if model.name == asked { Matched::Name } else { Matched::Alias };
            return Some((model, by));
        }
        let (pattern, model) = self.first_match(asked)?;
        Some((model, Matched::Pattern(pattern.pattern())))
    }

    fn first_match(&self, asked: &str) -> Option<&(WildMatch, Arc<Model>)> {
        self.by_pattern.iter().find(|(pattern, _)| pattern.matches(asked))
    }

    /// All models in order.
    pub fn models(&self) -> &[Arc<Model>] {
        &self.models
    }

    /// Whether an unknown name may only be unknown because a backend has not answered yet.
    pub fn is_awaiting_backends(&self) -> bool {
        self.awaiting_backends
    }
}

/// What a name that a caller said was taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matched {
    /// The model's own.
    Name,
    /// One of its aliases.
    Alias,
    /// A text that this alias with `*` or `?` stands for.
    Pattern(String),
}

/// Whether every upstream has said what it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backends {
    /// The catalog is all there is.
    Known,
    /// One or more upstreams have not answered.
    Awaited,
}

impl Model {
    /// A target by weight and an endpoint of it, none of those `tried`; the other targets
    /// stand in when the chosen one has no endpoint left.
    pub fn route(
        &self,
        tried: &[Arc<Endpoint>],
        random: &Random,
    ) -> Option<(&Target, &Arc<Endpoint>)> {
        let chosen = self.by_weight(random);
        let others = self.targets.iter().filter(|target| target.share.weight() > 0);
        chosen.into_iter().chain(others).find_map(|target| {
            balance::pick(&target.upstream, tried, random).map(|endpoint| (target, endpoint))
        })
    }

    /// What `target` gets of the requests for the model, 0 to 1, while endpoints answer.
    pub fn part_of(&self, target: &Target) -> f64 {
        let weight =
            |target: &Target| if target.takes_requests() { target.share.weight() } else { 0 };
        let total: u32 = self.targets.iter().map(weight).sum();
        f64::from(weight(target)) / f64::from(total.max(1))
    }

    /// The share of requests, 0 to 1, that each target is chosen for first, in their order.
    pub fn shares(&self) -> Vec<f64> {
        self.targets.iter().map(|target| self.part_of(target)).collect()
    }

    /// `None` also where a share has changed since the sum was taken: then another stands in.
    fn by_weight(&self, random: &Random) -> Option<&Target> {
        if let [only] = self.targets.as_slice() {
            return (only.share.weight() > 0).then_some(only);
        }
        let total: u64 = self.targets.iter().map(|target| u64::from(target.share.weight())).sum();
        let mut ticket = random.below(total);
        self.targets.iter().find(|target| {
            let weight = u64::from(target.share.weight());
            let falls_here = ticket < weight;
            ticket = ticket.saturating_sub(weight);
            falls_here
        })
    }
}

impl Target {
    /// Whether it takes new requests, and an endpoint of its upstream does.
    pub fn takes_requests(&self) -> bool {
        self.share.weight() > 0 && self.upstream.takes_requests()
    }

    /// What it is called where its share is changed; `model` is the one it serves.
    pub fn place(&self, model: &Model) -> Place {
        Place::Target {
            model: model.name.clone(),
            upstream: self.upstream.settings.name.clone(),
            served_as: self.model.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::Balance;
    use crate::upstream::settings::tests::upstream_of;

    fn model(name: &str, aliases: &[&str], weights: &[u32]) -> Model {
        let target = |(index, weight): (usize, &u32)| Target {
            upstream: Upstream::new(index, upstream_of(Balance::RoundRobin, &[1])),
            model: name.into(),
            share: Share::new(*weight),
        };
        Model {
            name: name.into(),
            slot: ModelSlot::OTHER,
            aliases: aliases.iter().map(ToString::to_string).collect(),
            targets: weights.iter().enumerate().map(target).collect(),
            price: Price::default(),
            description: None,
        }
    }

    #[test]
    fn a_name_beats_an_alias_and_an_alias_beats_a_pattern() {
        let models = vec![
            model("a", &["gpt-*", "exact"], &[1]),
            model("gpt-4o", &[], &[1]),
            model("c", &["gpt-4?"], &[1]),
        ];
        let catalog = Catalog::new(models, Backends::Known);
        let found = |asked| catalog.find(asked).map(|model| model.name.as_str());
        assert_eq!(found("gpt-4o"), Some("gpt-4o"));
        assert_eq!(found("gpt-4x"), Some("a"));
        assert_eq!(found("exact"), Some("a"));
        assert_eq!(found("GPT-4x"), None);
        assert_eq!(found("llama"), None);
        let taken_for = |asked| catalog.look_up(asked).map(|(model, by)| (&*model.name, by));
        assert_eq!(taken_for("gpt-4o"), Some(("gpt-4o", Matched::Name)));
        assert_eq!(taken_for("exact"), Some(("a", Matched::Alias)));
        assert_eq!(taken_for("gpt-4x"), Some(("a", Matched::Pattern("gpt-*".to_owned()))));
        assert_eq!(taken_for("llama"), None);
    }

    #[test]
    fn shares_are_what_routing_comes_to() {
        let random = Random::seeded(5);
        for weights in [&[90, 10, 0][..], &[0], &[1, 3], &[0, 0]] {
            let model = model("m", &[], weights);
            let mut counts = vec![0.0; weights.len()];
            for _ in 0..4000 {
                if let Some((target, _)) = model.route(&[], &random) {
                    counts[target.upstream.index] += 1.0 / 4000.0;
                }
            }
            for (share, count) in model.shares().into_iter().zip(counts) {
                assert!((share - count).abs() < 0.03, "{weights:?}: {share} and {count}");
            }
        }
    }

    #[test]
    fn targets_share_by_weight_and_a_drained_one_gets_nothing() {
        let model = model("m", &[], &[90, 10, 0]);
        let random = Random::seeded(3);
        let mut counts = [0; 3];
        for _ in 0..2000 {
            counts[model.route(&[], &random).unwrap().0.upstream.index] += 1;
        }
        assert!((1700..1900).contains(&counts[0]) && counts[2] == 0, "{counts:?}");
    }

    #[test]
    fn a_retry_goes_to_another_target_when_the_first_has_no_endpoint_left() {
        let model = model("m", &[], &[1, 1]);
        let random = Random::seeded(3);
        let (_, first) = model.route(&[], &random).unwrap();
        let tried = vec![Arc::clone(first)];
        let (_, second) = model.route(&tried, &random).unwrap();
        assert_ne!(first.upstream, second.upstream);
        assert!(model.route(&[Arc::clone(first), Arc::clone(second)], &random).is_none());
    }
}
