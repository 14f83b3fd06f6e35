//! The rungs: in which ways two answers to one request can differ.
//!
//! Must not know: which answers are compared, or how many.

use super::features::{Call, Features, Said};

/// A way in which two answers can differ, the coarsest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A good status became another one. The other way round it is no loss.
    Status,
    /// The names and kinds of a JSON text; between requests that some run answered with one.
    Structure,
    /// Tool calls, argument by argument; between requests that some run answered with one.
    Tools,
    /// The finish reason.
    Finish,
    /// The length; as a ratio.
    Length,
    /// The text and the tool calls of all choices, to the letter.
    Text,
    /// Runs of three words.
    Similarity,
}

/// A shorter answer counts at most as a quarter, a longer one at most as four times as long,
/// so that an empty answer does not outweigh all others.
const LARGEST_LOG_RATIO: f64 = 2.0 * std::f64::consts::LN_2;

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Status,
        Self::Structure,
        Self::Tools,
        Self::Finish,
        Self::Length,
        Self::Text,
        Self::Similarity,
    ];

    /// As it is called in a comparison.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Structure => "structure",
            Self::Tools => "tools",
            Self::Finish => "finish",
            Self::Length => "length",
            Self::Text => "text",
            Self::Similarity => "similarity",
        }
    }

    /// Whether the request says anything here. All answers are looked at, whichever arm they
    /// are of: a choice by one arm's answers would make a difference where there is none.
    pub fn applies(self, answers: &[&Features]) -> bool {
        let any = |has: fn(&Said) -> bool| {
            answers.iter().filter_map(|answer| answer.said.as_ref()).any(has)
        };
        match self {
            Self::Structure => any(|said| said.structure.is_some()),
            Self::Tools => any(|said| !said.calls.is_empty()),
            _ => true,
        }
    }

    /// How much `other` differs from `reference`: 0 not at all, 1 altogether.
    pub fn distance(self, reference: &Features, other: &Features) -> f64 {
        let differs = |is: bool| f64::from(u8::from(is));
        if self == Self::Status {
            return differs(reference.is_good() && reference.status != other.status);
        }
        let (Some(x), Some(y)) = (&reference.said, &other.said) else { return 0.0 };
        match self {
            Self::Status => 0.0,
            Self::Structure => differs(x.structure != y.structure),
            Self::Tools => calls_apart(&x.calls, &y.calls),
            Self::Finish => differs(x.finish != y.finish),
            Self::Length => 1.0 - (-log_ratio(x, y).abs()).exp(),
            Self::Text => differs(x.digest != y.digest),
            Self::Similarity => x.shingles.distance(&y.shingles),
        }
    }

    /// What is tested: the distance, but of lengths the logarithm of their ratio. Lengths that
    /// vary anyway differ hardly more when all of them grow by a tenth, but their mean does.
    pub fn score(self, reference: &Features, other: &Features) -> f64 {
        match (self, &reference.said, &other.said) {
            (Self::Length, Some(x), Some(y)) => log_ratio(x, y),
            _ => self.distance(reference, other),
        }
    }

    /// How much of a difference an excess is: a length may change either way, all else only
    /// gets worse.
    pub const fn size(self, excess: f64) -> f64 {
        if matches!(self, Self::Length) { excess.abs() } else { excess }
    }

    /// The largest score there is.
    pub const fn largest(self) -> f64 {
        if matches!(self, Self::Length) { LARGEST_LOG_RATIO } else { 1.0 }
    }
}

/// One is added to both, because answers may be empty.
fn log_ratio(x: &Said, y: &Said) -> f64 {
    let log = |said: &Said| (said.length as f64).ln_1p();
    (log(y) - log(x)).clamp(-LARGEST_LOG_RATIO, LARGEST_LOG_RATIO)
}

/// The share of calls that have no counterpart, and of the others' arguments that differ.
/// Calls in parallel have no order: each is held against the nearest one of the same name.
fn calls_apart(x: &[Call], y: &[Call]) -> f64 {
    let most = x.len().max(y.len());
    if most == 0 {
        return 0.0;
    }
    let mut left: Vec<&Call> = y.iter().collect();
    let mut apart = (most - x.len()) as f64;
    for call in x {
        let distances = left.iter().enumerate().filter(|(_, one)| one.name == call.name);
        let distances = distances.map(|(at, one)| (at, arguments_apart(call, one)));
        match distances.min_by(|(_, near), (_, far)| near.total_cmp(far)) {
            Some((at, distance)) => {
                left.swap_remove(at);
                apart += distance;
            }
            None => apart += 1.0,
        }
    }
    (apart / most as f64).min(1.0)
}

/// The share of the arguments of both that only one has, or that have other values.
fn arguments_apart(x: &Call, y: &Call) -> f64 {
    let in_y = |name: &str| y.arguments.iter().any(|(other, _)| other == name);
    let only_y = y.arguments.len() - x.arguments.iter().filter(|(name, _)| in_y(name)).count();
    let same = x.arguments.iter().filter(|argument| y.arguments.contains(argument)).count();
    let all = x.arguments.len() + only_y;
    if all == 0 { 0.0 } else { (all - same) as f64 / all as f64 }
}
