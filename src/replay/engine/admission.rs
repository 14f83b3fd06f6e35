//! Whether a request may be sent: where a guard of spending is plugged in.
//!
//! Must not know: what is limited.

use crate::replay::{Planned, Sample};

/// Judges each request before it is sent.
pub trait Admission: Send + Sync {
    /// Asked on the pacing thread right before a request is let go, so it must be quick.
    ///
    /// # Errors
    /// When the request may not be sent.
    fn admit(&self, planned: &Planned) -> Result<Box<dyn Admitted>, NotAdmitted>;
}

/// A request that may be sent; dropped without a word when it was not.
pub trait Admitted: Send {
    /// Told what came of it.
    fn settle(self: Box<Self>, sample: &Sample);
}

/// A limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAdmitted;

/// Admits everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Everything;

impl Admission for Everything {
    fn admit(&self, _: &Planned) -> Result<Box<dyn Admitted>, NotAdmitted> {
        Ok(Box::new(Self))
    }
}

impl Admitted for Everything {
    fn settle(self: Box<Self>, _: &Sample) {}
}
