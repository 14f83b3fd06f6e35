//! What was left of an error budget over its period, and when it is gone if things go on so.
//!
//! Must not know: how a budget is reckoned.

use super::{Svg, at, escape};

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 48.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 24.0;
const BASE: f64 = 172.0;

/// What was left at one time.
#[derive(Clone, Copy, Debug)]
pub(in crate::admin) struct BudgetPoint {
    /// Where in the period, from 0 to 1.
    pub(in crate::admin) at: f64,
    /// The share that was left; below 0 when more was spent than there was.
    pub(in crate::admin) left: f64,
}

/// The curve up to now, and where it leads. `gone` is where in the period it will be spent, with
/// what to say of that; `ends` are the words below the beginning and the end.
pub(in crate::admin) fn burn_down(
    points: &[BudgetPoint],
    gone: Option<(f64, &str)>,
    ends: (&str, &str),
) -> String {
    let x = |share: f64| at(LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT));
    let y = |left: f64| at(BASE - left.clamp(0.0, 1.0) * (BASE - TOP));
    let now = points.last();
    let said = now.map_or_else(|| "unknown".to_owned(), |now| percent(now.left));
    let mut svg = Svg::new("burn", (WIDTH, HEIGHT), &format!("error budget left: {said}"));
    svg.add(format_args!(
        "<text class=\"mark\" x=\"{0}\" y=\"{1}\" text-anchor=\"end\">100 %</text>\
         <text class=\"mark\" x=\"{0}\" y=\"{2}\" text-anchor=\"end\">0</text>\
         <path class=\"even\" d=\"M{3} {4}L{5} {6}\"/>",
        LEFT - 6.0,
        TOP + 4.0,
        BASE + 4.0,
        x(0.0),
        y(1.0),
        x(1.0),
        y(0.0)
    ));
    let path: Vec<_> = points.iter().map(|p| format!("{} {}", x(p.at), y(p.left))).collect();
    if let (Some(first), Some(now), false) = (points.first(), now, path.is_empty()) {
        let (path, from, to) = (path.join("L"), x(first.at), x(now.at));
        svg.add(format_args!(
            "<path class=\"area\" d=\"M{from} {BASE}L{path}L{to} {BASE}Z\"/>\
             <path class=\"line\" d=\"M{path}\"/>"
        ));
        if let Some((when, words)) = gone {
            let (end, words) = (x(when), escape(words));
            let (anchor, beside) = if when > 0.6 { ("end", -6.0) } else { ("start", 6.0) };
            svg.add(format_args!(
                "<path class=\"gone\" d=\"M{to} {}L{end} {BASE}\"/>\
                 <text class=\"gone\" x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{words}</text>",
                y(now.left),
                end + beside,
                BASE - 8.0
            ));
        }
        let (anchor, beside) = if now.at > 0.6 { ("end", -8.0) } else { ("start", 8.0) };
        svg.add(format_args!(
            "<circle class=\"now\" cx=\"{to}\" cy=\"{0}\" r=\"4\"/>\
             <text class=\"now\" x=\"{1}\" y=\"{2}\" text-anchor=\"{anchor}\">{said} left</text>",
            y(now.left),
            to + beside,
            y(now.left) - 8.0
        ));
    }
    svg.add(format_args!(
        "<text class=\"mark\" x=\"{LEFT}\" y=\"{0}\">{1}</text>\
         <text class=\"mark\" x=\"{2}\" y=\"{0}\" text-anchor=\"end\">{3}</text>",
        HEIGHT - 8.0,
        escape(ends.0),
        WIDTH - RIGHT,
        escape(ends.1)
    ));
    svg.end()
}

fn percent(left: f64) -> String {
    crate::human::brief(&crate::human::share(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_that_will_be_gone_says_when() {
        let points = [BudgetPoint { at: 0.0, left: 1.0 }, BudgetPoint { at: 0.5, left: 0.35 }];
        let svg = burn_down(&points, Some((0.55, "gone tonight")), ("1 Nov", "30 Nov"));
        assert!(svg.contains("35 % left") && svg.contains("gone tonight"), "{svg}");
    }

    #[test]
    fn an_unknown_budget_is_no_full_one() {
        let svg = burn_down(&[], None, ("", ""));
        assert!(!svg.contains("class=\"line\"") && svg.contains("unknown"), "{svg}");
    }
}
