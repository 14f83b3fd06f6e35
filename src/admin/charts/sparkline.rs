//! How a figure went, without axes.
//!
//! Must not know: what the figure is.

use super::{Svg, at};

const WIDTH: f64 = 100.0;
const HEIGHT: f64 = 24.0;
/// Room for the stroke.
const EDGE: f64 = 1.5;

/// A line with the area below it; `None` is a gap. From 0 unless `floor` says otherwise.
pub(in crate::admin) fn sparkline(
    points: &[Option<f64>],
    floor: Option<f64>,
    label: &str,
) -> String {
    let mut svg = Svg::new("spark", (WIDTH, HEIGHT), label);
    let known = points.iter().flatten().copied().filter(|value| value.is_finite());
    let high = known.clone().fold(f64::NEG_INFINITY, f64::max);
    let low = floor.unwrap_or(0.0).min(known.fold(f64::INFINITY, f64::min));
    let span = if high > low { high - low } else { 1.0 };
    let step = WIDTH / (points.len().max(2) - 1) as f64;
    let place = |(index, value): (usize, f64)| {
        let y = HEIGHT - EDGE - (value - low) / span * (HEIGHT - 2.0 * EDGE);
        (at(index as f64 * step), at(y))
    };
    for run in runs(points) {
        let places: Vec<_> = run.into_iter().map(place).collect();
        let (Some((first, y)), Some((last, _))) = (places.first(), places.last()) else { continue };
        if places.len() == 1 {
            svg.add(format_args!("<circle class=\"dot\" cx=\"{first}\" cy=\"{y}\" r=\"1.2\"/>"));
            continue;
        }
        let path: Vec<String> = places.iter().map(|(x, y)| format!("{x} {y}")).collect();
        let path = path.join("L");
        svg.add(format_args!(
            "<path class=\"area\" d=\"M{first} {HEIGHT}L{path}L{last} {HEIGHT}Z\"/>\
             <path class=\"line\" d=\"M{path}\"/>"
        ));
    }
    svg.end()
}

/// Neighbours that are known.
fn runs(points: &[Option<f64>]) -> Vec<Vec<(usize, f64)>> {
    let mut runs = vec![Vec::new()];
    for (index, point) in points.iter().enumerate() {
        match point.filter(|value| value.is_finite()) {
            Some(value) => {
                if let Some(run) = runs.last_mut() {
                    run.push((index, value));
                }
            }
            None if runs.last().is_some_and(|run| !run.is_empty()) => runs.push(Vec::new()),
            None => {}
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_a_gap_and_not_a_zero() {
        let svg = sparkline(&[Some(1.0), Some(3.0), None, Some(2.0), Some(2.5)], None, "p95");
        assert_eq!(svg.matches("class=\"line\"").count(), 2, "{svg}");
        assert!(svg.contains("M0 15.5L25 1.5"), "{svg}");
    }

    #[test]
    fn nothing_known_is_an_empty_picture() {
        assert!(!sparkline(&[None, Some(f64::NAN), None], None, "x").contains("path"));
        assert!(sparkline(&[Some(1.0)], None, "x").contains("circle"));
    }
}
