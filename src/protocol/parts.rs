//! Bytes in a few pieces.
//!
//! Owns the order of the pieces. Must not know: what they hold or how they are written.

use bytes::Bytes;

/// A body, or a part of one, in pieces that share the memory they were cut from. No piece
/// is empty. The usual case of one piece takes no memory of its own.
#[derive(Clone, Debug, Default)]
pub struct BodyParts {
    first: Option<Bytes>,
    more: Vec<Bytes>,
}

impl BodyParts {
    /// Adds a piece at the end; an empty one is left out.
    pub fn push(&mut self, part: Bytes) {
        if part.is_empty() {
            return;
        }
        match self.first {
            None => self.first = Some(part),
            Some(_) => self.more.push(part),
        }
    }

    /// Bytes in all pieces together.
    pub fn len(&self) -> usize {
        self.iter().map(Bytes::len).sum()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The pieces in order.
    pub fn iter(&self) -> impl Iterator<Item = &Bytes> {
        self.first.iter().chain(&self.more)
    }
}

impl From<Bytes> for BodyParts {
    fn from(whole: Bytes) -> Self {
        let mut parts = Self::default();
        parts.push(whole);
        parts
    }
}

impl IntoIterator for BodyParts {
    type Item = Bytes;
    type IntoIter = std::iter::Chain<std::option::IntoIter<Bytes>, std::vec::IntoIter<Bytes>>;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_keep_their_order_and_empty_ones_are_left_out() {
        let mut parts = BodyParts::default();
        assert!(parts.is_empty());
        for part in ["", "ab", "", "c", "def"] {
            parts.push(Bytes::from_static(part.as_bytes()));
        }
        assert_eq!((parts.len(), parts.is_empty()), (6, false));
        assert_eq!(parts.iter().count(), 3);
        assert_eq!(parts.into_iter().collect::<Vec<_>>(), ["ab", "c", "def"]);
    }
}
