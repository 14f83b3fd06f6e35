//! What a cache tells its operators: how full it is, and what it has forgotten.
//!
//! Must not know: who asks, or how it is shown.

use crate::types::CacheTier;

/// How a tier is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierStatus {
    /// Which.
    pub tier: CacheTier,
    /// Whether it works.
    pub state: TierState,
    /// The answers in it; `None` where that cannot be told.
    pub entries: Option<u64>,
    /// The bytes that they take; `None` where that cannot be told.
    pub bytes: Option<u64>,
    /// The bytes that they may take; `None` without a limit of ours.
    pub capacity: Option<u64>,
}

/// Whether a tier works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TierState {
    /// It does.
    On,
    /// There is none.
    Off,
    /// It cannot be reached, or is being set up anew.
    Unreachable,
}

impl TierState {
    /// The word for it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Unreachable => "unreachable",
        }
    }
}

/// What a purge removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purged {
    /// Answers removed from memory.
    pub memory: u64,
    /// Answers removed from disk; `None` without that tier, and where it does not say.
    pub disk: Option<u64>,
    /// Answers removed from Redis; `None` without that tier, and where it does not say.
    pub redis: Option<u64>,
    /// Whether every tier has done it. What has not does it as soon as it can.
    pub completeness: Completeness,
}

/// Whether every tier has done what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// All have.
    Complete,
    /// One could not be reached, or did not finish in time.
    Partial,
}
