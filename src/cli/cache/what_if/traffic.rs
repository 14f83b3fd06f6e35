//! From a capture to requests that a cache can be asked about.
//!
//! Must not know: how a cache is simulated, or how results are shown.

use crate::cache::{
    Answered, Asked, Asker, CredentialDigest, Effort, Grid, Refused, RouteCache, RouteIdentity,
    WhatIf,
};
use crate::capture::{CapturedRequest, Completeness, Records};
use crate::cli::Failure;
use crate::cli::cache::what_if::report::{Counts, Report};
use crate::config::Settings;
use crate::protocol::{read_request, recognise};
use crate::types::{Operation, Usage, UsageSource};
use crate::upstream::Price;
use http::Method;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

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
        while let Some(record) = records.next() {
            let record = record.map_err(|error| format!("{name}: {error}"))?;
            counts.see(record.received);
            match self.take(&mut what_if, &record) {
                Ok(Taken::Simulated) => {}
                Ok(Taken::NoInference) => counts.no_inference += 1,
                Ok(Taken::NoRequest) | Err(Refused::Control(_)) => counts.refused += 1,
                Err(error @ Refused::OutOfOrder) => {
                    return Err(format!("{name}: line {}: {error}", records.line()).into());
                }
            }
        }
        Ok(Report { counts, cells: what_if.finish() })
    }

    fn take(&self, what_if: &mut WhatIf, record: &CapturedRequest) -> Result<Taken, Refused> {
        let path = record.path.split('?').next().unwrap_or_default();
        let (_, operation) = recognise(&Method::POST, path);
        if !operation.is_inference() {
            return Ok(Taken::NoInference);
        }
        let Ok(view) = read_request(operation, &record.body) else { return Ok(Taken::NoRequest) };
        let model = record.model.as_deref().unwrap_or(view.model());
        let asked = Asked {
            received: record.received,
            operation,
            path: &record.path,
            model,
            headers: &record.headers,
            body: &record.body,
            asker: self.asker(record),
            route: &self.identity,
            settings: self.routes.get(model).unwrap_or(&self.default),
        };
        what_if.take(&asked, &self.answered(record, (operation, model)))?;
        Ok(Taken::Simulated)
    }

    /// The configuration's tenant before the capture's.
    fn asker<'a>(&'a self, record: &'a CapturedRequest) -> Option<Asker<'a>> {
        let Some(alias) = record.key.as_deref() else {
            return Some(Asker::Stranger(digest(record.credential.as_deref()?)));
        };
        let configured = self.tenants.get(alias).map(Option::as_deref);
        let tenant = configured.unwrap_or(record.tenant.as_deref());
        Some(Asker::Holder { alias, tenant })
    }

    fn answered(&self, record: &CapturedRequest, call: (Operation, &str)) -> Answered {
        let usage = usage(record, call.0);
        let price = self.prices.get(call.1).copied().unwrap_or_default();
        let effort = Effort {
            time: record.took,
            tokens: usage.map(|usage| usage.input.saturating_add(usage.output)),
            cost: record.cost.or_else(|| price.of(usage)),
        };
        Answered {
            status: record.status,
            is_complete: record.completeness.map(|end| end == Completeness::Complete),
            bytes: record.response_bytes,
            effort,
        }
    }
}

/// What became of a line.
enum Taken {
    Simulated,
    NoInference,
    /// The proxy would have refused it.
    NoRequest,
}

/// A digest of whatever word stands for a credential; none of an empty one.
fn digest(word: &str) -> Option<CredentialDigest> {
    let value = HeaderValue::try_from(word).ok().filter(|value| !value.is_empty())?;
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    CredentialDigest::of(&headers, &[AUTHORIZATION])
}

/// `None` unless both numbers are known; embeddings generate nothing.
fn usage(record: &CapturedRequest, operation: Operation) -> Option<Usage> {
    let tokens = record.tokens?;
    let nothing = (operation == Operation::Embeddings).then_some(0);
    let (input, output) = (tokens.input?, tokens.output.or(nothing)?);
    Some(Usage { input, output, source: UsageSource::Upstream })
}
