//! The names, labels and meanings of every metric: the contract that dashboards, alerts
//! and documentation are checked against.
//!
//! Must not know: who counts. GenAI names are those of the OpenTelemetry semantic
//! conventions 1.41, written out so that no dependency can rename them.

use super::buckets::{Buckets, TOKEN_BOUNDS};

/// What a metric measures and how it is aggregated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Events; only grows within a process.
    Counter,
    /// Seconds; only grows within a process.
    SecondsTotal,
    /// US dollars; only grows within a process.
    UsdTotal,
    /// Whole numbers that go up and down.
    Gauge,
    /// A share or a multiple, that goes up and down.
    Ratio,
    /// Seconds by the given upper bounds.
    Seconds(Buckets),
    /// Tokens by powers of four.
    Tokens,
}

impl Kind {
    /// Whether it only grows.
    pub const fn is_counter(self) -> bool {
        matches!(self, Self::Counter | Self::SecondsTotal | Self::UsdTotal)
    }

    /// Whether it is counted by buckets.
    pub const fn is_histogram(self) -> bool {
        matches!(self, Self::Seconds(_) | Self::Tokens)
    }

    /// The usual upper bounds of a histogram, ascending, without +Inf.
    pub const fn usual_bounds(self) -> Option<&'static [f64]> {
        match self {
            Self::Seconds(buckets) => Some(buckets.usual()),
            Self::Tokens => Some(&TOKEN_BOUNDS),
            _ => None,
        }
    }

    /// How many of the whole units that are counted make one of what is exported:
    /// nanoseconds a second, billionths a dollar.
    pub(super) const fn units_per_one(self) -> f64 {
        match self {
            Self::SecondsTotal | Self::UsdTotal | Self::Seconds(_) => 1e9,
            Self::Counter | Self::Gauge | Self::Ratio | Self::Tokens => 1.0,
        }
    }
}

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

const GEN_AI_TOKENS: &[&str] =
    &["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_token_type"];
const SLO: &[&str] = &["slo", "model"];

