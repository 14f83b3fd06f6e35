//! What stands in the place of something that was taken out: `[redacted:<rule>]`.
//!
//! It has no character that needs an escape anywhere, so it can stand in a JSON string of any
//! depth, in a header and in a URL. Must not know: what was taken out.

use std::ops::Range;

const BEGIN: &str = "[redacted:";
const END: &str = "]";

/// Longest name of a rule.
pub(super) const MAX_NAME: usize = 64;

/// Longest marker.
pub(super) const MAX_LENGTH: usize = BEGIN.len() + MAX_NAME + END.len();

/// The marker of a rule.
pub(super) fn of(rule: &str) -> String {
    format!("{BEGIN}{rule}{END}")
}

/// Where markers of known rules stand in a text. Others are text like any other: somebody may
/// have put a secret between such brackets.
pub(super) fn places(text: &str, is_rule: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
    let begins = memchr::memmem::find_iter(text.as_bytes(), BEGIN.as_bytes());
    begins
        .filter_map(|at| {
            let name = &text[at + BEGIN.len()..];
            let end = name.bytes().take(MAX_NAME + 1).position(|byte| byte == b']')?;
            let name = &name[..end];
            is_rule(name).then(|| at..at + BEGIN.len() + end + END.len())
        })
        .collect()
}

/// What is left of `place` between the markers, which are in order.
pub(super) fn between(markers: &[Range<usize>], place: Range<usize>) -> Vec<Range<usize>> {
    let mut left = Vec::with_capacity(1);
    let mut from = place.start;
    let first = markers.partition_point(|marker| marker.end <= place.start);
    for marker in markers[first..].iter().take_while(|marker| marker.start < place.end) {
        if from < marker.start {
            left.push(from..marker.start);
        }
        from = from.max(marker.end);
    }
    if from < place.end {
        left.push(from..place.end);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_markers_of_known_rules_are_markers() {
        let text = "a [redacted:email] b [redacted:sk-proj-x] c [redacted:email";
        let found = places(text, |name| name == "email");
        assert_eq!((found.len(), found[0].clone()), (1, 2..18));
        assert_eq!(&text[2..18], of("email"));
    }

    #[test]
    fn what_is_between_markers_is_left() {
        let markers = [2..5, 8..9];
        assert_eq!(between(&markers, 0..10), [0..2, 5..8, 9..10]);
        assert_eq!(between(&markers, 3..8).first(), Some(&(5..8)));
        assert!(between(&markers, 2..5).is_empty());
        assert_eq!(between(&[], 3..7).first(), Some(&(3..7)));
    }
}
