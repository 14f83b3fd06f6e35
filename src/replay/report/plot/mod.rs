//! Pictures as SVG text, made without a browser: they need no script and fit any width, with
//! letters that keep their size.
//!
//! | file | owns |
//! |---|---|
//! | `scale` | from values to places, and round values to mark |
//! | `chart` | a frame with two axes, and what is drawn into it |
//! | `ecdf` | which share of requests took how long at most |
//! | `quantiles` | how many times as long each quantile of B is |
//! | `timeline` | how long requests took while time passed |
//! | `forest` | ratios with their intervals, one strip a row |
//! | `histogram` | how late requests were sent |
//!
//! `templates/replay/plots.css` gives them their colours; what is told by colour is told by
//! dashes, shapes or words too. Each has a table beside it, so a picture says only in a
//! sentence what it shows. Must not know: reports, files, pages.

mod chart;
mod ecdf;
mod forest;
mod histogram;
mod quantiles;
mod scale;
#[cfg(test)]
mod tests;
mod timeline;

pub use chart::{Axis, Chart, escape};
pub use ecdf::{EcdfLine, ecdf};
pub use forest::{Forest, ForestMark, Run as ForestRun};
pub use histogram::{Histogram, HistogramBar, lag_histogram};
pub use quantiles::{QuantileRatio, QuantileRatios, quantile_ratios};
pub use scale::{Rank, Scale, Tick};
pub use timeline::{Moment, Timeline, TimelineRun, timeline};

/// How something is drawn, so that two sides can be told apart without colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ink {
    /// What is compared with: dashed or hollow, pale.
    Base,
    /// What it is about: solid.
    Main,
}

impl Ink {
    /// The class that the style sheet knows.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Main => "main",
        }
    }
}

/// The value below which a share of `sorted` lies, between neighbours in proportion
/// (Hyndman and Fan's seventh definition). `None` of nothing.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = share.clamp(0.0, 1.0) * last as f64;
    let below = sorted.get(at.floor() as usize)?;
    let above = sorted.get(at.ceil() as usize)?;
    let part = at - at.floor();
    // Neighbours that are both infinite have no difference.
    Some(if below == above { *below } else { below + (above - below) * part })
}
