//! `transom demo`: simulated models, the proxy before them, gentle traffic; no key, no
//! config.
//!
//! Must not know: how any of them works.

use crate::app::{App, Surroundings};
use crate::cli::{Failure, logging, remote, runtime, say, traffic};
use crate::config::{self, Environment, Overrides, Settings};
use crate::observe::{LogLevel, LogSettings};
use crate::sim::{self, SimSettings};
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Where clients connect
    #[arg(long, default_value = "127.0.0.1:7080")]
    listen: SocketAddr,
    /// Where pages and metrics are
    #[arg(long, default_value = "127.0.0.1:7081")]
    admin: SocketAddr,
    /// An OTLP receiver for traces, such as http://127.0.0.1:4318
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
}

/// One simulated model: its name and how it behaves, in the words of `transom sim`.
struct Model {
    name: &'static str,
    ttft_ms: &'static str,
    itl_ms: &'static str,
    tokens: &'static str,
    error_rate: &'static str,
    /// US dollars per million tokens, in and out.
    price: (f64, f64),
}

/// Three that do well, and one that fails often enough to burn any error budget.
const MODELS: [Model; 4] = [
    Model {
        name: "chat-large",
        ttft_ms: "~350",
        itl_ms: "~25",
        tokens: "40..160",
        error_rate: "0",
        price: (0.50, 1.50),
    },
    Model {
        name: "chat-small",
        ttft_ms: "~90",
        itl_ms: "~8",
        tokens: "20..80",
        error_rate: "0",
        price: (0.05, 0.20),
    },
    Model {
        name: "chat-shaky",
        ttft_ms: "~600",
        itl_ms: "~30",
        tokens: "30..90",
        error_rate: "20",
        price: (0.10, 0.40),
    },
    Model {
        name: "embed-small",
        ttft_ms: "~30",
        itl_ms: "0",
        tokens: "1",
        error_rate: "0",
        price: (0.02, 0.0),
    },
];

/// What is promised of them, and that answers are kept.
const PROMISES: &str = r#"
[cache]
models = ["*"]

[[slo]]
name = "availability"
kind = "availability"
objective = 99.0

[[slo]]
name = "first-token"
model = "chat-*"
kind = "ttft"
threshold = "1.5s"
objective = 95.0
"#;

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let log = LogSettings { level: LogLevel::Warn, ..LogSettings::default() };
    logging::start(log);
    runtime::run(0, async |stop| {
        let tasks = TaskTracker::new();
        let mut upstreams = Vec::new();
        for (seed, model) in MODELS.iter().enumerate() {
            upstreams.push(start(model, seed as u64, &tasks, &stop).await?);
        }
        let app = App::build(settings(arguments, upstreams)?, Surroundings::default())?;
        let (data, admin) = (arguments.listen, app.admin_address());
        announce(app.data_addresses().first().copied().unwrap_or(data), admin);
        let proxy = remote::at(app.data_addresses().first().copied().unwrap_or(data));
        let until = stop.clone();
        tasks.spawn(async move {
            traffic::keep_flowing(proxy, &MODELS.map(|model| model.name), until).await;
        });
        let served = app.run(stop).await;
        tasks.close();
        tasks.wait().await;
        served.map_err(Failure::from)
    })
}

async fn start(
    model: &Model,
    seed: u64,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<(&'static str, SocketAddr), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let settings = SimSettings {
        listen: address,
        models: vec![model.name.parse()?],
        ttft: model.ttft_ms.parse()?,
        itl: model.itl_ms.parse()?,
        tokens: model.tokens.parse()?,
        error_rate: model.error_rate.parse()?,
        seed,
        ..SimSettings::default()
    };
    let serving = sim::serve(listener, settings, stop.clone());
    tasks.spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "a simulated model stopped");
        }
    });
    Ok((model.name, address))
}

fn settings(
    arguments: &Arguments,
    upstreams: Vec<(&'static str, SocketAddr)>,
) -> Result<Settings, Failure> {
    let section = |(model, (name, address)): (&Model, (&str, SocketAddr))| {
        let (input, output) = model.price;
        format!(
            "[[upstream]]\nname = \"{name}\"\nendpoints = [\"http://{address}\"]\n\
             [[model]]\nname = \"{name}\"\ntargets = [{{ upstream = \"{name}\" }}]\n\
             price = {{ input = {input:?}, output = {output:?} }}\n"
        )
    };
    let mut text: String = MODELS.iter().zip(upstreams).map(section).collect();
    text.push_str(PROMISES);
    if let Some(receiver) = &arguments.otlp {
        text.push_str(&format!("[tracing]\notlp = {receiver:?}\n"));
    }
    let overrides = Overrides {
        listen: vec![arguments.listen],
        admin: Some(arguments.admin),
        ..Overrides::default()
    };
    Ok(config::from_text("demo", &text, &Environment::default(), &overrides)?)
}

fn announce(data: SocketAddr, admin: SocketAddr) {
    let [chatty, ..] = &MODELS;
    let text = format!(
        "Transom is running before {} simulated models, with gentle traffic.\n\
         \n\
         models, live    http://{admin}/\n\
         metrics         http://{admin}/metrics\n\
         error budgets   transom slo status --admin http://{admin}\n\
         clients         http://{data}/v1\n\
         \n\
         Ask it yourself:\n\
         \n\
         curl -N http://{data}/v1/chat/completions -H 'Content-Type: application/json' \\\n  \
           -d '{{\"model\":\"{}\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'\n\
         \n\
         chat-shaky fails every fifth request, so that you see what trouble looks like.\n\
         Ctrl-C ends it.",
        MODELS.len(),
        chatty.name,
    );
    say(&mut io::stdout(), &text);
}
