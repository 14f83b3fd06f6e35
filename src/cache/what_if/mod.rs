//! What a cache would have done for traffic of the past.
//!
//! Owns the grid of caches that are tried, and the order in which they are asked: that of the
//! requests' arrivals. Requests go through the very key and policy that live ones do;
//! `simulated` stands for the tiers and the exchanges. Two things are not simulated: how
//! long a request waits for another's answer to begin, and answers past their time that are
//! given because an upstream fails. Must not know: where a capture comes from, or how
//! results are shown.

mod simulated;
mod tally;
#[cfg(test)]
mod tests;

pub use tally::{Effort, Reasons, Sum, Tally, UNKNOWN_ANSWER, UNKNOWN_CALLER};

use crate::cache::control::Control;
use crate::cache::key::{Asker, KeyParts, RouteIdentity, Scope};
use crate::cache::policy::{
    AnsweredBy, BodyFacts, EndFacts, Expected, HeadFacts, eligible, may_lead, may_store,
};
use crate::cache::settings::{CacheScope, RouteCache, Sampled};
use crate::protocol::{
    CacheHeaders, CacheView, ChoiceCount, ControlError, read_cache_headers, read_cache_view,
};
use crate::types::{BypassReason, Operation, Random};
use http::HeaderMap;
use simulated::{Fetched, Keep, SimulatedCache, Step};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

/// Captures are written as requests end. One that began before so many others may still be
/// told after them.
const WINDOW: usize = 65_536;
/// The same capture gives the same result.
const SEED: u64 = 0;

/// What is tried: each with each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Who shares answers.
    pub scopes: Vec<CacheScope>,
    /// What becomes of sampled requests.
    pub sampled: Vec<Sampling>,
    /// How long answers are fresh, unless a caller says otherwise.
    pub ttls: Vec<Duration>,
    /// How many bytes of answers there is room for.
    pub sizes: Vec<u64>,
}

/// What becomes of requests whose answers are drawn anew each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// They are not cached.
    Refuse,
    /// They share as many answers as their route says.
    Allow,
}

/// One cell of a [`Grid`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Who shares answers.
    pub scope: CacheScope,
    /// What becomes of sampled requests.
    pub sampled: Sampling,
    /// How long answers are fresh.
    pub ttl: Duration,
    /// How many bytes of answers there is room for.
    pub size: u64,
}

/// A request of the past.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// When it arrived, since 1970.
    pub received: Duration,
    /// What was wanted; only inference is cached.
    pub operation: Operation,
    /// The path with its query.
    pub path: &'a str,
    /// The configured model.
    pub model: &'a str,
    /// Its headers, as far as they are known.
    pub headers: &'a HeaderMap,
    /// Its body, which is a request of `operation`.
    pub body: &'a [u8],
    /// Who asked; `None` when that is not known.
    pub asker: Option<Asker<'a>>,
    /// Where the model is served.
    pub route: &'a RouteIdentity,
    /// How the model's answers are kept. Time, scope and what becomes of sampled requests
    /// are taken from the grid, all else from here.
    pub settings: &'a RouteCache,
}

/// What an upstream answered. `None` is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: Option<u16>,
    /// Whether it came to its end, with every choice finished.
    pub is_complete: Option<bool>,
    /// The size of its body.
    pub bytes: Option<u64>,
    /// What it took.
    pub effort: Effort,
}

/// Why a request cannot be simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It would have been refused: what it says to the cache makes no sense.
    #[error("{0}")]
    Control(ControlError),
    /// It arrived before one that was simulated already.
    #[error("received before more than {WINDOW} of the requests above it; sort by `received`")]
    OutOfOrder,
}

/// All caches of a grid.
pub struct WhatIf {
    grid: Grid,
    /// By scope, then by what becomes of sampled requests.
    policies: Vec<Policy>,
    /// Requests that others may still have been before, by their arrival and number.
    waiting: BTreeMap<(Duration, u64), Waiting>,
    number: u64,
    simulated_until: Duration,
    random: Random,
}

/// Requests are keyed and judged once for all caches of a policy.
struct Policy {
    scope: CacheScope,
    sampled: Sampling,
    /// By time, then by size.
    caches: Vec<Vec<SimulatedCache>>,
}

/// A request, without what it says.
struct Waiting {
    effort: Effort,
    bytes: Option<u64>,
    /// By policy.
    judged: Box<[Judged]>,
}

enum Judged {
    /// The cache is asked; whether the answer is kept, by the grid's times.
    Asked { step: Step, keeps: Box<[Keep]> },
    /// It is not.
    Bypassed(&'static str),
}

impl WhatIf {
    /// Empty caches.
    pub fn new(grid: Grid) -> Self {
        let caches = || -> Vec<Vec<SimulatedCache>> {
            let sizes = || grid.sizes.iter().map(|size| SimulatedCache::new(*size)).collect();
            grid.ttls.iter().map(|_| sizes()).collect()
        };
        let policies = grid
            .scopes
            .iter()
            .flat_map(|scope| grid.sampled.iter().map(|sampled| (*scope, *sampled)));
        let policies = policies.map(|(scope, sampled)| Policy { scope, sampled, caches: caches() });
        let policies = policies.collect();
        Self {
            grid,
            policies,
            waiting: BTreeMap::new(),
            number: 0,
            simulated_until: Duration::ZERO,
            random: Random::seeded(SEED),
        }
    }

