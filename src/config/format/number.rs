//! Decimal numbers with a unit, such as `1.5s` and `32MiB`, without rounding.
//!
//! Must not know: what the units measure.

/// `text` in the smallest of `units` (each with its factor); `None` when it is no such
/// number. Digits beyond the smallest unit are dropped.
pub(super) fn read(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    let factor = u128::from(*factor);
    let (whole, fraction) = match number.split_once('.') {
        Some((_, "")) => return None,
        Some(split) => split,
        None => (number, "0"),
    };
    let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let whole = whole.parse::<u64>().ok().map(u128::from)?.checked_mul(factor)?;
    let fraction = fraction.parse::<u64>().ok().map(u128::from)?.checked_mul(factor)? / scale;
    u64::try_from(whole.checked_add(fraction)?).ok()
}

/// `amount` in the largest of `units` (ascending) that divides it.
pub(super) fn write(amount: u64, units: &[(&str, u64)]) -> String {
    let fits = |(_, factor): &&(&str, u64)| amount > 0 && amount.is_multiple_of(*factor);
    match units.iter().rev().find(fits) {
        Some((name, factor)) => format!("{}{name}", amount / factor),
        None => format!("0{}", units.first().map_or("", |(name, _)| name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: &[(&str, u64)] = &[("", 1), ("k", 1000), ("M", 1_000_000)];

    #[test]
    fn a_number_is_read_without_rounding() {
        assert_eq!(read("1.5k", UNITS), Some(1500));
        assert_eq!(read("0.000001M", UNITS), Some(1));
        assert_eq!(read("18446744073709551615", UNITS), Some(u64::MAX));
    }

    #[test]
    fn what_is_no_number_with_a_known_unit_is_refused() {
        let wrong = [
            "",
            "k",
            "1.",
            ".5k",
            "1.2.3k",
            "-1",
            "+1",
            "1e3",
            "1kk",
            "1 k k",
            "18446744073709551616",
        ];
        for text in wrong {
            assert_eq!(read(text, UNITS), None, "{text}");
        }
    }

    #[test]
    fn a_number_is_written_in_its_largest_unit() {
        assert_eq!(write(1500, UNITS), "1500");
        assert_eq!(write(2_000_000, UNITS), "2M");
        assert_eq!(write(0, UNITS), "0");
    }
}
