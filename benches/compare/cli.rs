//! The command line: which cases, how long, which cores, where the answer goes.
//! Knows nothing of how a case is measured.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use serde::Serialize;

use crate::Result;
use crate::proxies::Subject;

/// Compares the CPU cost of proxies in one interleaved run.
#[derive(Parser)]
#[command(name = "compare")]
pub struct Args {
    /// Another face of this program, started by the comparison itself.
    #[command(subcommand)]
    pub face: Option<Face>,
    /// What to compare.
    #[command(flatten)]
    pub compare: Compare,
}

/// The processes that the comparison starts from its own binary.
#[derive(Subcommand)]
pub enum Face {
    /// Serve fixed answers on a free port, printed as the first line.
    Mock,
    /// Pass everything through with pingora and nothing else.
    BarePingora {
        /// Address to listen on.
        listen: String,
        /// Address of the upstream.
        upstream: SocketAddr,
    },
    /// Read the metrics of a Transom once a second.
    Scraper {
        /// Address of its pages.
        admin: SocketAddr,
    },
}

/// The choices of one comparison.
#[derive(ClapArgs)]
pub struct Compare {
    /// Cases to run; repeat for more than one [default: all].
    #[arg(long = "case", value_enum)]
    cases: Vec<Case>,
    /// Subjects to compare; repeat for more than one [default: all].
    #[arg(long = "subject", value_enum)]
    subjects: Vec<Subject>,
    /// Rounds; every subject is measured twice in each, once in a quick one.
    #[arg(long)]
    rounds: Option<usize>,
    /// Measured seconds of one sample of any case but B5.
    #[arg(long)]
    seconds: Option<f64>,
    /// One short round that shows the bench works; its figures mean nothing.
    #[arg(long)]
    quick: bool,
    /// The Transom binary [default: $TRANSOM_BIN].
    #[arg(long)]
    transom: Option<PathBuf>,
    /// Core the measured proxy is pinned to.
    #[arg(long, default_value_t = 0)]
    pub proxy_core: usize,
    /// Core that load and mock upstream share.
    #[arg(long, default_value_t = 1)]
    pub load_core: usize,
    /// Where the JSON goes.
    #[arg(long, default_value = "target/bench/compare.json")]
    pub out: PathBuf,
    /// Passed by `cargo bench`; without it (`cargo test --all-targets`) nothing runs.
    #[arg(long, hide = true)]
    pub bench: bool,
}

/// A case of the performance budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum Case {
    /// Small JSON over 32 kept-alive connections, closed loop.
    B2,
    /// Server-sent events: 200 per stream, 1,000 streams, 20 ms apart.
    B5,
    /// A JSON answer of 1 KiB from the cache and through a proxy, closed loop.
    B6Small,
    /// The same with 100 KiB.
    B6Large,
    /// The same with a stream of 200 events.
    B6Stream,
    /// Thousands of answers that are on disk and not in memory, at a low fixed rate.
    B6Disk,
    /// Streams that no cache has yet, at a low fixed rate, with a cache and without.
    Miss,
    /// B2's load, with all telemetry and with none.
    B8,
    /// B2's requests at a fixed rate, with every exchange captured and with none.
    B9,
    /// B2's load, as many requests as can be answered, with every exchange captured and with none.
    B9Most,
    /// B2's requests at a fixed rate, with 200 models, scraped each second or never; and what
    /// a scrape costs.
    B10,
}

impl Case {
    /// What is compared, the baseline first where it is one of Transom's own.
    pub fn subjects(self) -> &'static [Subject] {
        match self {
            Self::B2 | Self::B5 => {
                &[Subject::Direct, Subject::Nginx, Subject::BarePingora, Subject::Transom]
            }
            Self::B6Small | Self::B6Large | Self::B6Stream => {
                &[Subject::BarePingora, Subject::TransomCached]
            }
            Self::B6Disk => &[Subject::Direct, Subject::BarePingora, Subject::TransomDisk],
            Self::Miss => &[Subject::Transom, Subject::TransomCached, Subject::TransomDisk],
            Self::B8 => &[Subject::TransomSilent, Subject::Transom],
            Self::B9 | Self::B9Most => &[Subject::Transom, Subject::TransomCaptured],
            Self::B10 => &[Subject::TransomWide, Subject::TransomScraped],
        }
    }

    /// What ratios refer to.
    pub fn baseline(self) -> Subject {
        match self {
            Self::B2 | Self::B5 => Subject::BarePingora,
            Self::B6Small | Self::B6Large | Self::B6Stream | Self::B6Disk => Subject::BarePingora,
            Self::Miss | Self::B9 | Self::B9Most => Subject::Transom,
            Self::B8 => Subject::TransomSilent,
            Self::B10 => Subject::TransomWide,
        }
    }

    /// What added latency is measured from, where it counts.
    pub fn floor(self) -> Option<Subject> {
        match self {
            Self::B5 => Some(Subject::Direct),
            Self::Miss => Some(Subject::Transom),
            _ => None,
        }
    }

    /// Whose budget this is.
    pub fn budgeted(self) -> &'static [Subject] {
        match self {
            Self::B2 | Self::B5 | Self::B8 => &[Subject::Transom],
            Self::B6Small | Self::B6Large | Self::B6Stream => &[Subject::TransomCached],
            Self::B6Disk => &[Subject::TransomDisk],
            Self::Miss => &[Subject::TransomCached, Subject::TransomDisk],
            Self::B9 | Self::B9Most => &[Subject::TransomCaptured],
            Self::B10 => &[Subject::TransomScraped],
        }
    }

    /// Whether even a short run makes thousands of requests.
    pub fn is_busy(self) -> bool {
        matches!(self, Self::B2 | Self::B6Small | Self::B8 | Self::B9Most)
    }

    /// What a cache, by the metrics' name, has to say to every look-up.
    pub fn cache_result(self) -> &'static str {
        match self {
            Self::Miss => "miss",
            _ => "hit",
        }
    }
}

