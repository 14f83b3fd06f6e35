//! A metric as its reader meets it: its type, its unit, and a first question to ask of it.
//!
//! Must not know: any particular metric.

use super::names::{Definition, Kind};

impl Kind {
    /// The type that a scraper is told.
    pub const fn word(self) -> &'static str {
        if self.is_histogram() {
            "histogram"
        } else if self.is_counter() {
            "counter"
        } else {
            "gauge"
        }
    }

    /// What is counted; empty where that has no unit.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::SecondsTotal | Self::Seconds(_) => "seconds",
            Self::UsdTotal => "US dollars",
            Self::Tokens => "tokens",
            Self::Ratio => "ratio",
            Self::Counter | Self::Gauge => "",
        }
    }
}

impl Definition {
    /// A question in PromQL that makes sense of it: its rate, its 95th percentile, or it as it
    /// is, by the label that matters most.
    pub fn example(&self) -> String {
        let name = self.name;
        let by = ["model", "gen_ai_request_model", "upstream"];
        let by = by.into_iter().find(|label| self.labels.contains(label));
        let by = by.or_else(|| self.labels.first().copied());
        if self.kind.is_histogram() {
            let by = by.map_or_else(String::new, |label| format!(", {label}"));
            return format!("histogram_quantile(0.95, sum by (le{by}) (rate({name}_bucket[5m])))");
        }
        match (self.kind.is_counter(), by) {
            (true, Some(label)) => format!("sum by ({label}) (rate({name}[5m]))"),
            (true, None) => format!("rate({name}[5m])"),
            (false, _) => name.to_owned(),
        }
    }
}
