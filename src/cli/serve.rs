//! `transom serve`: the proxy.
//!
//! Must not know: how requests are served.

use crate::app::{App, Surroundings};
use crate::cli::{Failure, detect, logging, runtime, say, storage};
use crate::config::{self, Environment, Overrides, Settings};
use crate::observe::{Recording, SemanticNames};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Says which names of the semantic conventions are wanted (OpenTelemetry's own variable).
const SEMANTIC_NAMES: &str = "OTEL_SEMCONV_STABILITY_OPT_IN";

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where clients connect; can be given more than once [default: 127.0.0.1:7080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<SocketAddr>,
    /// Where pages and metrics are [default: 127.0.0.1:7081]
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
    /// A model backend; can be given more than once
    #[arg(long, value_name = "URL")]
    upstream: Vec<String>,
    /// The directory for everything that is kept [default: transom-data]
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// Record nothing: no metrics, traces, objectives or access lines; shows what they cost
    #[arg(long)]
    no_telemetry: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let env = Environment::from_process();
    let mut settings = settings(arguments, &env)?;
    let level = logging::start(settings.log);
    runtime::run(settings.server.threads, async |stop| {
        if settings.upstreams.is_empty() {
            settings = detect::local_upstreams(settings).await?;
        }
        let recording = if arguments.no_telemetry { Recording::Off } else { Recording::On };
        let around = Surroundings {
            log: (recording == Recording::On).then(|| logging::access_lines(settings.log)),
            level: Some(level),
            store: storage::open(&settings.server.data_dir),
            answers: storage::open_answers(&settings),
            captures: Some(storage::captures(&settings.server.data_dir)),
            recording,
            names: SemanticNames::of(env.get(SEMANTIC_NAMES)),
        };
        let app = App::build(settings.clone(), around)?;
        announce(&app, &settings);
        app.run(stop).await.map_err(Failure::from)
    })
}

fn settings(arguments: &Arguments, env: &Environment) -> Result<Settings, Failure> {
    let overrides = Overrides {
        listen: arguments.listen.clone(),
        admin: arguments.admin,
        data_dir: arguments.data.clone(),
        upstreams: arguments.upstream.clone(),
    };
    let settings = match &arguments.config {
        Some(path) => config::load(path, env, &overrides)?,
        None => config::empty(env, &overrides)?,
    };
    Ok(settings)
}

fn announce(app: &App, settings: &Settings) {
    let mut out = io::stderr();
    for address in app.data_addresses() {
        say(&mut out, &format!("clients connect to  http://{address}/v1"));
    }
    say(&mut out, &format!("pages and metrics   {}", app.admin_url()));
    for upstream in &settings.upstreams {
        let endpoints: Vec<_> = upstream.endpoints.iter().map(|e| e.origin.authority()).collect();
        say(&mut out, &format!("upstream {:<10} {}", upstream.name, endpoints.join(", ")));
    }
}
