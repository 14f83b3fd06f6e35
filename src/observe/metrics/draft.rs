//! The names that the GenAI semantic conventions are about to give to what is counted here
//! already: further views of the same series, for those who ask for them.
//!
//! Must not know: how anything is counted. Source: the conventions' draft of client
//! inference (`docs/gen-ai/client-inference.md` of `open-telemetry/semantic-conventions-genai`),
//! which leaves embeddings to names of their own.

use super::histogram::{Histogram, HistogramFamily};
use super::lines::push_label;
use super::names::Metric;
use super::view::View;
use std::sync::Arc;

/// Which names of the GenAI semantic conventions are exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SemanticNames {
    /// Those that dashboards know.
    #[default]
    Stable,
    /// The drafted ones as well (`OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental`).
    WithDraft,
}

impl SemanticNames {
    /// What `opt_in`, the value of OpenTelemetry's variable, asks for.
    pub fn of(opt_in: Option<&str>) -> Self {
        let mut words = opt_in.unwrap_or_default().split(',').map(str::trim);
        if words.any(|word| word == "gen_ai_latest_experimental") {
            Self::WithDraft
        } else {
            Self::Stable
        }
    }
}

/// One drafted name.
#[derive(Clone, Copy, Debug)]
pub struct Draft {
    /// As exported.
    pub name: &'static str,
    /// Whose series it shows.
    pub source: Metric,
    /// The token type it is about, where the source has a label for it; the view has none.
    token_type: Option<&'static str>,
}

const OPERATION: &str = "gen_ai_operation_name";
const TOKEN_TYPE: &str = "gen_ai_token_type";

impl Draft {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self {
            name: "gen_ai_client_inference_duration_seconds",
            source: Metric::ClientDuration,
            token_type: None,
        },
        Self {
            name: "gen_ai_client_inference_time_to_first_chunk_seconds",
            source: Metric::ClientFirstChunk,
            token_type: None,
        },
        Self {
            name: "gen_ai_client_inference_operation_input_tokens",
            source: Metric::ClientTokens,
            token_type: Some("input"),
        },
        Self {
            name: "gen_ai_client_inference_operation_output_tokens",
            source: Metric::ClientTokens,
            token_type: Some("output"),
        },
    ];

    /// The labels of its series.
    pub fn labels(&self) -> impl Iterator<Item = &'static str> {
        let hidden = self.token_type.map(|_| TOKEN_TYPE);
        self.source.definition().labels.iter().copied().filter(move |label| Some(*label) != hidden)
    }

    /// Its series of `source`, the family of its own source.
    pub(super) fn view(self, source: HistogramFamily) -> View<Arc<Histogram>> {
        View::new(self.name, source, Box::new(move |labels| self.shown(labels)))
    }

    /// The labels of a source's series as the view has them. A value cannot be taken for a
    /// label: its quotes are escaped.
    fn shown(self, labels: &Arc<str>) -> Option<Arc<str>> {
        if labels.contains(&written(OPERATION, "embeddings")) {
            return None;
        }
        let Some(token_type) = self.token_type else { return Some(Arc::clone(labels)) };
        // The last label by name.
        let rest = labels.strip_suffix(&written(TOKEN_TYPE, token_type))?;
        Some(rest.strip_suffix(',').unwrap_or(rest).into())
    }
}

fn written(label: &str, value: &str) -> String {
    let mut text = String::new();
    push_label(&mut text, label, value);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafted_names_are_shown_only_to_those_who_opt_in() {
        for opt_in in ["gen_ai_latest_experimental", "http, gen_ai_latest_experimental"] {
            assert_eq!(SemanticNames::of(Some(opt_in)), SemanticNames::WithDraft, "{opt_in}");
        }
        for opt_in in [None, Some(""), Some("http"), Some("gen_ai_latest_experimental/dup")] {
            assert_eq!(SemanticNames::of(opt_in), SemanticNames::Stable, "{opt_in:?}");
        }
    }
}
