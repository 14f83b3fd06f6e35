//! What is taken out of an exchange before anything of it is written down.
//!
//! | file | owns |
//! |---|---|
//! | `known` | the patterns with a name of their own, one file a kind |
//! | `finder` | all rules for texts, compiled, and what becomes of finds that overlap |
//! | `sieve` | tells most texts that have nothing in them from others |
//! | `pointer` | rules that name a place in a document |
//! | `body` | how a body is read: `document` for JSON, `stream` for events, or as a text |
//! | `channels` | texts that come in pieces, one piece an event |
//! | `view`, `escape`, `edits`, `json` | the tools: what a text means and where it stands |
//! | `marker` | what stands in the place of what was taken out |
//! | `headers`, `query` | which headers are kept, and credentials in URLs |
//! | `edge`, `cut` | bodies that are not there, or not kept, to their end |
//!
//! What it does not see: what stands in another encoding than the text around it, as a document
//! in base64 or tokens by their numbers, and what is a secret only to those who know. Must not
//! know: which exchanges are captured, or where they go.

mod body;
mod channels;
mod cut;
mod document;
mod edge;
mod edits;
mod error;
mod escape;
mod finder;
mod headers;
mod json;
mod known;
mod marker;
mod pointer;
mod query;
mod scan;
mod sieve;
mod stream;
#[cfg(test)]
mod tests;
mod view;

pub use cut::{NO_DIGEST, cut};
pub use error::{BadRule, BadRuleReason};
pub use scan::Counts;

use crate::capture::{Content, Exchange, Message, RedactionSettings};
use body::{Glance, Read};
use bytes::Bytes;
use edge::Edge;
use finder::{CREDENTIAL, Finder, UNREADABLE};
use headers::AllowList;
use http::{HeaderMap, HeaderValue};
use pointer::Pointers;

/// Larger bodies are worth a look of their own.
const SMALL_BODY: usize = 16 * 1024;
/// Bytes that all texts of most exchanges fit into.
const USUAL_TEXTS: usize = 4 * 1024;

/// Takes out of exchanges what their settings say. Cheap to share, and the same for all
/// routes.
#[derive(Debug)]
pub struct Redactor {
    rules: Rules,
    headers: AllowList,
}

/// The rules for bodies and other texts.
#[derive(Debug)]
struct Rules {
    finder: Finder,
    pointers: Pointers,
}

impl Redactor {
    /// Compiles the rules. Headers of the settings that carry a credential are overlooked.
    ///
    /// # Errors
    /// When a rule of the operator's cannot be followed; it is named.
    pub fn new(settings: &RedactionSettings) -> Result<Self, BadRule> {
        let rules =
            Rules { finder: Finder::new(settings)?, pointers: Pointers::new(&settings.rules)? };
        Ok(Self { rules, headers: AllowList::new(&settings.headers) })
    }

    /// Takes everything out of an exchange that the rules find, in place, and counts it in
    /// `exchange.redactions`. Bodies in which nothing is found are not copied. Once more
    /// changes nothing more.
    ///
    /// A body that came cut, before anybody could search all of it, loses the end of what
    /// was kept: half a secret may stand there. A body that cannot be read, because it is
    /// compressed or no text, loses all of it but its length. So bodies are given whole and
    /// cut afterwards, with [`cut`].
    pub fn apply(&self, exchange: &mut Exchange) {
        self.strip(exchange);
        self.apply_to_kept(exchange);
    }

    /// The same for an exchange whose headers are those that are [kept](Self::kept).
    pub fn apply_to_kept(&self, exchange: &mut Exchange) {
        self.strip_path(exchange);
        let glance = self.glance(exchange);
        let mut counts = std::mem::take(&mut exchange.redactions);
        let answer = exchange.answer.as_mut().map(|answer| &mut answer.message);
        for message in std::iter::once(&mut exchange.request).chain(answer) {
            let Message { headers, body } = message;
            // The headers say how the body is to be read: they are as they were.
            *body = self.body(std::mem::take(body), headers, glance, &mut counts);
        }
        if glance == Glance::NotTaken {
            self.texts(exchange, &mut counts);
        }
        exchange.redactions = counts;
    }

    /// Takes out of an exchange what is never written down, whatever its route says: headers
    /// that are not on the list, and credentials in the query of its path.
    pub fn strip(&self, exchange: &mut Exchange) {
        self.headers.strip(&mut exchange.request.headers);
        if let Some(answer) = &mut exchange.answer {
            self.headers.strip(&mut answer.message.headers);
        }
        self.strip_path(exchange);
    }

    /// Those of `headers` that may be written down.
    pub fn kept(&self, headers: &HeaderMap) -> HeaderMap {
        self.headers.keep(headers)
    }

    /// Takes the credentials out of the query of an exchange's path.
    pub fn strip_path(&self, exchange: &mut Exchange) {
        if let Some((path, count)) = query::strip(&exchange.call.path) {
            exchange.call.path = path;
            *exchange.redactions.entry(CREDENTIAL.to_owned()).or_default() += count;
        }
    }

