//! A captured exchange as it went over the wire, as far as it was kept: heads and bodies.
//!
//! Must not know: what bodies mean, or who may see them.

use crate::admin::pages::quoting::visible;
use crate::capture::{Content, Exchange, Message};
use crate::human;
use std::fmt::Write;

/// Characters of a body that are shown.
const MOST: usize = 100_000;

/// A request or an answer.
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) head: String,
    pub(super) body: String,
    /// What is not shown of the body.
    pub(super) note: String,
}

/// The request and, where there was one, its answer.
pub(super) fn raw(exchange: &Exchange) -> Vec<Part> {
    let call = &exchange.call;
    let asked = part("Request", format!("{} {}", call.method, call.path), &exchange.request);
    let answered = exchange.answer.as_ref();
    let answered = answered.map(|note| part("Answer", note.status.to_string(), &note.message));
    [Some(asked), answered].into_iter().flatten().collect()
}

fn part(name: &'static str, first: String, message: &Message) -> Part {
    let mut head = first;
    for (name, value) in &message.headers {
        write!(head, "\n{name}: {}", String::from_utf8_lossy(value.as_bytes())).ok();
    }
    let (body, note) = body(&message.body);
    Part { name, head: visible(&head), body, note }
}

/// A body, and what is not shown of it.
fn body(content: &Content) -> (String, String) {
    let (kept, length) = match content {
        Content::Whole(body) => (body, body.len() as u64),
        Content::Cut { kept, length, .. } => (kept, *length),
        Content::Shape(_) => return (String::new(), "Only its shape was captured.".to_owned()),
        Content::Unknown => return (String::new(), "Its body was not captured.".to_owned()),
    };
    let text = String::from_utf8_lossy(kept);
    let cut = text.char_indices().nth(MOST).map_or(text.len(), |(at, _)| at);
    let shown = text.get(..cut).unwrap_or_default();
    let note = if shown.len() as u64 >= length {
        String::new()
    } else {
        format!("The first {} of {}.", human::bytes(shown.len() as u64), human::bytes(length))
    };
    (visible(shown), note)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_not_all_there_says_so() {
        let whole = |text: String| body(&Content::Whole(text.into()));
        assert_eq!(whole("{\"a\":1}".to_owned()), ("{\"a\":1}".to_owned(), String::new()));
        let (shown, note) = whole("é".repeat(MOST + 1));
        assert_eq!((shown.chars().count(), note.is_empty()), (MOST, false));
        let cut = Content::Cut { kept: "ab".into(), length: 9, digest: [0; 32] };
        assert_eq!(body(&cut), ("ab".to_owned(), "The first 2 B of 9 B.".to_owned()));
        assert_eq!(body(&Content::Unknown).0, "");
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        let (shown, _) = body(&Content::Whole("a\u{202e}b".into()));
        assert_eq!(shown, "a\\u{202e}b");
    }
}
