//! The names that the GenAI semantic conventions are about to give to what is counted here
//! already: further views of the same series, for those who ask for them.
//!
//! Must not know: how anything is counted. Source: the conventions' draft of client
//! inference (`docs/gen-ai/client-inference.md` of `open-telemetry/semantic-conventions-genai`),
//! which leaves embeddings to names of their own.

use super::histogram::HistogramFamily;
use super::names::Metric;
use prometheus::core::{Collector, Desc};
use prometheus::proto;
use std::collections::HashMap;

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

    fn shows(&self, metric: &proto::Metric) -> bool {
        metric.get_label().iter().all(|label| match label.name() {
            OPERATION => label.value() != "embeddings",
            TOKEN_TYPE => self.token_type == Some(label.value()),
            _ => true,
        })
    }
}

/// Shows another family's series under a drafted name.
pub(super) struct DraftView {
    desc: Desc,
    draft: Draft,
    source: HistogramFamily,
}

impl DraftView {
    /// A view of `source`, the family of the draft's own source.
    ///
    /// # Errors
    /// When the draft's name is not valid.
    pub(super) fn new(draft: Draft, source: HistogramFamily) -> prometheus::Result<Self> {
        let labels = draft.labels().map(str::to_owned).collect();
        let help = draft.source.definition().help.to_owned();
        let desc = Desc::new(draft.name.to_owned(), help, labels, HashMap::default())?;
        Ok(Self { desc, draft, source })
    }
}

impl Collector for DraftView {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let mut families = self.source.collect();
        for family in &mut families {
            family.set_name(self.draft.name.to_owned());
            let mut series = family.take_metric();
            series.retain(|metric| self.draft.shows(metric));
            for metric in &mut series {
                let mut labels = metric.take_label();
                labels.retain(|label| label.name() != TOKEN_TYPE);
                metric.set_label(labels);
            }
            family.set_metric(series);
        }
        families
    }
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
