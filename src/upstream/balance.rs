//! Which endpoint of an upstream gets the next attempt. Pure decisions.
//!
//! Must not know: requests beyond their endpoints tried so far.

use crate::types::Random;
use crate::upstream::{Balance, Endpoint, Upstream};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// An endpoint of `upstream` that takes requests and is not among those `tried`; `None` when
/// there is none. Reads shares and loads as they are now, locks nothing and allocates nothing.
pub fn pick<'u>(
    upstream: &'u Upstream,
    tried: &[Arc<Endpoint>],
    random: &Random,
) -> Option<&'u Arc<Endpoint>> {
    if let ([only], []) = (upstream.endpoints.as_slice(), tried) {
        return (only.share.weight() > 0).then_some(only);
    }
    let untried = |endpoint: &&Arc<Endpoint>| !tried.iter().any(|t| Arc::ptr_eq(t, endpoint));
    let candidates = upstream.endpoints.iter().filter(untried);
    match upstream.settings.balance {
        Balance::RoundRobin => {
            let turn = upstream.turn.fetch_add(1, Ordering::Relaxed) as u64;
            by_weight(candidates, turn)
        }
        Balance::P2cTokens => less_loaded(candidates, random),
    }
}

/// Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing" (2001), by
/// outstanding tokens per weight.
fn less_loaded<'u>(
    candidates: impl Iterator<Item = &'u Arc<Endpoint>> + Clone,
    random: &Random,
) -> Option<&'u Arc<Endpoint>> {
    let first = by_weight(candidates.clone(), random.next_u64())?;
    let others = candidates.filter(|candidate| !Arc::ptr_eq(candidate, first));
    let Some(second) = by_weight(others, random.next_u64()) else { return Some(first) };
    Some(if load(second) < load(first) { second } else { first })
}

fn load(endpoint: &Endpoint) -> f64 {
    endpoint.outstanding_tokens() as f64 / f64::from(endpoint.share.weight())
}

/// The endpoint that `ticket` falls to when each holds as many tickets as its weight.
fn by_weight<'u>(
    candidates: impl Iterator<Item = &'u Arc<Endpoint>> + Clone,
    ticket: u64,
) -> Option<&'u Arc<Endpoint>> {
    let weight = |candidate: &Arc<Endpoint>| u64::from(candidate.share.weight());
    let total: u64 = candidates.clone().map(weight).sum();
    let mut ticket = ticket.checked_rem(total)?;
    let drawn = candidates.clone().find(|candidate| {
        let weight = weight(candidate);
        let falls_here = ticket < weight;
        ticket = ticket.saturating_sub(weight);
        falls_here
    });
    // Shares may have changed since the sum was taken.
    let mut candidates = candidates;
    drawn.or_else(|| candidates.find(|candidate| weight(candidate) > 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::settings::tests::upstream_of;

    fn picks(balance: Balance, weights: &[u32], rounds: usize) -> Vec<usize> {
        let upstream = Upstream::new(0, upstream_of(balance, weights));
        let random = Random::seeded(1);
        let mut counts = vec![0; weights.len()];
        for _ in 0..rounds {
            counts[pick(&upstream, &[], &random).unwrap().index] += 1;
        }
        counts
    }

    #[test]
    fn round_robin_follows_the_weights_exactly() {
        assert_eq!(picks(Balance::RoundRobin, &[1, 2, 1], 400), [100, 200, 100]);
    }

    #[test]
    fn two_choices_prefer_the_endpoint_with_fewer_tokens() {
        let upstream = Upstream::new(0, upstream_of(Balance::P2cTokens, &[1, 1]));
        let random = Random::seeded(1);
        let busy = upstream.endpoints[0].take(1000);
        assert!((0..50).all(|_| pick(&upstream, &[], &random).unwrap().index == 1));
        drop(busy);
        assert!(picks(Balance::P2cTokens, &[1, 1], 400).iter().all(|count| *count > 100));
    }

    #[test]
    fn a_tried_endpoint_is_not_picked_again() {
        let upstream = Upstream::new(0, upstream_of(Balance::P2cTokens, &[1, 1]));
        let random = Random::seeded(1);
        let mut tried = vec![Arc::clone(&upstream.endpoints[0])];
        assert_eq!(pick(&upstream, &tried, &random).unwrap().index, 1);
        tried.push(Arc::clone(&upstream.endpoints[1]));
        assert!(pick(&upstream, &tried, &random).is_none());
    }
}
