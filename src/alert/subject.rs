//! What an alert is about, and what does not change about it.
//!
//! Must not know: whether anything is wrong.

use crate::observe::slo::Severity;
use serde::Serialize;

/// What an alert is about: there is one alert for each at most. In order, the most urgent kind
/// comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Subject {
    /// An endpoint fails.
    UpstreamFailing {
        /// The upstream that it belongs to.
        upstream: String,
        /// `host:port`.
        endpoint: String,
    },
    /// An error budget burns too fast.
    BudgetBurning {
        /// How soon somebody has to look.
        severity: Severity,
        /// The objective.
        slo: String,
        /// The model; null for an objective of a route.
        model: Option<String>,
    },
    /// An error budget is spent.
    BudgetExhausted {
        /// The objective.
        slo: String,
        /// The model; null for an objective of a route.
        model: Option<String>,
    },
}

impl Subject {
    /// How soon somebody has to look.
    pub const fn severity(&self) -> Severity {
        match self {
            Self::BudgetBurning { severity, .. } => *severity,
            Self::BudgetExhausted { .. } | Self::UpstreamFailing { .. } => Severity::Page,
        }
    }

    /// What the same is called among the rules for Prometheus, and in the runbook.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::BudgetBurning { severity: Severity::Page, .. } => "TransomSloPage",
            Self::BudgetBurning { severity: Severity::Ticket, .. } => "TransomSloTicket",
            Self::BudgetExhausted { .. } => "TransomErrorBudgetExhausted",
            Self::UpstreamFailing { .. } => "TransomUpstreamFailing",
        }
    }

    /// The objective, if it is about one.
    pub fn slo(&self) -> Option<&str> {
        match self {
            Self::BudgetBurning { slo, .. } | Self::BudgetExhausted { slo, .. } => Some(slo),
            Self::UpstreamFailing { .. } => None,
        }
    }

    /// The model, if it is about one.
    pub fn model(&self) -> Option<&str> {
        match self {
            Self::BudgetBurning { model, .. } | Self::BudgetExhausted { model, .. } => {
                model.as_deref()
            }
            Self::UpstreamFailing { .. } => None,
        }
    }

    /// `availability of chat-large`, `10.0.0.1:8000 of vllm`
    pub fn words(&self) -> String {
        match self {
            Self::BudgetBurning { slo, model, .. } | Self::BudgetExhausted { slo, model } => {
                match model {
                    Some(model) => format!("{slo} of {model}"),
                    None => slo.clone(),
                }
            }
            Self::UpstreamFailing { upstream, endpoint } => format!("{endpoint} of {upstream}"),
        }
    }
}
