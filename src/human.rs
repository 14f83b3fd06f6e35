//! Numbers as people read them: three digits that count, and a unit.
//!
//! Must not know: what a number is of. What is no number is a dash.

/// What was not measured.
pub const UNKNOWN: &str = "–";

/// A span of time of so many seconds: `840 µs`, `18.4 ms`, `1.84 s`, `2 min 05 s`.
pub fn seconds(value: f64) -> String {
    if !value.is_finite() {
        return unbounded(value);
    }
    let size = value.abs();
    if size >= 59.95 {
        return format!("{}{}", sign(value), long(size));
    }
    // A unit begins where the one below would round up to 1000 of its own.
    match size {
        0.0 => "0 s".to_owned(),
        _ if size < 0.000_999_5 => format!("{} µs", significant(value * 1e6)),
        _ if size < 0.999_5 => format!("{} ms", significant(value * 1e3)),
        _ => format!("{} s", significant(value)),
    }
}

/// A number without a unit: `0.912`, `41.2`, `6.91k`.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return unbounded(value);
    }
    match value.abs() {
        size if size < 999.5 => significant(value),
        size if size < 999_500.0 => format!("{}k", significant(value / 1e3)),
        size if size < 999.5e6 => format!("{}M", significant(value / 1e6)),
        size if size < 999.5e9 => format!("{}G", significant(value / 1e9)),
        _ => format!("{value:.2e}"),
    }
}

/// A whole number with its thousands apart: `3,000`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many bytes: `840 B`, `2.10 GB`; a kilobyte is a thousand of them.
pub fn bytes(value: u64) -> String {
    let value = value as f64;
    match value {
        _ if value < 999.5 => format!("{value} B"),
        _ if value < 999_500.0 => format!("{} kB", significant(value / 1e3)),
        _ if value < 999.5e6 => format!("{} MB", significant(value / 1e6)),
        _ if value < 999.5e9 => format!("{} GB", significant(value / 1e9)),
        _ => format!("{} TB", significant(value / 1e12)),
    }
}

/// An amount of money: `$0.42`, `$1.20k`; less than a cent is said so.
pub fn dollars(value: f64) -> String {
    match value {
        _ if !value.is_finite() => unbounded(value),
        0.0 => "$0".to_owned(),
        _ if value < 0.01 => "< $0.01".to_owned(),
        _ if value < 1.0 => format!("${value:.2}"),
        _ => format!("${}", number(value)),
    }
}

/// A share of 1 as a percentage: `0.7 %`.
pub fn share(value: f64) -> String {
    if value.is_finite() { format!("{} %", percent(value * 100.0)) } else { unbounded(value) }
}

/// A ratio as the change that it is: 1.061 is `+6.1 %`.
pub fn change(ratio: f64) -> String {
    points(ratio - 1.0, " %")
}

/// A difference of shares: 0.012 is `+1.2 pp`, percentage points.
pub fn share_difference(value: f64) -> String {
    points(value, " pp")
}

/// A difference of spans of time, with its sign.
pub fn seconds_difference(value: f64) -> String {
    if value > 0.0 { format!("+{}", seconds(value)) } else { seconds(value) }
}

/// A difference of numbers, with its sign.
pub fn number_difference(value: f64) -> String {
    if value > 0.0 { format!("+{}", number(value)) } else { number(value) }
}

/// A factor: `1.05×`.
pub fn factor(value: f64) -> String {
    if !value.is_finite() {
        return unbounded(value);
    }
    format!("{}×", significant(value))
}

/// Without the zeros behind a point that only keep columns even: for marks, margins and prose.
pub fn brief(text: &str) -> String {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && !"+−.".contains(letter));
    let (digits, unit) = text.split_at(end.unwrap_or(text.len()));
    format!("{}{unit}", trimmed(digits))
}

/// A probability: `0.016`, `< 0.001`.
pub fn probability(value: f64) -> String {
    match value {
        _ if !value.is_finite() => UNKNOWN.to_owned(),
        _ if value < 0.001 => "< 0.001".to_owned(),
        _ if value < 0.1 => format!("{value:.3}"),
        _ => format!("{value:.2}"),
    }
}

/// All digits there are, for whoever wants to know exactly.
pub fn exact(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { unbounded(value) }
}

