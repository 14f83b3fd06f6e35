//! Changes to a body: parts of it give way to a short text, everything else stays as it is.
//!
//! Must not know: why.

use bytes::Bytes;
use std::ops::Range;

/// Changes, gathered in any order.
#[derive(Debug, Default)]
pub(super) struct Edits(Vec<Edit>);

#[derive(Debug)]
struct Edit {
    place: Range<usize>,
    with: String,
}

impl Edits {
    /// Puts `with` in the place of some bytes.
    pub(super) fn replace(&mut self, place: Range<usize>, with: String) {
        self.0.push(Edit { place, with });
    }

    /// Puts `with` in the first of some places, and nothing in the others.
    pub(super) fn replace_all(&mut self, places: Vec<Range<usize>>, with: &str) {
        for (index, place) in places.into_iter().enumerate() {
            self.replace(place, if index == 0 { with.to_owned() } else { String::new() });
        }
    }

    /// Whether nothing changes.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with the changes made. Where two of them overlap both parts go, and the text
    /// of the first one that has any comes.
    pub(super) fn apply(mut self, text: &str) -> Bytes {
        self.0.sort_by_key(|edit| (edit.place.start, edit.place.end));
        let mut changed = Vec::with_capacity(text.len());
        let mut done = 0;
        let mut edits = self.0.into_iter().peekable();
        while let Some(Edit { place: Range { start, mut end }, mut with }) = edits.next() {
            while let Some(next) = edits.next_if(|next| next.place.start < end) {
                end = end.max(next.place.end);
                if with.is_empty() {
                    with = next.with;
                }
            }
            changed.extend_from_slice(&text.as_bytes()[done..start]);
            changed.extend_from_slice(with.as_bytes());
            done = end;
        }
        changed.extend_from_slice(&text.as_bytes()[done..]);
        changed.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_give_way_and_the_rest_stays() {
        let mut edits = Edits::default();
        assert!(edits.is_empty());
        edits.replace(8..9, "X".into());
        edits.replace_all(vec![1..3, 5..6], "[a]");
        assert_eq!(edits.apply("0123456789"), "0[a]3467X9");
    }

    #[test]
    fn what_overlaps_goes_as_one() {
        let mut edits = Edits::default();
        edits.replace(4..9, "[b]".into());
        edits.replace(2..5, String::new());
        edits.replace(3..4, "[c]".into());
        assert_eq!(edits.apply("0123456789"), "01[c]9");
    }
}
