//! Who did what, from where, and what came of it: lines of the log with the target
//! `transom::audit`, and the latest of them in memory.
//!
//! Must not know: how anything is done. What callers and models wrote, and tokens, never get
//! here.

use super::Access;
use super::visitor::Visitor;
use crate::admin::AdminState;
use axum::Json;
use axum::extract::State;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::SystemTime;

/// Events that are remembered; the log has all.
const MOST: usize = 500;
/// The longest text of an event, in bytes.
const LONGEST: usize = 1_000;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Action {
    /// A token is shown.
    SignIn,
    /// A session is ended.
    SignOut,
    /// Something is asked for that the role does not include.
    Refused,
    /// Content is looked at.
    Look,
    /// Answers are purged.
    CachePurge,
    /// Captured exchanges are erased.
    CaptureErase,
    /// A replay is begun.
    ReplayBegin,
    /// A replay is stopped.
    ReplayStop,
    /// A key is made.
    KeyMake,
    /// A key is revoked.
    KeyRevoke,
    /// A revoked key is restored.
    KeyRestore,
    /// A webhook is tried.
    WebhookTest,
    /// The level of logs is changed.
    LogLevel,
    /// The share of a target or an endpoint is changed.
    Weigh,
    /// A prompt is sent from the playground.
    Play,
    /// A bundle for support is made.
    SupportBundle,
}

impl Action {
    /// A word for programs.
    const fn label(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::SignOut => "sign_out",
            Self::Refused => "refused",
            Self::Look => "look",
            Self::CachePurge => "cache_purge",
            Self::CaptureErase => "capture_erase",
            Self::ReplayBegin => "replay_begin",
            Self::ReplayStop => "replay_stop",
            Self::KeyMake => "key_make",
            Self::KeyRevoke => "key_revoke",
            Self::KeyRestore => "key_restore",
            Self::WebhookTest => "webhook_test",
            Self::LogLevel => "log_level",
            Self::Weigh => "weigh",
            Self::Play => "play",
            Self::SupportBundle => "support_bundle",
        }
    }

    /// A sentence for people, when it was `result`.
    const fn sentence(self, result: Ending) -> &'static str {
        match (self, result) {
            (Self::SignIn, Ending::Done) => "somebody signed in",
            (Self::SignIn, _) => "a token was refused",
            (Self::SignOut, _) => "somebody signed out",
            (Self::Refused, _) => "somebody asked for more than they may",
            (Self::Look, _) => "content was looked at",
            (Self::CachePurge, Ending::Done) => "the response cache was purged",
            (Self::CaptureErase, Ending::Done) => "captured exchanges were erased",
            (Self::ReplayBegin, Ending::Done) => "a replay was begun",
            (Self::ReplayStop, Ending::Done) => "a replay was stopped",
            (Self::KeyMake, Ending::Done) => "a key was made",
            (Self::KeyRevoke, Ending::Done) => "a key was revoked",
            (Self::KeyRestore, Ending::Done) => "a revoked key was restored",
            (Self::WebhookTest, Ending::Done) => "a webhook was tried",
            (Self::LogLevel, Ending::Done) => "the level of logs was changed",
            (Self::Weigh, Ending::Done) => "a share of the traffic was changed",
            (Self::Play, Ending::Done) => "a prompt was sent from the playground",
            (Self::SupportBundle, Ending::Done) => "a bundle for support was made",
            _ => "something was tried",
        }
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Done,
    Refused,
    Failed,
}

