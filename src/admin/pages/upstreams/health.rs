//! How the endpoints of each upstream do, as traffic shows it.
//!
//! Must not know: how attempts are counted, or how a picture is drawn.

use super::shares::{Control, ModelShares, of_endpoint};
use crate::admin::AdminState;
use crate::admin::charts::minutes;
use crate::admin::weights::Standing;
use crate::history::endpoints::{Ended, EndpointPast, MINUTES};
use crate::human;
use crate::types::ErrorType;
use crate::upstream::{Balance, Endpoint, Serves, Upstream};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

/// Minutes by which an endpoint is judged.
const RECENT: usize = 5;
/// From this share of failures on it does not do well.
const SOME: f64 = 0.01;
/// And from this one on it does not do.
const MOST: f64 = 0.5;

/// An upstream.
#[derive(Serialize)]
pub(super) struct UpstreamRow {
    pub(super) name: String,
    pub(super) protocol: &'static str,
    pub(super) balance: &'static str,
    pub(super) production: bool,
    /// Models that are served there.
    pub(super) models: Vec<Pointing>,
    pub(super) endpoints: Vec<EndpointRow>,
    /// Failures of the last hour by type, the most frequent first.
    pub(super) errors: Vec<Failures>,
}

/// A model that is served by an upstream.
#[derive(Serialize)]
pub(super) struct Pointing {
    pub(super) model: String,
    /// What the upstream gets of its requests, 0 to 1.
    pub(super) share: f64,
}

/// A way in which attempts failed.
#[derive(Serialize)]
pub(super) struct Failures {
    pub(super) error: &'static str,
    pub(super) attempts: u64,
    /// Of all attempts, 0 to 1.
    pub(super) share: f64,
}

/// How an endpoint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Health {
    /// Most attempts of the last minutes failed.
    Failing,
    /// Some did.
    Partly,
    /// It answers.
    Answers,
    /// Nobody has asked it anything in the last minutes.
    Quiet,
}

/// A server.
#[derive(Serialize)]
pub(super) struct EndpointRow {
    pub(super) url: String,
    pub(super) health: Health,
    #[serde(flatten)]
    pub(super) standing: Standing,
    pub(super) in_flight: u64,
    pub(super) outstanding_tokens: u64,
    pub(super) attempts_per_second: f64,
    /// Of the last hour.
    pub(super) answered: u64,
    pub(super) failed: u64,
    pub(super) headers_p50_seconds: Option<f64>,
    pub(super) headers_p95_seconds: Option<f64>,
    /// Seconds since then.
    #[serde(rename = "last_answer_seconds_ago")]
    pub(super) last_answer: Option<f64>,
    pub(super) last_failure: Option<Failure>,
    /// The last hour, the minute in progress last: answered and failed.
    pub(super) minutes: Vec<[u64; 2]>,
    #[serde(skip)]
    pub(super) picture: String,
    #[serde(skip)]
    pub(super) control: Control,
}

/// The last failure.
#[derive(Serialize)]
pub(super) struct Failure {
    pub(super) error: &'static str,
    /// Seconds since then.
    #[serde(rename = "seconds_ago")]
    pub(super) ago: f64,
}

/// All upstreams, in the order of the file.
pub(super) fn upstreams(state: &AdminState, models: &[ModelShares]) -> Vec<UpstreamRow> {
    let now = state.clock.date();
    let mut number = 0;
    let row = |upstream: &Arc<Upstream>| {
        let mut errors = BTreeMap::<&'static str, u64>::new();
        let mut all = 0;
        let endpoint = |endpoint: &Arc<Endpoint>| {
            number += 1;
            let past = state.history.endpoints().past(upstream.index, &endpoint.authority, now);
            all += past.ended.all();
            let typed = past.errors.iter().map(|(error, count)| (error.label(), count));
            typed.for_each(|(label, count)| *errors.entry(label).or_default() += count);
            let control = of_endpoint(state, upstream, (endpoint, number));
            EndpointRow::of(endpoint, &past, (control, now))
        };
        let endpoints = upstream.endpoints.iter().map(endpoint).collect();
        UpstreamRow {
            endpoints,
            errors: failures(errors, all),
            models: pointing(models, &upstream.settings.name),
            ..UpstreamRow::empty(upstream)
        }
    };
    state.upstreams.iter().map(row).collect()
}

fn failures(errors: BTreeMap<&'static str, u64>, all: u64) -> Vec<Failures> {
    let share = |attempts: u64| attempts as f64 / all.max(1) as f64;
    let failures = |(error, attempts)| Failures { error, attempts, share: share(attempts) };
    let mut failures: Vec<_> = errors.into_iter().map(failures).collect();
    failures.sort_by_key(|failures| std::cmp::Reverse(failures.attempts));
    failures
}

