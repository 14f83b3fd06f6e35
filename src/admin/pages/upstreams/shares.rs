//! How the requests for each model are shared out, and the means to change that.
//!
//! Must not know: how an endpoint does, or how a change is carried out.

use crate::admin::AdminState;
use crate::admin::weights::Standing;
use crate::human;
use crate::types::Place;
use crate::upstream::{Endpoint, MOST_WEIGHT, Model, Share, Target, Upstream};
use serde::Serialize;

/// Where sliders end unless a weight is larger: most people think in percent.
const PERCENT: u32 = 100;

/// A model and where its requests go.
#[derive(Serialize)]
pub(super) struct ModelShares {
    pub(super) model: String,
    /// Whether anybody takes its requests.
    pub(super) takes_requests: bool,
    pub(super) targets: Vec<TargetShare>,
}

/// One of those places.
#[derive(Serialize)]
pub(super) struct TargetShare {
    pub(super) upstream: String,
    pub(super) served_as: String,
    /// What it gets of the model's requests, 0 to 1.
    pub(super) share: f64,
    #[serde(flatten)]
    pub(super) standing: Standing,
    #[serde(skip)]
    pub(super) control: Control,
}

/// What a form that changes a place is made of.
pub(super) struct Control {
    /// Of its fields: no two on a page have the same.
    pub(super) id: String,
    pub(super) place: Place,
    pub(super) standing: Standing,
    /// The end of the slider.
    pub(super) most: u32,
}

/// All models, those with a choice first.
pub(super) fn shares(state: &AdminState) -> Vec<ModelShares> {
    let catalog = state.catalog.load();
    let mut shares: Vec<_> = catalog.models().iter().map(|model| of_model(state, model)).collect();
    shares.sort_by_key(|shares| shares.targets.len() < 2);
    let all = shares.iter_mut().flat_map(|shares| &mut shares.targets);
    for (target, number) in all.zip(1_usize..) {
        target.control.id = format!("t{number}");
    }
    shares
}

fn of_model(state: &AdminState, model: &Model) -> ModelShares {
    let most = slider_end(model.targets.iter().map(|target| &target.share));
    let target = |target: &Target| {
        let place = target.place(model);
        let standing = Standing::of(state.edits.of(&place), target.share.file());
        TargetShare {
            upstream: target.upstream.settings.name.clone(),
            served_as: target.model.to_string(),
            share: model.part_of(target),
            standing: standing.clone(),
            control: Control { id: String::new(), place, standing, most },
        }
    };
    ModelShares {
        model: model.name.clone(),
        takes_requests: model.targets.iter().any(Target::takes_requests),
        targets: model.targets.iter().map(target).collect(),
    }
}

/// The form that changes an endpoint, the one with this number on its page.
pub(super) fn of_endpoint(
    state: &AdminState,
    upstream: &Upstream,
    (endpoint, number): (&Endpoint, usize),
) -> Control {
    let place = endpoint.place(upstream);
    let standing = Standing::of(state.edits.of(&place), endpoint.share.file());
    let most = slider_end(upstream.endpoints.iter().map(|endpoint| &endpoint.share));
    Control { id: format!("e{number}"), place, standing, most }
}

fn slider_end<'a>(shares: impl Iterator<Item = &'a Share>) -> u32 {
    let heaviest = shares.map(|share| share.weight().max(share.file())).max();
    if heaviest.unwrap_or_default() > PERCENT { MOST_WEIGHT } else { PERCENT }
}

impl ModelShares {
    /// Whether there is anything to choose between.
    pub(super) fn has_choice(&self) -> bool {
        self.targets.len() > 1
    }
}

impl TargetShare {
    /// The length of its bar, of 120.
    pub(super) fn level(&self) -> f64 {
        (self.share * 1_200.0).round() / 10.0
    }

    pub(super) fn share_said(&self) -> String {
        human::brief(&human::share(self.share))
    }
}

impl Control {
    /// What it changes, in words.
    pub(super) fn of(&self) -> String {
        match &self.place {
            Place::Target { model, upstream, .. } => format!("{upstream} for {model}"),
            Place::Endpoint { url, .. } => url.clone(),
        }
    }

    /// The hidden fields that name the place.
    pub(super) fn fields(&self) -> Vec<(&'static str, &str)> {
        match &self.place {
            Place::Target { model, upstream, served_as } => {
                vec![("model", model), ("upstream", upstream), ("served_as", served_as)]
            }
            Place::Endpoint { upstream, url } => vec![("upstream", upstream), ("endpoint", url)],
        }
    }

    /// A word, its tone, and what is said of the file.
    pub(super) fn pill(&self) -> (&'static str, &'static str) {
        match &self.standing {
            Standing { drained: true, .. } => ("doubt", "▽ Drained"),
            Standing { weight: 0, .. } => ("", "Gets nothing"),
            _ => ("good", "✓ Takes requests"),
        }
    }
}
