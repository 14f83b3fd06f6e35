//! The one place where a request's outcome is decided, at its end.
//!
//! Must not know: metrics or logs, which only read the verdict.

use crate::observe::Verdict;
use crate::types::{ErrorType, Outcome, StreamEnd};

/// What ended a request whose response head went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The upstream finished its body and all of it was delivered.
    Complete,
    /// The caller left first.
    ClientLeft,
    /// The upstream, or a timeout of ours, cut it.
    Cut(ErrorType),
}

/// The caller left before it was told a status (nginx's convention).
pub const STATUS_CLIENT_CLOSED_REQUEST: u16 = 499;

/// Decides in the order that keeps the number true:
/// 1. the terminator was seen: the upstream's own final status counts, and an error event
///    in its place counts as one even if the caller then left because of it;
/// 2. the caller left first: nobody's error;
/// 3. else the cut counts, never the 200 that was already sent.
pub fn decide(status: u16, end: StreamEnd, ending: Ending) -> Verdict {
    match (end, ending) {
        (StreamEnd::Terminated, _) => by_status(status),
        (StreamEnd::ErrorEvent, _) => failed(status, ErrorType::StreamErrorEvent),
        (StreamEnd::Open, Ending::ClientLeft) => client_left(),
        (StreamEnd::Open, Ending::Complete) => failed(status, ErrorType::StreamTruncated),
        (StreamEnd::Open, Ending::Cut(error)) => failed(status, error),
    }
}

/// The verdict on a request that failed with `error` and was answered with `status`.
pub const fn failed(status: u16, error: ErrorType) -> Verdict {
    Verdict { outcome: Outcome::of(error), status, error: Some(error) }
}

/// The verdict on a request that was answered to its end with `status`.
pub const fn answered(status: u16) -> Verdict {
    by_status(status)
}

/// The verdict on a request whose caller left.
pub const fn client_left() -> Verdict {
    Verdict { outcome: Outcome::ClientCancelled, status: STATUS_CLIENT_CLOSED_REQUEST, error: None }
}

const fn by_status(status: u16) -> Verdict {
    if status < 400 {
        Verdict { outcome: Outcome::Success, status, error: None }
    } else {
        failed(status, ErrorType::Status(status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_follows_the_order_of_the_contract() {
        use Ending::{ClientLeft, Complete, Cut};
        use StreamEnd::{ErrorEvent, Open, Terminated};
        let reset = Cut(ErrorType::StreamTruncated);
        let idle = Cut(ErrorType::TimeoutIdle);
        for (status, end, ending, outcome, seen) in [
            (200, Terminated, Complete, Outcome::Success, 200),
            (200, Terminated, ClientLeft, Outcome::Success, 200),
            (200, Terminated, reset, Outcome::Success, 200),
            (404, Terminated, Complete, Outcome::ClientError, 404),
            (429, Terminated, Complete, Outcome::RateLimited, 429),
            (503, Terminated, Complete, Outcome::UpstreamError, 503),
            (200, Open, ClientLeft, Outcome::ClientCancelled, 499),
            (200, Open, Complete, Outcome::StreamTruncated, 200),
            (200, Open, reset, Outcome::StreamTruncated, 200),
            (200, Open, idle, Outcome::Timeout, 200),
            (200, ErrorEvent, Complete, Outcome::StreamErrorEvent, 200),
            (200, ErrorEvent, ClientLeft, Outcome::StreamErrorEvent, 200),
            (200, ErrorEvent, reset, Outcome::StreamErrorEvent, 200),
        ] {
            let verdict = decide(status, end, ending);
            assert_eq!((verdict.outcome, verdict.status), (outcome, seen), "{end:?} {ending:?}");
        }
    }
}
