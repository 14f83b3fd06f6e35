//! When each chunk of a stream came: a tick for each, what had come by then above them, and where
//! it stood still.
//!
//! Must not know: what is in the chunks.

use super::{Svg, at, escape, ruler};
use crate::human;

const WIDTH: f64 = 1_160.0;
const LEFT: f64 = 164.0;
const RIGHT: f64 = 92.0;
const HEIGHT: f64 = 132.0;
/// The curve lies between these.
const CURVE: (f64, f64) = (16.0, 70.0);
const TICKS: (f64, f64) = (78.0, 100.0);
/// A gap is shown when it is so many times the median, and long enough to be noticed.
const STALL: f64 = 8.0;
const NOTICED: f64 = 0.1;
/// Gaps that are marked.
const MOST_STALLS: usize = 12;

/// One chunk.
#[derive(Clone, Copy, Debug)]
pub(in crate::admin) struct Chunk {
    /// When it came, in seconds since the request was received.
    pub(in crate::admin) at: f64,
    /// Its length in bytes.
    pub(in crate::admin) bytes: u64,
    /// Whether it held generated output.
    pub(in crate::admin) generated: bool,
}

/// A picture, and what is said of it.
#[derive(Clone, Debug)]
pub(in crate::admin) struct Strip {
    /// The picture.
    pub(in crate::admin) svg: String,
    /// Gaps where it stood still, in the order of time: when, and for how long.
    pub(in crate::admin) stalls: Vec<(f64, f64)>,
    /// Between chunks of output, in seconds: median, 99th percentile, longest.
    pub(in crate::admin) gaps: Option<[f64; 3]>,
}

/// The chunks on the same axis as the waterfall's, over `total` seconds.
pub(in crate::admin) fn strip(chunks: &[Chunk], total: f64) -> Strip {
    let total = total.max(1e-6);
    let x = |seconds: f64| at(LEFT + (seconds / total).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT));
    let output: Vec<Chunk> = chunks.iter().copied().filter(|chunk| chunk.generated).collect();
    let mut gaps: Vec<f64> = output.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    let stalls = stalls(&output, &gaps);
    gaps.sort_by(f64::total_cmp);
    let of = |share: f64| gaps.get(((gaps.len().max(1) - 1) as f64 * share).round() as usize);
    let summary = of(0.5).zip(of(0.99)).zip(gaps.last()).map(|((a, b), c)| [*a, *b, *c]);
    let label = format!("{} chunks of output, {} stalls", output.len(), stalls.len());
    let mut svg = Svg::new("strip", (WIDTH, HEIGHT), &label);
    for mark in ruler::marks(total, 7) {
        svg.add(format_args!("<path class=\"grid\" d=\"M{} 0V{}\"/>", x(mark), TICKS.1));
    }
    for (from, lasts) in &stalls {
        let (left, right) = (x(*from), x(from + lasts));
        let text = escape(&format!("stalled {}", human::seconds(*lasts)));
        svg.add(format_args!(
            "<rect class=\"stall\" x=\"{left}\" y=\"0\" width=\"{}\" height=\"{}\"/>\
             <text class=\"stalled\" x=\"{}\" y=\"12\">{text}</text>",
            at(right - left),
            TICKS.1,
            left + 6.0
        ));
    }
    svg.add(format_args!(
        "<text class=\"name\" x=\"0\" y=\"48\">bytes, cumulative</text>\
         <text class=\"name\" x=\"0\" y=\"93\">chunks</text>{}{}{}",
        curve(&output, &x),
        ticks(chunks, &x),
        ends(&output, &x)
    ));
    Strip { svg: svg.end(), stalls, gaps: summary }
}

fn stalls(output: &[Chunk], gaps: &[f64]) -> Vec<(f64, f64)> {
    let mut sorted = gaps.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let least = (STALL * median).max(NOTICED);
    let mut found: Vec<_> = output
        .iter()
        .zip(gaps)
        .filter(|(_, gap)| **gap > least)
        .map(|(c, gap)| (c.at, *gap))
        .collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found.truncate(MOST_STALLS);
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found
}

/// What had come by then, as steps that are drawn as a line.
fn curve(output: &[Chunk], x: &impl Fn(f64) -> f64) -> String {
    let all: u64 = output.iter().map(|chunk| chunk.bytes).sum();
    let mut sum = 0;
    let points: Vec<String> = output
        .iter()
        .map(|chunk| {
            sum += chunk.bytes;
            let share = sum as f64 / all.max(1) as f64;
            format!("{} {}", x(chunk.at), at(CURVE.1 - share * (CURVE.1 - CURVE.0)))
        })
        .collect();
    if points.len() < 2 {
        String::new()
    } else {
        format!("<path class=\"line\" d=\"M{}\"/>", points.join("L"))
    }
}

/// One path for all ticks of a kind: a picture of a thousand chunks stays small.
fn ticks(chunks: &[Chunk], x: &impl Fn(f64) -> f64) -> String {
    let path = |generated: bool| -> String {
        let mut last = f64::NEG_INFINITY;
        let of_kind = chunks.iter().filter(|chunk| chunk.generated == generated);
        let places = of_kind.map(|chunk| x(chunk.at));
        // Two in the same place are one tick.
        let apart = places.filter(|x| {
            let is_new = x - last >= 0.5;
            if is_new {
                last = *x;
            }
            is_new
        });
        apart.map(|x| format!("M{x} {}V{}", TICKS.0, TICKS.1)).collect()
    };
    format!(
        "<path class=\"tick other\" d=\"{}\"/><path class=\"tick\" d=\"{}\"/>",
        path(false),
        path(true)
    )
}

fn ends(output: &[Chunk], x: &impl Fn(f64) -> f64) -> String {
    let (Some(first), Some(last)) = (output.first(), output.last()) else { return String::new() };
    let said = |name: &str, seconds: f64| format!("{name} {}", human::seconds(seconds));
    format!(
        "<text class=\"mark\" x=\"{}\" y=\"118\">{}</text>\
         <text class=\"mark\" x=\"{}\" y=\"118\" text-anchor=\"end\">{}</text>",
        x(first.at),
        said("first output", first.at),
        (x(last.at) + RIGHT).min(WIDTH),
        said("last", last.at)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(at: f64) -> Chunk {
        Chunk { at, bytes: 10, generated: true }
    }

    #[test]
    fn where_a_stream_stands_still_is_marked() {
        let mut chunks: Vec<_> = (0..20).map(|n| chunk(1.0 + f64::from(n) * 0.02)).collect();
        chunks.extend((0..20).map(|n| chunk(2.0 + f64::from(n) * 0.02)));
        let strip = strip(&chunks, 3.0);
        assert_eq!(strip.stalls.len(), 1);
        let (from, lasts) = strip.stalls[0];
        assert!((from - 1.38).abs() < 1e-9 && (lasts - 0.62).abs() < 1e-9);
        assert!(strip.svg.contains("stalled 620 ms"), "{}", strip.svg);
        let [median, _, longest] = strip.gaps.unwrap();
        assert!((median - 0.02).abs() < 1e-6 && (longest - 0.62).abs() < 1e-6);
    }

    #[test]
    fn no_chunks_make_no_figures() {
        let strip = strip(&[], 1.0);
        assert!(strip.gaps.is_none() && strip.stalls.is_empty());
    }
}
