//! What caches would have done for captured traffic.
//!
//! | file | owns |
//! |---|---|
//! | `findings` | what came of it, and its form as JSON |
//!
//! Owns the way from a captured exchange to a request that a cache can be asked about. Must not
//! know: how a cache is simulated, where exchanges come from, or who asks.

mod findings;

pub use findings::{Counts, Findings, word_for, word_of};

use crate::cache::{
    Answered, Asked, Asker, CredentialDigest, Effort, Grid, Refused, RouteCache, RouteIdentity,
    WhatIf,
};
use crate::capture::{CallerNote, Content, Exchange};
use crate::protocol::{read_request, recognise};
use crate::upstream::Price;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use std::collections::BTreeMap;

/// The words of `cache` that mean that no upstream was asked.
const SPARED: [&str; 3] = ["hit", "stale", "collapsed"];

/// How captured requests are looked at.
#[derive(Debug, Default)]
pub struct Terms {
    /// How each model's answers are kept, but for what a grid says.
    pub routes: BTreeMap<String, RouteCache>,
    /// How those of any other are: a model without a cache is looked at as if it had one, since
    /// that is the question.
    pub default: RouteCache,
    /// What each model's tokens cost, where the capture does not say what a request did.
    pub prices: BTreeMap<String, Price>,
    /// Of each key, by alias.
    pub tenants: BTreeMap<String, Option<String>>,
}

/// Exchanges on their way through all caches of a grid.
pub struct Trial {
    terms: Terms,
    /// One for all: the configuration is taken to have been the same throughout.
    identity: RouteIdentity,
    what_if: WhatIf,
    counts: Counts,
}

impl Trial {
    /// One that has seen nothing yet.
    pub fn new(terms: Terms, grid: Grid) -> Self {
        Self {
            terms,
            identity: RouteIdentity::of([]),
            what_if: WhatIf::new(grid),
            counts: Counts::default(),
        }
    }

    /// Asks all caches what this exchange asked for.
    ///
    /// # Errors
    /// When it is told of long after it arrived, in relation to others.
    pub fn take(&mut self, exchange: &Exchange) -> Result<(), Refused> {
        self.counts.see(exchange.times.received);
        match self.simulate(exchange) {
            Ok(Taken::Simulated) => {}
            Ok(Taken::NoInference) => self.counts.no_inference += 1,
            Ok(Taken::NoBody) => self.counts.no_body += 1,
            Ok(Taken::NoRequest) | Err(Refused::Control(_)) => self.counts.refused += 1,
            Err(error @ Refused::OutOfOrder) => return Err(error),
        }
        Ok(())
    }

    /// What came of it.
    pub fn finish(self) -> Findings {
        Findings { counts: self.counts, cells: self.what_if.finish() }
    }

    fn simulate(&mut self, exchange: &Exchange) -> Result<Taken, Refused> {
        let path = exchange.call.path.as_str();
        let route = path.split('?').next().unwrap_or_default();
        let (_, operation) = recognise(&exchange.call.method, route);
        if !operation.is_inference() {
            return Ok(Taken::NoInference);
        }
        let Content::Whole(body) = &exchange.request.body else { return Ok(Taken::NoBody) };
        let Ok(view) = read_request(operation, body) else { return Ok(Taken::NoRequest) };
        let model = exchange.call.model.as_deref().unwrap_or(view.model());
        let terms = &self.terms;
        let asked = Asked {
            received: exchange.times.received,
            operation,
            path,
            model,
            headers: &exchange.request.headers,
            body,
            asker: terms.asker(&exchange.caller),
            route: &self.identity,
            settings: terms.routes.get(model).unwrap_or(&terms.default),
        };
        self.what_if.take(&asked, &terms.answered(exchange, model))?;
        Ok(Taken::Simulated)
    }
}

impl Terms {
    /// The configuration's tenant before the capture's.
    fn asker<'a>(&'a self, caller: &'a CallerNote) -> Option<Asker<'a>> {
        let Some(alias) = caller.key.as_deref() else {
            return Some(Asker::Stranger(digest(caller.credential.as_deref()?)));
        };
        let configured = self.tenants.get(alias).map(Option::as_deref);
        let tenant = configured.unwrap_or(caller.tenant.as_deref());
        Some(Asker::Holder { alias, tenant })
    }

    fn answered(&self, exchange: &Exchange, model: &str) -> Answered {
        let usage = exchange.usage;
        let price = self.prices.get(model).copied().unwrap_or_default();
        // What a cache took, or did not charge, says nothing about the upstream.
        let was_asked = !exchange.cache.as_deref().is_some_and(|word| SPARED.contains(&word));
        let effort = Effort {
            time: exchange.times.last.filter(|_| was_asked),
            tokens: usage.map(|usage| usage.input.saturating_add(usage.output)),
            cost: exchange.cost.filter(|_| was_asked).or_else(|| price.of(usage)),
        };
        let answer = exchange.answer.as_ref();
        Answered {
            status: answer.map(|answer| answer.status),
            is_complete: answer.and_then(|answer| answer.complete),
            bytes: answer.and_then(|answer| answer.bytes.or(answer.message.body.length())),
            effort,
        }
    }
}

/// What became of an exchange.
enum Taken {
    Simulated,
    NoInference,
    /// The capture does not hold all of its body.
    NoBody,
    /// The proxy would have refused it.
    NoRequest,
}

/// A digest of whatever word stands for a credential; none of an empty one.
fn digest(word: &str) -> Option<CredentialDigest> {
    let value = HeaderValue::try_from(word).ok().filter(|value| !value.is_empty())?;
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    CredentialDigest::of(&headers, &[AUTHORIZATION])
}
