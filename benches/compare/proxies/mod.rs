//! What is compared, and how each is started on the proxy core.
//! Knows programs and their configuration files; knows no load and no figures.

mod nginx;
mod transom;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum;
use serde::Serialize;

use crate::Result;
use crate::cli::Case;
use crate::cpu::CpuTime;
use crate::process::{self, Process};

/// A way from the load to the mock upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// No proxy: the floor that added latency is measured from.
    Direct,
    /// nginx, one worker.
    Nginx,
    /// The minimal pingora pass-through, one thread: what ratios refer to.
    BarePingora,
    /// Transom with all telemetry on, one thread.
    Transom,
    /// The same without any telemetry.
    TransomSilent,
    /// Transom with all telemetry on for 200 models, one thread.
    TransomWide,
    /// The same, and its metrics are scraped each second.
    TransomScraped,
    /// Transom with all telemetry on, one thread, and a cache in memory alone.
    TransomCached,
    /// The same with little memory and a disk, so that most answers are found there.
    TransomDisk,
    /// Transom with all telemetry on, one thread, and every exchange captured and redacted.
    TransomCaptured,
}

impl Subject {
    /// The name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::BarePingora => "bare pingora",
            Self::Transom => "transom",
            Self::TransomSilent => "transom-silent",
            Self::TransomWide => "transom-wide",
            Self::TransomScraped => "transom-scraped",
            Self::TransomCached => "transom-cached",
            Self::TransomDisk => "transom-disk",
            Self::TransomCaptured => "transom-captured",
        }
    }

    /// The last tier of its cache, by the metrics' name, when it has any.
    pub fn last_tier(self) -> Option<&'static str> {
        match self {
            Self::TransomCached => Some("memory"),
            Self::TransomDisk => Some("disk"),
            _ => None,
        }
    }
}

/// Where subjects are started and what they are made from.
pub struct Place {
    /// Core of the proxy.
    pub core: usize,
    /// Core of everything else.
    pub load_core: usize,
    /// Directory for generated configuration and data.
    pub scratch: PathBuf,
    /// The Transom binary, when there is one to measure.
    pub transom: Option<PathBuf>,
    /// Address of the mock upstream.
    pub upstream: SocketAddr,
}

impl Place {
    /// Why `subject` cannot be measured here; `None` when it can.
    pub fn obstacle(&self, subject: Subject) -> Option<String> {
        match (subject, &self.transom) {
            (Subject::Direct | Subject::BarePingora, _) => None,
            (Subject::Nginx, _) => nginx::obstacle(),
            (_, Some(binary)) if binary.is_file() => None,
            (_, Some(binary)) => Some(format!("no file {}", binary.display())),
            (_, None) => Some("give the release binary as TRANSOM_BIN or --transom".to_owned()),
        }
    }

    /// Starts `subject` for `case` and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready; the error names it.
    pub async fn start(&self, subject: Subject, case: Case) -> Result<Running> {
        let started = match subject {
            Subject::Direct => Ok(Running::plain(self.upstream, None)),
            Subject::Nginx => nginx::start(self, case).await,
            Subject::BarePingora => self.start_bare_pingora().await,
            Subject::Transom
            | Subject::TransomSilent
            | Subject::TransomWide
            | Subject::TransomScraped
            | Subject::TransomCached
            | Subject::TransomDisk
            | Subject::TransomCaptured => transom::start(self, subject).await,
        };
        started.map_err(|error| format!("{}: {error}", subject.name()).into())
    }

    async fn start_bare_pingora(&self) -> Result<Running> {
        let listen = process::free_address()?;
        let mut program = Command::new(std::env::current_exe()?);
        program.args(["bare-pingora", &listen.to_string(), &self.upstream.to_string()]);
        let mut process = Process::start(self.core, &program, Stdio::null())?;
        process.ready(listen, None).await?;
        Ok(Running::plain(listen, Some(process)))
    }

    /// A fresh directory for one start of `subject`.
    fn directory(&self, subject: Subject, listen: SocketAddr) -> Result<PathBuf> {
        let name = format!("{}-{}", subject.name(), listen.port());
        let directory = std::path::absolute(self.scratch.join(name))?;
        std::fs::create_dir_all(&directory)?;
        Ok(directory)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Absent when no subject needed a directory.
        std::fs::remove_dir_all(&self.scratch).ok();
    }
}

/// A subject that takes requests; stopped when dropped.
pub struct Running {
    /// Where the load goes.
    pub address: SocketAddr,
    /// Where its metrics are, when it has any.
    pub admin: Option<SocketAddr>,
    /// Where they are, when they are to be scraped beside the load.
    pub scraped: Option<SocketAddr>,
    /// The last tier of its cache, when it has any.
    tier: Option<&'static str>,
    /// Where its metrics are, when it captures every exchange.
    captures: Option<SocketAddr>,
    process: Option<Process>,
}

impl Running {
    /// A subject without metrics; there is no process to speak of when it is direct.
    fn plain(address: SocketAddr, process: Option<Process>) -> Self {
        Self { address, admin: None, scraped: None, tier: None, captures: None, process }
    }

    /// CPU time the subject has used; `None` for no proxy.
    ///
    /// # Errors
    /// When the subject has ended.
    pub fn cpu(&self) -> Result<Option<CpuTime>> {
        let Some(process) = &self.process else {
            return Ok(None);
        };
        match CpuTime::of_tree(process.pid()) {
            Ok(time) => Ok(Some(time)),
            Err(error) => Err(format!("the subject has ended: {error}").into()),
        }
    }

    /// Compares the subject's own count of requests with `sent`; says what is wrong.
    ///
    /// # Errors
    /// When it counts requests but cannot be asked.
    pub async fn audit(&self, sent: u64) -> Result<Option<String>> {
        let Some(admin) = self.admin else { return Ok(None) };
        match (transom::audit(admin, sent).await?, self.captures) {
            (None, Some(admin)) => transom::captured(admin, sent).await,
            (wrong, _) => Ok(wrong),
        }
    }

    /// How many look-ups in the last tier of the subject's cache had this result, `hit` or
    /// `miss`; `None` without a cache.
    ///
    /// # Errors
    /// When it has a cache but cannot be asked.
    pub async fn looked_up(&self, result: &str) -> Result<Option<u64>> {
        match self.admin.zip(self.tier) {
            Some((admin, tier)) => transom::looked_up(admin, tier, result).await.map(Some),
            None => Ok(None),
        }
    }

    /// Waits until the last tier of the subject's cache holds so many answers, but not for
    /// ever: what it lacks will show as misses.
    ///
    /// # Errors
    /// When it has a cache but cannot be asked.
    pub async fn stores(&self, answers: u32) -> Result<()> {
        match self.admin.zip(self.tier) {
            Some((admin, tier)) => transom::stores(admin, tier, answers).await,
            None => Ok(()),
        }
    }

    /// What the subject says it could not export: log lines, spans, budgets.
    ///
    /// # Errors
    /// When it has metrics but cannot be asked.
    pub async fn dropped(&self) -> Result<u64> {
        match self.admin {
            Some(admin) => transom::dropped(admin).await,
            None => Ok(0),
        }
    }
}

/// Writes `text` to `name` in `directory`, gives the path.
fn configuration(directory: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = directory.join(name);
    std::fs::write(&path, text)?;
    Ok(path)
}
