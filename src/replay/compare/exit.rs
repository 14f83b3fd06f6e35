//! Exit codes, the same for every command that judges.
//!
//! Must not know: what was judged.

use crate::replay::Verdict;

/// How a command that judges ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Nothing speaks against it: improved or equivalent.
    Ok = 0,
    /// Worse, beyond the noise.
    Regressed = 1,
    /// The runs cannot tell.
    Inconclusive = 2,
    /// The runs do not count.
    Invalid = 3,
    /// It was called in a wrong way.
    Usage = 4,
}

impl Exit {
    /// The code of the process.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Improved | Verdict::Equivalent => Self::Ok,
            Verdict::Regressed => Self::Regressed,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::Invalid => Self::Invalid,
        }
    }
}

impl Verdict {
    /// The exit code that says the same: 0 ok, 1 regressed, 2 inconclusive, 3 invalid.
    pub fn exit_code(self) -> u8 {
        Exit::from(self).code()
    }
}
