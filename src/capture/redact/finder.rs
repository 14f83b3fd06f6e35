//! Finds what is to be taken out of a text.
//!
//! Owns the rules, compiled, and what becomes of finds that overlap. Must not know: JSON,
//! streams, or where a text stands in a body.

use crate::capture::redact::error::{BadRule, BadRuleReason};
use crate::capture::redact::known::{self, Check, ESCAPES, is_key_like, is_opaque};
use crate::capture::redact::marker;
use crate::capture::redact::sieve::Sieve;
use crate::capture::redact::view::View;
use crate::capture::{KnownPattern, RedactionRule, RedactionSettings, RedactionTarget};
use regex::bytes::{RegexSet, RegexSetBuilder};
use regex::{Regex, RegexBuilder};
use std::collections::BTreeSet;
use std::ops::Range;

/// What is counted for the end of a body that was cut before it could be redacted.
pub(super) const EDGE: &str = "edge";
/// What is counted for a credential in a URL's query.
pub(super) const CREDENTIAL: &str = "credential";
/// What is counted for a body that cannot be read.
pub(super) const UNREADABLE: &str = "unreadable";

/// An operator's rules are at most so many.
const MAX_RULES: usize = 256;
/// Memory that an operator's regular expression may take, compiled, and again while it runs.
const MAX_PATTERN_BYTES: usize = 1024 * 1024;
/// Deepest nesting of one.
const MAX_PATTERN_DEPTH: u32 = 100;
/// Memory that our own may take.
const OWN_PATTERN_BYTES: usize = 16 * 1024 * 1024;

/// Something that is to be taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Find<'f> {
    /// Where it stands.
    pub(super) place: Range<usize>,
    /// The rule that says so.
    pub(super) rule: &'f str,
}

/// The rules for texts.
#[derive(Debug)]
pub(super) struct Finder {
    known: Vec<Compiled>,
    /// Those of all known patterns, then the escapes.
    hints: RegexSet,
    /// What those need.
    sieve: Option<Sieve>,
    own: Vec<(String, Regex)>,
    /// Names of members whose values may be keys.
    key_names: Option<Regex>,
    /// All that may stand in a marker.
    names: BTreeSet<String>,
}

#[derive(Debug)]
struct Compiled {
    name: &'static str,
    candidate: Regex,
    check: Check,
    hints: Range<usize>,
}

impl Finder {
    /// Compiles the patterns of the settings; pointers only count with their names.
    ///
    /// # Errors
    /// When a rule of the operator's cannot be followed.
    pub(super) fn new(settings: &RedactionSettings) -> Result<Self, BadRule> {
        let names = names(&settings.rules)?;
        let own = settings.rules.iter().filter_map(|rule| match &rule.target {
            RedactionTarget::Pattern(pattern) => Some(compile(&rule.name, pattern)),
            RedactionTarget::Pointer(_) => None,
        });
        let own = own.collect::<Result<_, _>>()?;
        let patterns: BTreeSet<KnownPattern> = settings.patterns.iter().copied().collect();
        let (mut hints, mut needs) = (Vec::new(), Vec::new());
        let mut known = Vec::new();
        let entries =
            |pattern| known::known(pattern).into_iter().map(move |k| (known::name(pattern), k));
        for (name, entry) in patterns.iter().copied().flat_map(entries) {
            let first = hints.len();
            hints.extend(entry.hints);
            needs.extend(entry.needs);
            let candidate = ours(&entry.candidate)?;
            known.push(Compiled { name, candidate, check: entry.check, hints: first..hints.len() });
        }
        hints.extend(ESCAPES.map(str::to_owned));
        let hints = RegexSetBuilder::new(hints)
            .unicode(false)
            .size_limit(OWN_PATTERN_BYTES)
            .dfa_size_limit(OWN_PATTERN_BYTES)
            .build();
        let hints = hints.map_err(|error| bad_pattern("known", &error))?;
        let key_names = patterns
            .contains(&KnownPattern::ApiKey)
            .then(|| ours(&format!("(?i-u:{})[A-Za-z0-9_-]*$", known::KEY_NAMES)));
        let sieve = Sieve::new(&needs);
        Ok(Self { known, hints, sieve, own, key_names: key_names.transpose()?, names })
    }

    /// Whether there is certainly nothing in some bytes, whatever they are: a look at all of
    /// them at once, and no more. Says nothing about secrets in pieces.
    pub(super) fn is_clean(&self, bytes: &[u8]) -> bool {
        self.own.is_empty() && (self.known.is_empty() || !self.is_hinted(bytes))
    }

    /// Whether one look at some bytes that nobody needs any more tells that there is certainly
    /// nothing in them.
    pub(super) fn is_plainly_clean(&self, bytes: Vec<u8>) -> bool {
        let is_held = |sieve: &Sieve| sieve.may_have_held(bytes);
        self.own.is_empty() && (self.known.is_empty() || !self.sieve.as_ref().is_none_or(is_held))
    }

    /// Whether the operator has patterns, which may match anything.
    pub(super) fn has_own(&self) -> bool {
        !self.own.is_empty()
    }

