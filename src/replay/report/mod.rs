//! What runs and comparisons are told as.
//!
//! | room | owns |
//! |---|---|
//! | `input` | what a report is made of |
//! | `load` | the runs of it, from what came of them |
//! | `reservoir`, `lag` | the bounded parts of it that pictures are drawn from |
//! | `study` | what runs were made to find out, where that is no comparison |
//! | `summary`, `words` | what all forms say alike, and how |
//! | `terminal`, `json`, `junit`, `markdown`, `html` | the forms |
//! | `plot` | pictures as SVG, for pages of any kind |
//!
//! Every form is a function from the input to text, and does not know where the input comes
//! from. Must not know: where the text goes; how a verdict is reached.

mod html;
mod input;
mod json;
mod junit;
mod lag;
mod load;
mod markdown;
pub mod plot;
mod reservoir;
#[cfg(test)]
mod simulated;
mod study;
mod summary;
mod terminal;
#[cfg(test)]
mod tests;
mod words;

pub use html::{
    AnswerRow, AnswersFragment, Fact, FactsFragment, FailuresFragment, FiguresFragment,
    ForestFragment, ForestRow, LegendEntry, Number, PLOT_STYLE, Parts, PlotFragment, RunRow,
    RunsFragment, Standing, StudyFragment, Table, TableRow, Tile, TilesFragment, VerdictFragment,
    html, page_policy, parts,
};
pub use input::{Arm, Arms, ReportInput, Run, SendLag};
pub use json::{JSON_VERSION, json};
pub use junit::junit;
pub use lag::{LagBucket, LagCounts};
pub use load::{load, report_of};
pub use markdown::{MARKDOWN_MARK, markdown};
pub use reservoir::{Dot, Fate, Reservoir};
pub use study::{Findings, Study};
pub use terminal::{Colour, TerminalStyle, terminal};
