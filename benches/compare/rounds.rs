//! The comparison, top to bottom: pin, start the mock, measure every subject forward
//! and back in each round (ABBA, so that a drift of the machine cancels), report.

use std::io::Write;
use std::process::{Command, Stdio};

use tokio::signal::unix::{SignalKind, signal};

use crate::Result;
use crate::cases::{Bench, Sample};
use crate::cli::{Case, Compare, Plan};
use crate::process::{self, Process};
use crate::proxies::{Place, Subject};
use crate::report::Report;

/// How often a disturbed measurement is taken again.
const RETAKES: usize = 3;

/// Runs the whole comparison and prints its table.
///
/// # Errors
/// When a subject cannot be run, or when any request failed or any event was lost.
pub fn run(args: &Compare) -> Result<()> {
    if !args.bench {
        // How `cargo test --all-targets` calls a bench.
        return say("nothing measured: run `make bench`, or pass --bench");
    }
    let mut plan = args.plan()?;
    enough_files(plan.streams)?;
    process::pin_self(args.load_core)?;
    let report = process::single_threaded()?.block_on(async {
        let bench = prepare(args, &mut plan)?;
        tokio::select! {
            samples = measure(&bench) => samples.map(|samples| Report::new(&bench.plan, samples)),
            _ = stopped(SignalKind::interrupt()) => Err("interrupted".into()),
            _ = stopped(SignalKind::terminate()) => Err("terminated".into()),
        }
    })?;
    report.write_json(&args.out)?;
    write!(std::io::stdout(), "{report}")?;
    say(&format!("JSON: {}", args.out.display()))?;
    report.verdict()
}

/// Starts the mock, leaves out subjects that cannot run here and says so.
fn prepare(args: &Compare, plan: &mut Plan) -> Result<Bench> {
    let mut program = Command::new(std::env::current_exe()?);
    program.arg("mock");
    let mut mock = Process::start(args.load_core, &program, Stdio::piped())?;
    let upstream = mock.first_line()?.parse().map_err(|error| format!("mock: {error}"))?;
    let scratch = std::env::temp_dir().join(format!("transom-bench-{}", std::process::id()));
    let transom = args.transom_binary();
    let (core, load_core) = (args.proxy_core, args.load_core);
    let place = Place { core, load_core, scratch, transom, upstream };
    for subject in &plan.subjects {
        if let Some(obstacle) = place.obstacle(*subject) {
            say(&format!("left out: {}: {obstacle}", subject.name()))?;
        }
    }
    plan.subjects.retain(|subject| place.obstacle(*subject).is_none());
    Ok(Bench::new(plan.clone(), place, mock))
}

async fn measure(bench: &Bench) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for case in &bench.plan.cases {
        for round in 0..bench.plan.rounds {
            say(&format!("{case:?}: round {} of {}", round + 1, bench.plan.rounds))?;
            samples.extend(one_round(bench, *case, round).await?);
        }
    }
    Ok(samples)
}

async fn one_round(bench: &Bench, case: Case, round: usize) -> Result<Vec<Sample>> {
    let forward = bench.plan.subjects_of(case);
    let count = forward.clone().count();
    let back = forward.clone().rev();
    let mut samples = Vec::new();
    for subject in forward.chain(back).take(count * bench.plan.passes()) {
        samples.push(calm_sample(bench, case, subject, round).await?);
    }
    Ok(samples)
}

/// Measures again, a few times, when others took the proxy's core. The last sample
/// counts in any case; the report says when it was disturbed.
async fn calm_sample(bench: &Bench, case: Case, subject: Subject, round: usize) -> Result<Sample> {
    let retakes = if bench.plan.smoke { 0 } else { RETAKES };
    for _ in 0..retakes {
        let sample = bench.sample(case, subject, round).await?;
        if !sample.is_disturbed() || !sample.failures.is_empty() {
            return Ok(sample);
        }
    }
    bench.sample(case, subject, round).await
}

/// Ends when the process is told to stop, so that every child is stopped with it.
async fn stopped(kind: SignalKind) -> Result<()> {
    signal(kind)?.recv().await;
    Ok(())
}

/// Two descriptors per stream in a proxy, and some for the rest.
fn enough_files(streams: usize) -> Result<()> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|rest| rest.split_whitespace().next()?.parse::<usize>().ok());
    let needed = 2 * streams + 200;
    match soft {
        Some(soft) if soft < needed => {
            Err(format!("{soft} open files are allowed, {needed} needed: ulimit -n {needed}")
                .into())
        }
        _ => Ok(()),
    }
}

fn say(text: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
