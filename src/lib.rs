//! Transom: an observability-first inference proxy. Every number it shows is true.
//!
//! The path of a request, in [`pipeline`]:
//!
//! ```text
//! edge::Gateway      a client's request head arrives
//! pipeline::begin    its record begins: from here on it is counted, whatever happens
//! pipeline::handle   identify  which trace, whose key
//!                    body      all of it, within its limits
//!                    parse     what is asked, of which model
//!                    forward   an endpoint's response head, retried while nothing was sent
//!                    relay     the body, byte for byte, read along on the side
//! observe::Observer  the record is delivered, exactly once: metrics, access log
//! ```
//!
//! | module | is | may use |
//! |---|---|---|
//! | [`types`] | shared words: ids, outcomes, time | nothing |
//! | [`files`] | files that are their owner's alone | nothing |
//! | [`human`] | numbers as people read them | nothing |
//! | [`trust`] | whom our clients trust over TLS | nothing |
//! | [`protocol`] | pure wire knowledge | types |
//! | [`observe`] | record, metrics, access log | types, trust |
//! | [`history`] | past requests, each and in sums | types, observe |
//! | [`alert`] | what is wrong now | types, observe |
//! | [`webhook`] | who outside is told, and whether they heard | types, trust, observe |
//! | [`error`] | every fault and how it looks | types |
//! | [`store`] | what outlives the process, over sled | types |
//! | [`cache`] | answers that need not be asked for again | types, protocol |
//! | [`capture`] | requests as they are written down | types, protocol |
//! | [`identity`] | who calls | the above |
//! | [`upstream`] | where requests can go | the above, not `identity` |
//! | [`what_if`] | what caches would have done for captured traffic | cache, upstream, capture |
//! | [`pipeline`] | the request path | all above |
//! | [`edge`] | pingora, and nothing else knows it | pipeline |
//! | [`replay`] | recorded requests sent again, and what came of it | capture |
//! | [`admin`] | pages, metrics, health | pipeline |
//! | [`sim`] | a simulated model server | types |
//! | [`config`] | what an operator wrote, validated | the modules' settings |
//! | [`app`] | the composition root | everything |
//! | [`cli`] | the command line | everything |

pub mod admin;
pub mod alert;
pub mod app;
pub mod cache;
pub mod capture;
pub mod cli;
pub mod config;
pub mod edge;
pub mod error;
pub mod files;
pub mod history;
pub mod human;
pub mod identity;
pub mod observe;
pub mod pipeline;
pub mod protocol;
pub mod replay;
pub mod sim;
pub mod store;
pub mod trust;
pub mod types;
pub mod upstream;
pub mod webhook;
pub mod what_if;
