//! What was said of shares of traffic while traffic ran, as it is kept over a restart.
//!
//! Must not know: how traffic is shared, or where and how this is kept.

/// A place that gets a share of the traffic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Where a model is served. Places of one model share its requests.
    Target {
        /// The model's label.
        model: String,
        /// The upstream's name.
        upstream: String,
        /// What the upstream calls the model.
        served_as: String,
    },
    /// A server. Those of one upstream share what it gets.
    Endpoint {
        /// The upstream's name.
        upstream: String,
        /// Scheme, host, port and prefix.
        url: String,
    },
}

/// What was said of a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Its weight; `None` where the file's counts.
    pub weight: Option<u32>,
    /// Whether it takes new requests.
    pub duty: Duty,
}

/// Whether a place takes new requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duty {
    /// As its weight says.
    #[default]
    On,
    /// None. Those it is working on go on.
    Drained,
}

impl Edit {
    /// The weight that counts where the file says `file`.
    pub fn share(self, file: u32) -> u32 {
        match self.duty {
            Duty::On => self.weight.unwrap_or(file),
            Duty::Drained => 0,
        }
    }
}
