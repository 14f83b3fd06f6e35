//! Estimates and refusals.

use super::*;

const PRICE: TokenPrice = TokenPrice { input: NanoUsd(500), output: NanoUsd(1_500) };

fn facts() -> RequestFacts {
    RequestFacts { prompt_bytes: 4_001, ..RequestFacts::default() }
}

fn count(input: u64, output: u64) -> TokenCount {
    TokenCount { input, output }
}

#[test]
fn what_was_counted_is_expected_and_what_is_allowed_is_set_aside() {
    let facts = RequestFacts {
        recorded_input: Some(900),
        recorded_output: Some(120),
        max_tokens: Some(4_096),
        choices: 2,
        ..facts()
    };
    let estimate = SpendEstimate::of(&facts);
    assert_eq!(estimate.expected, count(900, 120));
    assert_eq!(estimate.reserved, count(900, 8_192));
    assert_eq!(estimate.basis, Basis::Recorded);
}

#[test]
fn what_nobody_counted_is_a_guess_and_is_called_one() {
    let bounded = SpendEstimate::of(&RequestFacts { max_tokens: Some(50), ..facts() });
    assert_eq!((bounded.expected, bounded.basis), (count(1_001, 50), Basis::Guessed));
    let unbounded = SpendEstimate::of(&facts());
    assert_eq!((unbounded.expected, unbounded.reserved), (count(1_001, 512), count(1_001, 512)));
    // An embedding generates nothing.
    let embedding = RequestFacts { recorded_output: Some(0), ..facts() };
    assert_eq!(SpendEstimate::of(&embedding).reserved, count(1_001, 0));
}

#[test]
fn a_forecast_says_what_it_rests_on() {
    let guessed = SpendEstimate::of(&RequestFacts { max_tokens: Some(500), ..facts() });
    let recorded = SpendEstimate::of(&RequestFacts {
        recorded_input: Some(999),
        recorded_output: Some(500),
        ..facts()
    });
    let forecast = SpendForecast::of([guessed, recorded, recorded], Some(PRICE));
    let cost = 2_999 * 500 + 1_500 * 1_500;
    assert_eq!(forecast.cost, Some(NanoUsd(cost)));
    assert_eq!(
        forecast.to_string(),
        "3 requests, about 2999 tokens in and 1500 out, 0.0037 USD (the tokens of 1 of them are a \
         guess)"
    );
    let unpriced = SpendForecast::of([recorded], None);
    assert!(unpriced.to_string().ends_with("at an unknown price"));
}

#[test]
fn what_speaks_against_a_run_is_said_and_what_cannot_be_kept_is_final() {
    let target = |serves, price| TargetFacts { name: "gpu-1".to_owned(), serves, price };
    let forecast = SpendForecast {
        requests: 10,
        tokens: count(900, 200),
        cost: Some(NanoUsd(5_000_000_000)),
        guessed: 0,
    };
    let caps = |tokens, cost| SpendCaps { tokens, cost };
    let dollars = |dollars: u64| Some(NanoUsd(dollars * 1_000_000_000));

    let harmless = target(TargetUse::Test, Some(PRICE));
    assert_eq!(refusals(&harmless, &forecast, caps(Some(1_100), dollars(5))), []);

    let short = refusals(&harmless, &forecast, caps(Some(1_099), dollars(4)));
    assert_eq!(
        short,
        [Refusal::BeyondCap { cap: Cap::Tokens }, Refusal::BeyondCap { cap: Cap::Cost }]
    );
    assert!(short.iter().all(Refusal::yields_to_yes));

    let unpriced = SpendForecast { cost: None, ..forecast };
    let both = refusals(&target(TargetUse::Production, None), &unpriced, caps(None, dollars(4)));
    assert_eq!(both.iter().map(Refusal::yields_to_yes).collect::<Vec<_>>(), [false, true]);
    assert!(both[1].to_string().starts_with("gpu-1 is in production; say --yes"));
    assert!(both[0].to_string().contains("--max-cost cannot be kept"));
}
