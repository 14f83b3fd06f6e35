//! A purse that many requests draw from at once, and that never gives more than it holds.
//!
//! What a request may use is set aside before it is sent, and what it did use is settled
//! afterwards. At every instant what was spent and what is set aside stay within the caps
//! together. Only a request that uses more than it asked for can pass them, by that much, and
//! then nothing more is let out. Must not know: what a request is.

use crate::replay::spend::{SpendCaps, SpendEstimate, TokenCount, TokenPrice};
use crate::types::NanoUsd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A purse, and what a token costs. Cloning shares the purse.
#[derive(Clone, Debug)]
pub struct SpendGuard {
    purse: Arc<Purse>,
    price: Option<TokenPrice>,
}

#[derive(Debug)]
struct Purse {
    tokens: Account,
    /// In billionths of a US dollar.
    cost: Account,
}

/// One kind of thing that is spent.
#[derive(Debug)]
struct Account {
    most: u64,
    /// Spent, and set aside.
    taken: AtomicU64,
    spent: AtomicU64,
}

/// What was set aside for one request. Dropped, it counts as spent: what became of a request is
/// not always known, and the target may have charged for it.
#[derive(Debug)]
#[must_use = "what is dropped counts as spent"]
pub struct SpendPermit {
    guard: SpendGuard,
    /// What has not been settled.
    open: Option<Sum>,
}

/// Tokens and billionths of a US dollar.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    tokens: u64,
    cost: u64,
}

/// What was spent so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Tokens, prompt and generated ones together.
    pub tokens: u64,
    /// Money; 0 where there is no price.
    pub cost: NanoUsd,
}

/// A cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    /// Of tokens.
    Tokens,
    /// Of money.
    Cost,
}

/// A request that would go beyond a cap. The run should end with the first one: to go on with
/// whatever still fits would be another load than the one that was planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} was reached: {} tokens and {:.4} USD are spent, the rest is set aside for requests under way",
    cap.flag(), spent.tokens, spent.cost.dollars())]
pub struct CapReached {
    /// Which.
    pub cap: Cap,
    /// What was spent until then.
    pub spent: Spent,
}

impl SpendGuard {
    /// A purse with what `caps` allow. A cap of money without a price is kept by nobody: see
    /// [`Refusal::UnknownPrice`](super::Refusal::UnknownPrice).
    pub fn new(caps: SpendCaps, price: Option<TokenPrice>) -> Self {
        let account = |most: Option<u64>| Account {
            most: most.unwrap_or(u64::MAX),
            taken: AtomicU64::new(0),
            spent: AtomicU64::new(0),
        };
        let (tokens, cost) = (account(caps.tokens), account(caps.cost.map(|cost| cost.0)));
        Self { purse: Arc::new(Purse { tokens, cost }), price }
    }

    /// The same purse, where tokens cost something else.
    pub fn at_price(&self, price: Option<TokenPrice>) -> Self {
        Self { purse: Arc::clone(&self.purse), price }
    }

    /// Sets aside what a request may use.
    ///
    /// # Errors
    /// When that is more than there is; nothing is set aside then.
    pub fn admit(&self, estimate: &SpendEstimate) -> Result<SpendPermit, CapReached> {
        let sum = self.sum(estimate.reserved);
        let refused = |cap| CapReached { cap, spent: self.spent() };
        if !self.purse.tokens.take(sum.tokens) {
            return Err(refused(Cap::Tokens));
        }
        if !self.purse.cost.take(sum.cost) {
            self.purse.tokens.give_back(sum.tokens);
            return Err(refused(Cap::Cost));
        }
        Ok(SpendPermit { guard: self.clone(), open: Some(sum) })
    }

    /// What was spent so far, without what is set aside.
    pub fn spent(&self) -> Spent {
        let spent = |account: &Account| account.spent.load(Ordering::Relaxed);
        Spent { tokens: spent(&self.purse.tokens), cost: NanoUsd(spent(&self.purse.cost)) }
    }

    fn sum(&self, count: TokenCount) -> Sum {
        let cost = self.price.map_or(0, |price| count.cost(price).0);
        Sum { tokens: count.total(), cost }
    }
}

impl SpendPermit {
    /// The request has used that much, as its answer says.
    pub fn settle(mut self, used: TokenCount) {
        let used = self.guard.sum(used);
        self.close(used);
    }

    /// The request was never sent.
    pub fn release(mut self) {
        self.close(Sum::default());
    }

    fn close(&mut self, used: Sum) {
        if let Some(open) = self.open.take() {
            self.guard.purse.tokens.settle(open.tokens, used.tokens);
            self.guard.purse.cost.settle(open.cost, used.cost);
        }
    }
}

impl Drop for SpendPermit {
    fn drop(&mut self) {
        if let Some(open) = self.open {
            self.close(open);
        }
    }
}

impl Account {
    /// Sets `sum` aside if it fits.
    fn take(&self, sum: u64) -> bool {
        let fits = |taken: u64| Some(taken.saturating_add(sum)).filter(|sum| *sum <= self.most);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }

    fn give_back(&self, sum: u64) {
        let less = |taken: u64| Some(taken.saturating_sub(sum));
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok();
    }

    /// In place of what was set aside, what was used. One step each way, so that nobody in
    /// between sees more room than there is.
    fn settle(&self, set_aside: u64, used: u64) {
        let more = |spent: u64| Some(spent.saturating_add(used));
        self.spent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok();
        let instead = |taken: u64| Some(taken.saturating_sub(set_aside).saturating_add(used));
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, instead).ok();
    }
}

impl Cap {
    /// The flag that sets it.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Tokens => "--max-tokens",
            Self::Cost => "--max-cost",
        }
    }
}

#[cfg(test)]
mod tests;