fn points(share: f64, unit: &str) -> String {
    if !share.is_finite() {
        return unbounded(share);
    }
    let text = percent(share * 100.0);
    let plus = if share > 0.0 && text != "0" { "+" } else { "" };
    format!("{plus}{text}{unit}")
}

/// One decimal, two below one; none from a hundred on, in front of a percent sign.
fn percent(value: f64) -> String {
    let text = match value.abs() {
        size if size < 0.005 => "0".to_owned(),
        size if size < 0.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        size if size < 1e9 => format!("{value:.0}"),
        _ => format!("{value:.1e}"),
    };
    minus(&text)
}

/// Three digits that count.
fn significant(value: f64) -> String {
    let text = match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.001 => format!("{value:.1e}"),
        size if size < 0.999_5 => format!("{value:.3}"),
        size if size < 9.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    minus(&text)
}

fn long(seconds: f64) -> String {
    // From here on nobody counts: 31,000 years.
    let whole = seconds.min(1e12).round() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes, rest) {
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, rest) => format!("{minutes} min {rest:02} s"),
        (hours, 0, _) => format!("{} h", count(hours)),
        (hours, minutes, _) => format!("{} h {minutes:02} min", count(hours)),
    }
}

fn sign(value: f64) -> &'static str {
    if value < 0.0 { "−" } else { "" }
}

/// With the sign that is as wide as a plus.
fn minus(text: &str) -> String {
    text.strip_prefix('-').map_or_else(|| text.to_owned(), |digits| format!("−{digits}"))
}

fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

fn unbounded(value: f64) -> String {
    match value {
        f64::INFINITY => "∞",
        f64::NEG_INFINITY => "−∞",
        _ => UNKNOWN,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_have_three_digits_and_the_unit_that_suits() {
        let said = [
            (0.0, "0 s"),
            (0.000_000_4, "0.400 µs"),
            (0.000_84, "840 µs"),
            (0.000_999_9, "1.00 ms"),
            (0.018_4, "18.4 ms"),
            (0.25, "250 ms"),
            (0.999_6, "1.00 s"),
            (1.844, "1.84 s"),
            (59.94, "59.9 s"),
            (59.96, "1 min"),
            (125.0, "2 min 05 s"),
            (7320.0, "2 h 02 min"),
            (-0.5, "−500 ms"),
            (f64::NAN, "–"),
            (f64::INFINITY, "∞"),
        ];
        for (value, text) in said {
            assert_eq!(seconds(value), text, "{value}");
        }
    }

    #[test]
    fn numbers_are_short_and_counts_are_whole() {
        assert_eq!(number(0.0), "0");
        assert_eq!(number(41.23), "41.2");
        assert_eq!(number(6912.0), "6.91k");
        assert_eq!(number(999_700.0), "1.00M");
        assert_eq!(number(f64::MAX), format!("{:.2e}", f64::MAX));
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(3_000), "3,000");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn changes_have_a_sign_and_no_false_precision() {
        assert_eq!(change(1.0612), "+6.1 %");
        assert_eq!(change(0.97), "−3.0 %");
        assert_eq!(change(1.0), "0 %");
        assert_eq!(change(1.000_001), "0 %");
        assert_eq!(change(0.999_999), "0 %");
        assert_eq!(change(3.5), "+250 %");
        assert_eq!(share_difference(0.0041), "+0.41 pp");
        assert_eq!(seconds_difference(0.02), "+20.0 ms");
        assert_eq!(share(0.012), "1.2 %");
        assert_eq!(share(0.000_04), "0 %");
        assert_eq!(factor(1.05), "1.05×");
    }

    #[test]
    fn zeros_that_keep_columns_even_can_be_left_out() {
        let short = ["1.50 s", "2.00 s", "200 ms", "5.0 %", "−10.0 %", "1.00×", "0.400 µs", "–"];
        let short = short.map(brief);
        assert_eq!(short, ["1.5 s", "2 s", "200 ms", "5 %", "−10 %", "1×", "0.4 µs", "–"]);
    }

    #[test]
    fn small_probabilities_are_never_nought() {
        assert_eq!(probability(0.0), "< 0.001");
        assert_eq!(probability(0.0159), "0.016");
        assert_eq!(probability(0.254), "0.25");
        assert_eq!(probability(1.0), "1.00");
    }
}
