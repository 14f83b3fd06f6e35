//! THE request path. Read [`run`]: it is the life of an inference request, top to bottom.
//!
//! Owns the order of the steps and the reasons for it. Must not know: pingora (the edge
//! implements [`Downstream`] and `Transport`), configuration files, metrics (steps write
//! facts into the record; `observe` makes the rest of them).

mod answer_reader;
mod body;
mod deadline;
mod downstream;
mod forward;
mod identify;
mod models;
mod parse;
mod relay;
mod respond;
mod upstream_request;

pub use body::BodyBudget;
pub use downstream::{ClientGone, Downstream, DownstreamFault};
pub use identify::{answer_headers, begin, caller};
pub use respond::error_answer;
pub use upstream_request::{endpoint_uri, upstream_headers};

use crate::error::Fault;
use crate::identity::Keyring;
use crate::observe::{Observer, RecordGuard, RequestRecord, Trust, Verdict};
use crate::types::{Clock, Operation, Random};
use crate::upstream::{Catalog, Transport};
use arc_swap::ArcSwap;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What every request needs. One value a proxy, shared by all of its connections.
pub struct Deps<T> {
    /// Takes each finished record.
    pub observer: Arc<Observer>,
    /// The models there are now.
    pub catalog: Arc<ArcSwap<Catalog>>,
    /// Who may call.
    pub keyring: Keyring,
    /// The way to the endpoints.
    pub transport: T,
    /// Room for request bodies.
    pub bodies: BodyBudget,
    /// Time.
    pub clock: Clock,
    /// Whose trace context is continued.
    pub trust: Trust,
    /// Chance.
    pub random: Random,
    /// Cancelled when requests in flight may no longer finish.
    pub cut: CancellationToken,
}

/// Serves one inference or model-list request whose head has been read, and delivers its
/// record, whatever happens.
pub async fn handle<D: Downstream, T: Transport>(deps: &Deps<T>, down: &mut D, rec: RecordGuard) {
    let mut rec = rec;
    let served = tokio::select! {
        biased;
        // A panic ends this request alone.
        served = AssertUnwindSafe(run(deps, down, &mut rec)).catch_unwind() => {
            served.unwrap_or(Err(Fault::Internal))
        }
        () = deps.cut.cancelled() => Err(Fault::ShuttingDown),
    };
    conclude(deps, down, rec, served).await;
}

/// Delivers the record of a request that something other than [`handle`] has served, after
/// answering for it where it could not be.
pub async fn conclude<D: Downstream, T: Transport>(
    deps: &Deps<T>,
    down: &mut D,
    rec: RecordGuard,
    served: Result<Verdict, Fault>,
) {
    let mut rec = rec;
    let verdict = match served {
        Ok(verdict) => verdict,
        Err(fault) => respond::with_fault(deps, down, &fault, &mut rec).await,
    };
    rec.timeline.finished = Some(deps.clock.now());
    rec.finish(verdict);
}

/// Answers a request that is not to be served, and delivers its record.
pub async fn refuse<D: Downstream, T: Transport>(
    deps: &Deps<T>,
    down: &mut D,
    rec: RecordGuard,
    fault: Fault,
) {
    down.abandon_body();
    conclude(deps, down, rec, Err(fault)).await;
}

async fn run<D: Downstream, T: Transport>(
    deps: &Deps<T>,
    down: &mut D,
    rec: &mut RequestRecord,
) -> Result<Verdict, Fault> {
    // Before the body is read: a stranger must not make us hold 32 MiB.
    let caller = identify::caller(deps, down.head(), rec).inspect_err(|_| down.abandon_body())?;
    if rec.call.operation == Operation::Models {
        return models::answer(deps, down, rec).await;
    }
    // The whole body first: the model's name may stand at its very end.
    let body = body::read(deps, down, rec).await?;
    let request = parse::request(deps, body, rec)?;
    let answer = forward::with_retries(deps, down, (&caller, &request), rec).await?;
    // From here on the status is sent, and failures can only cut the answer short.
    Ok(relay::stream(deps, down, answer, &request, rec).await)
}