    /// One look at all texts of an exchange together, and at its bodies if they are small: for
    /// each by itself takes longer than what there is to see is worth.
    fn glance(&self, exchange: &Exchange) -> Glance {
        let Exchange { request, answer, call, .. } = exchange;
        let mut together = Vec::with_capacity(USUAL_TEXTS);
        // No pattern goes across the end of a line, and none is less at the beginning of one.
        let mut add = |text: &[u8]| {
            together.extend_from_slice(text);
            together.push(b'\n');
        };
        for message in [Some(request), answer.as_ref().map(|it| &it.message)].into_iter().flatten()
        {
            for value in message.headers.values() {
                if value.to_str().is_err() {
                    return Glance::NotTaken;
                }
                // An answer repeats the id that it was given.
                if exchange.request_id.as_ref().is_none_or(|id| value != id) {
                    add(value.as_bytes());
                }
            }
            match message.body.kept() {
                Some(body) if body.len() > SMALL_BODY => return Glance::NotTaken,
                body => add(body.map_or(&[][..], |body| body)),
            }
        }
        add(call.path.as_bytes());
        let said = [&call.model_asked, &call.model_sent, &call.model_answered];
        let said = said.into_iter().chain([&exchange.request_id, &exchange.error]);
        let errors = exchange.attempts.iter().map(|attempt| &attempt.error);
        said.chain(errors).flatten().for_each(|text| add(text.as_bytes()));
        exchange.session.iter().for_each(|session| add(session.id.as_bytes()));
        if self.rules.finder.is_plainly_clean(together) { Glance::Clean } else { Glance::NotTaken }
    }

    /// Takes everything that the rules find out of the texts of an exchange that are no bodies.
    fn texts(&self, exchange: &mut Exchange, counts: &mut Counts) {
        self.values(&mut exchange.request.headers, counts);
        if let Some(answer) = &mut exchange.answer {
            self.values(&mut answer.message.headers, counts);
        }
        let call = &mut exchange.call;
        let said = [
            &mut call.model_asked,
            &mut call.model_sent,
            &mut call.model_answered,
            &mut exchange.request_id,
            &mut exchange.error,
        ];
        let errors = exchange.attempts.iter_mut().map(|attempt| &mut attempt.error);
        let said = said.into_iter().chain(errors).flatten();
        for text in said.chain([&mut call.path]) {
            if let Some(redacted) = self.text(text, counts) {
                *text = redacted;
            }
        }
        // All conversations whose id was a secret would become one.
        let session = exchange.session.take();
        exchange.session = session.filter(|session| self.text(&session.id, counts).is_none());
    }

    /// Takes everything out of a message that the rules find.
    pub fn message(&self, message: &mut Message, counts: &mut Counts) {
        // The headers say how the body is to be read, so they come last.
        let body = std::mem::take(&mut message.body);
        message.body = self.content(body, &message.headers, counts);
        self.headers(&mut message.headers, counts);
    }

    /// The body of a message with these headers, without what the rules find.
    pub fn content(&self, content: Content, headers: &HeaderMap, counts: &mut Counts) -> Content {
        self.body(content, headers, Glance::NotTaken, counts)
    }

    fn body(
        &self,
        content: Content,
        headers: &HeaderMap,
        glance: Glance,
        counts: &mut Counts,
    ) -> Content {
        let (bytes, edge) = match &content {
            Content::Unknown | Content::Shape(_) => return content,
            Content::Whole(bytes) => (bytes, Edge::Whole),
            Content::Cut { kept, .. } => (kept, Edge::Cut),
        };
        match (body::read(&self.rules, headers, (bytes, edge), glance, counts), &content) {
            (Read::Changed(kept), Content::Cut { length, digest, .. }) => {
                Content::Cut { kept, length: *length, digest: *digest }
            }
            (Read::Changed(bytes), _) => Content::Whole(bytes),
            (Read::Unreadable, _) => {
                *counts.entry(UNREADABLE.to_owned()).or_default() += 1;
                let length = content.length().unwrap_or_default();
                Content::Cut { kept: Bytes::new(), length, digest: NO_DIGEST }
            }
            (Read::Clean, _) => content,
        }
    }

    /// Removes the headers that are not kept, and what the rules find in the others.
    pub fn headers(&self, headers: &mut HeaderMap, counts: &mut Counts) {
        self.headers.strip(headers);
        self.values(headers, counts);
    }

    fn values(&self, headers: &mut HeaderMap, counts: &mut Counts) {
        for value in headers.values_mut() {
            // Bytes beyond ASCII have no meaning there (RFC 9110 §5.5).
            let redacted = match value.to_str() {
                Ok(text) => self.text(text, counts),
                Err(_) => Some(String::new()),
            };
            if let Some(redacted) = redacted {
                *value = HeaderValue::try_from(redacted).unwrap_or(HeaderValue::from_static(""));
            }
        }
    }

    /// A path with its query, without credentials and what the rules find; `None` when nothing
    /// was.
    pub fn path(&self, path: &str, counts: &mut Counts) -> Option<String> {
        let stripped = query::strip(path).map(|(path, count)| {
            *counts.entry(CREDENTIAL.to_owned()).or_default() += count;
            path
        });
        let redacted = self.text(stripped.as_deref().unwrap_or(path), counts);
        redacted.or(stripped)
    }

    /// A short text without what the rules find; `None` when nothing was.
    pub fn text(&self, text: &str, counts: &mut Counts) -> Option<String> {
        let finds = self.rules.finder.find(text);
        if finds.is_empty() {
            return None;
        }
        let mut redacted = String::with_capacity(text.len());
        let mut done = 0;
        for find in finds {
            redacted.push_str(&text[done..find.place.start]);
            redacted.push_str(&marker::of(find.rule));
            *counts.entry(find.rule.to_owned()).or_default() += 1;
            done = find.place.end;
        }
        redacted.push_str(&text[done..]);
        Some(redacted)
    }
}
