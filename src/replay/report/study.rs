//! What runs were made to find out, where that is no comparison: as sentences and one table that
//! every form can show.
//!
//! Must not know: forms.

use super::summary::{Standing, Tone, plural};
use super::words;
use crate::human;
use crate::replay::compare::{Calibration, Floor};
use crate::replay::experiment::{Swept, SweptStage};
use crate::replay::{Knee, StageResult};
use serde::Serialize;

/// What runs were made to find out.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Study {
    /// How much runs of the same differ.
    Calibrated(Calibration),
    /// What rate is borne.
    Swept(Swept),
}

/// A study in words.
pub struct Findings {
    /// In a word.
    pub standing: Standing,
    /// In a sentence.
    pub headline: String,
    /// What else is to be said, in a sentence each.
    pub reasons: Vec<String>,
    /// What the table is called.
    pub title: &'static str,
    /// What is to be known of it.
    pub note: String,
    /// What its columns are called; the first one names the rows.
    pub heads: &'static [&'static str],
    /// Its rows, as long as the heads.
    pub rows: Vec<Vec<String>>,
}

impl Study {
    /// What is to be said of it.
    pub fn findings(&self) -> Findings {
        match self {
            Self::Calibrated(calibration) => calibrated(calibration),
            Self::Swept(swept) => self::swept(swept),
        }
    }
}

fn calibrated(calibration: &Calibration) -> Findings {
    let Calibration { runs, floors, deals, alarms, reasons } = calibration;
    let loudest = floors.iter().max_by(|a, b| a.noise.total_cmp(&b.noise));
    let (word, sign, tone, headline) = match loudest {
        Some(floor) => (
            "CALIBRATED",
            "✓",
            Tone::Good,
            format!(
                "Runs of the same differ by up to {}, of {}.",
                human::brief(&human::share(floor.noise)),
                words::metric(floor.metric)
            ),
        ),
        None => {
            let headline = "There are too few runs that count to see any noise.".to_owned();
            ("INCONCLUSIVE", "?", Tone::Doubt, headline)
        }
    };
    Findings {
        standing: Standing { word, sign, tone },
        headline,
        reasons: reasons.clone(),
        title: "Noise between runs",
        note: format!(
            "of {}; dealt to two arms {deals} times, {alarms} times one seemed better",
            plural(*runs, "run")
        ),
        heads: &[
            "Metric",
            "noise",
            "drift a run",
            "p",
            "runs for 5 %",
            "5 runs find",
            "10 runs find",
        ],
        rows: floors.iter().map(floor_row).collect(),
    }
}

fn floor_row(floor: &Floor) -> Vec<String> {
    let percent = |share: f64| human::brief(&human::share(share));
    let needed = floor.needed.first().and_then(|needed| needed.runs);
    let finds = |runs: usize| {
        let found = floor.detectable.iter().find(|found| found.runs == runs);
        found.and_then(|found| found.change).map_or_else(|| human::UNKNOWN.to_owned(), percent)
    };
    vec![
        words::metric(floor.metric),
        percent(floor.noise),
        percent(floor.drift.each_run),
        human::probability(floor.drift.p),
        needed.map_or_else(|| "more than 64".to_owned(), |runs| runs.to_string()),
        finds(5),
        finds(10),
    ]
}

fn swept(swept: &Swept) -> Findings {
    let rate = |rate: f64| words::Unit::PerSecond.say(rate);
    let good = human::brief(&human::share(swept.attain));
    let (tone, headline) = match swept.knee {
        Some(Knee::Between(kept, missed)) => {
            let (kept, missed) = (rate(kept), rate(missed));
            (Tone::Good, format!("It bears {kept}: at {missed} fewer than {good} are good."))
        }
        Some(Knee::AtLeast(kept)) => {
            (Tone::Good, format!("It bears {}, the most that was tried.", rate(kept)))
        }
        Some(Knee::Below(missed)) => {
            let missed = rate(missed);
            (Tone::Bad, format!("It does not bear {missed}, the least that was tried."))
        }
        Some(Knee::GeneratorLimit { kept, at }) => {
            let kept = kept.map_or_else(String::new, |kept| format!("; it bears {}", rate(kept)));
            let at = rate(at);
            (Tone::Doubt, format!("At {at} the generator is the limit, not the target{kept}."))
        }
        None => (Tone::Doubt, "The search was stopped before it came to its end.".to_owned()),
    };
    let (word, sign) = match tone {
        Tone::Good => ("FOUND", "✓"),
        Tone::Bad => ("BELOW", "×"),
        Tone::Doubt => ("INCONCLUSIVE", "?"),
    };
    Findings {
        standing: Standing { word, sign, tone },
        headline,
        reasons: Vec::new(),
        title: "Rates",
        note: format!(
            "kept where {good} of the answers are good; a miss counts when it is repeated"
        ),
        heads: &["Run", "rate", "good", "result"],
        rows: swept.stages.iter().enumerate().map(stage_row).collect(),
    }
}

fn stage_row((at, stage): (usize, &SweptStage)) -> Vec<String> {
    let good = stage.good_share.map(human::share);
    let result = match stage.result {
        StageResult::Kept => "✓ kept",
        StageResult::Missed => "× missed",
        StageResult::Invalid => "? does not count",
    };
    vec![
        format!("run {}", at + 1),
        words::Unit::PerSecond.say(stage.rate),
        good.unwrap_or_else(|| human::UNKNOWN.to_owned()),
        result.to_owned(),
    ]
}
