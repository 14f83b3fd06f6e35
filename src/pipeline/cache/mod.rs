//! Step 4: an answer that is there already, or is on its way to somebody else who asked the
//! same.
//!
//! Owns what is done for a request whose model has a cache. Must not know: how a key is
//! made, what may be kept, or where it is.

mod follow;
mod hit;
mod keep;
mod nobody;
mod question;
mod refresh;

pub(super) use keep::{Keep, Learnt};
pub use refresh::Refreshes;

use crate::cache::{Boarding, Collapse, Freshness, Otherwise};
use crate::error::Fault;
use crate::identity::Caller;
use crate::observe::{CacheFacts, Lookup, RequestRecord, TierAnswer, Verdict};
use crate::pipeline::parse::Request;
use crate::pipeline::{Deps, Downstream};
use crate::protocol::{CacheReport, Forwarded};
use crate::types::CacheStatus;
use crate::upstream::Transport;
use follow::Followed;
use http::HeaderMap;
use question::{Passed, Question};
use std::sync::Arc;

/// What became of a request before an upstream was asked.
#[expect(clippy::large_enum_variant, reason = "made once a request, and taken apart at once")]
pub(super) enum Looked {
    /// Its caller has an answer.
    Answered(Verdict),
    /// An upstream has to be asked, and this is to become of the answer.
    Nothing(Request, Keep),
}

/// An entry and where it was.
pub(super) use crate::cache::Found;

/// Looks for an answer, and waits for one that is on its way.
///
/// # Errors
/// When the caller's wishes cannot be understood, when it wants an answer only from the
/// cache and there is none, and when it leaves.
pub(super) async fn look_up<D: Downstream, T: Transport>(
    deps: &Arc<Deps<T>>,
    down: &mut D,
    (caller, request): (&Caller, Request),
    rec: &mut RequestRecord,
) -> Result<Looked, Fault> {
    let Some(route) = deps.cache.route(&request.model.name) else {
        return Ok(Looked::Nothing(request, Keep::nothing()));
    };
    let asked = (down.head(), caller, &request);
    let question = match Question::of(deps, asked, route, &rec.origin)? {
        Ok(question) => question,
        Err(Passed { reason, otherwise }) => {
            rec.cache = Some(CacheFacts::new(CacheStatus::Bypass(reason)));
            if otherwise == Otherwise::Refuse {
                return Err(Fault::NotCached);
            }
            let keep = Keep::reporting(Forwarded::Bypass(reason));
            return Ok(Looked::Nothing(request, keep));
        }
    };
    rec.cache = Some(CacheFacts::new(CacheStatus::Miss));
    let found = find(deps, &question, rec).await;
    match found.map(|found| judge(deps, &question, found)) {
        Some(Judged::Good(found)) => {
            answer_with(deps, down, (&question, &found), rec).await.map(Looked::Answered)
        }
        Some(Judged::GoodWhileRenewed(found)) => {
            let served = answer_with(deps, down, (&question, &found), rec).await;
            refresh::start(deps, down.head(), (caller, request, question), rec);
            served.map(Looked::Answered)
        }
        Some(Judged::AtMostIfAllFails(found)) => {
            await_another(deps, down, (request, question.or_else(found)), rec).await
        }
        None | Some(Judged::Useless) => await_another(deps, down, (request, question), rec).await,
    }
}

/// Answers with an entry, whatever its age.
async fn answer_with<D: Downstream, T>(
    deps: &Deps<T>,
    down: &mut D,
    (question, found): (&Question, &Found),
    rec: &mut RequestRecord,
) -> Result<Verdict, Fault> {
    Ok(hit::serve(deps, down, (found, question.route.pace), rec).await)
}

/// Answers with an old entry because no upstream has a new one. A caller that has left gets
/// nothing.
pub(super) async fn fall_back<D: Downstream, T>(
    deps: &Deps<T>,
    down: &mut D,
    keep: &mut Keep,
    rec: &mut RequestRecord,
) -> Option<Verdict> {
    let (found, pace) = keep.take_fallback()?;
    Some(hit::serve(deps, down, (&found, pace), rec).await)
}

/// Tells a caller that wanted an answer from the cache alone why it gets none.
pub(super) fn tell_not_cached(headers: &mut HeaderMap, rec: &RequestRecord) {
    hit::tell(headers, CacheReport::OnlyIfCached, rec);
}

async fn find<T>(deps: &Deps<T>, question: &Question, rec: &mut RequestRecord) -> Option<Found> {
    if !question.looks_up() {
        return None;
    }
    let began = deps.clock.now();
    let series = deps.observer.metrics().cache();
    let found = deps.cache.find(&question.key, began, |tier, found| {
        series.looked_up(
            tier,
            match found {
                Some(Freshness::Fresh { .. }) => TierAnswer::Hit,
                Some(Freshness::Stale { .. }) => TierAnswer::Stale,
                Some(Freshness::Gone) | None => TierAnswer::Miss,
            },
        );
    });
    let found = found.await;
    let took = deps.clock.now().saturating_duration_since(began);
    if let Some(cache) = &mut rec.cache {
        cache.lookup = Some(Lookup { began, took });
    }
    found
}

/// What an entry is good for.
enum Judged {
    /// It is the answer.
    Good(Found),
    /// It is the answer, for the last time: a new one is fetched meanwhile.
    GoodWhileRenewed(Found),
    /// It is the answer if nobody has a better one.
    AtMostIfAllFails(Found),
    /// It is too old, or too old for this caller.
    Useless,
}

fn judge<T>(deps: &Deps<T>, question: &Question, found: Found) -> Judged {
    let now = deps.clock.now();
    let (age, control) = (found.entry.age(now), &question.control);
    match found.entry.freshness(now) {
        Freshness::Fresh { left } if control.read.takes_fresh(age, left) => Judged::Good(found),
        Freshness::Stale { by } if control.read.takes_stale(age, by) => Judged::Good(found),
        Freshness::Stale { by } if by <= control.while_revalidate => {
            Judged::GoodWhileRenewed(found)
        }
        Freshness::Stale { by } if by <= control.if_error => Judged::AtMostIfAllFails(found),
        _ => Judged::Useless,
    }
}

/// Listens to the exchange of another caller that asked the same, where there is one.
async fn await_another<D: Downstream, T: Transport>(
    deps: &Arc<Deps<T>>,
    down: &mut D,
    (request, question): (Request, Question),
    rec: &mut RequestRecord,
) -> Result<Looked, Fault> {
    if question.control.otherwise == Otherwise::Refuse {
        return Err(Fault::NotCached);
    }
    let Collapse::Within(patience) = question.plan.collapse else {
        return Ok(Looked::Nothing(request, Keep::of(question)));
    };
    let there = || {
        let now = deps.clock.now();
        let (found, left) = deps.cache.fresh_in_memory(&question.key, now)?;
        question.control.read.takes_fresh(found.entry.age(now), left).then_some(found)
    };
    let keep = match deps.cache.board(question.key, there) {
        Boarding::There(found) => {
            // It landed after the look-up.
            return answer_with(deps, down, (&question, &found), rec).await.map(Looked::Answered);
        }
        Boarding::Leads(leader) => Keep::shared(question, leader),
        Boarding::Alone => Keep::of(question),
        Boarding::Follows(follower) => {
            match follow::to_the_end(deps, down, (follower, patience), rec).await? {
                Followed::Answered(verdict) => return Ok(Looked::Answered(verdict)),
                Followed::Leads(leader) => Keep::shared(question, leader),
                Followed::Alone => Keep::of(question),
            }
        }
    };
    Ok(Looked::Nothing(request, keep))
}