    /// Takes a request and what came of it.
    ///
    /// # Errors
    /// When it cannot be simulated; the caches are as before.
    pub fn take(&mut self, asked: &Asked<'_>, answered: &Answered) -> Result<(), Refused> {
        if asked.received < self.simulated_until {
            return Err(Refused::OutOfOrder);
        }
        let headers = read_cache_headers(asked.headers).map_err(Refused::Control)?;
        let view = read_cache_view(asked.operation, asked.body);
        let judge = Judge { asked, answered, headers: &headers, view: &view };
        let policies = self.policies.iter();
        let judged = policies.map(|policy| judge.judge(policy, &self.grid.ttls, &self.random));
        let judged: Result<_, _> = judged.collect();
        self.number += 1;
        let judged = judged.map_err(Refused::Control)?;
        let waiting = Waiting { effort: answered.effort, bytes: answered.bytes, judged };
        self.waiting.insert((asked.received, self.number), waiting);
        if self.waiting.len() > WINDOW {
            self.simulate_first();
        }
        Ok(())
    }

    /// What came of each cell, once there are no more requests.
    pub fn finish(mut self) -> Vec<(Scenario, Tally)> {
        while !self.waiting.is_empty() {
            self.simulate_first();
        }
        let mut found = Vec::new();
        for Policy { scope, sampled, caches } in self.policies {
            for (ttl, by_size) in self.grid.ttls.iter().zip(caches) {
                for (size, mut cache) in self.grid.sizes.iter().zip(by_size) {
                    cache.pass_time(Duration::MAX);
                    let scenario = Scenario { scope, sampled, ttl: *ttl, size: *size };
                    found.push((scenario, cache.tally));
                }
            }
        }
        found
    }

    fn simulate_first(&mut self) {
        let Some(((at, _), Waiting { effort, bytes, judged })) = self.waiting.pop_first() else {
            return;
        };
        self.simulated_until = at;
        for (policy, judged) in self.policies.iter_mut().zip(judged) {
            match judged {
                Judged::Bypassed(reason) => {
                    let caches = policy.caches.iter_mut().flatten();
                    caches.for_each(|cache| cache.tally.bypass(reason));
                }
                Judged::Asked { step, keeps } => {
                    for (caches, keep) in policy.caches.iter_mut().zip(keeps) {
                        let fetched = Fetched { effort, bytes, keep };
                        caches.iter_mut().for_each(|cache| cache.request(at, &step, &fetched));
                    }
                }
            }
        }
    }
}

/// A request, read once.
struct Judge<'a> {
    asked: &'a Asked<'a>,
    answered: &'a Answered,
    headers: &'a CacheHeaders,
    view: &'a CacheView,
}

impl Judge<'_> {
    fn judge(
        &self,
        policy: &Policy,
        ttls: &[Duration],
        random: &Random,
    ) -> Result<Judged, ControlError> {
        let settings = policy.settings(self.asked.settings);
        let control = self.control(&settings)?;
        let plan = match eligible(self.asked.operation, self.view, &control, &settings) {
            Ok(plan) => plan,
            Err(reason) => return Ok(Judged::Bypassed(reason.label())),
        };
        let scope = match (self.asked.asker, policy.scope) {
            (Some(asker), setting) => Scope::of(setting, asker),
            (None, CacheScope::Global) => Scope::Global,
            (None, _) => return Ok(Judged::Bypassed(UNKNOWN_CALLER)),
        };
        let parts = KeyParts {
            scope,
            namespace: &control.namespace,
            route: self.asked.route,
            path: self.asked.path,
            model: self.asked.model,
            headers: self.asked.headers,
            body: self.asked.body,
            variant: plan.variant(random),
        };
        let Ok(key) = parts.key() else {
            return Ok(Judged::Bypassed(BypassReason::Ambiguous.label()));
        };
        let step = Step {
            key,
            read: control.read,
            while_revalidate: control.while_revalidate,
            collapse: plan.collapse,
            otherwise: control.otherwise,
        };
        let keep = |ttl: &Duration| self.keep(&RouteCache { ttl: *ttl, ..settings.clone() });
        Ok(Judged::Asked { step, keeps: ttls.iter().map(keep).collect::<Result<_, _>>()? })
    }

    fn keep(&self, settings: &RouteCache) -> Result<Keep, ControlError> {
        let control = self.control(settings)?;
        // Whoever wrote "complete" has counted the choices, and these are not counted again.
        let operation = Operation::Embeddings;
        let expected = Expected { operation, choices: 0, control: &control, settings };
        let Some(status) = self.answered.status else { return Ok(Keep::Unknown) };
        let head = HeadFacts { status, is_encoded: false, length: None, from: AnsweredBy::Target };
        if let Err(reason) = may_lead(&head, settings) {
            return Ok(Keep::No(reason));
        }
        let Some(is_complete) = self.answered.is_complete else { return Ok(Keep::Unknown) };
        let choices = ChoiceCount::default();
        let body = BodyFacts::Document { is_well_formed: true, has_error: false, choices };
        let received = self.answered.bytes.unwrap_or_default();
        let end = EndFacts { body, is_complete, received, is_at_hand: true };
        Ok(match may_store(expected, &head, &end) {
            Ok(life) => Keep::For { fresh: life.fresh, stale: life.stale },
            Err(reason) => Keep::No(reason),
        })
    }

    fn control(&self, settings: &RouteCache) -> Result<Control, ControlError> {
        Control::of(self.headers, self.view.control.as_ref(), settings)
    }
}

impl Policy {
    fn settings(&self, route: &RouteCache) -> RouteCache {
        let sampled = match (self.sampled, route.sampled) {
            (Sampling::Refuse, _) => Sampled::Refuse,
            (Sampling::Allow, Sampled::Allow { variants }) => Sampled::Allow { variants },
            (Sampling::Allow, Sampled::Refuse) => Sampled::Allow { variants: NonZeroU32::MIN },
        };
        RouteCache { scope: self.scope, sampled, ..route.clone() }
    }
}