metrics! {
    HttpRequests = "http_requests_total", Kind::Counter, &["method", "status", "route"],
        "Requests by HTTP method, the status the caller saw and route.";
    HttpDuration = "http_request_duration_seconds", Kind::Seconds(Buckets::EndToEnd), &["route"],
        "Seconds from request head to last byte, by route, whoever answered.";
    ModelDuration = "model_request_duration_seconds", Kind::Seconds(Buckets::EndToEnd), &["model"],
        "Seconds from request head to last byte, by model; not of what the cache answered.";
    RequestErrors = "request_errors_total", Kind::Counter, &["model", "error_type"],
        "Requests that failed, by model and reason.";
    Requests = "transom_requests_total", Kind::Counter, &["model", "operation", "outcome", "cache"],
        "Requests by outcome; the sum over all labels is the number of requests received.";
    ServerDuration = "gen_ai_server_request_duration_seconds", Kind::Seconds(Buckets::EndToEnd),
        GEN_AI, "Seconds from request head to last byte, as the caller saw it; not of what the cache answered.";
    ServerFirstToken = "gen_ai_server_time_to_first_token_seconds", Kind::Seconds(Buckets::FirstToken),
        GEN_AI, "Seconds from request head to the first generated output of a stream; not of what the cache answered.";
    ServerPerToken = "gen_ai_server_time_per_output_token_seconds", Kind::Seconds(Buckets::PerToken),
        GEN_AI, "Seconds per output token after the first, from the upstream's own usage.";
    ClientDuration = "gen_ai_client_operation_duration_seconds", Kind::Seconds(Buckets::EndToEnd),
        GEN_AI_ATTEMPT, "Seconds of one attempt at an upstream.";
    ClientFirstChunk = "gen_ai_client_operation_time_to_first_chunk_seconds",
        Kind::Seconds(Buckets::FirstToken), GEN_AI_ATTEMPT,
        "Seconds from the start of an attempt to its first body chunk.";
    ClientTokens = "gen_ai_client_token_usage", Kind::Tokens, GEN_AI_TOKENS,
        "Tokens per request as counted by the upstream.";
    InterChunk = "transom_inter_chunk_seconds", Kind::Seconds(Buckets::InterChunk), &["model"],
        "Seconds between two chunks of a streamed answer; not of what the cache answered.";
    MaxGap = "transom_stream_max_gap_seconds", Kind::Seconds(Buckets::MaxGap), &["model"],
        "The longest silence of each streamed answer, in seconds; not of what the cache answered.";
    Overhead = "transom_overhead_seconds", Kind::Seconds(Buckets::Overhead), &["model"],
        "Seconds Transom itself took: total less waiting for upstream or caller; not of pass-through.";
    QueueWait = "transom_queue_wait_seconds", Kind::Seconds(Buckets::FirstToken), &["model"],
        "Seconds a request waited for its turn.";
    Tokens = "transom_tokens_total", Kind::Counter, &["model", "direction", "source"],
        "Tokens in and out, by who counted them.";
    Cost = "transom_cost_usd_total", Kind::UsdTotal, &["model"],
        "US dollars that requests cost, by the configured prices.";
    SavedSeconds = "transom_saved_seconds_total", Kind::SecondsTotal, &["model"],
        "Seconds of upstream time that the cache saved: what the answers took that it gave again.";
    SavedTokens = "transom_saved_tokens_total", Kind::Counter, &["model"],
        "Tokens, in and out, that upstreams did not have to process again.";
    SavedUsd = "transom_saved_usd_total", Kind::UsdTotal, &["model"],
        "US dollars that those tokens would have cost, by the configured prices.";
    InFlight = "transom_in_flight_requests", Kind::Gauge, &["model"],
        "Requests being worked on.";
    OpenStreams = "transom_open_streams", Kind::Gauge, &["model"],
        "Streamed answers under way.";
    UpstreamUp = "transom_upstream_up", Kind::Gauge, &["upstream"],
        "1 if the last probe of the upstream was answered, else 0.";
    CircuitState = "transom_upstream_circuit_state", Kind::Gauge, &["upstream"],
        "The upstream's circuit breaker: 0 closed, 1 half open, 2 open.";
    UpstreamAttempts = "transom_upstream_attempts_total", Kind::Counter, &["upstream", "result"],
        "Attempts at an upstream, by success or reason of failure.";
    Retries = "transom_retries_total", Kind::Counter, &["upstream", "reason"],
        "Attempts that were followed by another one, by what went wrong.";
    Fallbacks = "transom_fallbacks_total", Kind::Counter, &["from", "to", "reason"],
        "Requests that another model answered than the one asked for, by what went wrong.";
    CacheRequests = "transom_cache_requests_total", Kind::Counter, &["tier", "result"],
        "Look-ups in a tier of the cache; a miss in one tier goes on to the next.";
    CacheEntries = "transom_cache_entries", Kind::Gauge, &["tier"],
        "Answers that a tier of the cache holds.";
    CacheBytes = "transom_cache_bytes", Kind::Gauge, &["tier"],
        "Bytes that a tier of the cache holds.";
    CacheEvictions = "transom_cache_evictions_total", Kind::Counter, &["tier"],
        "Answers that a tier of the cache gave up for want of room.";
    CacheDropped = "transom_cache_dropped_total", Kind::Counter, &["tier"],
        "Writes that a tier of the cache lost: they came faster than it takes them, or failed.";
    CacheFailures = "transom_cache_failures_total", Kind::Counter, &["tier"],
        "Times that a tier of the cache was moved aside or could not be reached; requests went on without it.";
    CacheAnswers = "transom_cache_answer_seconds", Kind::Seconds(Buckets::Cached), &["model", "cache"],
        "Seconds from request head to last byte of what the cache answered.";
    CacheBypasses = "transom_cache_bypass_total", Kind::Counter, &["reason"],
        "Requests that did not ask the cache of their route, by why.";
    CacheNotStored = "transom_cache_not_stored_total", Kind::Counter, &["reason"],
        "Answers of upstreams that were to be stored and were not, by why.";
    CacheRefreshes = "transom_cache_refreshes_total", Kind::Counter, &["result"],
        "Refreshes in the background of answers past their time; no requests of callers.";
    SloEvents = "transom_slo_events_total", Kind::Counter, SLO,
        "Requests that an objective judged, good and bad together.";
    SloBadEvents = "transom_slo_bad_events_total", Kind::Counter, SLO,
        "Requests that an objective found bad.";
    SloObjective = "transom_slo_objective_ratio", Kind::Ratio, SLO,
        "The share of good requests that is promised, 0 to 1.";
    SloBudget = "transom_slo_error_budget_remaining_ratio", Kind::Ratio, SLO,
        "The share of the error budget that is left over the whole window; below 0 when overdrawn.";
    SloBurn = "transom_slo_burn_rate", Kind::Ratio, &["slo", "model", "window"],
        "How fast the error budget burns; at 1 it lasts exactly as long as its window.";
    CaptureRecords = "transom_capture_records_total", Kind::Counter, &["result"],
        "Requests offered to the capture, by what became of them.";
    CapturePaused = "transom_capture_paused", Kind::Gauge, &[],
        "1 while captures cannot be written, as on a full disk; else 0.";
    CaptureBytes = "transom_capture_bytes", Kind::Gauge, &["place"],
        "What captures take, on disk or in the queue.";
    TelemetryDropped = "transom_telemetry_dropped_total", Kind::Counter, &["sink"],
        "Records, spans or events that a sink lost; their metrics are counted all the same.";
    LabelOverflow = "transom_label_overflow_total", Kind::Counter, &["label"],
        "Names that got no label of their own because the cap was reached.";
    WebhookDeliveries = "transom_webhook_deliveries_total", Kind::Counter, &["webhook", "result"],
        "Messages to webhooks, by what became of them; `retried` counts tries that were followed by another one.";
    ConfigReloads = "transom_config_reloads_total", Kind::Counter, &["result"],
        "Reloads of the configuration.";
    BuildInfo = "transom_build_info", Kind::Gauge, &["version"],
        "Always 1; the version is in the label.";
}

