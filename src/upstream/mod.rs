//! Where requests can go and which place is chosen. Pure decisions and their state.
//!
//! Must not know: pingora, callers, the cache. How bytes travel is behind [`Transport`].

pub mod balance;
mod catalog;
mod discovery;
mod edits;
mod endpoint;
mod locality;
mod settings;
mod share;
mod transport;

pub use catalog::{Backends, Catalog, Matched, Model, Target};
pub use discovery::{Discovered, LOCAL_BACKENDS, LocalBackend, catalog_of};
pub use edits::{Change, Changed, EditError, EditShelf, Edits, Insist, MOST_WEIGHT};
pub use endpoint::{Endpoint, Load, Upstream};
pub use locality::Locality;
pub use settings::{
    Balance, EndpointSettings, ModelSettings, Origin, Price, Protocol, Scheme, Serves, StreamUsage,
    TargetSettings, Timeouts, UpstreamSettings,
};
pub use share::Share;
pub use transport::{Exchange, Opened, Reuse, Transport, TransportFault};
