//! Secrets of every kind, planted everywhere, and none of them found again.

mod canary;
mod edges;
mod everywhere;
mod fuzz;
mod ordinary;
mod rules;
mod streams;

use crate::capture::redact::{Counts, Redactor};
use crate::capture::{
    AnswerNote, CallNote, CallerNote, Content, Exchange, KnownPattern, Message, RedactionRule,
    RedactionSettings, RedactionTarget, Times,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use std::collections::BTreeMap;

/// All known patterns, and no rules of an operator's.
fn redactor() -> Redactor {
    with_rules(&[])
}

/// And these rules: those that begin with `/` are pointers.
fn with_rules(rules: &[(&str, &str)]) -> Redactor {
    Redactor::new(&settings(rules)).unwrap()
}

fn settings(rules: &[(&str, &str)]) -> RedactionSettings {
    let rule = |(name, target): &(&str, &str)| {
        let target = match target.starts_with('/') {
            true => RedactionTarget::Pointer((*target).to_owned()),
            false => RedactionTarget::Pattern((*target).to_owned()),
        };
        RedactionRule { name: (*name).to_owned(), target }
    };
    RedactionSettings {
        headers: Vec::new(),
        patterns: KnownPattern::ALL.to_vec(),
        rules: rules.iter().map(rule).collect(),
    }
}

fn typed(kind: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(kind))])
}

/// What is left of a body.
fn body(redactor: &Redactor, body: impl Into<Bytes>) -> (String, Counts) {
    let mut counts = Counts::new();
    let content = Content::Whole(body.into());
    let content = redactor.content(content, &HeaderMap::new(), &mut counts);
    let Content::Whole(kept) = content else { panic!("{content:?}") };
    (String::from_utf8(kept.to_vec()).unwrap(), counts)
}

fn exchange(request: Message, answer: Message) -> Exchange {
    let answer =
        AnswerNote { status: 200, message: answer, chunks: vec![], complete: None, bytes: None };
    Exchange {
        request_id: None,
        trace_id: None,
        session: None,
        caller: CallerNote::default(),
        call: CallNote::default(),
        request,
        answer: Some(answer),
        attempts: Vec::new(),
        times: Times::default(),
        usage: None,
        cost: None,
        outcome: None,
        error: None,
        cache: None,
        redactions: BTreeMap::new(),
    }
}
