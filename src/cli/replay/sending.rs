//! How requests are sent, as it is typed.
//!
//! Must not know: how that is done.

use crate::cli::Failure;
use crate::config::Environment;
use crate::replay::client::{KeepAnswers, Target};
use crate::replay::desk::Consent;
use crate::replay::experiment::{Destination, Setup};
use crate::replay::outcome::Objectives;
use crate::replay::{Recorded, SpendCaps, StartAt, TargetFacts};
use crate::types::{Micros, ReplayWishes, Secret};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How requests are sent, and what is kept of it.
#[derive(clap::Args)]
pub(super) struct Sending {
    /// The longest that an answer is waited for
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// Requests in flight at a time; a run that is held back by it does not count
    #[arg(long, value_name = "NUMBER", default_value_t = 4096)]
    in_flight: u32,
    /// Keep what the answers say, to compare it
    #[arg(long)]
    pub(super) answers: bool,
    /// The longest time to the first token of a good answer
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    good_ttft: Option<Duration>,
    /// The longest time of a good answer for each token after the first
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    good_tpot: Option<Duration>,
    /// The longest time of a good answer to its last byte
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    good_latency: Option<Duration>,
    /// Let the requests count for the objectives of a Transom on their way
    #[arg(long)]
    pub(super) count_in_slos: bool,
    /// Let a Transom on their way answer from its cache
    #[arg(long)]
    pub(super) use_cache: bool,
    /// When it begins, such as 2026-01-01T00:00:00Z: the same for all workers of a sharded plan
    #[arg(long, value_name = "DATE")]
    pub(super) start_at: Option<StartAt>,
    /// Where runs are kept
    #[arg(long, value_name = "DIRECTORY", default_value = "replays")]
    pub(super) out: PathBuf,
}

/// One target.
#[derive(clap::Args)]
pub(super) struct To {
    /// Where requests are sent, such as http://127.0.0.1:8000
    #[arg(long, value_name = "URL")]
    target: String,
    /// The environment variable that holds the target's API key
    #[arg(long, value_name = "VARIABLE")]
    key_env: Option<String>,
    /// The model that is asked for in place of the recorded ones
    #[arg(long, value_name = "MODEL")]
    as_model: Option<String>,
}

/// Where requests go, and as whom.
pub(super) struct Aim {
    pub(super) target: Target,
    pub(super) model: Option<String>,
}

impl Sending {
    pub(super) fn setup(&self, requests: &Arc<Recorded>, caps: SpendCaps) -> Setup {
        Setup {
            requests: Arc::clone(requests),
            root: self.out.clone(),
            objectives: self.objectives(),
            timeout: self.timeout,
            in_flight: self.in_flight,
            keep: if self.answers { KeepAnswers::Yes } else { KeepAnswers::No },
            caps,
        }
    }

    fn wishes(&self, consent: Consent) -> ReplayWishes {
        ReplayWishes {
            slos: self.count_in_slos,
            cache: self.use_cache,
            capture: false,
            production: consent == Consent::Given,
        }
    }

    /// What a good answer is.
    pub(super) fn objectives(&self) -> Objectives {
        let micros = |limit: Option<Duration>| limit.map(Micros::from);
        Objectives {
            ttft: micros(self.good_ttft),
            tpot: micros(self.good_tpot),
            latency: micros(self.good_latency),
        }
    }
}

impl To {
    pub(super) fn aim(&self) -> Result<Aim, Failure> {
        aim(&self.target, self.key_env.as_deref(), self.as_model.clone())
    }
}

impl Aim {
    /// With what is asked of a Transom on the way.
    pub(super) fn destination(
        self,
        facts: TargetFacts,
        sending: &Sending,
        consent: Consent,
    ) -> Destination {
        let target = self.target.with_wishes(sending.wishes(consent));
        Destination { target, facts, model: self.model }
    }
}

/// The target at `url`, with the key that the variable `key_env` holds.
pub(super) fn aim(url: &str, key_env: Option<&str>, model: Option<String>) -> Result<Aim, Failure> {
    let target = Target::parse(url)?;
    let Some(variable) = key_env else { return Ok(Aim { target, model }) };
    let env = Environment::from_process();
    let key = env.get(variable).ok_or_else(|| format!("the variable {variable} is not set"))?;
    let target = target.with_header("authorization", &Secret::new(format!("Bearer {key}")))?;
    Ok(Aim { target, model })
}
