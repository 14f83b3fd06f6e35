//! What is to become of an upstream's answer besides going to its caller: others hear it as
//! it comes, and it is kept.
//!
//! Must not know: how the answer reaches its caller, or which answers may be kept.

use crate::cache::{
    Answer, AnsweredBy, EndFacts, Entry, Expected, FlightEnd, FlightHead, Found, Frame, HeadFacts,
    Leader, Pace, may_lead, may_store,
};
use crate::observe::{RequestRecord, Stored};
use crate::pipeline::Deps;
use crate::pipeline::cache::hit;
use crate::pipeline::cache::question::Question;
use crate::protocol::{CacheReport, Forwarded};
use crate::types::ChunkKind;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::response::Parts;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

/// What a part takes beside its bytes.
const FRAME: usize = 64;

/// What is to become of an answer.
pub(in crate::pipeline) struct Keep {
    question: Option<Question>,
    report: Option<Forwarded>,
    head: Option<HeadFacts>,
    content_type: Option<HeaderValue>,
    log: Log,
}

/// The answer so far.
enum Log {
    /// It is not kept.
    None,
    /// Nobody else hears it.
    Own { frames: Vec<Frame>, room: usize },
    /// Others hear it.
    Shared(Leader),
}

/// What was learnt of an answer when it was through.
pub(in crate::pipeline) struct Learnt {
    /// What decides whether it is kept.
    pub(in crate::pipeline) facts: EndFacts,
    /// Its events.
    pub(in crate::pipeline) events: u64,
}

impl Keep {
    /// Nothing: the model has no cache.
    pub(in crate::pipeline) fn nothing() -> Self {
        Self { question: None, report: None, head: None, content_type: None, log: Log::None }
    }

    /// Nothing, and the caller is told why.
    pub(super) fn reporting(forwarded: Forwarded) -> Self {
        Self { report: Some(forwarded), ..Self::nothing() }
    }

    /// It is kept.
    pub(super) fn of(question: Question) -> Self {
        let log = Log::Own { frames: Vec::new(), room: 0 };
        Self {
            report: Some(question.forwarded()),
            question: Some(question),
            log,
            ..Self::nothing()
        }
    }

    /// It is kept, and others hear it as it comes.
    pub(super) fn shared(question: Question, leader: Leader) -> Self {
        Self { log: Log::Shared(leader), ..Self::of(question) }
    }

    /// Tells the caller what the cache had to say.
    pub(in crate::pipeline) fn tell(&self, headers: &mut HeaderMap, rec: &RequestRecord) {
        if let Some(forwarded) = self.report {
            hit::tell(headers, CacheReport::Forwarded(forwarded), rec);
        }
    }

    /// The answer to give when no upstream has one, and how fast. It is given once.
    pub(super) fn take_fallback(&mut self) -> Option<(Found, Pace)> {
        let question = self.question.as_mut()?;
        Some((question.fallback.take()?, question.route.pace))
    }

    /// The head has come, as the upstream sent it.
    pub(in crate::pipeline) fn begin<T>(&mut self, deps: &Deps<T>, head: &Parts, from: AnsweredBy) {
        let Some(question) = &self.question else { return };
        let length = head.headers.get(CONTENT_LENGTH);
        let facts = HeadFacts {
            status: head.status.as_u16(),
            is_encoded: head.headers.contains_key(CONTENT_ENCODING),
            length: length.and_then(|length| length.to_str().ok()?.parse().ok()),
            from,
        };
        let most = deps.cache.largest_answer();
        let fits = facts.length.is_none_or(|length| length <= most as u64);
        let allowed = may_lead(&facts, &question.route).is_ok();
        self.content_type = head.headers.get(CONTENT_TYPE).cloned();
        self.head = Some(facts);
        self.log = match std::mem::replace(&mut self.log, Log::None) {
            Log::Shared(leader) if !allowed => {
                // It is this caller's alone; perhaps the next one gets a better one.
                leader.decline();
                Log::None
            }
            Log::Shared(leader) if !fits => {
                leader.alone();
                Log::None
            }
            Log::Shared(mut leader) => {
                let content_type = self.content_type.clone();
                leader.head(FlightHead {
                    status: facts.status,
                    content_type,
                    length: facts.length,
                });
                Log::Shared(leader)
            }
            Log::Own { .. } if allowed && fits => Log::Own { frames: Vec::new(), room: most },
            Log::Own { .. } | Log::None => Log::None,
        };
    }

