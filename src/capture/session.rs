//! Which conversation a request belongs to.
//!
//! Callers say so in many ways, and most do not say it at all: then the beginning of the
//! conversation stands for it, which each of its requests repeats. Must not know: what a
//! session is used for.

use crate::capture::Session;
use crate::capture::shaping::{Conversation, Form, Members, Node, Role};
use http::{HeaderMap, HeaderName};
use std::borrow::Cow;

/// Sets ids apart from everything else that is made with the same key.
const CONTEXT: &str = "transom capture session ids v1";

/// Headers that name a conversation, the plainest first.
const HEADERS: [&str; 4] = ["x-transom-session", "x-session-id", "session-id", "session_id"];

/// Headers that tell callers apart who begin in the same words.
const CALLERS: [&str; 3] = ["authorization", "x-api-key", "api-key"];

/// Longest id that is written down as it is.
const LONGEST: usize = 64;

/// Bytes of a conversation's beginning that are looked at.
const LONGEST_BEGINNING: usize = 64 * 1024;

/// Bytes that most of them fit into.
const USUAL_BEGINNING: usize = 512;

/// Finds out which conversation requests belong to.
#[derive(Clone)]
pub struct Sessions {
    key: [u8; 32],
    names: [HeaderName; 4],
    callers: [HeaderName; 3],
}

impl Sessions {
    /// With the key of an installation, from which one of its own is derived.
    pub fn new(key: [u8; 32]) -> Self {
        Self {
            key: blake3::derive_key(CONTEXT, &key),
            names: HEADERS.map(HeaderName::from_static),
            callers: CALLERS.map(HeaderName::from_static),
        }
    }

    /// The conversation of a request, and which of its turns this is: how often the model has
    /// answered before, as far as the body says. In this order: a header (`x-transom-session`,
    /// `x-session-id`, `session-id`), `metadata.session_id`, the session in
    /// `metadata.user_id`, `conversation`, `prompt_cache_key`, `previous_response_id`; and
    /// else how the conversation begins and who asked. `None` for a request that neither says
    /// nor is a conversation.
    ///
    /// An id of up to 64 letters, digits, `_` and `-` is kept as it is, any other is hashed
    /// with the key. Who cannot see `previous_response_id` resolved gets a conversation for
    /// each answer that is gone on from.
    pub fn of(&self, headers: &HeaderMap, path: &str, body: &[u8]) -> Option<Session> {
        let form = Form::of(path);
        let members = form.and_then(|_| Members::read(body)).unwrap_or_default();
        let conversation = form.filter(|form| form.is_conversation());
        let conversation = conversation.map(|form| Conversation::read(form, &members));
        let said = self.in_headers(headers).or_else(|| in_body(&members));
        let id = match said {
            Some(id) => self.written(&id),
            None => self.beginning(headers, &members, conversation.as_ref()?)?,
        };
        let turn = conversation.map_or(0, |conversation| conversation.turns());
        Some(Session { id, turn })
    }

    fn in_headers(&self, headers: &HeaderMap) -> Option<Cow<'static, str>> {
        let values = self.names.iter().filter_map(|name| headers.get(name));
        let mut values =
            values.map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned());
        values.find(|value| !value.is_empty()).map(Cow::Owned)
    }

    fn written(&self, id: &str) -> String {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if (1..=LONGEST).contains(&id.len()) && id.bytes().all(is_plain) {
            return id.to_owned();
        }
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(b"said");
        hasher.update(id.as_bytes());
        named(&hasher.finalize())
    }

    /// An id out of what was said up to the first message of the user's, and of who said it.
    fn beginning(
        &self,
        headers: &HeaderMap,
        members: &Members<'_>,
        conversation: &Conversation,
    ) -> Option<String> {
        let messages = &conversation.messages;
        let first = messages.iter().position(|said| said.role == Role::User)?;
        let mut beginning = Vec::with_capacity(USUAL_BEGINNING);
        let mut part = |part: &[u8]| {
            beginning.extend_from_slice(&(part.len() as u64).to_le_bytes());
            beginning.extend_from_slice(&part[..part.len().min(LONGEST_BEGINNING)]);
        };
        part(b"begins");
        for name in &self.callers {
            part(headers.get(name).map_or(&b""[..], |value| value.as_bytes()));
        }
        part(members.text("user").unwrap_or_default().as_bytes());
        for said in &messages[..=first] {
            part(said.role.word().as_bytes());
            part(&said.text);
        }
        Some(named(&blake3::keyed_hash(&self.key, &beginning)))
    }
}

fn in_body<'a>(members: &Members<'a>) -> Option<Cow<'a, str>> {
    let metadata = || members.get("metadata");
    let own = |text: &str| (!text.is_empty()).then(|| Cow::Owned(text.to_owned()));
    let text = |name: &str| members.text(name).filter(|text| !text.is_empty());
    metadata()
        .and_then(|metadata| metadata.text_of("session_id").and_then(own))
        .or_else(|| {
            let metadata = metadata()?;
            session_of_user(metadata.text_of("user_id")?)
        })
        .or_else(|| text("conversation"))
        .or_else(|| members.get("conversation")?.text_of("id").and_then(own))
        .or_else(|| text("prompt_cache_key"))
        .or_else(|| text("previous_response_id"))
}

/// Claude Code writes `user_…_account_…_session_…` there, or a document with a `session_id`.
fn session_of_user(user: &str) -> Option<Cow<'static, str>> {
    let document = Node::read(user.as_bytes());
    let session = match &document {
        Some(document) => document.text_of("session_id"),
        None => user.rsplit_once("_session_").map(|(_, session)| session),
    };
    session.filter(|session| !session.is_empty()).map(|session| Cow::Owned(session.to_owned()))
}

