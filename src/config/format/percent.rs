//! `50%`
//!
//! Must not know: of what.

use super::{Format, Refusal};

/// A share, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::config) struct Percent(pub f64);

impl Format for Percent {
    const NAME: &'static str = "transom-percent";
    const NOUN: &'static str = "a percentage";
    const EXAMPLES: &'static [&'static str] = &["50%", "2.5%"];

    fn read(text: &str) -> Result<Self, Refusal> {
        let number = text.strip_suffix('%').ok_or(Refusal::Malformed)?.trim_end();
        if !number.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(Refusal::Malformed);
        }
        match number.parse::<f64>() {
            Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self(percent / 100.0)),
            Ok(_) => Err(Refusal::Because("must be 0% to 100%".to_owned())),
            Err(_) => Err(Refusal::Malformed),
        }
    }

    fn write(&self) -> String {
        format!("{}%", self.0 * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_have_a_sign_and_limits() {
        let read = |text| Percent::read(text).ok().map(|percent| percent.0);
        assert_eq!((read("50%"), read("2.5 %"), read("100%")), (Some(0.5), Some(0.025), Some(1.0)));
        for wrong in ["", "%", "50", "101%", "-1%", "+1%", "nan%", "inf%", "1.2.3%"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(Percent(0.5).write(), "50%");
    }
}
