//! `transom replay run`
//!
//! Must not know: how a request is sent, or what makes a run invalid.

use super::report::{self, Files};
use super::schedule::Schedule;
use super::{Captured, plan, progress};
use crate::cli::{Failure, WithCode, runtime, say};
use crate::config::Environment;
use crate::protocol::AskUsage;
use crate::replay::client::{KeepAnswers, Target, system_roots};
use crate::replay::directory::RunDirectory;
use crate::replay::engine::{self, Everything, Progress, Run, Start};
use crate::replay::outcome::{Objectives, RunHead, RunId, RunResult};
use crate::replay::report::Arms;
use crate::replay::request::RequestOptions;
use crate::replay::{Plan, Recorded, Validity};
use crate::types::{Clock, Micros, Random, Secret};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Requests in flight when a run is stopped have so long to end.
const GRACE: Duration = Duration::from_secs(5);
/// The exit code of a run that does not count.
const INVALID: u8 = 3;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    captured: Captured,
    #[command(flatten)]
    to: To,
    #[command(flatten)]
    schedule: Schedule,
    /// A plan that was computed before, in place of a schedule
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    #[command(flatten)]
    files: Files,
    /// Where runs are kept
    #[arg(long, value_name = "DIRECTORY", default_value = "replays")]
    out: PathBuf,
}

/// Where requests go, and how.
#[derive(clap::Args)]
struct To {
    /// Where requests are sent, such as http://127.0.0.1:8000
    #[arg(long, value_name = "URL")]
    target: String,
    /// The environment variable that holds the target's API key
    #[arg(long, value_name = "VARIABLE")]
    key_env: Option<String>,
    /// The model that is asked for in place of the recorded ones
    #[arg(long, value_name = "MODEL")]
    as_model: Option<String>,
    /// The longest that an answer is waited for
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// Requests in flight at a time; a run that reaches it does not count
    #[arg(long, value_name = "NUMBER", default_value_t = 4096)]
    in_flight: u32,
    /// Whether answers are kept, to be compared
    #[arg(long)]
    answers: bool,
    /// The longest time to the first token of a good answer
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    good_ttft: Option<Duration>,
    /// The longest time of a good answer for each token after the first
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    good_tpot: Option<Duration>,
    /// The longest time of a good answer to its last byte
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    good_latency: Option<Duration>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let model = arguments.to.as_model.clone();
    let recorded = arguments.captured.read(RequestOptions { model, ask_usage: AskUsage::Yes })?;
    let plan = match &arguments.plan {
        Some(path) => saved(path, &recorded)?,
        None => plan::of(&recorded, &arguments.schedule)?,
    };
    let target = arguments.to.target()?;
    let head = arguments.to.head(&plan, &target);
    let directory = RunDirectory::create(&arguments.out, &head)?;
    let digest = plan.write(File::create(directory.plan_path())?)?;
    let head = RunHead { plan_digest: digest, ..head };
    let (plan, recorded) = (Arc::new(plan), Arc::new(recorded));
    runtime::run(0, async |stop| {
        let start = Start::soon(Clock::system());
        let run = Run {
            head: RunHead { began: start.date, ..head },
            plan,
            requests: recorded,
            target,
            roots: system_roots().unwrap_or_else(|_| rustls::RootCertStore::empty()),
            keep: if arguments.to.answers { KeepAnswers::Yes } else { KeepAnswers::No },
            admission: Arc::new(Everything),
            start,
            grace: GRACE,
        };
        let result = carried_out(run, &directory, stop).await?;
        tell(&result, &directory, &arguments.files)
    })
}

/// The plan at `path`, if it is about this capture.
fn saved(path: &PathBuf, recorded: &Recorded) -> Result<Plan, Failure> {
    let plan = Plan::read(File::open(path)?)?;
    if plan.head.capture != recorded.inputs().digest {
        return Err("the plan was made from another capture, or from other parts of it".into());
    }
    Ok(plan)
}

impl To {
    fn target(&self) -> Result<Target, Failure> {
        let target = Target::parse(&self.target)?;
        let Some(variable) = &self.key_env else { return Ok(target) };
        let env = Environment::from_process();
        let key = env.get(variable).ok_or("the variable that --key-env names is not set")?;
        Ok(target.with_header("authorization", &Secret::new(format!("Bearer {key}")))?)
    }

    fn head(&self, plan: &Plan, target: &Target) -> RunHead {
        let micros = |limit: Option<Duration>| limit.map(Micros::from);
        RunHead {
            version: 1,
            id: RunId::mint(Clock::system(), Random::from_system().next_u64()),
            began: Micros(0),
            target: target.to_string(),
            program: concat!("transom ", env!("CARGO_PKG_VERSION")).to_owned(),
            plan: plan.head.clone(),
            plan_digest: String::new(),
            objectives: Objectives {
                ttft: micros(self.good_ttft),
                tpot: micros(self.good_tpot),
                latency: micros(self.good_latency),
            },
            model: self.as_model.clone(),
            timeout: self.timeout.into(),
            in_flight: self.in_flight,
        }
    }
}

/// Carries out `run`, shows how far it is, and keeps what came of it: also when it is stopped.
async fn carried_out(
    run: Run,
    directory: &RunDirectory,
    stop: CancellationToken,
) -> Result<RunResult, Failure> {
    let (progress, shown) = (Arc::<Progress>::default(), CancellationToken::new());
    let samples = Box::new(directory.sample_writer()?);
    let running = async {
        let ran = engine::run(run, samples, Arc::clone(&progress), stop).await;
        shown.cancel();
        ran
    };
    let (ran, ()) = tokio::join!(running, progress::show(Arc::clone(&progress), shown.clone()));
    let ran = ran?;
    directory.finish(&ran.result)?;
    ran.observed?;
    Ok(ran.result)
}

fn tell(result: &RunResult, directory: &RunDirectory, files: &Files) -> Result<(), Failure> {
    let (arm, first) = report::arm("A", &[directory.path().to_owned()])?;
    files.write(&report::of(Arms::One(arm), &first))?;
    say(&mut io::stdout(), &format!("kept in {}", directory.path().display()));
    match &result.validity {
        Validity::Valid => Ok(()),
        Validity::Invalid(why) => {
            Err(Box::new(WithCode(INVALID, format!("the run does not count: {}", why.join("; ")))))
        }
    }
}