/// 128 bits are enough to tell conversations apart.
fn named(hash: &blake3::Hash) -> String {
    hash.to_hex()[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use serde_json::{Value, json};

    const CHAT: &str = "/v1/chat/completions";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair =
            |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        pairs.iter().map(pair).collect()
    }

    fn session(
        pairs: &[(&'static str, &'static str)],
        path: &str,
        body: &Value,
    ) -> Option<Session> {
        Sessions::new([1; 32]).of(&headers(pairs), path, body.to_string().as_bytes())
    }

    fn id(pairs: &[(&'static str, &'static str)], body: &Value) -> String {
        session(pairs, CHAT, body).unwrap().id
    }

    fn chat(turns: &[(&str, &str)]) -> Value {
        let turn = |(role, text): &(&str, &str)| json!({"role": role, "content": text});
        json!({"messages": turns.iter().map(turn).collect::<Vec<_>>()})
    }

    #[test]
    fn what_a_caller_says_is_taken_in_order() {
        let user = "user_ab12_account_9f-1_session_6b1c-0d";
        let mut body = json!({"metadata": {"session_id": "m", "user_id": user},
            "conversation": {"id": "c"}, "prompt_cache_key": "k", "previous_response_id": "p",
            "safety_identifier": "s"});
        assert_eq!(id(&[("x-transom-session", "a"), ("x-session-id", "b")], &body), "a");
        assert_eq!(id(&[("x-session-id", " b ")], &body), "b");
        assert_eq!(id(&[("session-id", "b")], &body), "b");
        assert_eq!(id(&[("session_id", "b")], &body), "b");
        assert_eq!(id(&[("session-id", "")], &body), "m");
        let mut next = |name: &str| {
            body.as_object_mut().unwrap().remove(name);
            session(&[], CHAT, &body).map(|session| session.id)
        };
        assert_eq!(next("nothing").unwrap(), "m");
        assert_eq!(next("metadata").unwrap(), "c");
        assert_eq!(next("conversation").unwrap(), "k");
        assert_eq!(next("prompt_cache_key").unwrap(), "p");
        assert_eq!(next("previous_response_id"), None);
        assert_eq!(id(&[], &json!({"conversation": "plain"})), "plain");
    }

    #[test]
    fn the_session_of_claude_code_is_found_in_either_form() {
        let plain = json!({"metadata": {"user_id": "user_ab12_account_9f-1_session_6b1c-0d"}});
        assert_eq!(id(&[], &plain), "6b1c-0d");
        let document = json!({"device_id": "d", "session_id": "6b1c-0d"}).to_string();
        assert_eq!(id(&[], &json!({"metadata": {"user_id": document}})), "6b1c-0d");
        assert_eq!(session(&[], CHAT, &json!({"metadata": {"user_id": "jane"}})), None);
    }

    #[test]
    fn an_id_that_could_be_anything_is_hashed() {
        for text in ["jane@example.com", "a b", "\u{e9}", &"x".repeat(65)] {
            let hashed = id(&[], &json!({"prompt_cache_key": text}));
            assert!(hashed.len() == 32 && hashed.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let other = Sessions::new([2; 32]);
            let body = json!({"prompt_cache_key": text}).to_string();
            assert_ne!(other.of(&HeaderMap::new(), CHAT, body.as_bytes()).unwrap().id, hashed);
        }
    }

    #[test]
    fn the_turns_of_a_conversation_have_one_id_and_are_counted() {
        let mut turns = vec![("system", "Be kind."), ("user", "Hi")];
        let first = session(&[], CHAT, &chat(&turns)).unwrap();
        turns.extend([("assistant", "Yes?"), ("user", "Why?")]);
        let second = session(&[], CHAT, &chat(&turns)).unwrap();
        turns.extend([("assistant", ""), ("tool", "42"), ("tool", "43")]);
        let third = session(&[], CHAT, &chat(&turns)).unwrap();
        assert_eq!((first.turn, second.turn, third.turn), (0, 1, 2));
        assert!(first.id == second.id && second.id == third.id);
        assert!(!first.id.contains("Hi") && first.id.len() == 32);
    }

    #[test]
    fn other_words_and_other_callers_are_other_conversations() {
        let body = chat(&[("system", "Be kind."), ("user", "Hi")]);
        let others = [
            id(&[], &chat(&[("system", "Be kind."), ("user", "Ho")])),
            id(&[], &chat(&[("system", "Be brief."), ("user", "Hi")])),
            id(&[], &chat(&[("system", "Be kind.Hi"), ("user", "")])),
            id(&[("authorization", "Bearer a")], &body),
            id(&[("x-api-key", "a")], &body),
        ];
        assert!(others.iter().all(|other| *other != id(&[], &body)), "{others:?}");
    }

    #[test]
    fn what_is_no_conversation_has_none_unless_it_says_so() {
        assert_eq!(session(&[], "/v1/embeddings", &json!({"input": "Hi"})), None);
        assert_eq!(session(&[], "/v1/completions", &json!({"prompt": "Hi"})), None);
        assert_eq!(session(&[], "/x", &chat(&[("user", "Hi")])), None);
        assert_eq!(session(&[], CHAT, &chat(&[("assistant", "Hi")])), None);
        let said = session(&[("x-session-id", "s")], "/x", &json!(1)).unwrap();
        assert_eq!(said, Session { id: "s".into(), turn: 0 });
        assert_eq!(Sessions::new([1; 32]).of(&HeaderMap::new(), CHAT, b"\xff{"), None);
    }
}
