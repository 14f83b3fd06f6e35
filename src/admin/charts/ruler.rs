//! Where round numbers lie on an axis of time.
//!
//! Must not know: what lies along it.

/// Marks from 0 up to `span` seconds, at most `most` of them: multiples of 1, 2 or 5 times a power
/// of ten, and from a minute on of minutes and hours.
pub(super) fn marks(span: f64, most: usize) -> Vec<f64> {
    if !span.is_finite() || span <= 0.0 {
        return vec![0.0];
    }
    let least = span / most.max(1) as f64;
    let step = step(least);
    let count = (span / step).floor() as usize;
    // Without the digits that binary fractions add.
    let plain = |mark: f64| (mark * 1e9).round() / 1e9;
    (0..=count.min(most)).map(|number| plain(number as f64 * step)).collect()
}

fn step(least: f64) -> f64 {
    const LONG: [f64; 10] =
        [60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 7_200.0, 21_600.0, 43_200.0, 86_400.0];
    if least > 30.0 {
        let days = (least / 86_400.0).ceil().max(1.0) * 86_400.0;
        return LONG.into_iter().find(|step| *step >= least).unwrap_or(days);
    }
    let power = 10_f64.powi(least.log10().floor() as i32);
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|one| one * power)
        .find(|step| *step >= least)
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_few() {
        assert_eq!(marks(6.2, 7), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(marks(0.45, 5), [0.0, 0.1, 0.2, 0.3, 0.4]);
        assert_eq!(marks(3_600.0, 4), [0.0, 1_800.0, 3_600.0]);
        assert_eq!(marks(0.0, 5), [0.0]);
    }
}
