//! A simulated model server that speaks OpenAI's HTTP API, with knobs for latency, length,
//! errors and faults: the model behind the demo, the tests and the benchmarks.
//!
//! Owns the server and its settings. Must not know: the proxy, the command line, signals.
//!
//! # One request, top to bottom
//! `routes` counts it in `stats`, reads its `knobs`, lets it pass (`limiter`, error
//! rate), reads the body (`request`), writes the answer (`completion`, `embeddings`,
//! `text`) and sends it on time (`pace`) down to its chosen end (`answer`, `wire`).
//!
//! # What is honest
//! * `prompt_tokens` is the number of whitespace-separated words in the text parts of the
//!   prompt; a prompt of token ids counts its ids.
//! * `completion_tokens` is the number of words sent: in a stream, its content events.
//! * The same seed, model and prompt give the same words, streamed or not; the same seed and
//!   request number (order of arrival) give the same latencies and the same injected errors.
//! * `GET /sim/stats` says what became of every request; see `stats`.
//!
//! # Overrides for one request
//! `x-sim-ttft-ms`, `x-sim-itl-ms`, `x-sim-tokens`, `x-sim-fault` in the grammar of the
//! settings, `x-sim-error-event: 1` (short for `x-sim-fault: error-event`) and
//! `x-sim-status: 400..=599`. A header that cannot be read is answered 400.

mod answer;
mod call;
mod completion;
mod embeddings;
mod knobs;
mod limiter;
mod pace;
mod refusal;
mod request;
mod routes;
mod server;
mod settings;
mod spread;
mod stats;
#[cfg(test)]
mod tests;
mod text;
mod wire;

pub use server::serve;
pub use settings::{Fault, ModelName, Percent, RateLimit, SettingError, SimSettings, TokenCount};
pub use spread::Spread;
