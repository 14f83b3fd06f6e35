//! `transom serve`: the proxy.
//!
//! Must not know: how requests are served.

use crate::app::App;
use crate::cli::{Failure, detect, logging, runtime, say};
use crate::config::{self, Environment, Overrides, Settings};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

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
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut settings = settings(arguments)?;
    logging::start(settings.log);
    runtime::run(settings.server.threads, async |stop| {
        if settings.upstreams.is_empty() {
            settings = detect::local_upstreams(settings).await?;
        }
        let app = App::build(settings.clone(), logging::access_lines(settings.log))?;
        announce(&app, &settings);
        app.run(stop).await.map_err(Failure::from)
    })
}

fn settings(arguments: &Arguments) -> Result<Settings, Failure> {
    let overrides = Overrides {
        listen: arguments.listen.clone(),
        admin: arguments.admin,
        data_dir: arguments.data.clone(),
        upstreams: arguments.upstream.clone(),
    };
    let env = Environment::from_process();
    let settings = match &arguments.config {
        Some(path) => config::load(path, &env, &overrides)?,
        None => config::empty(&env, &overrides)?,
    };
    Ok(settings)
}

fn announce(app: &App, settings: &Settings) {
    let mut out = io::stderr();
    for address in app.data_addresses() {
        say(&mut out, &format!("clients connect to  http://{address}/v1"));
    }
    say(&mut out, &format!("pages and metrics   http://{}", app.admin_address()));
    for upstream in &settings.upstreams {
        let endpoints: Vec<_> = upstream.endpoints.iter().map(|e| e.origin.authority()).collect();
        say(&mut out, &format!("upstream {:<10} {}", upstream.name, endpoints.join(", ")));
    }
}
