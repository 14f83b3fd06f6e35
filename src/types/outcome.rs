//! How a request ended, decided once at the end of the stream.
//!
//! Must not know: HTTP status lines, metrics or log formats; both read the labels here.

/// Why a request or an attempt failed. A closed list: it is a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorType {
    /// An HTTP status that has no better name; only those in [`ErrorType::STATUSES`] are
    /// kept apart, every other one is labelled `_OTHER`.
    Status(u16),
    /// No TCP connection within the connect timeout.
    TimeoutConnect,
    /// No response head within the first-byte timeout.
    TimeoutFirstByte,
    /// A response head, but no generated output within the first-token timeout.
    TimeoutFirstToken,
    /// Silence between two chunks for longer than the idle timeout.
    TimeoutIdle,
    /// The whole exchange took longer than the total timeout.
    TimeoutTotal,
    /// The endpoint refused the TCP connection or is unreachable.
    ConnectRefused,
    /// The endpoint's name did not resolve.
    Dns,
    /// The TLS handshake failed.
    Tls,
    /// The connection broke before a response head arrived.
    UpstreamReset,
    /// The response ended before its terminator.
    StreamTruncated,
    /// The stream carried an error event after a good status.
    StreamErrorEvent,
    /// The upstream's answer breaks HTTP or its own dialect.
    DecodeError,
    /// No endpoint could be tried.
    NoHealthyUpstream,
    /// The breaker of every candidate is open.
    CircuitOpen,
    /// Our own rate limit.
    RateLimited,
    /// Our own queue is full.
    QueueFull,
    /// The caller's money or token budget is spent.
    BudgetExceeded,
    /// The caller wanted an answer from the cache alone, and there was none.
    NotCached,
    /// Anything else, such as a panic in a step.
    Other,
}

impl ErrorType {
    /// The statuses that are labels of their own.
    pub const STATUSES: [u16; 13] =
        [400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529];

    const NAMED: [Self; 19] = [
        Self::TimeoutConnect,
        Self::TimeoutFirstByte,
        Self::TimeoutFirstToken,
        Self::TimeoutIdle,
        Self::TimeoutTotal,
        Self::ConnectRefused,
        Self::Dns,
        Self::Tls,
        Self::UpstreamReset,
        Self::StreamTruncated,
        Self::StreamErrorEvent,
        Self::DecodeError,
        Self::NoHealthyUpstream,
        Self::CircuitOpen,
        Self::RateLimited,
        Self::QueueFull,
        Self::BudgetExceeded,
        Self::NotCached,
        Self::Other,
    ];

    /// Every member of the closed list, each label once.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::STATUSES.into_iter().map(Self::Status).chain(Self::NAMED)
    }

    /// How many members [`ErrorType::all`] has.
    pub const COUNT: usize = Self::STATUSES.len() + Self::NAMED.len();

    /// Position in [`ErrorType::all`], for tables resolved once.
    pub fn index(self) -> usize {
        let same_label = |other: Self| other.label() == self.label();
        Self::all().position(same_label).unwrap_or(Self::COUNT - 1)
    }

    /// The label value.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Status(400) => "400",
            Self::Status(401) => "401",
            Self::Status(403) => "403",
            Self::Status(404) => "404",
            Self::Status(408) => "408",
            Self::Status(413) => "413",
            Self::Status(422) => "422",
            Self::Status(429) => "429",
            Self::Status(500) => "500",
            Self::Status(502) => "502",
            Self::Status(503) => "503",
            Self::Status(504) => "504",
            Self::Status(529) => "529",
            Self::TimeoutConnect => "timeout_connect",
            Self::TimeoutFirstByte => "timeout_first_byte",
            Self::TimeoutFirstToken => "timeout_first_token",
            Self::TimeoutIdle => "timeout_idle",
            Self::TimeoutTotal => "timeout_total",
            Self::ConnectRefused => "connect_refused",
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::UpstreamReset => "upstream_reset",
            Self::StreamTruncated => "stream_truncated",
            Self::StreamErrorEvent => "stream_error_event",
            Self::DecodeError => "decode_error",
            Self::NoHealthyUpstream => "no_healthy_upstream",
            Self::CircuitOpen => "circuit_open",
            Self::RateLimited => "rate_limited",
            Self::QueueFull => "queue_full",
            Self::BudgetExceeded => "budget_exceeded",
            Self::NotCached => "not_cached",
            Self::Status(_) | Self::Other => "_OTHER",
        }
    }
}

/// The one verdict on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The terminator was seen and the status was below 400.
    Success,
    /// The caller's own fault: a 4xx made here or upstream, 429 apart.
    ClientError,
    /// The caller left before the end. Nobody's error.
    ClientCancelled,
    /// 429, made here or upstream.
    RateLimited,
    /// The upstream answered 5xx, could not be reached, or broke the protocol.
    UpstreamError,
    /// One of our timeouts ended the request.
    Timeout,
    /// The response began well and ended before its terminator.
    StreamTruncated,
    /// The response began well and then carried an error event.
    StreamErrorEvent,
    /// Transom itself failed.
    InternalError,
}

impl Outcome {
    /// All outcomes, in the order of [`Outcome::index`].
    pub const ALL: [Self; 9] = [
        Self::Success,
        Self::ClientError,
        Self::ClientCancelled,
        Self::RateLimited,
        Self::UpstreamError,
        Self::Timeout,
        Self::StreamTruncated,
        Self::StreamErrorEvent,
        Self::InternalError,
    ];

    /// Position in [`Outcome::ALL`], for tables resolved once.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The label value.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ClientError => "client_error",
            Self::ClientCancelled => "client_cancelled",
            Self::RateLimited => "rate_limited",
            Self::UpstreamError => "upstream_error",
            Self::Timeout => "timeout",
            Self::StreamTruncated => "stream_truncated",
            Self::StreamErrorEvent => "stream_error_event",
            Self::InternalError => "internal_error",
        }
    }

    /// The verdict that an error type leads to.
    pub const fn of(error: ErrorType) -> Self {
        match error {
            ErrorType::Status(429) | ErrorType::RateLimited | ErrorType::BudgetExceeded => {
                Self::RateLimited
            }
            ErrorType::Status(400..=499) | ErrorType::NotCached => Self::ClientError,
            ErrorType::TimeoutConnect
            | ErrorType::TimeoutFirstByte
            | ErrorType::TimeoutFirstToken
            | ErrorType::TimeoutIdle
            | ErrorType::TimeoutTotal => Self::Timeout,
            ErrorType::StreamTruncated => Self::StreamTruncated,
            ErrorType::StreamErrorEvent => Self::StreamErrorEvent,
            ErrorType::Other => Self::InternalError,
            _ => Self::UpstreamError,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_error_type_has_a_label_of_its_own() {
        let labels: HashSet<_> = ErrorType::all().map(ErrorType::label).collect();
        assert_eq!(labels.len(), ErrorType::all().count());
        assert_eq!(labels.len(), ErrorType::COUNT);
        assert_eq!(ErrorType::Status(418).index(), ErrorType::Other.index());
        assert_eq!(ErrorType::Status(418).label(), "_OTHER");
    }

    #[test]
    fn indices_are_positions() {
        for (position, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome.index(), position);
        }
    }
}
