//! THE request path. Read [`run`]: it is the life of an inference request, top to bottom.
//!
//! Owns the order of the steps and the reasons for it. Must not know: pingora (the edge
//! implements [`Downstream`] and `Transport`), configuration files, metrics (steps write
//! facts into the record; `observe` makes the rest of them).

mod answer_reader;
mod body;
mod cache;
mod deadline;
mod downstream;
mod forward;
mod identify;
mod models;
mod note;
mod parse;
mod relay;
mod respond;
mod tapped;
mod upstream_request;

pub use body::BodyBudget;
pub use cache::Refreshes;
use downstream::write_part;
pub use downstream::{ClientGone, Downstream, DownstreamFault};
pub use identify::{answer_headers, begin, caller};
pub use parse::model_of;
pub use respond::error_answer;
pub use upstream_request::{endpoint_uri, upstream_headers};

use crate::cache::Cache;
use crate::capture::Recorder;
use crate::error::Fault;
use crate::identity::Keyring;
use crate::observe::{Observer, RecordGuard, RequestRecord, Trust, Verdict};
use crate::types::{Clock, Operation, Random};
use crate::upstream::{Catalog, Transport};
use arc_swap::ArcSwap;
use cache::Looked;
use futures_util::FutureExt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tapped::Tapped;
use tokio_util::sync::CancellationToken;

/// What every request needs. One value a proxy, shared by all of its connections.
pub struct Deps<T> {
    /// Takes each finished record.
    pub observer: Arc<Observer>,
    /// The models there are now.
    pub catalog: Arc<ArcSwap<Catalog>>,
    /// Who may call.
    pub keyring: Arc<Keyring>,
    /// The way to the endpoints.
    pub transport: T,
    /// Answers that need not be asked for again.
    pub cache: Arc<Cache>,
    /// Such answers that are being renewed.
    pub refreshes: Refreshes,
    /// Writes exchanges down; `None` where no model's are.
    pub capture: Option<Arc<Recorder>>,
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
pub async fn handle<D: Downstream, T: Transport>(
    deps: &Arc<Deps<T>>,
    down: &mut D,
    rec: RecordGuard,
) {
    let mut rec = rec;
    let mut down = Tapped::new(down);
    let served = guarded(deps, run(deps, &mut down, &mut rec)).await;
    let verdict = settle(deps, &mut down, &mut rec, served).await;
    let noted = down.detach().map(|(tap, model)| {
        let asked = (down.head(), &*model);
        (tap, note::exchange(&rec, asked, verdict, deps.clock))
    });
    rec.finish(verdict);
    // Last, for it may take its time over large bodies.
    if let (Some((tap, exchange)), Some(capture)) = (noted, &deps.capture) {
        capture.record(tap, exchange, &down.head().headers);
    }
}

/// `serving` to its end, or to that of the proxy.
async fn guarded<T>(
    deps: &Deps<T>,
    serving: impl Future<Output = Result<Verdict, Fault>>,
) -> Result<Verdict, Fault> {
    tokio::select! {
        biased;
        // A panic ends this request alone.
        served = AssertUnwindSafe(serving).catch_unwind() => {
            served.unwrap_or(Err(Fault::Internal))
        }
        () = deps.cut.cancelled() => Err(Fault::ShuttingDown),
    }
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
    let verdict = settle(deps, down, &mut rec, served).await;
    rec.finish(verdict);
}

/// Answers for a request that could not be served, and says what it came to.
async fn settle<D: Downstream, T: Transport>(
    deps: &Deps<T>,
    down: &mut D,
    rec: &mut RequestRecord,
    served: Result<Verdict, Fault>,
) -> Verdict {
    let verdict = match served {
        Ok(verdict) => verdict,
        Err(fault) => respond::with_fault(deps, down, &fault, rec).await,
    };
    // A client that left while others went on listening had left by then.
    let now = deps.clock.now();
    rec.timeline.finished.get_or_insert(now);
    verdict
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
    deps: &Arc<Deps<T>>,
    down: &mut Tapped<'_, D>,
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
    deps.observer.note_chunks(rec);
    // Before anything is answered: what the client gets is written down from its first byte.
    down.tap(deps.capture.as_deref(), &request, rec);
    // Before an upstream is chosen: what is there already need not be asked for.
    let (request, mut keep) = match cache::look_up(deps, down, (&caller, request), rec).await? {
        Looked::Answered(verdict) => return Ok(verdict),
        Looked::Nothing(request, keep) => (request, keep),
    };
    let answer = match forward::with_retries(deps, down, (&caller, &request), rec).await {
        Ok(answer) if !answer.head.status.is_server_error() => answer,
        Err(Fault::ClientGone) => return Err(Fault::ClientGone),
        // An old answer beats none, where the operator says so.
        failed => match cache::fall_back(deps, down, &mut keep, rec).await {
            Some(verdict) => return Ok(verdict),
            None => failed?,
        },
    };
    // From here on the status is sent, and failures can only cut the answer short.
    Ok(relay::stream(deps, down, answer, (&request, keep), rec).await)
}