impl Metric {
    /// Whether anything counts it yet; the others stand at 0 until their feature comes.
    pub const fn is_counted(self) -> bool {
        !matches!(
            self,
            Self::QueueWait | Self::CircuitState | Self::Fallbacks | Self::ConfigReloads
        )
    }

    /// Whether its buckets carry exemplars in OpenMetrics.
    pub const fn has_exemplars(self) -> bool {
        matches!(
            self,
            Self::HttpDuration
                | Self::ModelDuration
                | Self::ServerDuration
                | Self::ServerFirstToken
                | Self::ServerPerToken
                | Self::Overhead
        )
    }
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
            assert_eq!(name.ends_with("_total"), kind.is_counter(), "{name}");
            assert_eq!(name.ends_with("_seconds"), matches!(kind, Kind::Seconds(_)), "{name}");
            assert_eq!(name.ends_with("_usd_total"), kind == Kind::UsdTotal, "{name}");
            assert_eq!(name.ends_with("_seconds_total"), kind == Kind::SecondsTotal, "{name}");
            assert!(!name.ends_with("_ratio") || kind == Kind::Ratio, "{name}");
            assert!(help.ends_with('.'), "{name}");
            assert!(!metric.has_exemplars() || kind.is_histogram(), "{name}");
        }
    }

    #[test]
    fn no_name_is_another_one_with_a_suffix_of_the_exposition() {
        let family = |metric: &Metric| {
            let name = metric.definition().name;
            name.strip_suffix("_total").unwrap_or(name)
        };
        let names: HashSet<_> = Metric::ALL.iter().map(family).collect();
        assert_eq!(names.len(), Metric::ALL.len());
        for name in &names {
            for suffix in ["_total", "_count", "_sum", "_bucket", "_created", "_info"] {
                assert!(!names.contains(format!("{name}{suffix}").as_str()), "{name}{suffix}");
            }
        }
    }
}
