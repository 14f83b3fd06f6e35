//! What a replay will cost, what it may cost, and what it must not do unasked.
//!
//! Owns the estimate that is shown before the start, the guard that lets no request out beyond a
//! cap, and the reasons to refuse a run. Must not know: how a request is sent, or where prices
//! come from.

mod guard;
#[cfg(test)]
mod tests;

pub use guard::{Cap, CapReached, SpendGuard, SpendPermit, Spent};

use crate::types::NanoUsd;
use std::fmt;

/// Bytes of text that are taken for a token where nobody has counted.
const BYTES_A_TOKEN: u64 = 4;
/// Generated tokens that are assumed where neither the capture nor the request says anything.
const ASSUMED_OUTPUT: u64 = 512;

/// What is known of a request before it is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestFacts {
    /// Bytes of the text of its prompt; of its whole body where no more is known.
    pub prompt_bytes: u64,
    /// Prompt tokens that the recorded upstream counted.
    pub recorded_input: Option<u64>,
    /// Generated tokens that the recorded upstream counted.
    pub recorded_output: Option<u64>,
    /// Most tokens that it allows each choice.
    pub max_tokens: Option<u64>,
    /// Choices that it asks for; 0 is 1. An embedding has none: give `recorded_output` 0.
    pub choices: u32,
}

/// What a token costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenPrice {
    /// One prompt token.
    pub input: NanoUsd,
    /// One generated token.
    pub output: NanoUsd,
}

/// Tokens of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenCount {
    /// Of the prompt.
    pub input: u64,
    /// Generated.
    pub output: u64,
}

/// What a request will probably use, and what may have to be paid for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpendEstimate {
    /// What it will probably use.
    pub expected: TokenCount,
    /// What is set aside for it: all that it allows. Nothing bounds a request without a
    /// `max_tokens`; it is then taken to use what is expected.
    pub reserved: TokenCount,
    /// What [`Self::expected`] is made of.
    pub basis: Basis,
}

/// What an estimate is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The recorded upstream counted.
    Recorded,
    /// At least one number is a guess: from the bytes of the prompt, from the most that the
    /// request allows, or from nothing at all.
    Guessed,
}

/// What a whole run will probably use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpendForecast {
    /// Requests.
    pub requests: u64,
    /// Those of them whose tokens are a guess.
    pub guessed: u64,
    /// Tokens of them all.
    pub tokens: TokenCount,
    /// What they cost; `None` where there is no price.
    pub cost: Option<NanoUsd>,
}

/// What a run may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpendCaps {
    /// Tokens, prompt and generated ones together.
    pub tokens: Option<u64>,
    /// Money.
    pub cost: Option<NanoUsd>,
}

/// Where a run goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFacts {
    /// The name of the upstream, or its address.
    pub name: String,
    /// Whether people depend on it.
    pub serves: TargetUse,
    /// What its tokens cost.
    pub price: Option<TokenPrice>,
}

/// Whether people depend on a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetUse {
    /// They do: `production = true`.
    Production,
    /// Nobody said so.
    Test,
}

/// A reason not to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// People depend on the target.
    Production {
        /// Its name.
        target: String,
    },
    /// The run would probably end at a cap, and not with its schedule.
    BeyondCap {
        /// Which.
        cap: Cap,
    },
    /// Nobody can tell when the money is spent.
    UnknownPrice {
        /// The target's name.
        target: String,
    },
}

impl SpendEstimate {
    /// Of a request.
    pub fn of(facts: &RequestFacts) -> Self {
        let choices = u64::from(facts.choices.max(1));
        let most = facts.max_tokens.map(|tokens| tokens.saturating_mul(choices));
        let guessed_input = facts.prompt_bytes.div_ceil(BYTES_A_TOKEN);
        let output = facts.recorded_output.or(most);
        let expected = TokenCount {
            input: facts.recorded_input.unwrap_or(guessed_input),
            output: output.unwrap_or(ASSUMED_OUTPUT.saturating_mul(choices)),
        };
        let reserved =
            TokenCount { output: most.unwrap_or_default().max(expected.output), ..expected };
        let is_recorded = facts.recorded_input.is_some() && facts.recorded_output.is_some();
        let basis = if is_recorded { Basis::Recorded } else { Basis::Guessed };
        Self { expected, reserved, basis }
    }
}

