//! `127.0.0.1:7080`
//!
//! Must not know: what listens there.

use super::{Format, Refusal};
use std::net::SocketAddr;

impl Format for SocketAddr {
    const NAME: &'static str = "transom-address";
    const NOUN: &'static str = "an address";
    const EXAMPLES: &'static [&'static str] = &["127.0.0.1:7080", "[::1]:7080"];

    fn read(text: &str) -> Result<Self, Refusal> {
        text.parse().map_err(|_| Refusal::Malformed)
    }

    fn write(&self) -> String {
        self.to_string()
    }
}
