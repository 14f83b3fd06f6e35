//! That no cap is passed.

use super::*;
use crate::replay::spend::Basis;
use crate::types::Random;
use std::thread;

const PRICE: TokenPrice = TokenPrice { input: NanoUsd(3), output: NanoUsd(10) };

fn estimate(input: u64, output: u64) -> SpendEstimate {
    let count = TokenCount { input, output };
    SpendEstimate { expected: count, reserved: count, basis: Basis::Guessed }
}

fn caps(tokens: u64, cost: u64) -> SpendCaps {
    SpendCaps { tokens: Some(tokens), cost: Some(NanoUsd(cost)) }
}

fn taken(guard: &SpendGuard) -> (u64, u64) {
    let load = |account: &Account| account.taken.load(Ordering::Relaxed);
    (load(&guard.purse.tokens), load(&guard.purse.cost))
}

#[test]
fn what_is_set_aside_comes_back_but_for_what_was_used() {
    let guard = SpendGuard::new(caps(100, 1_000), Some(PRICE));
    let permit = guard.admit(&estimate(20, 60)).unwrap();
    assert_eq!((taken(&guard), guard.spent()), ((80, 660), Spent::default()));
    let refused = guard.admit(&estimate(21, 0)).unwrap_err();
    assert_eq!((refused.cap, refused.spent), (Cap::Tokens, Spent::default()));
    permit.settle(TokenCount { input: 20, output: 5 });
    assert_eq!((taken(&guard), guard.spent().tokens), ((25, 110), 25));

    let permit = guard.admit(&estimate(1, 74)).unwrap();
    permit.release();
    assert_eq!(taken(&guard), (25, 110));
}

#[test]
fn a_refused_request_leaves_nothing_behind() {
    let guard = SpendGuard::new(caps(1_000, 100), Some(PRICE));
    assert_eq!(guard.admit(&estimate(1, 10)).unwrap_err().cap, Cap::Cost);
    assert_eq!(taken(&guard), (0, 0));
}

#[test]
fn a_request_that_nobody_heard_of_again_counts_as_spent() {
    let guard = SpendGuard::new(caps(100, 10_000), Some(PRICE));
    drop(guard.admit(&estimate(40, 20)));
    assert_eq!((guard.spent().tokens, guard.spent().cost), (60, NanoUsd(320)));
    let refused = guard.admit(&estimate(41, 0)).unwrap_err();
    assert!(refused.to_string().starts_with("--max-tokens was reached: 60 tokens and "));
}

#[test]
fn a_request_that_used_more_than_it_asked_for_ends_the_spending() {
    let guard = SpendGuard::new(caps(100, 10_000), Some(PRICE));
    guard.admit(&estimate(50, 50)).unwrap().settle(TokenCount { input: 50, output: 51 });
    assert_eq!(guard.spent().tokens, 101);
    assert!(guard.admit(&estimate(0, 0)).is_err());
    // And a target that counts nonsense leaves no room that is not there.
    let guard = SpendGuard::new(caps(100, 10_000), Some(PRICE));
    guard.admit(&estimate(1, 0)).unwrap().settle(TokenCount { input: u64::MAX, output: 1 });
    assert!(guard.admit(&estimate(1, 0)).is_err());
}

#[test]
fn without_caps_nothing_is_refused() {
    let guard = SpendGuard::new(SpendCaps::default(), None);
    let permit = guard.admit(&estimate(u64::MAX, u64::MAX)).unwrap();
    guard.admit(&estimate(5, 5)).unwrap().release();
    permit.release();
    assert_eq!(guard.spent().cost, NanoUsd(0));
}

#[test]
fn reservations_never_pass_a_cap_in_whatever_order() {
    let random = Random::seeded(11);
    for _ in 0..300 {
        let (tokens, cost) = (random.below(5_000), random.below(20_000));
        let guard = SpendGuard::new(caps(tokens, cost), Some(PRICE));
        let mut open: Vec<(SpendPermit, TokenCount)> = Vec::new();
        for _ in 0..200 {
            match random.below(3) {
                0 | 1 => {
                    let asked = estimate(random.below(300), random.below(300));
                    if let Ok(permit) = guard.admit(&asked) {
                        open.push((permit, asked.reserved));
                    }
                }
                _ if !open.is_empty() => {
                    let at = random.below(open.len() as u64) as usize;
                    let (permit, most) = open.swap_remove(at);
                    let part = |most| random.below(most + 1);
                    permit
                        .settle(TokenCount { input: part(most.input), output: part(most.output) });
                }
                _ => {}
            }
            let set_aside: u64 = open.iter().map(|(_, count)| count.total()).sum();
            let money: u64 = open.iter().map(|(_, count)| count.cost(PRICE).0).sum();
            let spent = guard.spent();
            assert_eq!(taken(&guard), (spent.tokens + set_aside, spent.cost.0 + money));
            assert!(spent.tokens + set_aside <= tokens && spent.cost.0 + money <= cost);
        }
    }
}

#[test]
fn reservations_never_pass_a_cap_from_many_threads() {
    const TOKENS: u64 = 20_000;
    const COST: u64 = 120_000;
    let guard = SpendGuard::new(caps(TOKENS, COST), Some(PRICE));
    let refused: u64 = thread::scope(|scope| {
        let work = |seed: u64| {
            let guard = guard.clone();
            move || {
                let random = Random::seeded(seed);
                let mut refused = 0;
                for _ in 0..2_000 {
                    let asked = estimate(random.below(200), random.below(200));
                    match guard.admit(&asked) {
                        Ok(permit) => {
                            let now = taken(&guard);
                            assert!(now.0 <= TOKENS && now.1 <= COST, "{now:?}");
                            match random.below(3) {
                                0 => permit.release(),
                                1 => permit.settle(TokenCount { output: 0, ..asked.reserved }),
                                _ => permit.settle(TokenCount::default()),
                            }
                        }
                        Err(_) => refused += 1,
                    }
                }
                refused
            }
        };
        let threads: Vec<_> = (0..4).map(|seed| scope.spawn(work(seed))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(refused > 0, "the cap was reached");
    let spent = guard.spent();
    assert_eq!(taken(&guard), (spent.tokens, spent.cost.0), "nothing is left set aside");
    assert!(spent.tokens <= TOKENS && spent.cost.0 <= COST);
}
