//! The permutation test against what can be counted by hand.

use crate::replay::chance::{Chance, Stream};
use crate::replay::compare::swaps::{Effort, Swaps, relabellings, smallest_p};

fn exact(a: &[f64], b: &[f64]) -> Swaps {
    Swaps::new(a, b, Effort::VERDICT, 0)
}

#[test]
fn the_ways_to_label_runs_are_counted() {
    assert_eq!(relabellings(5, 5), Some(252));
    assert_eq!(relabellings(2, 3), Some(10));
    assert_eq!(relabellings(0, 3), Some(1));
    assert_eq!(relabellings(500, 500), None);
    assert!((smallest_p(5, 5) - 2.0 / 252.0).abs() < 1e-12);
    assert!(smallest_p(1, 1) >= 1.0);
}

#[test]
fn runs_that_do_not_overlap_have_the_smallest_p() {
    let apart = exact(&[1.0, 2.0, 3.0, 4.0, 5.0], &[6.0, 7.0, 8.0, 9.0, 10.0]);
    assert!((apart.p() - 2.0 / 252.0).abs() < 1e-12);
    assert!((apart.estimate() - 5.0).abs() < 1e-12);
    // The next one: two runs trade places, and one relabelling is as extreme.
    let nearly = exact(&[1.0, 2.0, 3.0, 4.0, 6.0], &[5.0, 7.0, 8.0, 9.0, 10.0]);
    assert!((nearly.p() - 4.0 / 252.0).abs() < 1e-12);
}

#[test]
fn p_is_what_counting_gives() {
    // {1, 4} and {2, 3, 9}: 4 of the 10 pairs that A may be have a sum of at most 5.
    let swaps = exact(&[1.0, 4.0], &[2.0, 3.0, 9.0]);
    assert!((swaps.p_above(0.0) - 0.4).abs() < 1e-12);
    assert!((swaps.p() - 0.8).abs() < 1e-12);
}

#[test]
fn runs_that_are_all_the_same_differ_in_nothing() {
    let same = exact(&[0.1 + 0.2; 5], &[0.3; 5]);
    assert!(same.is_flat() && same.p() >= 1.0);
    assert!(!exact(&[0.1; 5], &[0.1, 0.1, 0.1, 0.1, 0.2]).is_flat());
}

#[test]
fn p_is_never_0_and_nothing_is_made_of_nothing() {
    for (a, b) in [(&[][..], &[][..]), (&[1.0], &[]), (&[], &[1.0]), (&[1.0], &[2.0])] {
        let swaps = exact(a, b);
        assert!(swaps.p() >= 1.0, "{a:?} {b:?}");
        assert_eq!(swaps.interval(0.05), None);
    }
    let far: Vec<f64> = (0..40).map(f64::from).collect();
    let drawn =
        Swaps::new(&far, &far.iter().map(|x| x + 1e6).collect::<Vec<_>>(), Effort::VERDICT, 0);
    assert!((drawn.p() - 2.0 / 20_000.0).abs() < 1e-12);
    let one_and_many = exact(&[-1.0], &vec![1.0; 70]);
    assert!(one_and_many.p() > 0.0);
}

#[test]
fn the_interval_holds_exactly_the_shifts_that_the_test_allows() {
    let mut chance = Chance::new(3, Stream::Simulation);
    for (runs_a, runs_b) in [(4, 4), (5, 5), (4, 6), (7, 5)] {
        let mut draw = |n: usize| (0..n).map(|_| chance.normal()).collect::<Vec<f64>>();
        let (a, b) = (draw(runs_a), draw(runs_b));
        let (low, high) = exact(&a, &b).interval(0.05).unwrap();
        let p = |shift: f64| exact(&a, &b.iter().map(|x| x - shift).collect::<Vec<_>>()).p();
        for inside in [low + 1e-6, f64::midpoint(low, high), high - 1e-6] {
            assert!(p(inside) > 0.05, "{inside} in {low} to {high}");
        }
        for outside in [low - 1e-6, high + 1e-6] {
            assert!(p(outside) <= 0.05, "{outside} beside {low} to {high}");
        }
    }
}

#[test]
fn three_runs_of_each_rule_nothing_out() {
    assert_eq!(exact(&[1.0, 2.0, 3.0], &[7.0, 8.0, 9.0]).interval(0.05), None);
}

#[test]
fn chance_comes_to_what_counting_comes_to() {
    let mut chance = Chance::new(4, Stream::Simulation);
    let mut draw = || (0..7).map(|_| chance.normal()).collect::<Vec<f64>>();
    let (a, b) = (draw(), draw());
    let counted = exact(&a, &b);
    let drawn = Swaps::new(&a, &b, Effort { exact: 0, draws: 19_999 }, 1);
    assert!((counted.p() - drawn.p()).abs() < 0.02, "{} {}", counted.p(), drawn.p());
    let ((low, high), (drawn_low, drawn_high)) =
        (counted.interval(0.05).unwrap(), drawn.interval(0.05).unwrap());
    assert!((low - drawn_low).abs() < 0.05 && (high - drawn_high).abs() < 0.05);
}
