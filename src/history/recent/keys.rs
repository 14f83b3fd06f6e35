//! What each key was used for, among the recent requests.
//!
//! Must not know: which keys there are.

use super::{Filter, Recent, RecentRequest};
use crate::types::{NanoUsd, Outcome};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

/// What a key was used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyUse {
    /// Requests.
    pub requests: u64,
    /// Those that failed, by whosever fault; not those that their callers left.
    pub errors: u64,
    /// Tokens in and out, as far as they are known.
    pub tokens: u64,
    /// What they cost, where there are prices.
    pub cost: Option<NanoUsd>,
    /// When the last request ended.
    pub last: Option<SystemTime>,
}

impl Recent {
    /// What keys were used for in the newest `most` requests that pass `filter`, by alias.
    pub fn uses(&self, filter: &Filter, most: usize) -> BTreeMap<Arc<str>, KeyUse> {
        let mut uses: BTreeMap<Arc<str>, KeyUse> = BTreeMap::new();
        self.each(filter, most, |request| {
            if let Some(key) = &request.key {
                uses.entry(Arc::clone(key)).or_default().add(&request);
            }
        });
        uses
    }
}

impl KeyUse {
    fn add(&mut self, request: &RecentRequest) {
        self.requests += 1;
        let is_error = !matches!(request.outcome, Outcome::Success | Outcome::ClientCancelled);
        self.errors += u64::from(is_error);
        if let Some(usage) = request.usage {
            self.tokens = self.tokens.saturating_add(usage.input.saturating_add(usage.output));
        }
        if let Some(NanoUsd(cost)) = request.cost {
            let so_far = self.cost.map_or(0, |NanoUsd(so_far)| so_far);
            self.cost = Some(NanoUsd(so_far.saturating_add(cost)));
        }
        self.last = self.last.max(Some(request.ended));
    }
}
