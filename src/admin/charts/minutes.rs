//! An hour of attempts at an endpoint, a column a minute: what was answered grows from the
//! bottom, what failed hangs from the top and is narrower, so that shape tells as much as colour.
//!
//! Must not know: when a minute is good enough.

use super::{Svg, at};
use crate::history::endpoints::Ended;

const COLUMN: f64 = 4.0;
const HEIGHT: f64 = 24.0;
/// Room between columns.
const GAP: f64 = 1.0;
/// How much narrower a failure is, on each side.
const INSET: f64 = 0.5;
/// The least that is seen of a few failures among many attempts.
const LEAST: f64 = 4.0;

/// The picture of these minutes, the last one in progress; `of` is whose they are.
pub(in crate::admin) fn minutes(minutes: &[Ended], of: &str) -> String {
    let width = minutes.len() as f64 * COLUMN;
    let mut svg = Svg::new("minutes", (width, HEIGHT), &words(minutes, of));
    let (mut answered, mut quiet) = (String::new(), String::new());
    let base = HEIGHT - 1.0;
    for (x, ended) in columns(minutes) {
        let Some(failed) = ended.failed_share() else {
            quiet.push_str(&format!("M{x} {base}h{}", COLUMN - GAP));
            continue;
        };
        let high = (1.0 - failed) * HEIGHT;
        if high > 0.0 {
            let high = at(high.max(LEAST));
            answered.push_str(&format!("M{x} {HEIGHT}v-{high}h{}v{high}z", COLUMN - GAP));
        }
    }
    svg.add(format_args!(
        "<path class=\"quiet\" d=\"{quiet}\"/><path class=\"answered\" d=\"{answered}\"/>"
    ));
    let last = minutes.len().saturating_sub(1);
    for (index, (x, ended)) in columns(minutes).enumerate() {
        let Some(share) = ended.failed_share().filter(|_| ended.failed > 0) else { continue };
        let ago = match last - index {
            0 => "this minute".to_owned(),
            1 => "a minute ago".to_owned(),
            ago => format!("{ago} minutes ago"),
        };
        svg.add(format_args!(
            "<rect class=\"failed\" x=\"{}\" y=\"0\" width=\"{}\" height=\"{}\"><title>{ago}: {} \
             answered, {} failed</title></rect>",
            x + INSET,
            COLUMN - GAP - 2.0 * INSET,
            at((share * HEIGHT).max(LEAST)),
            ended.answered,
            ended.failed
        ));
    }
    svg.end()
}

fn columns(minutes: &[Ended]) -> impl Iterator<Item = (f64, &Ended)> {
    minutes.iter().zip(0_u32..).map(|(ended, index)| (f64::from(index) * COLUMN, ended))
}

/// What is seen, for those who do not.
fn words(minutes: &[Ended], of: &str) -> String {
    let count = |fits: &dyn Fn(&Ended) -> bool| minutes.iter().filter(|ended| fits(ended)).count();
    let good = count(&|ended| ended.answered > 0 && ended.failed == 0);
    let partly = count(&|ended| ended.answered > 0 && ended.failed > 0);
    let bad = count(&|ended| ended.answered == 0 && ended.failed > 0);
    let quiet = minutes.len() - good - partly - bad;
    format!(
        "{of}, the last {} minutes: {good} without a failure, {partly} with some, {bad} with \
         nothing else, {quiet} without traffic",
        minutes.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_seen_by_its_shape_and_told_in_words() {
        let ended = |answered, failed| Ended { answered, failed };
        let hour = [ended(9, 0), ended(0, 0), ended(999, 1), ended(0, 3)];
        let svg = minutes(&hour, "http://h");
        assert_eq!(svg.matches("class=\"failed\"").count(), 2);
        assert!(svg.contains("1 without a failure, 1 with some, 1 with nothing else, 1 without"));
        assert!(svg.contains("a minute ago: 999 answered, 1 failed"), "{svg}");
        assert!(svg.contains("height=\"4\"") && svg.contains("height=\"24\""), "{svg}");
    }
}