    /// What is to be taken out of a text: in order, without overlaps, and no marker.
    pub(super) fn find(&self, text: &str) -> Vec<Find<'_>> {
        let mut finds = Vec::new();
        self.scan(text, |place, rule| finds.push(Find { place, rule }));
        if let Some(loose) = View::loosely(text)
            && loose.text() != text
        {
            self.scan(loose.text(), |place, rule| {
                finds.push(Find { place: loose.span(place), rule });
            });
        }
        self.tidy(text, finds)
    }

    /// The same for the value of a member, whose name may say that it is a key.
    pub(super) fn find_in_member(&self, name: &str, value: &str) -> Vec<Find<'_>> {
        let is_key = self.key_names.as_ref().is_some_and(|names| {
            let bare = value.trim();
            let bare = bare.split_once(' ').map_or(bare, |(_, last)| last.trim_start());
            is_key_like(bare) && names.is_match(name)
        });
        if is_key {
            let whole = Find { place: 0..value.len(), rule: known::name(KnownPattern::ApiKey) };
            return self.tidy(value, vec![whole]);
        }
        self.find(value)
    }

    /// Where markers stand in a text.
    pub(super) fn markers(&self, text: &str) -> Vec<Range<usize>> {
        marker::places(text, |name| self.names.contains(name))
    }

    /// Whether a hint matches.
    fn is_hinted(&self, bytes: &[u8]) -> bool {
        self.sieve.as_ref().is_none_or(|sieve| sieve.may_hold(bytes)) && self.hints.is_match(bytes)
    }

    fn scan<'f>(&'f self, text: &str, mut found: impl FnMut(Range<usize>, &'f str)) {
        if !is_opaque(text) && self.is_hinted(text.as_bytes()) {
            let hints = self.hints.matches(text.as_bytes());
            for known in &self.known {
                if known.hints.clone().any(|hint| hints.matched(hint)) {
                    known.scan(text, |place| found(place, known.name));
                }
            }
        }
        for (name, pattern) in &self.own {
            for hit in pattern.find_iter(text).filter(|hit| !hit.is_empty()) {
                found(hit.range(), name);
            }
        }
    }

    /// Makes one of those that overlap, under the name of the first, and leaves markers alone.
    fn tidy<'f>(&self, text: &str, mut finds: Vec<Find<'f>>) -> Vec<Find<'f>> {
        if finds.is_empty() {
            return finds;
        }
        finds.sort_by_key(|find| (find.place.start, usize::MAX - find.place.end));
        finds.dedup_by(|next, find| {
            let overlaps = next.place.start < find.place.end;
            if overlaps {
                find.place.end = find.place.end.max(next.place.end);
            }
            overlaps
        });
        let markers = self.markers(text);
        if markers.is_empty() {
            return finds;
        }
        let split = |find: Find<'f>| {
            let left = marker::between(&markers, find.place);
            left.into_iter().map(move |place| Find { place, rule: find.rule })
        };
        finds.into_iter().flat_map(split).collect()
    }
}

impl Compiled {
    fn scan(&self, text: &str, mut found: impl FnMut(Range<usize>)) {
        let mut places = Vec::new();
        if self.candidate.captures_len() == 1 {
            for candidate in self.candidate.find_iter(text) {
                (self.check)(text, candidate.range(), &mut places);
            }
        } else {
            for candidate in self.candidate.captures_iter(text) {
                if let Some(group) = candidate.get(1) {
                    (self.check)(text, group.range(), &mut places);
                }
            }
        }
        places.into_iter().for_each(&mut found);
    }
}

/// The names of all rules and known patterns, and our own words.
fn names(rules: &[RedactionRule]) -> Result<BTreeSet<String>, BadRule> {
    let bad = |rule: &RedactionRule, why| BadRule { rule: rule.name.clone(), why };
    if let Some(beyond) = rules.get(MAX_RULES) {
        return Err(bad(beyond, BadRuleReason::TooMany(MAX_RULES)));
    }
    let ours = KnownPattern::ALL.into_iter().map(known::name);
    let ours = ours.chain([EDGE, CREDENTIAL, UNREADABLE]);
    let mut names: BTreeSet<String> = ours.map(str::to_owned).collect();
    for rule in rules {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let is_short = (1..=marker::MAX_NAME).contains(&rule.name.len());
        if !is_short || !rule.name.bytes().all(is_letter) {
            return Err(bad(rule, BadRuleReason::Name));
        }
        if !names.insert(rule.name.clone()) {
            return Err(bad(rule, BadRuleReason::NameTaken));
        }
    }
    Ok(names)
}

/// Compiles a pattern of our own.
fn ours(pattern: &str) -> Result<Regex, BadRule> {
    let built = RegexBuilder::new(pattern).size_limit(OWN_PATTERN_BYTES).build();
    built.map_err(|error| bad_pattern("known", &error))
}

fn compile(name: &str, pattern: &str) -> Result<(String, Regex), BadRule> {
    let compiled = RegexBuilder::new(pattern)
        .size_limit(MAX_PATTERN_BYTES)
        .dfa_size_limit(MAX_PATTERN_BYTES)
        .nest_limit(MAX_PATTERN_DEPTH)
        .build()
        .map_err(|error| bad_pattern(name, &error))?;
    if compiled.is_match("") {
        return Err(BadRule { rule: name.to_owned(), why: BadRuleReason::MatchesNothing });
    }
    Ok((name.to_owned(), compiled))
}

fn bad_pattern(name: &str, error: &regex::Error) -> BadRule {
    let why = match error {
        regex::Error::CompiledTooBig(_) => BadRuleReason::PatternTooLarge,
        // The last line says what is wrong; those before it point at the place.
        error => {
            let told = error.to_string();
            let last = told.lines().last().unwrap_or_default();
            BadRuleReason::Pattern(last.trim_start_matches("error: ").to_owned())
        }
    };
    BadRule { rule: name.to_owned(), why }
}
