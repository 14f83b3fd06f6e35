//! Which share of requests took how long at most: one line a run.
//!
//! A line rises to the share that was answered, so failures are seen as what is missing at the
//! top. Must not know: what took so long.

use super::chart::{Axis, Chart, seconds, share};
use super::{Ink, Scale, quantile};
use crate::human;

/// Points of a line: enough for the eye, little enough for a page.
const POINTS: usize = 140;

/// The requests of one run.
pub struct EcdfLine {
    /// Which run.
    pub name: String,
    /// How it is drawn.
    pub ink: Ink,
    /// What each answered request took, in seconds, rising.
    pub sorted: Vec<f64>,
    /// Answered requests as a share of all.
    pub answered: f64,
}

/// The picture; `of` names what is shown, as in `time to first token`.
pub fn ecdf(of: &str, lines: &[EcdfLine]) -> String {
    let ends = lines.iter().flat_map(|line| [line.sorted.first(), line.sorted.last()]);
    let scale = Scale::log(ends.flatten().copied());
    let x = Axis { scale, label: seconds, marks: 6, name: "seconds, logarithmic" };
    let shares = Scale::from_zero([1.0]);
    let y = Axis { scale: shares, label: share, marks: 5, name: "share of requests" };
    let mut chart = Chart::new(x, y, 240);
    for line in lines {
        let class = line.ink.class();
        chart.line(class, &format!("{}: {}", line.name, in_words(line)), points(line));
    }
    chart.into_svg(&description(of, lines))
}

/// From where nothing is that fast to where all is answered, at even shares and, towards the
/// end, at finer ones.
fn points(line: &EcdfLine) -> Vec<(f64, f64)> {
    let answered = line.answered.clamp(0.0, 1.0);
    let step = |at: usize| {
        let even = at as f64 / POINTS as f64;
        1.0 - (1.0 - even).powf(1.5)
    };
    let at = |share: f64| Some((quantile(&line.sorted, share)?, share * answered));
    (0..=POINTS).map(step).filter_map(at).collect()
}

fn in_words(line: &EcdfLine) -> String {
    let said = |share| human::seconds(quantile(&line.sorted, share).unwrap_or(f64::NAN));
    format!("median {}, 95 % within {}", said(0.5), said(0.95))
}

fn description(of: &str, lines: &[EcdfLine]) -> String {
    let of_ink = |ink| lines.iter().filter(|line| line.ink == ink).count();
    match (of_ink(Ink::Base), of_ink(Ink::Main)) {
        (0, 0) => format!("No {of} was measured."),
        (0, runs) => {
            format!("Distribution of {of} over requests, one line for each of {runs} runs.")
        }
        (a, b) => {
            format!("Distribution of {of} over requests: {a} dashed lines for A, {b} solid for B.")
        }
    }
}
