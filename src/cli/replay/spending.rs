//! What a replay may use, and what it will probably use.
//!
//! Owns the prices that are known here, and the question whether to begin. Must not know: how a
//! cap is kept.

use super::sending::Aim;
use crate::cli::{Failure, WithCode, say};
use crate::config::Settings;
use crate::replay::compare::Exit;
use crate::replay::desk::Consent;
use crate::replay::experiment::Destination;
use crate::replay::{
    Refusal, SpendCaps, SpendForecast, TargetFacts, TargetUse, TokenPrice, refusals,
};
use crate::types::NanoUsd;
use crate::upstream::{Scheme, Serves, UpstreamSettings};
use std::io;

/// What may be used.
#[derive(clap::Args)]
pub(super) struct Spending {
    /// Tokens that all runs together may use, prompts and answers
    #[arg(long, value_name = "NUMBER")]
    max_tokens: Option<u64>,
    /// What all runs together may cost, in US dollars
    #[arg(long, value_name = "USD", value_parser = dollars)]
    max_cost: Option<NanoUsd>,
    /// What a million prompt tokens cost, in US dollars [default: what the configuration says]
    #[arg(long, value_name = "USD", value_parser = dollars, requires = "price_out")]
    price_in: Option<NanoUsd>,
    /// What a million generated tokens cost, in US dollars
    #[arg(long, value_name = "USD", value_parser = dollars, requires = "price_in")]
    price_out: Option<NanoUsd>,
    /// Begin even where the target is in production, or a cap will end the run
    #[arg(long)]
    yes: bool,
}

impl Spending {
    pub(super) const fn caps(&self) -> SpendCaps {
        SpendCaps { tokens: self.max_tokens, cost: self.max_cost }
    }

    pub(super) const fn consent(&self) -> Consent {
        if self.yes { Consent::Given } else { Consent::Missing }
    }

    /// What is known of a target, here and in `settings`.
    pub(super) fn facts(&self, aim: &Aim, settings: &Settings) -> TargetFacts {
        let upstream = settings.upstreams.iter().find(|upstream| is_at(upstream, aim));
        let serves = match upstream.map(|upstream| upstream.serves) {
            Some(Serves::Production) => TargetUse::Production,
            Some(Serves::Test) | None => TargetUse::Test,
        };
        let name = upstream.map_or_else(|| aim.target.to_string(), |known| known.name.clone());
        TargetFacts { name, serves, price: self.price(aim, settings) }
    }

    /// Shows what the runs will probably use, and refuses where something speaks against it.
    pub(super) fn agree(&self, runs: &[(&Destination, SpendForecast)]) -> Result<(), Failure> {
        let mut all = SpendForecast::default();
        for (to, forecast) in runs {
            if forecast.requests > 0 {
                say(&mut io::stderr(), &format!("to {}: {forecast}", to.target));
            }
            all = all.and(forecast);
        }
        let mut found: Vec<Refusal> = Vec::new();
        for (to, _) in runs {
            let of = refusals(&to.facts, &all, self.caps()).into_iter();
            found.extend(of.filter(|refusal| !self.yes || !refusal.yields_to_yes()));
        }
        found.dedup();
        let words: Vec<String> = found.iter().map(ToString::to_string).collect();
        if words.is_empty() {
            return Ok(());
        }
        Err(Box::new(WithCode(Exit::Usage.code(), words.join("; "))))
    }

    fn price(&self, aim: &Aim, settings: &Settings) -> Option<TokenPrice> {
        if let (Some(input), Some(output)) = (self.price_in, self.price_out) {
            return Some(TokenPrice { input: per_token(input), output: per_token(output) });
        }
        let priced = settings.models.iter().filter(|model| {
            aim.model
                .as_ref()
                .is_none_or(|name| *name == model.name || model.aliases.contains(name))
        });
        // Without a name, one price is only known where all models have the same.
        let mut prices = priced.map(|model| model.price);
        let first = prices.next()?;
        let known = first.input.0 > 0 || first.output.0 > 0;
        (known && prices.all(|price| price == first))
            .then_some(TokenPrice { input: first.input, output: first.output })
    }
}

/// Whether requests to `aim` arrive at `upstream`.
fn is_at(upstream: &UpstreamSettings, aim: &Aim) -> bool {
    let scheme = if aim.target.is_tls() { Scheme::Https } else { Scheme::Http };
    upstream.endpoints.iter().any(|endpoint| {
        let origin = &endpoint.origin;
        origin.scheme == scheme
            && origin.host.eq_ignore_ascii_case(aim.target.host())
            && origin.port == aim.target.port()
    })
}

fn per_token(per_million: NanoUsd) -> NanoUsd {
    NanoUsd((per_million.0 as f64 / 1e6).round() as u64)
}

fn dollars(text: &str) -> Result<NanoUsd, String> {
    let dollars: f64 = text.parse().map_err(|_| "an amount such as 2.50".to_owned())?;
    if (0.0..=1e9).contains(&dollars) {
        Ok(NanoUsd((dollars * 1e9).round() as u64))
    } else {
        Err("an amount from 0 to 1000000000".to_owned())
    }
}
