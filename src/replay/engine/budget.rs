//! The guard of spending as an admission: what a request may use is set aside before it is sent,
//! and settled by what its sample says.
//!
//! Must not know: what the caps are, or how an estimate comes about.

use super::admission::{Admission, Admitted, NotAdmitted};
use crate::replay::{
    CapReached, Failure, Planned, Sample, SpendEstimate, SpendGuard, SpendPermit, TokenCount,
};
use std::sync::OnceLock;
use tokio_util::sync::CancellationToken;

/// What a planned request may use.
type Estimate = dyn Fn(&Planned) -> SpendEstimate + Send + Sync;

/// Admits requests as long as no cap is reached. With the first one that would pass a cap the run
/// ends: to go on with whatever still fits would be another load than the one that was planned.
pub struct Budget {
    guard: SpendGuard,
    estimate: Box<Estimate>,
    stop: CancellationToken,
    reached: OnceLock<CapReached>,
}

/// What was set aside for a request. Dropped, the request was never sent, and all of it is given
/// back.
struct SetAside(Option<SpendPermit>);

impl Budget {
    /// Draws from `guard`. When a cap is reached `stop` is cancelled, which is to be that of the
    /// run.
    pub fn new(
        guard: SpendGuard,
        estimate: impl Fn(&Planned) -> SpendEstimate + Send + Sync + 'static,
        stop: CancellationToken,
    ) -> Self {
        Self { guard, estimate: Box::new(estimate), stop, reached: OnceLock::new() }
    }

    /// The cap that has ended the run, if one has.
    pub fn reached(&self) -> Option<CapReached> {
        self.reached.get().copied()
    }
}

impl Admission for Budget {
    fn admit(&self, planned: &Planned) -> Result<Box<dyn Admitted>, NotAdmitted> {
        if self.reached.get().is_some() {
            return Err(NotAdmitted);
        }
        let permit = self.guard.admit(&(self.estimate)(planned)).map_err(|reached| {
            self.reached.get_or_init(|| reached);
            self.stop.cancel();
            NotAdmitted
        })?;
        Ok(Box::new(SetAside(Some(permit))))
    }
}

impl Admitted for SetAside {
    /// By the tokens of the sample. Where nobody knows them, a request that was not sent or was
    /// refused has used nothing, and any other all that was set aside: the target may have
    /// charged for it.
    fn settle(mut self: Box<Self>, sample: &Sample) {
        let Some(permit) = self.0.take() else { return };
        let refused = matches!(sample.failure, Some(Failure::RateLimited | Failure::ClientError));
        match (sample.tokens_in, sample.tokens_out) {
            (Some(input), Some(output)) => permit.settle(TokenCount { input, output }),
            _ if refused || sample.sent.is_none() => permit.release(),
            _ => drop(permit),
        }
    }
}

impl Drop for SetAside {
    fn drop(&mut self) {
        if let Some(permit) = self.0.take() {
            permit.release();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{Basis, Cap, Phase, SpendCaps};
    use crate::types::Micros;

    /// Each request sets 30 tokens aside.
    fn budget(most: u64) -> (Budget, SpendGuard, CancellationToken) {
        let guard = SpendGuard::new(SpendCaps { tokens: Some(most), cost: None }, None);
        let reserved = TokenCount { input: 10, output: 20 };
        let estimate = SpendEstimate { expected: reserved, reserved, basis: Basis::Recorded };
        let stop = CancellationToken::new();
        (Budget::new(guard.clone(), move |_| estimate, stop.clone()), guard, stop)
    }

    fn planned() -> Planned {
        let (session, after_turn, leaves_after) = (None, None, None);
        Planned { number: 0, exchange: 0, at: None, stage: 0, session, after_turn, leaves_after }
    }

    fn sample(failure: Option<Failure>) -> Sample {
        let sent = Some(Micros(1));
        Sample { sent, failure, ..Sample::not_sent(0, Phase::Measured, Micros(0)) }
    }

    #[test]
    fn what_was_set_aside_is_settled_by_the_sample() {
        let (budget, guard, _) = budget(1_000);
        let mut spent = 0;
        let answered = Sample { tokens_in: Some(9), tokens_out: Some(4), ..sample(None) };
        for (seen, uses) in [
            (answered, 13),
            (sample(Some(Failure::RateLimited)), 0),
            (sample(Some(Failure::ClientError)), 0),
            (Sample { sent: None, ..sample(Some(Failure::Connect)) }, 0),
            (sample(Some(Failure::Timeout)), 30),
            (sample(Some(Failure::ServerError)), 30),
        ] {
            budget.admit(&planned()).unwrap().settle(&seen);
            spent += uses;
            assert_eq!(guard.spent().tokens, spent, "{seen:?}");
        }
    }

    #[test]
    fn what_was_never_sent_is_given_back() {
        let (budget, guard, _) = budget(30);
        for _ in 0..5 {
            drop(budget.admit(&planned()).unwrap());
        }
        assert_eq!((guard.spent().tokens, budget.reached()), (0, None));
    }

    #[test]
    fn the_first_request_beyond_a_cap_ends_the_run() {
        let (budget, _, stop) = budget(70);
        let admitted = [budget.admit(&planned()).unwrap(), budget.admit(&planned()).unwrap()];
        assert!(budget.admit(&planned()).is_err() && stop.is_cancelled());
        assert_eq!(budget.reached().map(|reached| reached.cap), Some(Cap::Tokens));
        drop(admitted);
        assert!(budget.admit(&planned()).is_err(), "what would fit again is not sent either");
    }
}
