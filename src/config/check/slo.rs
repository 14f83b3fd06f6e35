//! `[[slo]]`
//!
//! Must not know: how events are counted.

use super::unique::Taken;
use crate::config::error::quoted;
use crate::config::format::{Format, Text};
use crate::config::path::Path;
use crate::config::raw::{
    RawGoodput, RawIndicator, RawModel, RawRoute, RawSlo, RawThreshold, RawUpstream429,
};
use crate::config::report::Report;
use crate::observe::{Goodput, Indicator, MOST_OBJECTIVES, SloScope, SloSettings, Upstream429};
use crate::types::Operation;
use std::time::Duration;
use wildmatch::WildMatch;

const DAY: Duration = Duration::from_secs(24 * 3600);
const LONGEST_WINDOW: Duration = Duration::from_secs(90 * 24 * 3600);

/// The names of all models, none where models are to be discovered.
pub(super) fn models(raw: &[RawModel]) -> Vec<String> {
    raw.iter().filter_map(|model| Some(model.name.as_ref()?.0.0.clone())).collect()
}

/// The validated sections; the standard one where there is none.
pub(super) fn settings(
    raw: Vec<RawSlo>,
    models: &[String],
    report: &mut Report<'_>,
) -> Vec<SloSettings> {
    if raw.is_empty() {
        return vec![SloSettings::standard()];
    }
    let all = Path::default().key("slo");
    if raw.len() > MOST_OBJECTIVES {
        report.at(&all, format_args!("there are more than {MOST_OBJECTIVES} objectives"));
    }
    let mut taken = Taken::default();
    let mut settings = Vec::new();
    for (index, slo) in raw.into_iter().enumerate() {
        let path = all.index(index);
        if let Some(name) = &slo.name {
            taken.claim(&name.0.0, path.key("name"), report);
        }
        let scope = scope(&slo, models, &path, report);
        let indicator = indicator(&slo, &path.key("threshold"), report);
        let window = window(slo.window.0, &path.key("window"), report);
        let objective = slo.objective.map(|percent| objective(percent, &path, report));
        if let (Some(Text(name)), Some(objective), Some(indicator)) =
            (slo.name, objective, indicator)
        {
            let upstream_429 = match slo.upstream_429 {
                RawUpstream429::Bad => Upstream429::Bad,
                RawUpstream429::Excluded => Upstream429::Excluded,
            };
            let name = name.0;
            settings.push(SloSettings { name, scope, indicator, objective, window, upstream_429 });
        }
    }
    settings
}

fn scope(raw: &RawSlo, models: &[String], path: &Path, report: &mut Report<'_>) -> SloScope {
    match (&raw.model, raw.route) {
        (Some(_), Some(_)) => {
            let words = "an objective is for models or for a route, not for both";
            report.at(&path.key("route"), words);
            SloScope::Models("*".to_owned())
        }
        (None, Some(route)) => SloScope::Route(match route {
            RawRoute::Chat => Operation::Chat,
            RawRoute::Completions => Operation::TextCompletion,
            RawRoute::Embeddings => Operation::Embeddings,
        }),
        (None, None) => SloScope::Models("*".to_owned()),
        (Some(Text(pattern)), None) => {
            let matcher = WildMatch::new(&pattern.0);
            if !models.is_empty() && !models.iter().any(|name| matcher.matches(name)) {
                let words = format_args!("{} matches no model's name", quoted(&pattern.0));
                report.at(&path.key("model"), words);
            }
            SloScope::Models(pattern.0.clone())
        }
    }
}

fn indicator(raw: &RawSlo, path: &Path, report: &mut Report<'_>) -> Option<Indicator> {
    let mut limit = |duration: Duration| {
        if duration.is_zero() {
            report.at(path, "must be longer than 0s");
        }
        duration
    };
    let (found, wanted) = match (raw.kind, &raw.threshold) {
        (RawIndicator::Availability, None) => (Some(Indicator::Availability), ""),
        (RawIndicator::Availability, Some(_)) => (None, "availability has no threshold"),
        (RawIndicator::Goodput, Some(RawThreshold::Several(limits))) => {
            let goodput = goodput(limits, limit);
            let any = goodput != Goodput::default();
            (any.then_some(Indicator::Goodput(goodput)), "give ttft, tpot or latency")
        }
        (RawIndicator::Goodput, _) => {
            (None, "goodput needs limits, such as { ttft = \"1.5s\", tpot = \"50ms\" }")
        }
        (_, Some(RawThreshold::Several(_))) => (None, "expected a duration like \"1.5s\""),
        (_, None) => (None, "is missing"),
        (RawIndicator::Ttft, Some(RawThreshold::One(Text(t)))) => {
            (Some(Indicator::FirstToken(limit(*t))), "")
        }
        (RawIndicator::Tpot, Some(RawThreshold::One(Text(t)))) => {
            (Some(Indicator::PerToken(limit(*t))), "")
        }
        (RawIndicator::Latency, Some(RawThreshold::One(Text(t)))) => {
            (Some(Indicator::Latency(limit(*t))), "")
        }
    };
    if found.is_none() {
        report.at(path, wanted);
    }
    found
}

fn goodput(raw: &RawGoodput, mut limit: impl FnMut(Duration) -> Duration) -> Goodput {
    let mut read = |text: &Option<Text<Duration>>| text.as_ref().map(|Text(d)| limit(*d));
    Goodput {
        first_token: read(&raw.ttft),
        per_token: read(&raw.tpot),
        latency: read(&raw.latency),
    }
}

fn window(window: Duration, path: &Path, report: &mut Report<'_>) -> Duration {
    let whole_minutes = window.subsec_nanos() == 0 && window.as_secs().is_multiple_of(60);
    if !(DAY..=LONGEST_WINDOW).contains(&window) {
        report.at(path, format_args!("must be 1d to {}", LONGEST_WINDOW.write()));
    } else if !whole_minutes {
        report.at(path, "must be whole minutes");
    }
    window
}

fn objective(percent: f64, path: &Path, report: &mut Report<'_>) -> f64 {
    if percent <= 0.0 || percent >= 100.0 {
        let words = "must be above 0 and below 100 percent: a budget of nothing is always spent";
        report.at(&path.key("objective"), words);
    }
    percent / 100.0
}
