//! Which requests the cache has a part in; `store` says which answers it keeps.
//!
//! Owns the rule and its reasons. Must not know: where entries are, or how an answer is
//! passed on.

mod store;
#[cfg(test)]
mod tests;

pub use store::{
    AnsweredBy, BodyFacts, EndFacts, Expected, HeadFacts, NotStored, may_lead, may_store,
};

use crate::cache::control::{Asked, Control, Otherwise, Read, Write};
use crate::cache::settings::{CacheWhen, RouteCache, Sampled};
use crate::protocol::{CacheView, Temperature};
use crate::types::{BypassReason, Operation, Random};
use std::num::NonZeroU32;
use std::time::Duration;

/// What the cache does for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whether an answer is looked for. Where it is not, the caller said so.
    pub lookup: Lookup,
    /// Whether the new answer may be kept.
    pub store: Write,
    /// How equal requests at the same time are handled.
    pub collapse: Collapse,
    /// How many answers there may be to the request.
    pub variants: NonZeroU32,
}

/// Whether an answer is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It is.
    Yes,
    /// It is not.
    No,
}

/// How equal requests at the same time are handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collapse {
    /// One asks the upstream, the others listen. One that waits longer than this for the
    /// answer to begin asks for itself.
    Within(Duration),
    /// Each asks the upstream.
    No,
}

impl Plan {
    /// One of the answers that there may be, each as likely as any other: a number below
    /// `variants`.
    pub fn variant(&self, random: &Random) -> u32 {
        // Below a 32-bit bound, so it fits.
        random.below(u64::from(self.variants.get())) as u32
    }
}

/// Whether the cache has a part in a request, and which.
///
/// # Errors
/// Why it has none. Whether the body has a key at all is found out with the key.
pub fn eligible(
    operation: Operation,
    view: &CacheView,
    control: &Control,
    settings: &RouteCache,
) -> Result<Plan, BypassReason> {
    if control.is_off() {
        return Err(BypassReason::Asked);
    }
    if settings.when == CacheWhen::Asked && control.asked == Asked::No {
        return Err(BypassReason::NotAsked);
    }
    let variants = match operation {
        Operation::Embeddings => NonZeroU32::MIN,
        Operation::Chat | Operation::TextCompletion => variants(view, settings)?,
        // No model runs; nothing of it is asked for or worth keeping.
        Operation::Models | Operation::PassThrough => return Err(BypassReason::NotAsked),
    };
    let lookup = if control.read == Read::No { Lookup::No } else { Lookup::Yes };
    Ok(Plan { lookup, store: control.write, collapse: collapse(control, settings), variants })
}

/// Whether the answer can be had again, or one of a few can stand for it.
fn variants(view: &CacheView, settings: &RouteCache) -> Result<NonZeroU32, BypassReason> {
    if view.is_stateful {
        return Err(BypassReason::Stateful);
    }
    if view.has_server_tools {
        return Err(BypassReason::ServerTools);
    }
    if view.temperature == Temperature::Zero || view.is_seeded {
        return Ok(NonZeroU32::MIN);
    }
    match settings.sampled {
        Sampled::Refuse => Err(BypassReason::Sampled),
        Sampled::Allow { variants } => Ok(variants),
    }
}

/// Whoever wants no answer of another's, or lets none keep its own, or wants the upstream
/// left alone, is alone.
fn collapse(control: &Control, settings: &RouteCache) -> Collapse {
    let alone = control.read == Read::No
        || control.write == Write::No
        || control.otherwise == Otherwise::Refuse;
    settings.collapse.filter(|_| !alone).map_or(Collapse::No, Collapse::Within)
}