/// The sizes of a run, with `--quick` resolved.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// Cases in the order they run.
    pub cases: Vec<Case>,
    /// Subjects, each in the cases that compare it.
    pub subjects: Vec<Subject>,
    /// Rounds; each is one pass forward and, unless it is a smoke run, one pass back.
    pub rounds: usize,
    /// Measured time of one sample of any case but B5.
    pub measure: Duration,
    /// Load before each measurement that is thrown away.
    pub warm_up: Duration,
    /// Connections of every case but B5.
    pub connections: usize,
    /// Streams of B5, each on a connection of its own.
    pub streams: usize,
    /// Events of each B5 stream.
    pub events: usize,
    /// Requests a second of B10.
    pub rate: u32,
    /// Requests a second of B9.
    pub captured_rate: u32,
    /// Requests a second of B6Disk and Miss: so few that each has the proxy to itself.
    pub calm_rate: u32,
    /// Answers of B6Disk, all different.
    pub entries: u32,
    /// Requests a second by which they come into the cache.
    pub fill_rate: u32,
    /// Scrapes of each format that B10 takes the mean of.
    pub scrapes: usize,
    /// True when the figures only show that the bench works.
    pub smoke: bool,
}

impl Plan {
    /// The chosen subjects of `case`, in the order of the first half of each round.
    pub fn subjects_of(&self, case: Case) -> impl DoubleEndedIterator<Item = Subject> + Clone {
        let chosen = |subject: &Subject| self.subjects.contains(subject);
        case.subjects().iter().copied().filter(move |subject| chosen(subject))
    }

    /// How often a round measures each subject.
    pub fn passes(&self) -> usize {
        if self.smoke { 1 } else { 2 }
    }
}

impl Compare {
    /// The sizes that these choices ask for.
    ///
    /// # Errors
    /// When `--rounds` or `--seconds` is not above zero.
    pub fn plan(&self) -> Result<Plan> {
        let rounds = self.rounds.unwrap_or(if self.quick { 1 } else { 5 });
        let seconds = self.seconds.unwrap_or(if self.quick { 0.5 } else { 4.0 });
        if rounds == 0 {
            return Err("--rounds must be at least 1".into());
        }
        let measure = Duration::try_from_secs_f64(seconds)?;
        if measure.is_zero() {
            return Err("--seconds must be above 0".into());
        }
        Ok(Plan {
            cases: chosen(&self.cases, Case::value_variants()),
            subjects: chosen(&self.subjects, Subject::value_variants()),
            rounds,
            measure,
            warm_up: measure.min(Duration::from_secs(1)),
            connections: 32,
            streams: if self.quick { 100 } else { 1_000 },
            events: if self.quick { 40 } else { 200 },
            // Far below what a core can do, so that nothing waits but for the scrape.
            rate: if self.quick { 200 } else { 2_000 },
            captured_rate: if self.quick { 500 } else { 5_000 },
            calm_rate: 200,
            // The least of them together are more than the memory holds.
            entries: if self.quick { 600 } else { 3_000 },
            fill_rate: 1_000,
            scrapes: if self.quick { 2 } else { 20 },
            smoke: self.quick,
        })
    }

    /// The Transom binary to measure: the flag, else `TRANSOM_BIN`.
    pub fn transom_binary(&self) -> Option<PathBuf> {
        let from_environment = || std::env::var_os("TRANSOM_BIN").map(PathBuf::from);
        self.transom.clone().or_else(from_environment)
    }
}

/// What was asked for, each once and in the canonical order; everything when nothing was.
fn chosen<T: Copy + PartialEq>(asked: &[T], all: &[T]) -> Vec<T> {
    let keep = |item: &&T| asked.is_empty() || asked.contains(item);
    all.iter().filter(keep).copied().collect()
}
