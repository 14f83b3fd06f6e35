//! Answers that need not be asked for again.
//!
//! Must not know: the pipeline, HTTP servers, metrics, or how a tier keeps its files.

mod routes;
mod settings;

pub use routes::CacheRoutes;
pub use settings::{
    CacheScope, CacheSettings, CacheWhen, Eviction, Pace, RedisSettings, RouteCache, Sampled,
    Topology,
};
