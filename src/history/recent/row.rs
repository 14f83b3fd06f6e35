//! What is kept of one request where it can be looked through quickly: all that is asked for
//! in filters and counted in facets. The rest lies packed at its side.
//!
//! Must not know: where rows are kept, or who looks for what.

use super::names::{ModelId, WordId};
use crate::observe::{KeepReason, OriginKind};
use crate::types::{CacheStatus, ErrorType, Operation, Outcome, TraceId};

/// One request, in a fixed size and at most 128 bytes.
#[derive(Debug)]
pub(super) struct Row {
    /// When it ended, in microseconds since the Unix epoch.
    pub(super) ended: u64,
    /// How long it took, in microseconds.
    pub(super) duration: u64,
    /// Until its first token, in microseconds; [`Row::NEVER`] where there was none.
    pub(super) first_token: u64,
    /// The objectives that it missed, as bits by their position.
    pub(super) missed: u64,
    /// The upstreams that it was tried at, as bits by their position; the last bit stands for
    /// all from the 64th on.
    pub(super) upstreams: u64,
    pub(super) trace_id: TraceId,
    /// See [`hash_of`].
    pub(super) id_hash: u32,
    pub(super) model: ModelId,
    /// The alias of the key that was shown.
    pub(super) key: Option<WordId>,
    pub(super) status: u16,
    pub(super) outcome: Outcome,
    pub(super) error: ErrorIndex,
    pub(super) operation: Operation,
    /// What the cache said, where the route has one.
    pub(super) cache: Option<CacheStatus>,
    pub(super) origin: OriginKind,
    pub(super) kept: Option<KeepReason>,
    pub(super) streamed: bool,
    pub(super) captured: bool,
    /// All else; see [`super::side`].
    pub(super) side: Box<[u8]>,
}

impl Row {
    /// What stands for a first token that never came.
    pub(super) const NEVER: u64 = u64::MAX;
    /// The bit for every upstream that has none of its own.
    pub(super) const REST: u32 = u64::BITS - 1;

    /// When its head was read, in microseconds since the Unix epoch.
    pub(super) const fn received(&self) -> u64 {
        self.ended.saturating_sub(self.duration)
    }

    /// The time until its first token, in microseconds.
    pub(super) fn first_token(&self) -> Option<u64> {
        Some(self.first_token).filter(|micros| *micros != Self::NEVER)
    }

    /// The bit of the upstream at `position`.
    pub(super) fn upstream_bit(position: usize) -> u64 {
        1 << u32::try_from(position).unwrap_or(u32::MAX).min(Self::REST)
    }

    /// What the cache said, as a position in [`CacheStatus::LABELS`].
    pub(super) const fn cache_said(&self) -> usize {
        said(self.cache)
    }
}

/// As a position in [`CacheStatus::LABELS`].
pub(in crate::history) const fn said(cache: Option<CacheStatus>) -> usize {
    match cache {
        None => 0,
        Some(CacheStatus::Hit(_)) => 1,
        Some(CacheStatus::Stale(_)) => 2,
        Some(CacheStatus::Miss) => 3,
        Some(CacheStatus::Collapsed) => 4,
        Some(CacheStatus::Bypass(_)) => 5,
    }
}

/// An error type by its position in [`ErrorType::all`], or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ErrorIndex(u8);

impl ErrorIndex {
    const NONE: Self = Self(u8::MAX);

    pub(super) fn of(error: Option<ErrorType>) -> Self {
        error.and_then(|error| u8::try_from(error.index()).ok()).map_or(Self::NONE, Self)
    }

    /// The position, where there is an error.
    pub(super) fn position(self) -> Option<usize> {
        (self != Self::NONE).then_some(usize::from(self.0))
    }

    /// The error type. One that has no label of its own is [`ErrorType::Other`].
    pub(super) fn get(self) -> Option<ErrorType> {
        self.position().and_then(|position| ErrorType::all().nth(position))
    }
}

/// What a request is found by: FNV-1a of its id (Fowler, Noll, Vo), folded to 32 bits.
pub(super) fn hash_of(request_id: &str) -> u32 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = request_id.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, mix);
    (hash ^ (hash >> 32)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{BypassReason, CacheTier};

    #[test]
    fn a_row_is_small() {
        assert!(size_of::<Row>() <= 128, "{}", size_of::<Row>());
    }

    #[test]
    fn every_error_comes_back_by_its_label() {
        for error in ErrorType::all() {
            assert_eq!(ErrorIndex::of(Some(error)).get(), Some(error));
        }
        assert_eq!(ErrorIndex::of(Some(ErrorType::Status(418))).get(), Some(ErrorType::Other));
        assert_eq!(ErrorIndex::of(None).get(), None);
    }

    #[test]
    fn what_the_cache_said_has_the_position_of_its_label() {
        let tier = CacheTier::Disk;
        for status in [
            CacheStatus::Hit(tier),
            CacheStatus::Stale(tier),
            CacheStatus::Miss,
            CacheStatus::Collapsed,
            CacheStatus::Bypass(BypassReason::Asked),
        ] {
            assert_eq!(CacheStatus::LABELS[said(Some(status))], status.label());
        }
        assert_eq!(CacheStatus::LABELS[said(None)], "none");
    }
}
