//! How long requests took while time passed: a dot each, and a running 95th percentile a run.
//!
//! Time is that of the plan, so that a stall shows as the steep edge that callers would have
//! felt. Must not know: what took so long, or what a run was for.

use super::chart::{Axis, Chart, seconds};
use super::{Scale, quantile};
use crate::human;

/// Requests that the running percentile looks at: so many, and of a long run its 25th part.
const WINDOW: usize = 60;
const WINDOWS: usize = 25;
/// Points of a running line.
const POINTS: usize = 110;
/// A peak that many times as high as usual has its height written beside it.
const REMARKABLE: f64 = 3.0;
/// Dots and marks of failures in one picture.
const DOTS: usize = 2_000;
const CROSSES: usize = 200;

/// A request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// When it was to be sent, in seconds since the run began.
    pub at: f64,
    /// What it took, in seconds; `None` when it failed.
    pub took: Option<f64>,
}

/// A run.
pub struct TimelineRun {
    /// Which.
    pub name: String,
    /// Its requests, in the order of time.
    pub moments: Vec<Moment>,
}

/// The runs of one side.
pub struct Timeline<'a> {
    /// What is shown, as in `latency`.
    pub of: &'a str,
    /// Whose runs these are.
    pub side: &'a str,
    /// The runs, drawn over each other.
    pub runs: &'a [TimelineRun],
    /// How long the part is that does not count, in seconds.
    pub warm_up: f64,
    /// Where time ends and which values there are, so that two sides are drawn alike.
    pub extent: (f64, Vec<f64>),
}

impl Timeline<'_> {
    /// The extent of several sides together.
    pub fn extent<'r>(runs: impl IntoIterator<Item = &'r TimelineRun>) -> (f64, Vec<f64>) {
        let (mut end, mut low, mut high) = (0.0_f64, f64::INFINITY, 0.0_f64);
        for moment in runs.into_iter().flat_map(|run| &run.moments) {
            end = end.max(moment.at);
            if let Some(took) = moment.took.filter(|took| took.is_finite() && *took > 0.0) {
                (low, high) = (low.min(took), high.max(took));
            }
        }
        (end, [low, high].into_iter().filter(|value| value.is_finite() && *value > 0.0).collect())
    }
}

/// The picture.
pub fn timeline(shown: &Timeline<'_>) -> String {
    let time = Scale::span(shown.extent.0);
    let x = Axis { scale: time, label: seconds, marks: 10, name: "intended instant" };
    let scale = Scale::log(shown.extent.1.iter().copied());
    let y = Axis { scale, label: seconds, marks: 5, name: "seconds, logarithmic" };
    let mut chart = Chart::new(x, y, 200);
    if shown.warm_up > 0.0 {
        chart.shade("warm-up", "warm-up", (0.0, shown.warm_up));
    }
    let all = || shown.runs.iter().flat_map(|run| &run.moments);
    let every = all().count().div_ceil(DOTS).max(1);
    let dots = all().filter_map(|moment| Some((moment.at, moment.took?))).step_by(every);
    chart.dots("scatter", dots);
    let running: Vec<_> = shown.runs.iter().map(|run| running_p95(&run.moments)).collect();
    for (run, points) in shown.runs.iter().zip(&running) {
        let title = format!("{}: running 95th percentile", run.name);
        chart.line("running", &title, points.iter().copied());
    }
    draw_failures(&mut chart, shown.runs);
    if let Some((name, peak)) = peak(shown.runs, &running) {
        chart.note("strong", &format!("{name}: p95 {}", human::seconds(peak.1)), peak);
    }
    chart.into_svg(&description(shown))
}

/// The 95th percentile of the requests around each instant.
fn running_p95(moments: &[Moment]) -> Vec<(f64, f64)> {
    let answered: Vec<(f64, f64)> =
        moments.iter().filter_map(|moment| Some((moment.at, moment.took?))).collect();
    let window = WINDOW.max(answered.len() / WINDOWS).min(answered.len());
    if window == 0 {
        return Vec::new();
    }
    let windows = answered.len() - window + 1;
    let step = windows.div_ceil(POINTS).max(1);
    let percentile = |around: &[(f64, f64)]| {
        let mut took: Vec<f64> = around.iter().map(|(_, took)| *took).collect();
        took.sort_by(f64::total_cmp);
        let middle = around.get(around.len() / 2)?.0;
        Some((middle, quantile(&took, 0.95)?))
    };
    answered.windows(window).step_by(step).filter_map(percentile).collect()
}

fn draw_failures(chart: &mut Chart, runs: &[TimelineRun]) {
    let failed = |run: &TimelineRun| run.moments.iter().filter(|m| m.took.is_none()).count();
    let every = runs.iter().map(failed).sum::<usize>().div_ceil(CROSSES).max(1);
    let crosses = runs.iter().flat_map(|run| {
        run.moments.iter().filter(|m| m.took.is_none()).map(|moment| (&run.name, moment.at))
    });
    for (name, at) in crosses.step_by(every) {
        let title = format!("{name}: failed, {} into the run", human::seconds(at));
        chart.cross("failed", &title, (at, 2.0));
    }
}

/// The highest point of the running percentiles, where it is worth a word.
fn peak<'r>(runs: &'r [TimelineRun], running: &[Vec<(f64, f64)>]) -> Option<(&'r str, (f64, f64))> {
    let mut usual: Vec<f64> = running.iter().flatten().map(|(_, p95)| *p95).collect();
    usual.sort_by(f64::total_cmp);
    let usual = quantile(&usual, 0.5)?;
    let points = runs
        .iter()
        .zip(running)
        .flat_map(|(run, points)| points.iter().map(|point| (run.name.as_str(), *point)));
    let peak = points.max_by(|(_, a), (_, b)| a.1.total_cmp(&b.1))?;
    (peak.1.1.is_finite() && peak.1.1 > usual * REMARKABLE).then_some(peak)
}

fn description(shown: &Timeline<'_>) -> String {
    let moments = || shown.runs.iter().flat_map(|run| &run.moments);
    let failed = moments().filter(|moment| moment.took.is_none()).count();
    let (of, side, runs) = (shown.of, shown.side, shown.runs.len());
    if moments().next().is_none() {
        return format!("No {of} was measured for {side}.");
    }
    format!(
        "{of} over time for {side}: dots are requests of {runs} runs, lines their running 95th \
         percentiles, crosses {failed} failures."
    )
}
