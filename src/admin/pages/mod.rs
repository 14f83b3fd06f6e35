//! Pages for people. Every page is a URL that works without a script; the same as JSON is at the
//! same URL with `.json` behind it, or by `Accept`.
//!
//! | file | owns |
//! |---|---|
//! | `frame` | what all pages have around them |
//! | `elsewhere` | where else what a page shows can be had |
//! | `quoting` | text as it has to be written to mean itself |
//! | `shown` | a page as HTML or as JSON |
//! | `live` | when pages should look again |
//! | the others | a page each |
//!
//! Must not know: how anything is measured or kept. What was not measured is a dash, not a zero.

pub(super) mod alerts;
pub(super) mod cache;
pub(super) mod captures;
pub(super) mod config;
mod elsewhere;
mod frame;
pub(super) mod keys;
pub(super) mod live;
pub(super) mod models;
pub(super) mod overview;
pub(super) mod playground;
mod quoting;
pub(super) mod reference;
pub(super) mod replays;
pub(super) mod requests;
pub(super) mod route;
mod shown;
pub(super) mod slo;
pub(super) mod system;
pub(super) mod upstreams;
mod window;

pub use cache::Trials;
pub(super) use frame::{Frame, theme};
pub(super) use shown::{Form, Shown};
pub(super) use window::{Choice, Window};
