//! The two text formats that metrics are exported in, and which one a scraper wants.
//!
//! Must not know: what is exported.

/// A text format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exposition {
    /// Prometheus text 0.0.4. It has no exemplars; its parsers fail on them.
    #[default]
    Text,
    /// OpenMetrics 1.0, with exemplars.
    OpenMetrics,
}

impl Exposition {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Text, Self::OpenMetrics];

    /// The `Content-Type` of an answer.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// What an `Accept` header prefers (RFC 9110 §12.5.1). OpenMetrics only when it is named
    /// and nothing that text matches is wanted more.
    pub fn from_accept(accept: &str) -> Self {
        let ranges: Vec<MediaRange<'_>> = accept.split(',').map(MediaRange::parse).collect();
        let open_metrics =
            ranges.iter().filter(|r| r.is_open_metrics()).map(|r| r.quality).max().unwrap_or(0);
        // The most specific range that matches says how much text is wanted.
        let text = ["text/plain", "text/*", "*/*"]
            .iter()
            .find_map(|name| ranges.iter().filter(|r| r.is(name)).map(|r| r.quality).max());
        if open_metrics > 0 && open_metrics >= text.unwrap_or(0) {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }
}

/// One entry of an `Accept` header.
struct MediaRange<'a> {
    name: &'a str,
    version: Option<&'a str>,
    /// In thousandths.
    quality: u16,
}

impl<'a> MediaRange<'a> {
    fn parse(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let mut range = Self { name, version: None, quality: 1_000 };
        for (key, value) in parts.filter_map(|part| part.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match key.trim() {
                key if key.eq_ignore_ascii_case("q") => range.quality = thousandths(value),
                key if key.eq_ignore_ascii_case("version") => range.version = Some(value),
                _ => {}
            }
        }
        range
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn is_open_metrics(&self) -> bool {
        self.is("application/openmetrics-text") && self.version.is_none_or(|v| v == "1.0.0")
    }
}

/// 0 for what is no quality.
fn thousandths(quality: &str) -> u16 {
    match quality.parse::<f32>() {
        Ok(quality) if (0.0..=1.0).contains(&quality) => (quality * 1_000.0).round() as u16,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_metrics_goes_only_to_those_who_ask_for_it() {
        for accept in [
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "application/openmetrics-text",
            "Application/OpenMetrics-Text ; version=\"1.0.0\" ; Q=0.5 , */*; q=0.4",
            "text/plain;q=0.5, application/openmetrics-text;q=0.5",
            "*/*, text/plain;q=0.2, application/openmetrics-text;q=0.3",
        ] {
            assert_eq!(Exposition::from_accept(accept), Exposition::OpenMetrics, "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "application/*",
            "text/html,application/xhtml+xml,*/*;q=0.8",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=nan",
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text;version=2.0.0",
            "application/openmetrics-text;q=0.4,text/plain;q=0.5",
            "application/openmetrics-text;q=0.4,text/*",
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily",
        ] {
            assert_eq!(Exposition::from_accept(accept), Exposition::Text, "{accept}");
        }
    }
}