impl Ending {
    const fn label(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// One thing that somebody did or tried.
#[derive(Debug)]
pub(in crate::admin) struct Deed {
    action: Action,
    object: String,
    detail: Value,
    ending: Ending,
}

impl Deed {
    /// One that was done.
    pub(in crate::admin) fn of(action: Action) -> Self {
        Self { action, object: String::new(), detail: Value::Null, ending: Ending::Done }
    }

    /// To what: an id, a path.
    pub(in crate::admin) fn about(self, object: impl Into<String>) -> Self {
        Self { object: object.into(), ..self }
    }

    /// What else there is to say.
    pub(in crate::admin) fn with(self, detail: Value) -> Self {
        Self { detail, ..self }
    }

    /// It was not allowed.
    pub(in crate::admin) fn refused(self, why: impl Into<String>) -> Self {
        Self { detail: json!({ "why": why.into() }), ending: Ending::Refused, ..self }
    }

    /// It was allowed and went wrong.
    pub(in crate::admin) fn failed(self, why: impl Into<String>) -> Self {
        Self { detail: json!({ "why": why.into() }), ending: Ending::Failed, ..self }
    }
}

/// The latest events.
#[derive(Default)]
pub(in crate::admin) struct Audit(Mutex<Latest>);

#[derive(Default)]
struct Latest {
    events: VecDeque<Event>,
    forgotten: u64,
}

/// One event, as it is remembered.
struct Event {
    date: SystemTime,
    who: String,
    from: IpAddr,
    deed: Deed,
}

impl Audit {
    fn keep(&self, event: Event) {
        let mut latest = self.0.lock();
        if latest.events.len() >= MOST {
            latest.events.pop_front();
            latest.forgotten += 1;
        }
        latest.events.push_back(event);
    }

    /// The latest events, the latest first.
    pub(in crate::admin) fn told(&self) -> Vec<Value> {
        self.0.lock().events.iter().rev().map(told).collect()
    }

    /// How many there were before those.
    pub(in crate::admin) fn forgotten(&self) -> u64 {
        self.0.lock().forgotten
    }
}

impl Access {
    /// Writes down what `visitor` did.
    pub(in crate::admin) fn note(&self, visitor: &Visitor, deed: Deed) {
        self.note_by(visitor.who(), visitor.from, deed);
    }

    /// Writes down what somebody called `who` did.
    pub(super) fn note_by(&self, who: String, from: IpAddr, mut deed: Deed) {
        shorten(&mut deed.object);
        let mut detail =
            if deed.detail.is_null() { String::new() } else { deed.detail.to_string() };
        if detail.len() > LONGEST {
            shorten(&mut detail);
            deed.detail = detail.clone().into();
        }
        let Deed { action, ref object, ending, .. } = deed;
        tracing::info!(
            target: "transom::audit",
            action = action.label(),
            who,
            %from,
            object,
            result = ending.label(),
            detail,
            "{}", action.sentence(ending)
        );
        self.audit().keep(Event { date: self.clock.date(), who, from, deed });
    }
}

/// `GET /api/v1/audit`: the latest events, the latest first.
pub(in crate::admin) async fn shown(State(state): State<AdminState>) -> Json<Value> {
    let audit = state.access.audit();
    Json(json!({ "events": audit.told(), "forgotten": audit.forgotten() }))
}

fn told(Event { date, who, from, deed }: &Event) -> Value {
    json!({
        "date": humantime::format_rfc3339_millis(*date).to_string(),
        "who": who,
        "from": from,
        "action": deed.action.label(),
        "object": deed.object,
        "result": deed.ending.label(),
        "detail": deed.detail,
    })
}

fn shorten(text: &mut String) {
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::super::AccessSettings;
    use super::*;
    use crate::types::Clock;

    fn access() -> Access {
        let address = ([127, 0, 0, 1], 7081).into();
        Access::new(AccessSettings::default(), address, Clock::system()).unwrap()
    }

    fn note(access: &Access, deed: Deed) {
        access.note_by("anna".to_owned(), [127, 0, 0, 1].into(), deed);
    }

    #[test]
    fn the_latest_events_are_remembered_and_the_others_counted() {
        let access = access();
        for number in 0..MOST + 3 {
            note(&access, Deed::of(Action::ReplayBegin).about(number.to_string()));
        }
        let told = access.audit().told();
        assert_eq!((told.len(), access.audit().forgotten()), (MOST, 3));
        assert_eq!((&told[0]["object"], &told[MOST - 1]["object"]), (&json!("502"), &json!("3")));
    }

    #[test]
    fn a_long_text_is_cut() {
        let access = access();
        let long = "é".repeat(LONGEST);
        note(&access, Deed::of(Action::CachePurge).about(&*long).with(json!({ "model": long })));
        let [event] = &*access.audit().told() else { panic!("one event") };
        for text in [&event["object"], &event["detail"]] {
            let text = text.as_str().unwrap();
            assert!(text.len() <= LONGEST + 3 && text.ends_with('…'), "{text}");
        }
    }

    #[test]
    fn how_it_ended_is_told_with_the_reason() {
        let access = access();
        note(&access, Deed::of(Action::CaptureErase).failed("the disk is full"));
        let [event] = &*access.audit().told() else { panic!("one event") };
        assert_eq!(
            (&event["result"], &event["detail"]["why"]),
            (&json!("failed"), &json!("the disk is full"))
        );
    }
}
