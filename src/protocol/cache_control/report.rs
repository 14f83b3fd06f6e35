//! What a cache says about an answer: `Cache-Status` (RFC 9211), `Age` (RFC 9111 §5.1) and
//! `X-Cache`.
//!
//! Must not know: how the cache came to it.

use crate::types::{BypassReason, CacheStatus};
use http::header::HeaderValue;
use std::fmt;
use std::time::Duration;

/// How a request was handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheReport {
    /// Answered from the cache; the answer is fresh for so much longer.
    Hit {
        /// Time left.
        left: Duration,
    },
    /// Answered from the cache, past its time.
    Stale {
        /// Time past.
        by: Duration,
    },
    /// Answered by another caller's exchange with the upstream.
    Collapsed,
    /// Sent on to an upstream.
    Forwarded(Forwarded),
    /// `only-if-cached`, and it was not.
    OnlyIfCached,
}

/// Why a request was sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarded {
    /// Nothing was found.
    Miss,
    /// What was found is past its time.
    Stale,
    /// The caller does not want what there may be.
    Request,
    /// The cache has no part in such requests.
    Bypass(BypassReason),
}

/// The value of `Cache-Status`.
pub fn cache_status(report: CacheReport) -> HeaderValue {
    value(&format!("transom{report}"))
}

/// The value of `Age`: whole seconds since the answer was received.
pub fn age(age: Duration) -> HeaderValue {
    HeaderValue::from(age.as_secs())
}

/// The value of `X-Cache`.
pub fn x_cache(status: CacheStatus) -> HeaderValue {
    HeaderValue::from_static(match status {
        CacheStatus::Hit(_) => "HIT",
        CacheStatus::Stale(_) => "STALE",
        CacheStatus::Miss | CacheStatus::Collapsed => "MISS",
        CacheStatus::Bypass(_) => "BYPASS",
    })
}

/// The parameters, each after its semicolon.
impl fmt::Display for CacheReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hit { left } => write!(f, "; hit; ttl={}", left.as_secs()),
            Self::Stale { by } => {
                // A second begun counts, so that what is stale never looks fresh.
                let by = by.as_secs() + u64::from(by.subsec_nanos() > 0);
                write!(f, "; hit; ttl=-{}", by.max(1))
            }
            Self::Collapsed => f.write_str("; fwd=miss; collapsed"),
            Self::Forwarded(Forwarded::Miss) => f.write_str("; fwd=miss"),
            Self::Forwarded(Forwarded::Stale) => f.write_str("; fwd=stale"),
            Self::Forwarded(Forwarded::Request) => f.write_str("; fwd=request"),
            Self::Forwarded(Forwarded::Bypass(reason)) => {
                write!(f, "; fwd=bypass; detail={}", reason.label())
            }
            Self::OnlyIfCached => f.write_str("; detail=only-if-cached"),
        }
    }
}

fn value(text: &str) -> HeaderValue {
    // Words and digits alone cannot fail to be one.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("transom"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::CacheTier;

    #[test]
    fn cache_status_is_written_as_rfc_9211_has_it() {
        let seconds = Duration::from_secs;
        let cases = [
            (CacheReport::Hit { left: Duration::from_millis(3_540_900) }, "transom; hit; ttl=3540"),
            (CacheReport::Hit { left: Duration::ZERO }, "transom; hit; ttl=0"),
            (CacheReport::Stale { by: seconds(12) }, "transom; hit; ttl=-12"),
            (CacheReport::Stale { by: Duration::from_millis(400) }, "transom; hit; ttl=-1"),
            (CacheReport::Stale { by: Duration::ZERO }, "transom; hit; ttl=-1"),
            (CacheReport::Collapsed, "transom; fwd=miss; collapsed"),
            (CacheReport::Forwarded(Forwarded::Miss), "transom; fwd=miss"),
            (CacheReport::Forwarded(Forwarded::Stale), "transom; fwd=stale"),
            (CacheReport::Forwarded(Forwarded::Request), "transom; fwd=request"),
            (
                CacheReport::Forwarded(Forwarded::Bypass(BypassReason::Sampled)),
                "transom; fwd=bypass; detail=sampled",
            ),
            (CacheReport::OnlyIfCached, "transom; detail=only-if-cached"),
        ];
        for (report, expected) in cases {
            assert_eq!(cache_status(report), expected);
        }
    }

    #[test]
    fn every_bypass_reason_is_a_token() {
        for reason in BypassReason::ALL {
            let value = cache_status(CacheReport::Forwarded(Forwarded::Bypass(reason)));
            let expected = format!("transom; fwd=bypass; detail={}", reason.label());
            assert_eq!(value, expected);
            assert!(reason.label().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
        }
    }

    #[test]
    fn age_is_in_whole_seconds_and_x_cache_in_one_word() {
        assert_eq!(age(Duration::from_millis(1999)), "1");
        assert_eq!(x_cache(CacheStatus::Hit(CacheTier::Disk)), "HIT");
        assert_eq!(x_cache(CacheStatus::Stale(CacheTier::Memory)), "STALE");
        assert_eq!(x_cache(CacheStatus::Miss), "MISS");
        assert_eq!(x_cache(CacheStatus::Collapsed), "MISS");
        assert_eq!(x_cache(CacheStatus::Bypass(BypassReason::Asked)), "BYPASS");
    }
}
