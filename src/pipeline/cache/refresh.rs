//! Renewing an answer in the background, while the old one is still given.
//!
//! Owns the bound on how many are renewed at a time. Must not know: when an answer is old.

use crate::cache::Boarding;
use crate::error::Fault;
use crate::identity::Caller;
use crate::observe::{CacheFacts, CallFacts, Identity, RecordGuard, RequestRecord, Verdict};
use crate::pipeline::cache::keep::Keep;
use crate::pipeline::cache::nobody::Nobody;
use crate::pipeline::cache::question::Question;
use crate::pipeline::parse::Request;
use crate::pipeline::{Deps, conclude, forward, guarded, relay};
use crate::types::{CacheStatus, SpanId, TraceId};
use crate::upstream::Transport;
use http::request::Parts;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

/// Renewals under way at a time; further ones are left to the next caller.
const MOST: usize = 64;

/// The renewals under way.
pub struct Refreshes {
    room: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl Default for Refreshes {
    fn default() -> Self {
        Self { room: Arc::new(Semaphore::new(MOST)), tasks: TaskTracker::new() }
    }
}

/// Begins to renew the answer to a request, unless that is under way.
pub(super) fn start<T: Transport>(
    deps: &Arc<Deps<T>>,
    head: &Parts,
    (caller, request, question): (&Caller, Request, Question),
    rec: &RequestRecord,
) {
    let Ok(permit) = Arc::clone(&deps.refreshes.room).try_acquire_owned() else {
        deps.observer.metrics().cache().refresh_skipped();
        return;
    };
    let Boarding::Leads(leader) = deps.cache.board(question.key, || None) else { return };
    let work = Refresh {
        deps: Arc::clone(deps),
        nobody: Nobody::instead_of(head.clone()),
        caller: caller.clone(),
        request,
        keep: Keep::shared(question, leader),
        _permit: permit,
    };
    let guard = work.begin(rec);
    deps.refreshes.tasks.spawn(work.run(guard));
}

struct Refresh<T> {
    deps: Arc<Deps<T>>,
    nobody: Nobody,
    caller: Caller,
    request: Request,
    keep: Keep,
    _permit: OwnedSemaphorePermit,
}

impl<T: Transport> Refresh<T> {
    /// A trace of its own, linked to that of the request which found the answer old.
    fn begin(&self, cause: &RequestRecord) -> RecordGuard {
        let mut random = || self.deps.random.next_u64();
        let (trace, span) = (TraceId::mint(&mut random), SpanId::mint(&mut random));
        let identity = Identity {
            link: Some((cause.identity.trace_id, cause.identity.span_id)),
            key_alias: cause.identity.key_alias.clone(),
            ..Identity::new(cause.identity.request_id.clone(), trace, span)
        };
        let call = CallFacts {
            model_asked: cause.call.model_asked.clone(),
            streamed: cause.call.streamed,
            ..CallFacts::new(cause.call.dialect, cause.call.operation, cause.call.method.clone())
        };
        let mut record = RequestRecord::refresh(identity, call, self.deps.clock.now());
        record.cache = Some(CacheFacts::new(CacheStatus::Miss));
        let mut guard = self.deps.observer.begin(Box::new(record));
        self.deps.observer.assign_model(&mut guard, self.request.model.slot);
        guard
    }

    async fn run(self, mut guard: RecordGuard) {
        let Self { deps, mut nobody, caller, request, keep, _permit } = self;
        let work = renew(&deps, &mut nobody, (&caller, &request, keep), &mut guard);
        let served = guarded(&deps, work).await;
        conclude(&deps, &mut nobody, guard, served).await;
    }
}

async fn renew<T: Transport>(
    deps: &Arc<Deps<T>>,
    nobody: &mut Nobody,
    (caller, request, keep): (&Caller, &Request, Keep),
    rec: &mut RequestRecord,
) -> Result<Verdict, Fault> {
    let answer = forward::with_retries(deps, nobody, (caller, request), rec).await?;
    Ok(relay::stream(deps, nobody, answer, (request, keep), rec).await)
}
