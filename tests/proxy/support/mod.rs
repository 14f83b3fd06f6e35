//! What the tests are made of: the proxy as a process, backends that follow a script, raw
//! clients, and readers of metrics and log.

mod answers;
mod client;
mod closed;
mod h2c;
mod log;
mod metrics;
mod otlp;
mod proxy;
mod setup;
mod tls;
mod upstream;
mod wait;
mod wire;

pub use answers::*;
pub use client::{Client, Response, request_head};
pub use closed::{BlackHole, Refusing};
pub use h2c::{H2Client, h2_post};
pub use log::LogLine;
pub use metrics::Metrics;
pub use otlp::{Collector, attribute, hex};
pub use proxy::{BINARY, Home, Proxy};
pub use setup::Setup;
pub use tls::Identity;
pub use upstream::{After, Call, Received, Traits, Upstream};
pub use wait::{Gate, PATIENCE, until, within};
pub use wire::{Head, Wire};
