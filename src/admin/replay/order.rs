//! What a replay is ordered with.
//!
//! Owns the members of the order. Must not know: what becomes of it.

use super::ReplayControl;
use crate::capture::Filter;
use crate::replay::client::Target;
use crate::replay::desk::{Asks, Consent, Order};
use crate::replay::experiment::Destination;
use crate::replay::outcome::Objectives;
use crate::replay::{ScheduleWords, SpendCaps, TargetFacts, TargetUse, TokenPrice};
use crate::types::{Clock, Micros, NanoUsd, Outcome, ReplayWishes, Secret};
use crate::upstream::{EndpointSettings, Scheme, Serves, Upstream};
use serde::{Deserialize, Deserializer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// An order; see `docs/replay.md`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct Wanted {
    #[serde(default)]
    question: Kind,
    #[serde(default)]
    capture: Which,
    a: To,
    b: Option<To>,
    #[serde(default)]
    schedule: When,
    #[serde(default)]
    good: Good,
    runs: Option<u32>,
    #[serde(default = "five")]
    margin_percent: f64,
    #[serde(default)]
    answers: bool,
    #[serde(default = "ninety_five")]
    attain_percent: f64,
    #[serde(default = "five_minutes")]
    timeout: String,
    #[serde(default = "many")]
    in_flight: u32,
    max_tokens: Option<u64>,
    max_cost_usd: Option<f64>,
    #[serde(default)]
    count_in_slos: bool,
    #[serde(default)]
    use_cache: bool,
    #[serde(default)]
    yes: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Run,
    Compare,
    Calibrate,
    Sweep,
}

/// Which captured exchanges are meant: those that have all of these.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Which {
    request_id: Option<String>,
    since: Option<String>,
    until: Option<String>,
    model: Option<String>,
    key: Option<String>,
    session: Option<String>,
    outcome: Option<String>,
    status: Option<u16>,
}

/// Where requests go: one of a URL, a configured upstream, and the proxy itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct To {
    url: Option<String>,
    upstream: Option<String>,
    proxy: bool,
    model: Option<String>,
    #[serde(deserialize_with = "secret")]
    api_key: Option<Secret>,
    /// US dollars for a million tokens.
    price: Option<Price>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    input: f64,
    output: f64,
}

/// In the words of the command line.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct When {
    speed: Option<String>,
    turns: Option<String>,
    rate: Option<String>,
    arrival: Option<String>,
    ramp: Option<String>,
    steps: Option<String>,
    concurrency: Option<String>,
    think: Option<String>,
    sweep: Option<String>,
    duration: Option<String>,
    requests: Option<u64>,
    warm_up: Option<String>,
    seed: Option<u64>,
}

/// What a good answer is.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Good {
    ttft: Option<String>,
    tpot: Option<String>,
    latency: Option<String>,
}

impl Wanted {
    /// Whether anything is sent elsewhere than where callers' requests go anyway.
    pub(super) fn leaves_the_house(&self) -> bool {
        self.a.url.is_some() || self.b.as_ref().is_some_and(|b| b.url.is_some())
    }

    /// The order, or why it makes none.
    pub(super) fn order(
        self,
        control: &ReplayControl,
        upstreams: &[Arc<Upstream>],
    ) -> Result<Order, String> {
        let asks = self.asks()?;
        let (slos, cache, production) = (self.count_in_slos, self.use_cache, self.yes);
        let wishes = ReplayWishes { slos, cache, capture: false, production };
        let to = |to: To| -> Result<Destination, String> {
            let mut found = to.destination(control.proxy, upstreams)?;
            found.target = found.target.with_wishes(wishes);
            Ok(found)
        };
        let a = to(self.a)?;
        let b = self.b.map(to).transpose()?;
        let cost = self.max_cost_usd.map(|usd| dollars(usd, 1e9)).transpose()?;
        Ok(Order {
            archive: control.archive.clone(),
            filter: self.capture.filter()?,
            asks,
            schedule: self.schedule.words(),
            a,
            b,
            objectives: self.good.objectives()?,
            timeout: duration(&self.timeout)?,
            in_flight: self.in_flight.max(1),
            caps: SpendCaps { tokens: self.max_tokens, cost },
            consent: if self.yes { Consent::Given } else { Consent::Missing },
        })
    }

    fn asks(&self) -> Result<Asks, String> {
        if matches!(self.question, Kind::Compare) != self.b.is_some() {
            return Err("`b` is what `a` is compared with, and belongs to `compare` alone".into());
        }
        if matches!(self.question, Kind::Sweep) != self.schedule.sweep.is_some() {
            return Err("`schedule.sweep` belongs to the question `sweep`".into());
        }
        let runs = |unless: u32| match self.runs.unwrap_or(unless) {
            runs @ 2..=64 => Ok(runs),
            _ => Err("`runs` is from 2 to 64".to_owned()),
        };
        let share = |percent: f64, name: &str| {
            let fits = percent > 0.0 && percent <= 100.0;
            fits.then_some(percent / 100.0).ok_or_else(|| format!("`{name}` is a percentage"))
        };
        Ok(match self.question {
            Kind::Run | Kind::Sweep => {
                Asks::Run { attain: share(self.attain_percent, "attain_percent")? }
            }
            Kind::Compare => Asks::Compare {
                runs: runs(5)?,
                margin: share(self.margin_percent, "margin_percent")?,
                answers: self.answers,
            },
            Kind::Calibrate => Asks::Calibrate { runs: runs(10)? },
        })
    }
}

