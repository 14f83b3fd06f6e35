//! From a capture to requests that a cache can be asked about.
//!
//! Must not know: how a cache is simulated, or how results are shown.

use crate::cache::{
    Answered, Asked, Asker, CredentialDigest, Effort, Grid, Refused, RouteCache, RouteIdentity,
    WhatIf,
};
use crate::capture::{CallerNote, Content, Exchange, Records};
use crate::cli::Failure;
use crate::cli::cache::what_if::report::{Counts, Report};
use crate::config::Settings;
use crate::protocol::{read_request, recognise};
use crate::upstream::Price;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

/// The words of `cache` that mean that no upstream was asked.
const SPARED: [&str; 3] = ["hit", "stale", "collapsed"];

/// How captured requests are looked at.
pub(super) struct Traffic {
    routes: BTreeMap<String, RouteCache>,
    default: RouteCache,
    prices: BTreeMap<String, Price>,
    /// Of each key, by alias.
    tenants: BTreeMap<String, Option<String>>,
    /// One for all: the configuration is taken to have been the same throughout.
    identity: RouteIdentity,
}

impl Traffic {
    /// As these settings have it. A model without a cache is looked at as if it had one,
    /// since that is the question.
    pub(super) fn new(settings: Settings) -> Self {
        let models = settings.model_caches.into_iter();
        Self {
            routes: models.filter_map(|(name, route)| Some((name, route?))).collect(),
            default: settings.cache.default,
            prices: settings.models.into_iter().map(|model| (model.name, model.price)).collect(),
            tenants: settings.keys.into_iter().map(|key| (key.alias, key.tenant)).collect(),
            identity: RouteIdentity::of([]),
        }
    }

    /// Runs a capture through all caches of `grid`.
    ///
    /// # Errors
    /// When the capture cannot be read, or tells of a request long after it arrived.
    pub(super) fn run(&self, capture: &Path, grid: Grid) -> Result<Report, Failure> {
        let name = capture.display();
        let failed = |error: io::Error| format!("{name}: {error}");
        let mut records = if capture == Path::new("-") {
            Records::new(io::stdin()).map_err(failed)?
        } else {
            Records::new(File::open(capture).map_err(failed)?).map_err(failed)?
        };
        let mut what_if = WhatIf::new(grid);
        let mut counts = Counts::default();
        while let Some(exchange) = records.next() {
            let exchange = exchange.map_err(|error| format!("{name}: {error}"))?;
            counts.see(exchange.times.received);
            match self.take(&mut what_if, &exchange) {
                Ok(Taken::Simulated) => {}
                Ok(Taken::NoInference) => counts.no_inference += 1,
                Ok(Taken::NoBody) => counts.no_body += 1,
                Ok(Taken::NoRequest) | Err(Refused::Control(_)) => counts.refused += 1,
                Err(error @ Refused::OutOfOrder) => {
                    return Err(format!("{name}: line {}: {error}", records.line()).into());
                }
            }
        }
        Ok(Report { counts, cells: what_if.finish() })
    }

    fn take(&self, what_if: &mut WhatIf, exchange: &Exchange) -> Result<Taken, Refused> {
        let path = exchange.call.path.as_str();
        let route = path.split('?').next().unwrap_or_default();
        let (_, operation) = recognise(&exchange.call.method, route);
        if !operation.is_inference() {
            return Ok(Taken::NoInference);
        }
        let Content::Whole(body) = &exchange.request.body else { return Ok(Taken::NoBody) };
        let Ok(view) = read_request(operation, body) else { return Ok(Taken::NoRequest) };
        let model = exchange.call.model.as_deref().unwrap_or(view.model());
        let asked = Asked {
            received: exchange.times.received,
            operation,
            path,
            model,
            headers: &exchange.request.headers,
            body,
            asker: self.asker(&exchange.caller),
            route: &self.identity,
            settings: self.routes.get(model).unwrap_or(&self.default),
        };
        what_if.take(&asked, &self.answered(exchange, model))?;
        Ok(Taken::Simulated)
    }

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

/// What became of a line.
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
