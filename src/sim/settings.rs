//! How the simulated model behaves, validated; each value reads its own command-line form.
//!
//! Must not know: flag names, where a value was written, or how it is carried out.

use crate::sim::Spread;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct SimSettings {
    /// Where to listen, for whoever binds the listener given to [`crate::sim::serve`].
    pub listen: SocketAddr,
    /// The models served; any other name is answered 404.
    pub models: Vec<ModelName>,
    /// Time from the end of the request to the first token (for embeddings: to the answer).
    pub ttft: Spread,
    /// Time between two tokens.
    pub itl: Spread,
    /// Length of an answer that no `max_tokens` cuts.
    pub tokens: TokenCount,
    /// Share of inference requests answered 500.
    pub error_rate: Percent,
    /// What befalls every inference answer half-way.
    pub fault: Fault,
    /// Inference requests let through per second; none means all.
    pub rate_limit: Option<RateLimit>,
    /// Equal seeds give equal words, latencies and injected errors.
    pub seed: u64,
}

/// A model id: 1 to 256 characters, none of them white space or a control character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelName(Box<str>);

/// A number of tokens, drawn evenly from an inclusive range within 1 to [`TokenCount::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenCount {
    least: u64,
    most: u64,
}

/// 0 to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Percent(f64);

/// Requests per second, 1 to [`RateLimit::MAX`]; a burst of one second's worth is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit(NonZeroU32);

/// How an answer goes wrong after half of its tokens (or of its body, when not streamed).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// It does not.
    #[default]
    None,
    /// The connection closes before the end: no last chunk, or short of `Content-Length`.
    Truncate,
    /// Silence, until the client leaves or the server stops.
    Stall,
    /// A TCP RST. Over HTTP/2 it takes the other streams of the connection along.
    Reset,
    /// JSON broken off in the middle, then a clean end without `[DONE]`.
    Malformed,
    /// `data: {"error": …}`, then a clean end without `[DONE]`; 500 when not streamed.
    ErrorEvent,
}

/// A text that is not a value of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {wanted}")]
pub struct SettingError {
    given: Box<str>,
    wanted: &'static str,
}

impl SettingError {
    pub(super) fn new(given: &str, wanted: &'static str) -> Self {
        Self { given: given.into(), wanted }
    }
}

impl Default for SimSettings {
    /// A small, quick, faultless model on a free port.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            models: vec![ModelName("sim-small".into())],
            ttft: Spread::around(Duration::from_millis(200)),
            itl: Spread::around(Duration::from_millis(20)),
            tokens: TokenCount { least: 20, most: 80 },
            error_rate: Percent::default(),
            fault: Fault::None,
            rate_limit: None,
            seed: 1,
        }
    }
}

impl ModelName {
    /// The name as it stands in requests.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ModelName {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        let fits = (1..=256).contains(&text.chars().count());
        if fits && !text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Ok(Self(text.into()));
        }
        Err(SettingError::new(text, "a model name: 1 to 256 characters without white space"))
    }
}

impl TokenCount {
    /// The longest answer there is.
    pub const MAX: u64 = 1_000_000;

    pub(super) fn draw(self, rng: &mut fastrand::Rng) -> u64 {
        rng.u64(self.least..=self.most)
    }
}

impl FromStr for TokenCount {
    type Err = SettingError;

    /// `N`, or `A..B` with both ends included.
    fn from_str(text: &str) -> Result<Self, SettingError> {
        let read = |number: &str| number.trim().parse().ok();
        let range = match text.split_once("..") {
            Some((least, most)) => read(least).zip(read(most)),
            None => read(text).map(|exact| (exact, exact)),
        };
        match range {
            Some((least, most)) if 1 <= least && least <= most && most <= Self::MAX => {
                Ok(Self { least, most })
            }
            _ => Err(SettingError::new(
                text,
                "a number of tokens: `50`, or a range as `20..80`, within 1 to 1000000",
            )),
        }
    }
}

impl fmt::Display for TokenCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { least, most } = self;
        if least == most { write!(f, "{least}") } else { write!(f, "{least}..{most}") }
    }
}

impl Percent {
    /// Whether the event of this likelihood happens this time.
    pub(super) fn strikes(self, rng: &mut fastrand::Rng) -> bool {
        rng.f64() * 100.0 < self.0
    }
}

impl FromStr for Percent {
    type Err = SettingError;

    /// `2`, `0.5` or `2%`.
    fn from_str(text: &str) -> Result<Self, SettingError> {
        let number = text.strip_suffix('%').unwrap_or(text).trim().parse().ok();
        number
            .filter(|percent| (0.0..=100.0).contains(percent))
            .map(Self)
            .ok_or_else(|| SettingError::new(text, "a percentage: 0 to 100, as `2` or `0.5`"))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl RateLimit {
    /// The highest limit there is.
    pub const MAX: u32 = 1_000_000;

    /// Requests per second.
    pub const fn per_second(self) -> u32 {
        self.0.get()
    }
}

impl FromStr for RateLimit {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        let limit: Option<NonZeroU32> = text.trim().parse().ok();
        limit.filter(|limit| limit.get() <= Self::MAX).map(Self).ok_or_else(|| {
            SettingError::new(text, "a rate limit: whole requests per second, 1 to 1000000")
        })
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 6] =
        [Self::None, Self::Truncate, Self::Stall, Self::Reset, Self::Malformed, Self::ErrorEvent];

    /// The name on the command line and in `x-sim-fault`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Truncate => "truncate",
            Self::Stall => "stall",
            Self::Reset => "reset",
            Self::Malformed => "malformed",
            Self::ErrorEvent => "error-event",
        }
    }
}

impl FromStr for Fault {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        Self::ALL.into_iter().find(|fault| fault.name() == text).ok_or_else(|| {
            SettingError::new(
                text,
                "a fault: none, truncate, stall, reset, malformed or error-event",
            )
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_back_as_they_are_shown() {
        for text in ["1", "20..80", "1000000"] {
            assert_eq!(text.parse::<TokenCount>().unwrap().to_string(), text);
        }
        for fault in Fault::ALL {
            assert_eq!(fault.to_string().parse(), Ok(fault));
        }
        assert_eq!("2%".parse::<Percent>().unwrap().to_string(), "2");
        assert_eq!("0.5".parse::<Percent>().unwrap().to_string(), "0.5");
        assert_eq!("50".parse::<RateLimit>().unwrap().per_second(), 50);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_text_and_the_grammar() {
        for bad in ["", "0", "9..3", "1000001", "-1", "2.5"] {
            let error = bad.parse::<TokenCount>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{bad}` is not a number of tokens")), "{error}");
        }
        assert!(["", "-1", "101", "NaN", "x"].iter().all(|bad| bad.parse::<Percent>().is_err()));
        assert!(["0", "-1", "1.5", "1000001"].iter().all(|bad| bad.parse::<RateLimit>().is_err()));
        assert!(["", "a b", "a\n"].iter().all(|bad| bad.parse::<ModelName>().is_err()));
        assert!("explode".parse::<Fault>().unwrap_err().to_string().contains("truncate, stall"));
    }

    #[test]
    fn a_percentage_strikes_about_as_often_as_it_says() {
        let mut rng = fastrand::Rng::with_seed(3);
        let quarter: Percent = "25".parse().unwrap();
        let struck = (0..10_000).filter(|_| quarter.strikes(&mut rng)).count();
        assert!((2_300..2_700).contains(&struck), "{struck}");
        assert!((0..1000).all(|_| !Percent(0.0).strikes(&mut rng)));
        assert!((0..1000).all(|_| Percent(100.0).strikes(&mut rng)));
    }
}
