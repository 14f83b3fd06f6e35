//! Rules that name a place in a JSON document: pointers (RFC 6901) in which `*` is any segment.
//!
//! Must not know: what stands there.

use crate::capture::redact::error::{BadRule, BadRuleReason};
use crate::capture::{RedactionRule, RedactionTarget};

/// Longest pointer, in segments.
const MAX_SEGMENTS: usize = 64;

/// The pointers of all rules.
#[derive(Debug, Default)]
pub(super) struct Pointers(Vec<Pointer>);

#[derive(Debug)]
struct Pointer {
    rule: String,
    segments: Vec<Segment>,
}

#[derive(Debug)]
enum Segment {
    Any,
    /// A name, or the position in an array.
    Is(String),
}

/// A step on the way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// To the member of that name.
    Name(String),
    /// To the element at that position.
    Index(usize),
}

impl Pointers {
    /// Reads those of the rules that are pointers.
    ///
    /// # Errors
    /// When one cannot be read.
    pub(super) fn new(rules: &[RedactionRule]) -> Result<Self, BadRule> {
        let pointers = rules.iter().filter_map(|rule| match &rule.target {
            RedactionTarget::Pointer(pointer) => Some((rule, pointer)),
            RedactionTarget::Pattern(_) => None,
        });
        let read = pointers.map(|(rule, pointer)| match segments(pointer) {
            Ok(segments) => Ok(Pointer { rule: rule.name.clone(), segments }),
            Err(why) => {
                let why = BadRuleReason::Pointer(why);
                Err(BadRule { rule: rule.name.clone(), why })
            }
        });
        read.collect::<Result<_, _>>().map(Self)
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them leads so deep, or deeper.
    pub(super) fn lead_to(&self, depth: usize) -> bool {
        self.0.iter().any(|pointer| pointer.segments.len() >= depth)
    }

    /// The first rule that takes out the value at the end of these steps.
    pub(super) fn rule(&self, steps: &[Step]) -> Option<&str> {
        let leads_there = |pointer: &&Pointer| {
            pointer.segments.len() == steps.len()
                && pointer.segments.iter().zip(steps).all(|(segment, step)| segment.fits(step))
        };
        self.0.iter().find(leads_there).map(|pointer| pointer.rule.as_str())
    }
}

impl Segment {
    fn fits(&self, step: &Step) -> bool {
        match (self, step) {
            (Self::Any, _) => true,
            (Self::Is(segment), Step::Name(name)) => segment == name,
            (Self::Is(segment), Step::Index(index)) => segment.parse() == Ok(*index),
        }
    }
}

fn segments(pointer: &str) -> Result<Vec<Segment>, &'static str> {
    let Some(rest) = pointer.strip_prefix('/') else {
        // The whole document, by RFC 6901 §5.
        return if pointer.is_empty() { Ok(Vec::new()) } else { Err("it begins with `/`") };
    };
    let segments: Vec<Segment> = rest.split('/').map(segment).collect::<Result<_, _>>()?;
    if segments.len() > MAX_SEGMENTS { Err("it is too long") } else { Ok(segments) }
}

fn segment(text: &str) -> Result<Segment, &'static str> {
    if text == "*" {
        return Ok(Segment::Any);
    }
    let mut parts = text.split('~');
    let mut meant = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (escaped, rest) = match part.as_bytes().first() {
            Some(b'0') => ('~', &part[1..]),
            Some(b'1') => ('/', &part[1..]),
            _ => return Err("after `~` there is `0` or `1`"),
        };
        meant.push(escaped);
        meant.push_str(rest);
    }
    Ok(Segment::Is(meant))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(all: &[&str]) -> Result<Pointers, String> {
        let rule = |pointer: &&str| RedactionRule {
            name: format!("at{pointer}"),
            target: RedactionTarget::Pointer((*pointer).to_owned()),
        };
        let rules: Vec<_> = all.iter().map(rule).collect();
        Pointers::new(&rules).map_err(|error| error.to_string())
    }

    #[test]
    fn a_pointer_leads_to_its_place_and_a_star_to_all_beside_it() {
        let found = pointers(&["/messages/*/content", "/messages/0", "/a~1b/~0", ""]).unwrap();
        let name = |name: &str| Step::Name(name.to_owned());
        let rule = |steps: &[Step]| found.rule(steps).map(str::to_owned);
        let content = [name("messages"), Step::Index(7), name("content")];
        assert_eq!(rule(&content).unwrap(), "at/messages/*/content");
        assert_eq!(rule(&content[..2]), None);
        assert_eq!(rule(&[name("messages"), Step::Index(0)]).unwrap(), "at/messages/0");
        assert_eq!(rule(&[name("messages"), name("0")]).unwrap(), "at/messages/0");
        assert_eq!(rule(&[name("a/b"), name("~")]).unwrap(), "at/a~1b/~0");
        assert_eq!(rule(&[]).unwrap(), "at");
    }

    #[test]
    fn what_is_no_pointer_is_refused_by_name() {
        let error = |pointer| pointers(&[pointer]).unwrap_err();
        assert_eq!(error("user"), "rule `atuser`: not a JSON pointer: it begins with `/`");
        assert!(error("/a~2").contains("after `~`"));
        assert!(error(&"/a".repeat(65)).contains("too long"));
    }
}
