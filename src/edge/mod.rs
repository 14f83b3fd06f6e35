//! The only place that knows pingora: listeners, both sides of an exchange, pass-through.
//!
//! Must not know: what requests mean. Inference calls are handed to `pipeline`; all others
//! go through pingora's own duplex engine and are observed by its filters.

mod connector;
mod convert;
mod downstream;
mod gateway;
mod joined;
mod listener;
mod pass_through;
mod probe;
mod upgrade;
mod watch;

pub use connector::PingoraTransport;
pub use gateway::Gateway;
pub use listener::{BoundListener, Listeners, bind};
pub use probe::{ProbeError, get};
pub use watch::Watcher;
