//! The names, labels and meanings of every metric: the contract that dashboards, alerts
//! and documentation are checked against.
//!
//! Must not know: who counts. GenAI names are those of the OpenTelemetry semantic
//! conventions 1.41, written out so that no dependency can rename them.

/// What a metric measures and how it is aggregated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows within a process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Seconds by the given upper bounds.
    Seconds(Buckets),
    /// Tokens by powers of four.
    Tokens,
}

/// A set of upper bounds, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buckets {
    /// Waiting for the first token.
    FirstToken,
    /// Whole requests.
    EndToEnd,
    /// Between two tokens or chunks.
    PerToken,
    /// The longest silence of a stream.
    MaxGap,
    /// Transom's own share.
    Overhead,
}

/// Upper bounds between chunks and per token, in seconds.
pub const INTER_CHUNK_SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 10.0];

impl Buckets {
    /// The upper bounds, ascending, without +Inf.
    pub const fn bounds(self) -> &'static [f64] {
        match self {
            Self::FirstToken => &[
                0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 7.5, 10.0, 15.0, 20.0,
                30.0, 60.0, 120.0,
            ],
            Self::EndToEnd => &[
                0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0,
                600.0, 1800.0,
            ],
            Self::PerToken => &INTER_CHUNK_SECONDS,
            Self::MaxGap => &[0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0],
            Self::Overhead => {
                &[0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25]
            }
        }
    }
}

/// Upper bounds of token counts: powers of four.
pub const TOKEN_BOUNDS: [f64; 12] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
];

/// One metric family.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// The name as exported.
    pub name: &'static str,
    /// How it is aggregated.
    pub kind: Kind,
    /// Label names; every one a closed set.
    pub labels: &'static [&'static str],
    /// One sentence, unit included.
    pub help: &'static str,
}

const GEN_AI: &[&str] =
    &["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "error_type"];
const GEN_AI_ATTEMPT: &[&str] = &[
    "gen_ai_operation_name",
    "gen_ai_provider_name",
    "gen_ai_request_model",
    "error_type",
    "upstream",
];

macro_rules! metrics {
    ($($metric:ident = $name:literal, $kind:expr, $labels:expr, $help:literal;)*) => {
        /// Every metric Transom exports, `process_*` apart.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Metric {
            $(#[doc = $help] $metric,)*
        }

        impl Metric {
            /// All of them, in the order of export.
            pub const ALL: &[Self] = &[$(Self::$metric,)*];

            /// Name, kind, labels and help.
            pub const fn definition(self) -> Definition {
                match self {
                    $(Self::$metric => Definition {
                        name: $name, kind: $kind, labels: $labels, help: $help,
                    },)*
                }
            }
        }
    };
}

metrics! {
    HttpRequests = "http_requests_total", Kind::Counter, &["method", "status", "route"],
        "Requests by HTTP method, the status the caller saw and route.";
    HttpDuration = "http_request_duration_seconds", Kind::Seconds(Buckets::EndToEnd), &["route"],
        "Seconds from request head to last byte, by route.";
    ModelDuration = "model_request_duration_seconds", Kind::Seconds(Buckets::EndToEnd), &["model"],
        "Seconds from request head to last byte, by model.";
    RequestErrors = "request_errors_total", Kind::Counter, &["model", "error_type"],
        "Requests that failed, by model and reason.";
    Requests = "transom_requests_total", Kind::Counter, &["model", "operation", "outcome", "cache"],
        "Requests by outcome; the sum over all labels is the number of requests received.";
    ServerDuration = "gen_ai_server_request_duration_seconds", Kind::Seconds(Buckets::EndToEnd),
        GEN_AI, "Seconds from request head to last byte, as the caller saw it.";
    ServerFirstToken = "gen_ai_server_time_to_first_token_seconds", Kind::Seconds(Buckets::FirstToken),
        GEN_AI, "Seconds from request head to the first generated output of a stream.";
    ServerPerToken = "gen_ai_server_time_per_output_token_seconds", Kind::Seconds(Buckets::PerToken),
        GEN_AI, "Seconds per output token after the first, from the upstream's own usage.";
    ClientDuration = "gen_ai_client_operation_duration_seconds", Kind::Seconds(Buckets::EndToEnd),
        GEN_AI_ATTEMPT, "Seconds of one attempt at an upstream.";
    ClientFirstChunk = "gen_ai_client_operation_time_to_first_chunk_seconds",
        Kind::Seconds(Buckets::FirstToken), GEN_AI_ATTEMPT,
        "Seconds from the start of an attempt to its first body chunk.";
    ClientTokens = "gen_ai_client_token_usage", Kind::Tokens,
        &["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_token_type"],
        "Tokens per request as counted by the upstream.";
    InterChunk = "transom_inter_chunk_seconds", Kind::Seconds(Buckets::PerToken), &["model"],
        "Seconds between two chunks of a streamed answer.";
    MaxGap = "transom_stream_max_gap_seconds", Kind::Seconds(Buckets::MaxGap), &["model"],
        "The longest silence of each streamed answer, in seconds.";
    Overhead = "transom_overhead_seconds", Kind::Seconds(Buckets::Overhead), &["model"],
        "Seconds Transom itself took: total less waiting for upstream or caller; not of pass-through.";
    Tokens = "transom_tokens_total", Kind::Counter, &["model", "direction", "source"],
        "Tokens in and out, by who counted them.";
    InFlight = "transom_in_flight_requests", Kind::Gauge, &["model"],
        "Requests being worked on.";
    OpenStreams = "transom_open_streams", Kind::Gauge, &["model"],
        "Streamed answers under way.";
    UpstreamUp = "transom_upstream_up", Kind::Gauge, &["upstream"],
        "1 if the last probe of the upstream was answered, else 0.";
    UpstreamAttempts = "transom_upstream_attempts_total", Kind::Counter, &["upstream", "result"],
        "Attempts at an upstream, by success or reason of failure.";
    Retries = "transom_retries_total", Kind::Counter, &["upstream", "reason"],
        "Attempts that were followed by another one, by what went wrong.";
    TelemetryDropped = "transom_telemetry_dropped_total", Kind::Counter, &["sink"],
        "Records a full queue had to drop; their metrics are counted all the same.";
    LabelOverflow = "transom_label_overflow_total", Kind::Counter, &["label"],
        "Names that got no label of their own because the cap was reached.";
    BuildInfo = "transom_build_info", Kind::Gauge, &["version"],
        "Always 1; the version is in the label.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_follow_the_conventions() {
        let mut seen = HashSet::new();
        for metric in Metric::ALL {
            let Definition { name, kind, help, .. } = metric.definition();
            assert!(seen.insert(name), "{name} twice");
            assert_eq!(name.ends_with("_total"), kind == Kind::Counter, "{name}");
            assert_eq!(name.ends_with("_seconds"), matches!(kind, Kind::Seconds(_)), "{name}");
            assert!(help.ends_with('.'), "{name}");
        }
    }

    #[test]
    fn bounds_ascend() {
        use Buckets::{EndToEnd, FirstToken, MaxGap, Overhead, PerToken};
        for buckets in [FirstToken, EndToEnd, PerToken, MaxGap, Overhead] {
            assert!(buckets.bounds().is_sorted(), "{buckets:?}");
        }
    }
}
