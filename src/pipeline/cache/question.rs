//! What a request asks of the cache.
//!
//! Must not know: what is in the cache.

use crate::cache::{
    Asker, Control, CredentialDigest, Found, KeyParts, Lookup, Otherwise, Plan, RouteCache,
    RouteIdentity, RouteTarget, Scope, eligible,
};
use crate::error::Fault;
use crate::identity::{Caller, CredentialHeaders};
use crate::observe::Origin;
use crate::pipeline::Deps;
use crate::pipeline::parse::Request;
use crate::protocol::{ControlError, Forwarded, read_cache_headers, read_cache_view};
use crate::types::{BypassReason, CacheKey, CacheTags};
use crate::upstream::Model;
use http::request::Parts;
use std::sync::Arc;

/// A request that the cache has a part in.
pub(super) struct Question {
    /// How the model's answers are kept.
    pub(super) route: Arc<RouteCache>,
    /// What the caller wants.
    pub(super) control: Control,
    /// What is done.
    pub(super) plan: Plan,
    /// Which answer it is about.
    pub(super) key: CacheKey,
    /// What the answer can be purged by.
    pub(super) tags: CacheTags,
    /// How many choices a whole answer has.
    pub(super) choices: u64,
    /// The answer to be given when no upstream has one.
    pub(super) fallback: Option<Found>,
}

/// A request in which the cache has no part.
pub(super) struct Passed {
    /// Why.
    pub(super) reason: BypassReason,
    /// What its caller wants without an answer from the cache.
    pub(super) otherwise: Otherwise,
}

impl Question {
    /// What the request asks; or why the cache has no part in it.
    ///
    /// # Errors
    /// When the caller's wishes cannot be understood.
    pub(super) fn of<T>(
        deps: &Deps<T>,
        (head, caller, request): (&Parts, &Caller, &Request),
        route: Arc<RouteCache>,
        origin: &Origin,
    ) -> Result<Result<Self, Passed>, Fault> {
        let operation = request.operation;
        let view = read_cache_view(operation, &request.body.bytes);
        let headers = read_cache_headers(&head.headers).map_err(fault_of)?;
        let control = Control::of(&headers, view.control.as_ref(), &route).map_err(fault_of)?;
        if !origin.is_cached() {
            let reason = BypassReason::Replay;
            return Ok(Err(Passed { reason, otherwise: control.otherwise }));
        }
        let plan = match eligible(operation, &view, &control, &route) {
            Ok(plan) => plan,
            Err(reason) => return Ok(Err(Passed { reason, otherwise: control.otherwise })),
        };
        let scope = Scope::of(route.scope, asker(caller, head));
        let key = KeyParts {
            scope,
            namespace: &control.namespace,
            route: &identity_of(&request.model),
            path: head.uri.path_and_query().map_or("/", |path| path.as_str()),
            model: &request.model.name,
            headers: &head.headers,
            body: &request.body.bytes,
            variant: plan.variant(&deps.random),
        };
        let Ok(key) = key.key() else {
            let reason = BypassReason::Ambiguous;
            return Ok(Err(Passed { reason, otherwise: control.otherwise }));
        };
        let (alias, tenant) = match caller {
            Caller::Holder(holder) => (Arc::clone(&holder.alias), holder.tenant.clone()),
            Caller::Anyone => (Arc::from(""), None),
        };
        let tags = CacheTags {
            model: request.model.name.as_str().into(),
            route: operation.route().into(),
            namespace: control.namespace.shared(),
            key: alias,
            tenant: tenant.unwrap_or_default(),
        };
        let choices = view.choices;
        Ok(Ok(Self { route, control, plan, key, tags, choices, fallback: None }))
    }

    /// Whether an answer is looked for.
    pub(super) fn looks_up(&self) -> bool {
        self.plan.lookup == Lookup::Yes
    }

    /// The same, with an answer for when no upstream has one.
    pub(super) fn or_else(self, found: Found) -> Self {
        Self { fallback: Some(found), ..self }
    }

    /// Why an upstream is asked.
    pub(super) fn forwarded(&self) -> Forwarded {
        match (self.looks_up(), &self.fallback) {
            (false, _) => Forwarded::Request,
            (true, Some(_)) => Forwarded::Stale,
            (true, None) => Forwarded::Miss,
        }
    }
}

fn asker<'a>(caller: &'a Caller, head: &Parts) -> Asker<'a> {
    match caller {
        Caller::Holder(holder) => {
            Asker::Holder { alias: &holder.alias, tenant: holder.tenant.as_deref() }
        }
        Caller::Anyone => {
            Asker::Stranger(CredentialDigest::of(&head.headers, &CredentialHeaders::ALL))
        }
    }
}

fn identity_of(model: &Model) -> RouteIdentity {
    RouteIdentity::of(model.targets.iter().map(|target| RouteTarget {
        upstream: &target.upstream.settings.name,
        model: &target.model,
        protocol: target.upstream.settings.protocol.label(),
    }))
}

fn fault_of(error: ControlError) -> Fault {
    Fault::BadRequest { message: error.to_string(), param: Some(error.name) }
}