impl TokenCount {
    /// Prompt and generated tokens together.
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// What they cost.
    pub fn cost(self, price: TokenPrice) -> NanoUsd {
        price.input * self.input + price.output * self.output
    }
}

impl SpendForecast {
    /// Of a run of requests with these estimates.
    pub fn of(
        estimates: impl IntoIterator<Item = SpendEstimate>,
        price: Option<TokenPrice>,
    ) -> Self {
        let mut all = Self::default();
        for SpendEstimate { expected, basis, .. } in estimates {
            all.requests += 1;
            all.guessed += u64::from(basis == Basis::Guessed);
            all.tokens.input = all.tokens.input.saturating_add(expected.input);
            all.tokens.output = all.tokens.output.saturating_add(expected.output);
        }
        all.cost = price.map(|price| all.tokens.cost(price));
        all
    }
}

impl SpendForecast {
    /// This and `other` together.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        let sum = |a: u64, b: u64| a.saturating_add(b);
        Self {
            requests: sum(self.requests, other.requests),
            guessed: sum(self.guessed, other.guessed),
            tokens: TokenCount {
                input: sum(self.tokens.input, other.tokens.input),
                output: sum(self.tokens.output, other.tokens.output),
            },
            cost: match (self.cost, other.cost) {
                (Some(a), Some(b)) => Some(a + b),
                // Nothing costs nothing.
                (None, cost) if self.requests == 0 => cost,
                _ => None,
            },
        }
    }

    /// So many runs of this.
    #[must_use]
    pub fn times(self, runs: u32) -> Self {
        let times = |count: u64| count.saturating_mul(u64::from(runs));
        Self {
            requests: times(self.requests),
            guessed: times(self.guessed),
            tokens: TokenCount {
                input: times(self.tokens.input),
                output: times(self.tokens.output),
            },
            cost: self.cost.map(|cost| cost * u64::from(runs)),
        }
    }
}

impl fmt::Display for SpendForecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, guessed, tokens, cost } = self;
        let TokenCount { input, output } = tokens;
        write!(f, "{requests} requests, about {input} tokens in and {output} out, ")?;
        match cost {
            // Cents, or what is left of a sum below a dollar.
            Some(cost) if cost.dollars() >= 1.0 => write!(f, "{:.2} USD", cost.dollars())?,
            Some(cost) => write!(f, "{:.4} USD", cost.dollars())?,
            None => f.write_str("at an unknown price")?,
        }
        if *guessed > 0 {
            let of = if guessed == requests { "all".to_owned() } else { guessed.to_string() };
            write!(f, " (the tokens of {of} of them are a guess)")?;
        }
        Ok(())
    }
}

/// Why a run must not begin, the gravest reason first; empty where nothing speaks against it.
pub fn refusals(target: &TargetFacts, forecast: &SpendForecast, caps: SpendCaps) -> Vec<Refusal> {
    let name = || target.name.clone();
    let unknown_price = caps.cost.is_some() && target.price.is_none();
    let beyond = |cap: Cap, is_beyond: bool| is_beyond.then_some(Refusal::BeyondCap { cap });
    let tokens = caps.tokens.is_some_and(|most| forecast.tokens.total() > most);
    let cost = caps.cost.zip(forecast.cost).is_some_and(|(most, cost)| cost > most);
    let found = [
        unknown_price.then(|| Refusal::UnknownPrice { target: name() }),
        (target.serves == TargetUse::Production).then(|| Refusal::Production { target: name() }),
        beyond(Cap::Tokens, tokens),
        beyond(Cap::Cost, cost),
    ];
    found.into_iter().flatten().collect()
}

impl Refusal {
    /// Whether `--yes` is an answer to it. A cap that cannot be kept is not made good by it.
    pub fn yields_to_yes(&self) -> bool {
        match self {
            Self::Production { .. } | Self::BeyondCap { .. } => true,
            Self::UnknownPrice { .. } => false,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Production { target } => {
                write!(f, "{target} is in production; say --yes to load it nevertheless")
            }
            Self::BeyondCap { cap } => write!(
                f,
                "the run needs more than {} allows, and would be cut short; say --yes to run it \
                 until then",
                cap.flag()
            ),
            Self::UnknownPrice { target } => write!(
                f,
                "nobody knows what the tokens of {target} cost, so --max-cost cannot be kept; \
                 give a price or use --max-tokens"
            ),
        }
    }
}
