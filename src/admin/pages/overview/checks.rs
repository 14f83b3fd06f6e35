//! Whether others see what the proxy says: a picture that nobody feeds looks calm.
//!
//! Must not know: how anything is sent.

use crate::admin::AdminState;
use crate::capture::{CaptureState, DropReason};
use crate::human;
use serde::Serialize;

/// A scraper that has not come for so long has gone, in seconds.
const GONE: f64 = 120.0;

/// One thing that was looked at.
#[derive(Serialize)]
pub(super) struct Check {
    pub(super) good: bool,
    pub(super) says: String,
}

/// All of them.
pub(super) fn checks(state: &AdminState) -> Vec<Check> {
    let mut checks = vec![scraped(state)];
    checks.push(traces(state));
    checks.extend(capture(state));
    checks
}

fn scraped(state: &AdminState) -> Check {
    match state.scrapes.ago(state.clock.now()).map(|ago| ago.as_secs_f64()) {
        Some(ago) => Check {
            good: ago < GONE,
            says: format!("Metrics were read {} ago", human::seconds(ago.round())),
        },
        None => Check { good: false, says: "Nobody reads the metrics".to_owned() },
    }
}

fn traces(state: &AdminState) -> Check {
    let health = state.observer.worker().and_then(|worker| worker.export_health());
    let Some(report) = health.map(|health| health.report()) else {
        return Check {
            good: false,
            says: "Traces go nowhere: no receiver is configured".to_owned(),
        };
    };
    let now = state.clock.now();
    let ago = |then: std::time::Instant| {
        human::seconds(now.saturating_duration_since(then).as_secs_f64().round())
    };
    match (report.error, report.sent) {
        (Some(_), _) => {
            Check { good: false, says: "Traces are lost: the receiver takes none".to_owned() }
        }
        (None, Some(sent)) => Check { good: true, says: format!("Traces left {} ago", ago(sent)) },
        (None, None) => Check { good: true, says: "No trace has had to leave yet".to_owned() },
    }
}

fn capture(state: &AdminState) -> Option<Check> {
    let handle = &state.capture.as_ref()?.handle;
    let (usage, counts) = (handle.usage(), handle.counts());
    let dropped: u64 = DropReason::ALL.iter().map(|reason| counts.dropped(*reason)).sum();
    let is_running = handle.state() == CaptureState::Running;
    let paused = if is_running { "" } else { ", paused" };
    Some(Check {
        good: is_running && dropped == 0,
        says: format!(
            "Capture: {}, {} dropped{paused}",
            human::bytes(usage.bytes),
            human::count(dropped)
        ),
    })
}