    /// A part of the body, as callers get it, `after` the request came, in a chunk of this kind.
    pub(in crate::pipeline) fn push(&mut self, part: &Bytes, (after, kind): (Duration, ChunkKind)) {
        match &mut self.log {
            Log::None => {}
            Log::Shared(leader) => leader.push(Frame { bytes: part.clone(), after, kind }),
            Log::Own { frames, room } => match room.checked_sub(part.len() + FRAME) {
                Some(left) => {
                    *room = left;
                    frames.push(Frame { bytes: part.clone(), after, kind });
                }
                None => self.log = Log::None,
            },
        }
    }

    /// Whether anybody else hears it.
    pub(in crate::pipeline) fn has_listeners(&self) -> bool {
        matches!(&self.log, Log::Shared(leader) if leader.has_followers())
    }

    /// Whether all of it so far is held for others who hear it, or may come to.
    pub(in crate::pipeline) fn is_held_for_others(&self) -> bool {
        matches!(&self.log, Log::Shared(leader) if leader.holds_everything())
    }

    /// Returns when nobody else hears it any more.
    pub(in crate::pipeline) async fn deserted(&self) {
        match &self.log {
            Log::Shared(leader) => leader.until_followers_gone().await,
            _ => pending().await,
        }
    }

    /// The answer is through; what became of it is noted in the record.
    pub(in crate::pipeline) fn end<T>(
        self,
        deps: &Deps<T>,
        learnt: &Learnt,
        rec: &mut RequestRecord,
    ) {
        let (Some(question), Some(head)) = (&self.question, &self.head) else { return };
        let (now, asked) = (deps.clock.now(), rec.timeline.received);
        let expected = Expected {
            operation: rec.call.operation,
            choices: question.choices,
            control: &question.control,
            settings: &question.route,
        };
        let is_at_hand = match &self.log {
            Log::None => false,
            Log::Own { .. } => true,
            Log::Shared(leader) => leader.holds_everything(),
        };
        let life = may_store(expected, head, &EndFacts { is_at_hand, ..learnt.facts });
        let stored = match life {
            Ok(_) => Stored::Yes,
            Err(reason) => Stored::No(reason.label()),
        };
        let answer = |frames| Answer {
            status: head.status,
            content_type: self.content_type.clone(),
            frames,
            usage: rec.usage,
            cost: rec.cost,
            model: rec.call.model_answered.clone(),
            events: learnt.events,
            took: now.saturating_duration_since(rec.timeline.received),
        };
        let keep = |frames: Vec<Frame>| {
            if let Ok(life) = life {
                let (key, tags) = (question.key, question.tags.clone());
                let entry = Entry::new(key, tags, answer(frames), (life, now));
                deps.cache.put(Arc::new(entry), asked);
            }
        };
        match self.log {
            Log::None => {}
            Log::Own { frames, .. } => keep(frames),
            Log::Shared(leader) if learnt.facts.is_complete => {
                let end = FlightEnd {
                    usage: rec.usage,
                    cost: rec.cost,
                    model: rec.call.model_answered.clone(),
                    events: learnt.events,
                };
                // Kept before the flight is gone: who comes in between finds one or the other.
                leader.land(end, keep);
            }
            // Dropped, and so failed for whoever listens.
            Log::Shared(_) => {}
        }
        if let Some(cache) = &mut rec.cache {
            cache.stored = Some(stored);
        }
    }
}
