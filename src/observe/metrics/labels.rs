//! What the values of every label can be: each a closed set, none a stranger's text.
//!
//! Must not know: who counts.

/// Every label and its values, by name.
pub const LABELS: [(&str, &str); 27] = [
    (
        "cache",
        "what the cache had to say: `none` where there is none, `hit`, `stale` (past its time), `miss`, `collapsed` (another caller's exchange answered) or `bypass`",
    ),
    ("direction", "`input` or `output`"),
    (
        "error_type",
        "why it failed: a status (`400` … `529`), a word such as `timeout_idle`, or `_OTHER`; empty for what did not fail",
    ),
    ("from", "the model asked for"),
    ("gen_ai_operation_name", "`chat`, `text_completion` or `embeddings`"),
    ("gen_ai_provider_name", "the dialect that is spoken: `openai`"),
    ("gen_ai_request_model", "as `model`"),
    ("gen_ai_token_type", "`input` or `output`"),
    ("label", "the label whose cap was reached: `model`"),
    ("method", "the HTTP method, or `_OTHER`"),
    (
        "model",
        "a configured or discovered model, `_other` for the rest; empty for an objective of a route",
    ),
    ("operation", "`chat`, `text_completion`, `embeddings`, `models` or `pass_through`"),
    (
        "outcome",
        "how it ended: `success`, `client_error`, `client_cancelled`, `rate_limited`, `upstream_error`, `timeout`, `stream_truncated`, `stream_error_event` or `internal_error`",
    ),
    ("place", "`disk` or `queue`"),
    (
        "reason",
        "of retries and fallbacks as `error_type`; of bypasses `asked`, `not_asked`, `sampled`, `stateful`, `server_tools`, `ambiguous` or `replay`; of what was not stored `no_store`, `status`, `encoded`, `opaque`, `stand_in`, `truncated`, `length_mismatch`, `error`, `unfinished`, `too_large` or `_OTHER`",
    ),
    (
        "result",
        "of attempts `success` or as `error_type`; of look-ups `hit`, `stale`, `miss`; of refreshes `success`, `failure` (the answer was not renewed), `skipped` (too many at once); of captures `written`, `sampled_out`, `replay`, `queue_full`, `paused`, `too_large`, `write_error`; of messages to webhooks `delivered`, `retried`, `given_up`, `dropped`; of reloads `success`, `failure`",
    ),
    ("route", "the path template of a known route, or `pass_through`"),
    ("sink", "`log`, `traces`, `slo` or `history`"),
    ("slo", "the name of an objective"),
    ("source", "who counted: `upstream`, `estimated`, or `cache` for what the cache answered"),
    ("status", "the status the caller saw, 499 when it left before one, or `_OTHER`"),
    ("tier", "`memory`, `disk` or `redis`"),
    ("to", "the model that answered"),
    ("upstream", "a configured upstream"),
    ("version", "of the program"),
    ("webhook", "a configured webhook"),
    ("window", "the time a burn rate is taken over, such as `1h`"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::NOT_STORED;
    use crate::observe::metrics::names::Metric;
    use crate::types::{BypassReason, CacheStatus, CacheTier, Operation, Outcome};
    use std::collections::BTreeSet;

    #[test]
    fn every_label_in_use_is_explained_once_and_no_other() {
        let explained: Vec<_> = LABELS.iter().map(|(name, _)| *name).collect();
        let used: BTreeSet<_> =
            Metric::ALL.iter().flat_map(|metric| metric.definition().labels).copied().collect();
        assert_eq!(explained, used.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn closed_words_are_all_told() {
        let values = |label| LABELS.iter().find(|(name, _)| *name == label).unwrap().1;
        for outcome in Outcome::ALL {
            assert!(values("outcome").contains(&format!("`{}`", outcome.label())), "{outcome:?}");
        }
        for operation in Operation::ALL {
            assert!(values("operation").contains(&format!("`{}`", operation.label())));
        }
        let why = BypassReason::ALL.map(BypassReason::label);
        let tiers = CacheTier::ALL.map(CacheTier::label);
        for (label, words) in [
            ("cache", &CacheStatus::LABELS[..]),
            ("reason", &why),
            ("reason", &NOT_STORED),
            ("tier", &tiers),
        ] {
            for word in words {
                assert!(values(label).contains(&format!("`{word}`")), "{label} {word}");
            }
        }
    }
}