impl To {
    fn destination(
        self,
        proxy: SocketAddr,
        known: &[Arc<Upstream>],
    ) -> Result<Destination, String> {
        let price = self.price.as_ref().map(Price::per_token).transpose()?;
        let (url, name, key) = match (self.url, self.upstream, self.proxy) {
            (Some(url), None, false) => (url.clone(), url, self.api_key),
            (None, Some(name), false) => {
                let upstream = known.iter().find(|upstream| upstream.settings.name == name);
                let upstream = upstream.ok_or_else(|| format!("there is no upstream `{name}`"))?;
                let key = self.api_key.or_else(|| upstream.settings.api_key.clone());
                (url_of(upstream), name, key)
            }
            (None, None, true) => (format!("http://{proxy}"), "proxy".to_owned(), self.api_key),
            _ => return Err("a target is one of `url`, `upstream` and `proxy`".to_owned()),
        };
        let mut target = Target::parse(&url).map_err(|error| error.to_string())?;
        if let Some(key) = key {
            let bearer = Secret::new(format!("Bearer {}", key.expose()));
            let with_key = target.with_header("authorization", &bearer);
            target = with_key.map_err(|error| error.to_string())?;
        }
        let serves = if known.iter().any(|upstream| serves_people(upstream, &target)) {
            TargetUse::Production
        } else {
            TargetUse::Test
        };
        Ok(Destination { target, facts: TargetFacts { name, serves, price }, model: self.model })
    }
}

/// The first server of an upstream.
fn url_of(upstream: &Upstream) -> String {
    let first = upstream.settings.endpoints.first();
    first.map_or_else(String::new, EndpointSettings::url)
}

/// Whether requests to `target` arrive where people depend on it.
fn serves_people(upstream: &Upstream, target: &Target) -> bool {
    let settings = &upstream.settings;
    settings.serves == Serves::Production
        && settings.endpoints.iter().any(|endpoint| {
            let origin = &endpoint.origin;
            (origin.scheme == Scheme::Https) == target.is_tls()
                && origin.host.eq_ignore_ascii_case(target.host())
                && origin.port == target.port()
        })
}

impl Price {
    fn per_token(&self) -> Result<TokenPrice, String> {
        // A millionth of a dollar is a thousand billionths.
        Ok(TokenPrice { input: dollars(self.input, 1e3)?, output: dollars(self.output, 1e3)? })
    }
}

impl Which {
    fn filter(self) -> Result<Filter, String> {
        let outcome = self.outcome.map(|word| {
            let known = Outcome::ALL.iter().find(|outcome| outcome.label() == word);
            known.copied().ok_or("`outcome` is none that there is")
        });
        Ok(Filter {
            request_id: self.request_id,
            since: self.since.as_deref().map(date).transpose()?,
            until: self.until.as_deref().map(date).transpose()?,
            session: self.session,
            key: self.key,
            model: self.model,
            outcome: outcome.transpose()?,
            status: self.status,
            ..Filter::all()
        })
    }
}

impl When {
    fn words(self) -> ScheduleWords {
        ScheduleWords {
            speed: self.speed,
            turns: self.turns,
            rate: self.rate,
            arrival: self.arrival,
            ramp: self.ramp,
            steps: self.steps,
            concurrency: self.concurrency,
            think: self.think,
            sweep: self.sweep,
            duration: self.duration,
            requests: self.requests,
            warm_up: self.warm_up,
            seed: self.seed,
        }
    }
}

impl Good {
    fn objectives(&self) -> Result<Objectives, String> {
        let limit = |text: &Option<String>| {
            text.as_deref().map(duration).transpose().map(|limit| limit.map(Micros::from))
        };
        Ok(Objectives {
            ttft: limit(&self.ttft)?,
            tpot: limit(&self.tpot)?,
            latency: limit(&self.latency)?,
        })
    }
}

/// `many` billionths of a dollar for each of `usd`.
fn dollars(usd: f64, many: f64) -> Result<NanoUsd, String> {
    let fits = (0.0..=1e9).contains(&usd);
    fits.then_some(NanoUsd((usd * many).round() as u64))
        .ok_or_else(|| "an amount of US dollars is from 0 to 1000000000".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| format!("`{text}` is no time such as 500ms"))
}

/// A date, or how long ago that was; since 1970.
fn date(text: &str) -> Result<Duration, String> {
    let date = match humantime::parse_duration(text) {
        Ok(ago) => Clock::system().date().checked_sub(ago),
        Err(_) => humantime::parse_rfc3339_weak(text).ok(),
    };
    let since = date.and_then(|date| date.duration_since(UNIX_EPOCH).ok());
    since.ok_or_else(|| format!("`{text}` is neither a date nor a time such as 2h"))
}

const fn five() -> f64 {
    5.0
}

const fn ninety_five() -> f64 {
    95.0
}

fn five_minutes() -> String {
    "5m".to_owned()
}

const fn many() -> u32 {
    4096
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(Secret::new))
}
