//! What can be wrong with the rules of a redaction.
//!
//! Must not know: where a rule was written.

use std::fmt;

/// A rule that cannot be followed. Its `Display` is fit for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRule {
    /// The rule's name, as it was given.
    pub rule: String,
    /// What is wrong with it.
    pub why: BadRuleReason,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadRuleReason {
    /// The name is not 1 to 64 letters, digits, `_` and `-`.
    Name,
    /// The name is taken, by another rule or by a known pattern.
    NameTaken,
    /// The regular expression cannot be read; the reason of the `regex` crate.
    Pattern(String),
    /// The regular expression takes too much memory.
    PatternTooLarge,
    /// The regular expression matches the empty text, and so everywhere.
    MatchesNothing,
    /// Not a JSON pointer (RFC 6901).
    Pointer(&'static str),
    /// There are more rules than that.
    TooMany(usize),
}

impl fmt::Display for BadRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule `{}`: {}", self.rule, self.why)
    }
}

impl fmt::Display for BadRuleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("a name has 1 to 64 letters, digits, `_` and `-`"),
            Self::NameTaken => f.write_str("the name is taken"),
            Self::Pattern(why) => write!(f, "not a regular expression: {why}"),
            Self::PatternTooLarge => f.write_str("the regular expression is too large"),
            Self::MatchesNothing => {
                f.write_str("the regular expression matches the empty text, and so everywhere")
            }
            Self::Pointer(why) => write!(f, "not a JSON pointer: {why}"),
            Self::TooMany(most) => write!(f, "there are more than {most} rules"),
        }
    }
}

impl std::error::Error for BadRule {}