fn pointing(models: &[ModelShares], upstream: &str) -> Vec<Pointing> {
    let of = |model: &ModelShares| {
        let here = model.targets.iter().filter(|target| target.upstream == upstream);
        let shares: Vec<f64> = here.map(|target| target.share).collect();
        let share = shares.iter().sum();
        (!shares.is_empty()).then(|| Pointing { model: model.model.clone(), share })
    };
    models.iter().filter_map(of).collect()
}

impl Failures {
    /// The length of their bar, of 100.
    pub(super) fn level(&self) -> f64 {
        (self.share * 1_000.0).round() / 10.0
    }
}

impl UpstreamRow {
    fn empty(upstream: &Upstream) -> Self {
        let settings = &upstream.settings;
        Self {
            name: settings.name.clone(),
            protocol: settings.protocol.label(),
            balance: match settings.balance {
                Balance::RoundRobin => "round_robin",
                Balance::P2cTokens => "p2c_tokens",
            },
            production: settings.serves == Serves::Production,
            models: Vec::new(),
            endpoints: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Whether shares of its endpoints can be told apart, or are other than the file says.
    pub(super) fn has_choice(&self) -> bool {
        self.endpoints.len() > 1 || self.endpoints.iter().any(|one| one.standing.changed)
    }
}

impl EndpointRow {
    fn of(endpoint: &Endpoint, past: &EndpointPast, (control, now): (Control, SystemTime)) -> Self {
        let ago = |then: SystemTime| now.duration_since(then).unwrap_or_default().as_secs_f64();
        let headers = |quantile| past.time_to_headers(quantile).map(|time| time.as_secs_f64());
        let failure = |(error, then): (ErrorType, SystemTime)| Failure {
            error: error.label(),
            ago: ago(then),
        };
        let url = endpoint.settings.url();
        Self {
            health: Health::of(past),
            standing: control.standing.clone(),
            in_flight: endpoint.in_flight(),
            outstanding_tokens: endpoint.outstanding_tokens(),
            attempts_per_second: past.per_second,
            answered: past.ended.answered,
            failed: past.ended.failed,
            headers_p50_seconds: headers(0.5),
            headers_p95_seconds: headers(0.95),
            last_answer: past.last_answer.map(ago),
            last_failure: past.last_failure.map(failure),
            minutes: past.minutes.iter().map(|ended| [ended.answered, ended.failed]).collect(),
            picture: minutes(&past.minutes, &url),
            control,
            url,
        }
    }

    /// Of the attempts of the last hour.
    pub(super) fn failed_said(&self) -> String {
        let ended = Ended { answered: self.answered, failed: self.failed };
        ended.failed_share().map_or_else(|| human::UNKNOWN.to_owned(), human::share)
    }

    pub(super) fn seconds(value: &Option<f64>) -> String {
        value.map_or_else(|| human::UNKNOWN.to_owned(), human::seconds)
    }

    /// How long ago something was, as far as anybody wants to know.
    pub(super) fn ago(seconds: &f64) -> String {
        let (length, unit) = match *seconds {
            seconds if seconds < 1.0 => return "now".to_owned(),
            seconds if seconds < 60.0 => (1.0, "s"),
            seconds if seconds < 3_600.0 => (60.0, "min"),
            seconds if seconds < 86_400.0 => (3_600.0, "h"),
            _ => (86_400.0, "d"),
        };
        format!("{} {unit} ago", (seconds / length).floor())
    }
}

impl Health {
    /// By the last minutes.
    fn of(past: &EndpointPast) -> Self {
        let recent = past.minutes.iter().rev().take(RECENT);
        let recent = recent.fold(Ended::default(), |sum, more| sum.and(*more));
        match recent.failed_share() {
            None => Self::Quiet,
            Some(share) if share >= MOST => Self::Failing,
            Some(share) if share >= SOME => Self::Partly,
            Some(_) => Self::Answers,
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Failing => "× Failing",
            Self::Partly => "~ Fails at times",
            Self::Answers => "✓ Answers",
            Self::Quiet => "No traffic",
        }
    }

    pub(super) const fn tone(self) -> &'static str {
        match self {
            Self::Failing => "bad",
            Self::Partly => "doubt",
            Self::Answers => "good",
            Self::Quiet => "",
        }
    }
}

/// The stretch that pictures show, in minutes.
pub(super) const STRETCH: u32 = MINUTES;
