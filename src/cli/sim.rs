//! `transom sim`: a simulated model server.
//!
//! Must not know: how it is simulated.

use crate::cli::{Failure, runtime, say};
use crate::sim::{self, Fault, ModelName, Percent, RateLimit, SimSettings, Spread, TokenCount};
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// The models it serves
    #[arg(long, value_delimiter = ',', default_value = "sim-small")]
    models: Vec<ModelName>,
    /// Milliseconds to the first token: N, A..B (even) or ~N (log-normal around N)
    #[arg(long, default_value = "~200")]
    ttft_ms: Spread,
    /// Milliseconds between tokens, in the same forms
    #[arg(long, default_value = "~20")]
    itl_ms: Spread,
    /// Tokens of an answer: N or A..B
    #[arg(long, default_value = "20..80")]
    tokens: TokenCount,
    /// Percent of requests answered 500
    #[arg(long, default_value = "0")]
    error_rate: Percent,
    /// What befalls answers half-way: none, truncate, stall, reset, malformed, error-event
    #[arg(long, default_value = "none")]
    fault: Fault,
    /// Requests per second; more are answered 429
    #[arg(long)]
    rate_limit: Option<RateLimit>,
    /// Equal seeds give equal words, latencies and errors
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let settings = SimSettings {
        listen: arguments.listen,
        models: arguments.models,
        ttft: arguments.ttft_ms,
        itl: arguments.itl_ms,
        tokens: arguments.tokens,
        error_rate: arguments.error_rate,
        fault: arguments.fault,
        rate_limit: arguments.rate_limit,
        seed: arguments.seed,
    };
    runtime::run(0, async |stop| {
        let listener = TcpListener::bind(settings.listen).await?;
        let address = listener.local_addr()?;
        say(&mut io::stderr(), &format!("simulated models on http://{address}/v1"));
        sim::serve(listener, settings.clone(), stop).await.map_err(Failure::from)
    })
}
